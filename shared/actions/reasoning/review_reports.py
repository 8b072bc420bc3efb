"""`reasoning.review_reports`: judge the reports of a manager's children; finish, or say what is still missing."""

from pydantic import BaseModel, Field

from shared.actions.action import Action
from shared.actions.context import ActionContext, ChildReport
from shared.actions.naming import asked_files
from shared.llm.prompting import Example, Section, clip
from shared.swarm.birth import MANAGER_ID
from shared.swarm.outcomes import Spawn, SubDirective, Terminate

#: The part of a prompt that all reports together may fill.
_REPORTS_SHARE = 0.6
_REVIEW = (
    "You review what your workers report on your directive. `complete` is true if together they did everything that "
    "the directive asks; a worker marked FAILED did nothing, one marked INCOMPLETE not all. The user ended the work of "
    "one marked CANCELLED: it is not missing, and `report` says that it was cancelled. If something is still to "
    "be done, `missing` says what, in one or two sentences, else it is empty. `report` tells whoever gave the "
    "directive what was done and what came of it, with the names of files, in plain sentences. Answer in JSON."
)
_EXAMPLES = (
    Example(
        "Directive:\nWrite a guide to the routes and a list of safety rules.\n\n"
        "Reports:\n1. Write routes.md.\nDone: Wrote `routes.md` (40 lines).\n2. Write safety.md.\nFAILED: no answer.",
        '{"complete": false, "missing": "The list of safety rules, safety.md, was not written.", '
        '"report": "The guide routes.md is written; the safety rules are not."}',
    ),
    Example(
        "Directive:\nWrite a guide to the routes and a list of safety rules.\n\n"
        "Reports:\n1. Write routes.md.\nDone: Wrote `routes.md` (40 lines).\n2. Write safety.md.\nDone: Wrote "
        "`safety.md` (12 lines).",
        '{"complete": true, "missing": "", "report": "Both are written: routes.md describes the routes and safety.md '
        'lists the safety rules."}',
    ),
)


class Review(BaseModel):
    """The verdict on a directive."""

    complete: bool
    missing: str = Field(max_length=500)
    report: str = Field(min_length=1, max_length=2_000)


async def perform(ctx: ActionContext) -> Terminate | Spawn:
    """Terminate with a consolidated report, or spawn a continuation for what is still missing.

    Whatever the model says, a directive is not done while a file that it asks for is not there.
    """
    unmade = _unmade(ctx)
    wanted = tuple(child for child in ctx.children if child.ending != "cancelled")
    if ctx.children and not wanted:
        return Terminate(report=f"The user cancelled all of it.\n{_listing(ctx.children, 150)}", complete=False)
    if all(child.ending == "failed" for child in wanted):
        return _continuation(ctx, "Nothing was done: every attempt failed.\n" + _listing(wanted, 150), unmade)
    sections = [
        Section("Directive", ctx.node.directive),
        Section("Known to be missing before", ctx.node.missing or ""),
        Section("Reports", _listing(ctx.children, ctx.model.share(_REPORTS_SHARE) // max(1, len(ctx.children)))),
        Section("Files that the directive names and nobody produced", ", ".join(ctx.not_produced)),
    ]
    review = await ctx.model.ask("review", _REVIEW, sections, Review, examples=_EXAMPLES, tokens=700)
    if review.complete and not unmade:
        return Terminate(report=review.report)
    return _continuation(ctx, review.missing if review.complete else review.missing or review.report, unmade)


def _unmade(ctx: ActionContext) -> str:
    asked = asked_files(ctx.node.directive)
    names = [name for name in ctx.not_produced if name in asked]
    return f"Not produced: {', '.join(names)}" if names else ""


def _continuation(ctx: ActionContext, missing: str, unmade: str) -> Spawn:
    missing = "\n".join(part for part in (missing, unmade) if part)
    again = SubDirective(directive=ctx.node.directive, action_id=MANAGER_ID, continuation=True, missing=missing)
    return Spawn(children=(again,))


def _listing(children: tuple[ChildReport, ...], tokens: int) -> str:
    return "\n".join(
        f"{number}. {clip(child.directive, 80)}\n"
        f"{'Done' if child.ending == 'done' else child.ending.upper()}: {clip(child.report, tokens)}"
        for number, child in enumerate(children, 1)
    )


ACTION = Action(
    id="reasoning.review_reports",
    name="review reports",
    description="Review the reports of a manager's children.",
    perform=perform,
    offered=False,
)
