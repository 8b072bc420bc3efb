"""`writing.write_document`: write one document as a file."""

from pathlib import PurePath

from shared.actions.action import Action
from shared.actions.background import background
from shared.actions.context import ActionContext
from shared.actions.naming import file_name
from shared.actions.reporting import excerpt
from shared.llm.fences import unfenced
from shared.llm.whole import UnfinishedAnswer
from shared.swarm.outcomes import ArtifactDraft, Fail, Terminate

_INSTRUCTIONS = (
    "Write the document that the directive asks for, in Markdown unless the file it names is of another kind, ready to "
    "be read by its audience. Use the facts you were given and invent none. Be concrete and as short as the purpose "
    "allows. Answer with the document alone."
)
_SUFFIXES = (".md", ".txt", ".markdown", ".rst", ".html")
#: Text of other kinds, where a file of theirs is plainly asked for.
# fmt: off
_OTHERS = (
    ".htm", ".csv", ".tsv", ".json", ".jsonl", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".xml", ".svg",
    ".css", ".sql", ".tex", ".bib", ".sh", ".js", ".ts",
)
# fmt: on
#: What is not listed goes out as plain text, pages and pictures too: no browser shall run what a model wrote.
_MEDIA_TYPES = {".md": "text/markdown", ".markdown": "text/markdown", ".csv": "text/csv", ".json": "application/json"}
#: What a fence around a whole document may be called, beside the ending of its file.
_FENCES = frozenset({"", "markdown", "md", "text", "txt", "plaintext"})


async def perform(ctx: ActionContext) -> Terminate | Fail:
    """Write it, and report with the beginning of the text; one that could not be finished is handed over as such."""
    name = file_name(ctx.node.directive, _SUFFIXES, ctx.handed_over, _OTHERS)
    cut = ""
    try:
        text = await ctx.model.write("write_document", _INSTRUCTIONS, await background(ctx))
    except UnfinishedAnswer as error:
        text, cut = error.text, error.reason
    content = unfenced(text, _FENCES | {PurePath(name).suffix.removeprefix(".")}).strip()
    if not content:
        return Fail(reason=f"The model wrote an empty document: {cut}" if cut else "The model wrote an empty document.")
    artifact = ArtifactDraft(
        name=name,
        media_type=_MEDIA_TYPES.get(PurePath(name).suffix, "text/plain"),
        content=content + "\n",
        description=ctx.node.directive[:200],
    )
    unfinished = f" It is NOT finished: {cut}." if cut else ""
    report = f"Wrote `{name}` ({len(content.split())} words).{unfinished}\n\n{excerpt(ctx, content)}"
    return Terminate(report=report, artifacts=(artifact,), complete=not cut)


ACTION = Action(
    id="writing.write_document",
    name="write document",
    description="Write one text or Markdown document: a guide, report, letter, plan, list, summary or documentation.",
    perform=perform,
)
