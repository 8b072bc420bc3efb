"""Tokens that can be believed."""

import pytest

from shared.adapters.openai.usage import Tokens, tokens
from shared.llm.port import CompletionRequest, Message

#: 400 characters read, and a limit of 1,000 tokens.
REQUEST = CompletionRequest((Message(role="user", content="x" * 400),), "m", max_output_tokens=1_000)
ESTIMATED = Tokens(100, 20, 0)


@pytest.mark.parametrize(
    "usage",
    [None, {}, [], "many", {"prompt_tokens": None, "completion_tokens": None}, {"prompt_tokens": -5}]
    + [{"prompt_tokens": value, "completion_tokens": value} for value in ("12", True, float("nan"), float("inf"), [])],
)
def test_what_is_no_count_is_estimated(usage: object) -> None:
    assert tokens(usage, REQUEST, written=80) == ESTIMATED


def test_counts_are_taken_and_floats_too() -> None:
    assert tokens({"prompt_tokens": 90.0, "completion_tokens": 15}, REQUEST, 80) == Tokens(90, 15, 0)


def test_a_count_beyond_belief_is_bounded() -> None:
    used = tokens({"prompt_tokens": 2**63, "completion_tokens": 2**63}, REQUEST, 80)
    assert used.input < 10_000
    assert used.output < 10_000


@pytest.mark.parametrize(
    "usage",
    [
        {"prompt_tokens": 90, "prompt_tokens_details": {"cached_tokens": 64}},
        {"prompt_tokens": 90, "prompt_cache_hit_tokens": 64},
        {"prompt_tokens": 90, "cache_read_input_tokens": 64},
    ],
)
def test_cached_tokens_are_found(usage: dict[str, object]) -> None:
    assert tokens(usage, REQUEST, 80).cached == 64


def test_cached_tokens_are_never_more_than_the_input() -> None:
    assert tokens({"prompt_tokens": 90, "prompt_cache_hit_tokens": 5_000}, REQUEST, 80).cached == 90


@pytest.mark.parametrize(
    ("completion", "total", "output"),
    [(500, 590, 500), (20, 590, 520), (20, 110, 520), (500, 1_090, 1_000)],
)
def test_thinking_counts_whether_or_not_it_is_among_the_answers_tokens(
    completion: int, total: int, output: int
) -> None:
    usage = {
        "prompt_tokens": 90,
        "completion_tokens": completion,
        "total_tokens": total,
        "completion_tokens_details": {"reasoning_tokens": 500},
    }
    assert tokens(usage, REQUEST, 80).output == output
