"""`reasoning.decompose_directive`: break a directive into sub-directives that can run now, in parallel."""

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, create_model

from shared.actions.action import Action
from shared.actions.background import background
from shared.actions.context import ActionContext, ActionOption
from shared.actions.naming import asked_files, named_files, renamed
from shared.llm.prompting import Example, Section
from shared.swarm.birth import MANAGER_ID
from shared.swarm.outcomes import Spawn, SubDirective

MAX_REVISIONS = 2
#: Tokens of a plan on the smallest model, and characters that a token of it surely stands for.
PLAN_TOKENS = 700
_CHARACTERS = 3
#: The most characters that a sub-directive is ever bounded to, and the fewest.
MAX_DIRECTIVE = 2_000
SHORTEST_BOUND = 300

_PLAN = (
    "You are a manager. Break the directive into at most {limit} sub-directives that can all start now and run in "
    "parallel, each by a worker who sees only its own sub-directive and the known facts. Each sub-directive is an "
    "imperative sentence, with as many more as the worker needs, that names its result (for a file: the file name, as "
    "the directive gives it). No "
    "sub-directive may need the result of another. Use as few as do the job; never repeat one. Where it is said what "
    "is still missing, plan that alone: the rest is done. Answer in JSON."
)
_CHOOSE = "For each also name the action that will carry it out, one of:\n{options}"
_EXAMPLES = (
    Example(
        "Directive:\nWrite a limerick about an owl to owl.txt.",
        '{"sub_directives": ["Write owl.txt, a limerick about an owl in five lines."]}',
    ),
    Example(
        "What is known:\n[lamp.txt] The lighthouse stands 41 m high, has two keepers and is open on Sundays."
        "\n\nDirective:\nGet the lighthouse ready for visitors: opening.md, horizon.py and climb.md.",
        '{"sub_directives": ["Write opening.md, which says when the lighthouse is open and who shows it.", '
        '"Write horizon.py, which computes how far one sees from a height in metres.", '
        '"Write climb.md, the rules for climbing the stairs of the lighthouse."]}',
    ),
    Example(
        "Directive:\nAsk me what the boat is called and where it lies, then write moorings.md about it.",
        '{"sub_directives": ["Ask the user what the boat is called and where it lies."]}',
    ),
    Example(
        "What is known:\n[What is the boat called?] Gull\n\n[Where does it lie?] At the north pier\n\n"
        "Directive:\nAsk me what the boat is called and where it lies, then write moorings.md about it.\n\n"
        "Still missing:\nNot produced: moorings.md",
        '{"sub_directives": ["Write moorings.md, which says where the boat Gull lies."]}',
    ),
)
_CHECK = (
    "You check a plan. Its sub-directives start at the same time, and every worker knows the same facts. A plan is "
    "independent unless one sub-directive works on a result that another one has yet to make. Two that write about "
    "the same facts are independent. If it is not independent, name the problem in one sentence. Answer in JSON."
)
_CHECK_EXAMPLES = (
    Example(
        "Plan:\n1. Write routes.md, a guide to the hiking routes.\n2. Translate the finished guide into French.",
        '{"independent": false, "problem": "The guide must be finished before it can be translated."}',
    ),
    Example(
        "Plan:\n1. Write routes.md, a guide to the hiking routes.\n2. Write safety.md, a list of safety rules.",
        '{"independent": true, "problem": ""}',
    ),
    Example(
        "Plan:\n1. Write tax.py, which computes the tax by the rules.\n2. Write tax.md, which explains the rules.",
        '{"independent": true, "problem": ""}',
    ),
)


class Independence(BaseModel):
    """The verdict on a plan."""

    independent: bool
    problem: str = Field(max_length=200)


@lru_cache(maxsize=64)
def _plan_model(limit: int, longest: int, action_ids: tuple[str, ...]) -> type[BaseModel]:
    """The plan's shape: at most `limit` entries of `longest` characters, which name their actions where there are any
    to name.
    """
    directive = Annotated[str, Field(min_length=1, max_length=longest)]
    entry: Any = directive
    if action_ids:
        action: Any = Literal[action_ids]
        entry = create_model("PlannedDirective", directive=(directive, ...), action=(action, ...))
    return create_model("Plan", sub_directives=(list[entry], Field(min_length=1, max_length=limit)))


async def perform(ctx: ActionContext) -> Spawn:
    """Plan, have the plan checked, revise it at most twice, and spawn a child for each sub-directive."""
    sections = [*await background(ctx), Section("Still missing", ctx.node.missing or "")]
    problem = ""
    for revision in range(MAX_REVISIONS + 1):
        children = await _plan(ctx, sections, problem)
        if not ctx.check_plan or len(children) < 2 or revision == MAX_REVISIONS:
            break
        verdict = await _check(ctx, children)
        if verdict.independent:
            break
        problem = verdict.problem
    return Spawn(children=tuple(children))


async def _plan(ctx: ActionContext, sections: list[Section], problem: str) -> list[SubDirective]:
    instructions = _PLAN.format(limit=ctx.fan_out)
    if ctx.options:
        instructions += "\n" + _CHOOSE.format(options=_listing(ctx.options))
    revised = Section("An earlier plan was refused because", problem)
    shape = _plan_model(ctx.fan_out, _longest(ctx), tuple(option.action_id for option in ctx.options))
    examples = () if ctx.options else _EXAMPLES
    plan = await ctx.model.ask(
        "decompose", instructions, [*sections, revised], shape, examples=examples, tokens=PLAN_TOKENS, effort="high"
    )
    return _as_asked(ctx, _distinct(plan.model_dump()["sub_directives"]))


def _longest(ctx: ActionContext) -> int:
    """The most characters of one sub-directive: its part of the plan, within bounds."""
    written = ctx.model.profile.visible(PLAN_TOKENS) * _CHARACTERS
    return min(max(written // ctx.fan_out, SHORTEST_BOUND), MAX_DIRECTIVE)


def _as_asked(ctx: ActionContext, children: list[SubDirective]) -> list[SubDirective]:
    """The plan, by the names of the files that were asked for.

    Its one part names the one file, should the model have called it otherwise; and a later round makes each file that
    is still not there, should the model have planned the others again.
    """
    asked = asked_files(ctx.node.directive)
    if len(asked) == len(children) == 1:
        return [children[0].model_copy(update={"directive": renamed(children[0].directive, asked[0])})]
    planned = {name for child in children for name in named_files(child.directive)}
    lacking = [name for name in ctx.not_produced if name in asked and name not in planned]
    added = [SubDirective(directive=f"Write {name}, which the goal asks for.") for name in lacking]
    return [*children[: max(ctx.fan_out - len(added), 0)], *added[: ctx.fan_out]]


def _distinct(entries: list[str | dict[str, str]]) -> list[SubDirective]:
    """The plan's entries without repetitions."""
    children: dict[str, SubDirective] = {}
    for entry in entries:
        directive, action = (entry, None) if isinstance(entry, str) else (entry["directive"], entry["action"])
        children.setdefault(" ".join(directive.lower().split()), SubDirective(directive=directive, action_id=action))
    return list(children.values())


def _listing(options: tuple[ActionOption, ...]) -> str:
    return "\n".join(f"- {option.action_id}: {option.description}" for option in options)


async def _check(ctx: ActionContext, children: list[SubDirective]) -> Independence:
    plan = "\n".join(f"{number}. {child.directive}" for number, child in enumerate(children, 1))
    return await ctx.model.ask(
        "check_plan", _CHECK, [Section("Plan", plan)], Independence, examples=_CHECK_EXAMPLES, tokens=120, effort="low"
    )


ACTION = Action(
    id=MANAGER_ID,
    name="decompose directive",
    description="Break a directive that is too big for one worker into parts that run in parallel, and manage them.",
    perform=perform,
    policy="confirm_directive_completion",
    is_manager=True,
)
