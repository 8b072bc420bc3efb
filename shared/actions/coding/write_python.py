"""`coding.write_python`: write one Python module as a file that at least compiles."""

import ast

from shared.actions.action import Action
from shared.actions.background import background
from shared.actions.context import ActionContext
from shared.actions.naming import file_name
from shared.actions.reporting import excerpt
from shared.llm.fences import blocks
from shared.llm.prompting import Section, clip
from shared.swarm.outcomes import ArtifactDraft, Fail, Terminate

MAX_REPAIRS = 2

_INSTRUCTIONS = (
    "Write the Python 3 module that the directive asks for: one complete file, standard library only, type hints, a "
    "docstring for the module and each function, no placeholders. Answer with one Python code block and nothing else."
)
#: The part of a prompt that a file with a syntax error may fill.
_TRIED_SHARE = 0.2


async def perform(ctx: ActionContext) -> Terminate | Fail:
    """Write it, and show the model its syntax error at most twice if there is one."""
    sections = await background(ctx)
    problem = ""
    for _ in range(MAX_REPAIRS + 1):
        tried = Section("Your last file did not compile; write it whole again", problem)
        code = _code(await ctx.model.write("write_python", _INSTRUCTIONS, [*sections, tried]))
        problem = _problem(code, ctx.model.share(_TRIED_SHARE))
        if not problem:
            return _done(ctx, code)
    return Fail(reason=f"No Python that compiles came of it: {problem}")


def _code(answer: str) -> str:
    """The longest code block of an answer, or all of it where there is none."""
    bodies = [block.body for block in blocks(answer)]
    return (max(bodies, key=len) if bodies else answer).strip()


def _problem(code: str, shown: int) -> str:
    """Why the code does not compile, with so many tokens of it; or an empty string."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}\n\n{clip(code, shown)}"
    return "" if tree.body else "The file was empty."


def _done(ctx: ActionContext, code: str) -> Terminate:
    name = file_name(ctx.node.directive, (".py",), ctx.handed_over)
    artifact = ArtifactDraft(
        name=name, media_type="text/x-python", content=code + "\n", description=ctx.node.directive[:200]
    )
    report = f"Wrote `{name}` ({len(code.splitlines())} lines); it compiles.\n\n{excerpt(ctx, code)}"
    return Terminate(report=report, artifacts=(artifact,))


ACTION = Action(
    id="coding.write_python",
    name="write Python",
    description="Write one Python module or script that computes, reads or transforms something.",
    perform=perform,
)
