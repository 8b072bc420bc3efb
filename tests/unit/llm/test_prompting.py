"""Prompts that fit their budget."""

from hypothesis import given
from hypothesis import strategies as st

from shared.llm.prompting import Example, Section, build, clip, estimate_tokens


@given(st.text(max_size=4_000), st.integers(10, 400))
def test_a_clipped_text_fits_and_keeps_head_and_tail(text: str, tokens: int) -> None:
    cut = clip(text, tokens)
    assert estimate_tokens(cut) <= tokens + 1
    if cut != text:
        assert text.startswith(cut.split("\n[... cut ...]\n")[0])
        assert text.endswith(cut.rsplit("\n[... cut ...]\n", 1)[1])


@given(st.lists(st.text(min_size=1, max_size=3_000), min_size=1, max_size=6), st.integers(300, 3_000))
def test_a_prompt_fits_its_budget_whatever_its_sections_hold(texts: list[str], budget: int) -> None:
    messages = build("Do it.", [Section(f"part {n}", text) for n, text in enumerate(texts)], budget=budget)
    assert sum(estimate_tokens(message.content) for message in messages) <= budget + 20 * len(texts)


def test_the_longest_section_is_cut_first() -> None:
    short = "the directive itself"
    messages = build("Do it.", [Section("Long", "x" * 90_000), Section("Directive", short)], budget=500)
    assert short in messages[-1].content
    assert "[... cut ...]" in messages[-1].content


def test_empty_sections_are_left_out_and_examples_come_before_the_question() -> None:
    shots = (Example("Directive:\nA", "{}"),)
    messages = build("Do it.", [Section("Known", "  "), Section("Directive", "B")], budget=500, examples=shots)
    assert [message.role for message in messages] == ["system", "user", "assistant", "user"]
    assert messages[-1].content == "Directive:\nB"
