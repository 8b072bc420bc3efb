"""Fences around what a model was asked for."""

import pytest

from shared.llm.fences import blocks, unfenced

KINDS = {"", "markdown", "md"}


@pytest.mark.parametrize(
    ("text", "file"),
    [
        ("# Title\n\nText.", "# Title\n\nText."),
        ("```markdown\n# Title\n```", "# Title"),
        ("````markdown title=x\n# Title\n\n```sh\nmake\n```\n````", "# Title\n\n```sh\nmake\n```"),
        ("```markdown\n# Title\n\n```sh\nmake\n```\n\nDone.\n```", "# Title\n\n```sh\nmake\n```\n\nDone."),
        (
            "Here it is:\n\n```md\n# Title\n\nA text that is long enough.\n```\nEnjoy!",
            "# Title\n\nA text that is long enough.",
        ),
        ("~~~\n# Title\n~~~", "# Title"),
        # Blocks of another kind, and long words around one, belong to the document.
        ("# Title\n\n```sh\nmake test\n```\n", "# Title\n\n```sh\nmake test\n```\n"),
        ("# Title\n\nA long introduction.\n\n```\nx\n```", "# Title\n\nA long introduction.\n\n```\nx\n```"),
    ],
)
def test_the_fence_around_a_file_is_taken_off_and_no_other(text: str, file: str) -> None:
    assert unfenced(text, KINDS) == file


@pytest.mark.parametrize(
    ("text", "bodies"),
    [
        ("```python\nx = 1\n```", ["x = 1"]),
        ("````python title=\"a b\"\nx = '```'\n```\n````", ["x = '```'\n```"]),
        ("```py\na\n```\nand\n```\nb\n", ["a", "b"]),
        ("no fence", []),
        ("inline ```code``` stays", []),
    ],
)
def test_blocks_are_found_with_any_fence(text: str, bodies: list[str]) -> None:
    assert [block.body for block in blocks(text)] == bodies
