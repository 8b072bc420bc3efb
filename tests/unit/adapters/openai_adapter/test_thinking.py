"""What a model thought, taken off its text."""

import pytest

from shared.adapters.openai.thinking import spoken


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("plain", "plain"),
        ('<think>draft {"a": 1}</think>\n{"a": 2}', '{"a": 2}'),
        ("<think>one</think>two</think>three", "three"),
        ("  <Thinking>x</thinking> y", "y"),
        ("<think>it never ends", ""),
        ("opened by the template\n</think>\n\nanswer", "answer"),
        ('a draft</think>{"a": 1}', '{"a": 1}'),
        ("A model writes `</think>` when it is done.", "A model writes `</think>` when it is done."),
        ("Use <think> and\n</think>\nto think.", "Use <think> and\n</think>\nto think."),
    ],
)
def test_only_the_answer_is_left(text: str, left: str) -> None:
    assert spoken(text) == left
