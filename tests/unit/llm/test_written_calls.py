"""Tool calls that a model writes into its text."""

import pytest

from shared.llm.written_calls import written_calls

NAMES = {"read_file", "write_file"}
READ = ("read_file", {"path": "a.py"})


@pytest.mark.parametrize(
    ("text", "rest"),
    [
        ('<tool_call>\n{"name": "read_file", "arguments": {"path": "a.py"}}\n</tool_call>', ""),
        ('Let me look.\n<tool_call>{"name": "read_file", "arguments": {"path": "a.py"}}', "Let me look."),
        ('[TOOL_CALLS] [{"name": "read_file", "arguments": {"path": "a.py"}}]', ""),
        ('<function=read_file>{"path": "a.py"}</function>', ""),
        ('First:\n```json\n{"tool": "read_file", "arguments": {"path": "a.py"}}\n```', "First:"),
        ('{"tool": "read_file", "arguments": {"path": "a.py"}}', ""),
        ('{"name": "read_file", "parameters": {"path": "a.py"}}', ""),
        ('{"type": "function", "function": {"name": "read_file", "arguments": "{\\"path\\": \\"a.py\\"}"}}', ""),
        ('{"tool": "read_file", "arguments": {"path": "a.py",},}', ""),
    ],
)
def test_each_way_of_writing_a_call_is_read(text: str, rest: str) -> None:
    assert written_calls(text, NAMES) == (rest, [READ])


def test_several_calls_keep_their_order() -> None:
    text = "\n".join(
        f'<tool_call>{{"name": "{name}", "arguments": {{"n": {n}}}}}</tool_call>'
        for n, name in enumerate(["write_file", "read_file", "write_file"])
    )
    assert written_calls(text, NAMES)[1] == [
        ("write_file", {"n": 0}),
        ("read_file", {"n": 1}),
        ("write_file", {"n": 2}),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "I would call read_file next.",
        '{"name": "delete_everything", "arguments": {}}',
        'The file holds {"name": "read_file", "arguments": {}} as an example.',
        '{"name": "read_file"}',
        '```json\n{"title": "no call"}\n```',
    ],
)
def test_what_is_no_call_stays_text(text: str) -> None:
    assert written_calls(text, NAMES) == (text, [])


def test_a_call_that_was_cut_off_is_not_completed() -> None:
    text = '<tool_call>{"name": "write_file", "arguments": {"path": "a.py", "text": "half'
    assert written_calls(text, NAMES, repair=False) == (text, [])
    assert written_calls(text, NAMES) == (text, [])
