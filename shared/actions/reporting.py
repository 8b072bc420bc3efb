"""How much of a file its report shows, for the manager that reviews it."""

from shared.actions.context import ActionContext
from shared.llm.prompting import clip

#: The part of a prompt that one file of a report may fill, and the most tokens of it.
_SHARE = 0.1
_MOST = 2_000


def excerpt(ctx: ActionContext, text: str) -> str:
    """The beginning and the end of a file, or all of it where that is short."""
    return clip(text, min(ctx.model.share(_SHARE), _MOST))
