"""`writing.write_document`: write one document as a file."""

import re

from shared.actions.background import background
from shared.actions.context import ActionContext
from shared.actions.naming import file_name
from shared.llm.prompting import clip
from shared.swarm.outcomes import ArtifactDraft, Fail, Outcome, Terminate

ACTION_ID = "writing.write_document"

_INSTRUCTIONS = (
    "Write the document that the directive asks for, in Markdown, ready to be read by its audience. Use the facts you "
    "were given and invent none. Be concrete and as short as the purpose allows. Answer with the document alone."
)
_SUFFIXES = (".md", ".txt", ".markdown", ".rst", ".html")
_FENCE = re.compile(r"\A\s*```[a-z]*\n(.*?)\n```\s*\Z", re.DOTALL)


async def perform(ctx: ActionContext) -> Outcome:
    """Write it in one answer, and report with the beginning of the text."""
    text = await ctx.model.write("write_document", _INSTRUCTIONS, await background(ctx))
    fenced = _FENCE.match(text)
    content = (fenced.group(1) if fenced else text).strip()
    if not content:
        return Fail(reason="The model wrote an empty document.")
    name = file_name(ctx.node.directive, _SUFFIXES, ctx.handed_over)
    artifact = ArtifactDraft(
        name=name, media_type="text/markdown", content=content + "\n", description=ctx.node.directive[:200]
    )
    report = f"Wrote `{name}` ({len(content.split())} words).\n\n{clip(content, 300)}"
    return Terminate(report=report, artifacts=(artifact,))
