"""What each built-in action makes of the model's answers. The model here answers from a list; no wire is involved."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from pydantic import BaseModel

from shared.actions.coding import write_python
from shared.actions.communication import ask_user_questions
from shared.actions.context import ActionContext, ActionOption, ChildEnding, ChildReport, Recalled
from shared.actions.memory import save_memory, search_memory
from shared.actions.reasoning import decompose_directive, determine_unknown_requirements, review_reports
from shared.actions.writing import write_document
from shared.llm.port import Message
from shared.llm.prompting import Example, Section
from shared.llm.schema import strict_schema
from shared.spaces.metadata import MemoryMetadata
from shared.swarm.birth import MANAGER_ID, root_node
from shared.swarm.budget import Limits
from shared.swarm.outcomes import Blocking, Fail, Spawn, Terminate
from shared.swarm.swarm import ContextDoc, QuestionDoc, QuestionState, Swarm

NOW = datetime(2026, 1, 1, tzinfo=UTC)
T = TypeVar("T", bound=BaseModel)


class Answers:
    """A model that answers from a list and keeps what it was asked; every output model must make a strict schema."""

    def __init__(self, *answers: Any) -> None:
        self.rest = list(answers)
        self.asked: list[tuple[str, str]] = []

    async def ask(
        self,
        purpose: str,
        instructions: str,
        sections: Sequence[Section],
        output: type[T],
        *,
        examples: Sequence[Example] = (),
        tokens: int = 600,
    ) -> T:
        strict_schema(output)
        for example in examples:
            output.model_validate_json(example.answer)
        self.asked.append((purpose, "\n".join(f"{s.title}: {s.text}" for s in sections if s.text)))
        return output.model_validate(self.rest.pop(0))

    async def ask_messages(self, purpose: str, messages: Sequence[Message], output: type[T], *, tokens: int = 200) -> T:
        raise AssertionError("no action asks so")

    async def write(
        self,
        purpose: str,
        instructions: str,
        sections: Sequence[Section],
        *,
        examples: Sequence[Example] = (),
        tokens: int | None = None,
    ) -> str:
        self.asked.append((purpose, "\n".join(f"{s.title}: {s.text}" for s in sections if s.text)))
        return str(self.rest.pop(0))


class Remembered:
    """A memory that holds what it was made with."""

    def __init__(self, *held: tuple[str, str]) -> None:
        self.held = [
            Recalled(
                MemoryMetadata(id=f"m-{n}", name=name, description="", parent_id="references", content=content), content
            )
            for n, (name, content) in enumerate(held)
        ]

    async def background(self, query: str, tokens: int) -> Sequence[Recalled]:
        return self.held

    async def search(self, question: str) -> Sequence[Recalled]:
        return self.held


def context(
    model: Answers, directive: str = "Make it", memory: Remembered | None = None, **fields: Any
) -> ActionContext:
    swarm = Swarm(swarm_id="s", user_id="u", directive="The whole goal", created=NOW)
    node = root_node(directive, Limits(), 0).evolve(missing=fields.pop("missing", None))
    return ActionContext(node=node, swarm=swarm, model=model, memory=memory or Remembered(), **fields)


def question(text: str, answer: str | None) -> QuestionDoc:
    state = QuestionState.EXPIRED if answer is None else QuestionState.ANSWERED
    return QuestionDoc(
        question_id="0-0.0", node_id="0", turn=0, question=text, assumption="blue", state=state, asked=NOW,
        deadline=NOW, answer=answer,
    )  # fmt: skip


def plan(*directives: str) -> dict[str, Any]:
    return {"sub_directives": list(directives)}


GOOD = {"independent": True, "problem": ""}


async def test_a_plan_that_holds_becomes_children_for_routers() -> None:
    outcome = await decompose_directive.perform(context(Answers(plan("Write a.md", "Write b.py"), GOOD)))
    assert isinstance(outcome, Spawn)
    assert [(c.directive, c.action_id) for c in outcome.children] == [("Write a.md", None), ("Write b.py", None)]


async def test_a_plan_whose_parts_depend_on_each_other_is_revised_with_the_problem_named() -> None:
    bad = {"independent": False, "problem": "2 needs 1"}
    model = Answers(plan("a", "b"), bad, plan("a", "c"), GOOD)
    outcome = await decompose_directive.perform(context(model))
    assert isinstance(outcome, Spawn)
    assert [child.directive for child in outcome.children] == ["a", "c"]
    assert "2 needs 1" in model.asked[2][1]


async def test_a_plan_is_revised_at_most_twice() -> None:
    bad = {"independent": False, "problem": "2 needs 1"}
    model = Answers(plan("a", "b"), bad, plan("c", "d"), bad, plan("e", "f"))
    outcome = await decompose_directive.perform(context(model))
    assert isinstance(outcome, Spawn)
    assert [child.directive for child in outcome.children] == ["e", "f"]
    assert [purpose for purpose, _ in model.asked].count("check_plan") == 2


async def test_a_repeated_sub_directive_is_spawned_once() -> None:
    outcome = await decompose_directive.perform(context(Answers(plan("Write a", "write  A"), GOOD)))
    assert isinstance(outcome, Spawn)
    assert len(outcome.children) == 1


async def test_a_planned_action_is_one_of_those_that_were_shown() -> None:
    options = (ActionOption("writing.write_document", "Write text."),)
    planned = {"sub_directives": [{"directive": "a", "action": "writing.write_document"}]}
    outcome = await decompose_directive.perform(context(Answers(planned), options=options))
    assert isinstance(outcome, Spawn)
    assert outcome.children[0].action_id == "writing.write_document"
    unknown = {"sub_directives": [{"directive": "a", "action": "nothing.like_it"}]}
    with pytest.raises(ValueError, match="action"):
        await decompose_directive.perform(context(Answers(unknown), options=options))


async def test_a_continuation_is_told_what_is_missing() -> None:
    model = Answers(plan("a"))
    await decompose_directive.perform(context(model, missing="the appendix"))
    assert "Still missing: the appendix" in model.asked[0][1]


def child(report: str, ending: ChildEnding = "done") -> ChildReport:
    return ChildReport(node_id="0.0", directive="part", report=report, ending=ending)


async def test_a_complete_review_terminates_with_its_report() -> None:
    model = Answers({"complete": True, "missing": "", "report": "Both are written."})
    outcome = await review_reports.perform(context(model, children=(child("Wrote it"),)))
    assert outcome == Terminate(report="Both are written.")


async def test_an_incomplete_review_spawns_a_continuation_that_knows_what_is_missing() -> None:
    model = Answers({"complete": False, "missing": "b.py", "report": "a is done"})
    outcome = await review_reports.perform(context(model, children=(child("Wrote a"),)))
    assert isinstance(outcome, Spawn)
    (again,) = outcome.children
    assert (again.action_id, again.continuation, again.missing, again.directive) == (
        MANAGER_ID,
        True,
        "b.py",
        "Make it",
    )


async def test_a_review_reads_that_a_child_did_not_do_all() -> None:
    model = Answers({"complete": True, "missing": "", "report": "Well."})
    await review_reports.perform(context(model, children=(child("Half of it.", "incomplete"),)))
    assert "INCOMPLETE: Half of it." in model.asked[0][1]


async def test_a_directive_is_not_done_while_a_file_it_asks_for_is_not_there() -> None:
    model = Answers({"complete": True, "missing": "", "report": "All are written."})
    asked = "Write a.md and b.md, and leave c.py alone"
    outcome = await review_reports.perform(
        context(model, asked, children=(child("Wrote a"),), not_produced=("b.md", "c.py"))
    )
    assert isinstance(outcome, Spawn)
    assert outcome.children[0].missing == "Not produced: b.md"
    assert "nobody produced: b.md, c.py" in model.asked[0][1]


async def test_a_file_that_is_only_named_is_for_the_model_to_judge() -> None:
    model = Answers({"complete": True, "missing": "", "report": "The tests are written."})
    ctx = context(model, "Write tests for c.py", children=(child("Wrote tests"),), not_produced=("c.py",))
    assert await review_reports.perform(ctx) == Terminate(report="The tests are written.")
    assert "nobody produced: c.py" in model.asked[0][1]


async def test_the_one_part_of_a_plan_makes_the_one_file_asked_for() -> None:
    outcome = await decompose_directive.perform(context(Answers(plan("Write rain.md, a haiku.")), "Write haiku.md."))
    assert isinstance(outcome, Spawn)
    assert outcome.children[0].directive == "Write haiku.md, a haiku."


async def test_a_later_round_makes_what_is_not_there_even_if_the_model_plans_the_rest_again() -> None:
    asked = "Write a.md and b.md, and leave c.py alone"
    model = Answers(plan("Write a.md.", "Check a.md.", "Praise a.md."), GOOD)
    ctx = context(model, asked, missing="Not produced: b.md", not_produced=("b.md", "c.py"), fan_out=3)
    outcome = await decompose_directive.perform(ctx)
    assert isinstance(outcome, Spawn)
    added = "Write b.md, which the goal asks for."
    assert [child.directive for child in outcome.children] == ["Write a.md.", "Check a.md.", added]


async def test_a_review_of_nothing_but_failures_needs_no_model() -> None:
    model = Answers()
    outcome = await review_reports.perform(context(model, children=(child("No.", "failed"),)))
    assert isinstance(outcome, Spawn)
    assert model.asked == []


async def test_a_document_is_the_artifact_and_the_report_begins_it() -> None:
    model = Answers("```markdown\n# Tea\n\nHot water.\n```")
    memory = Remembered(("prices.csv", "tea,3"))
    outcome = await write_document.perform(context(model, "Write tea.md, a guide to tea", memory))
    assert isinstance(outcome, Terminate)
    assert [(a.name, a.content) for a in outcome.artifacts] == [("tea.md", "# Tea\n\nHot water.\n")]
    assert outcome.report.startswith("Wrote `tea.md`")
    assert "tea,3" in model.asked[0][1]
    assert "The whole goal" in model.asked[0][1]


@pytest.mark.parametrize(
    ("directive", "name", "media_type"),
    [
        ("Write scores.csv with a row for each player", "scores.csv", "text/csv"),
        ("Create settings.json", "settings.json", "application/json"),
        ("Write page.svg, a red dot", "page.svg", "text/plain"),
        ("Write a summary of scores.csv", "summary_scores_csv.md", "text/markdown"),
        ("Describe notes.txt", "notes.txt", "text/plain"),
    ],
)
async def test_a_document_is_of_the_kind_that_is_asked_for(directive: str, name: str, media_type: str) -> None:
    outcome = await write_document.perform(context(Answers("1,2"), directive))
    assert isinstance(outcome, Terminate)
    assert [(a.name, a.media_type) for a in outcome.artifacts] == [(name, media_type)]


async def test_an_empty_document_fails() -> None:
    assert isinstance(await write_document.perform(context(Answers("  "))), Fail)


async def test_python_is_taken_out_of_its_block() -> None:
    outcome = await write_python.perform(context(Answers("Here:\n```python\nX = 1\n```\nDone."), "Write x.py"))
    assert isinstance(outcome, Terminate)
    assert [(a.name, a.content) for a in outcome.artifacts] == [("x.py", "X = 1\n")]


async def test_python_that_does_not_compile_is_shown_its_error() -> None:
    model = Answers("```python\nX = = 1\n```", "```python\nX = 1\n```")
    assert isinstance(await write_python.perform(context(model)), Terminate)
    assert "SyntaxError" in model.asked[1][1]


async def test_python_that_never_compiles_fails_after_two_repairs() -> None:
    model = Answers(*["def ("] * 3)
    assert isinstance(await write_python.perform(context(model)), Fail)
    assert model.rest == []


async def test_questions_are_asked_once_and_then_reported_with_what_was_assumed() -> None:
    asked = {"questions": [{"question": "Which colour?", "assumption": "blue"}]}
    assert isinstance(await ask_user_questions.perform(context(Answers(asked))), Blocking)
    answers = (question("Which colour?", "red"), question("How many?", None))
    outcome = await ask_user_questions.perform(context(Answers(), answers=answers))
    assert isinstance(outcome, Terminate)
    assert "Which colour? red" in outcome.report
    assert "assume: blue" in outcome.report
    assert [(m.folder_id, m.content) for m in outcome.memories] == [("facts", "red")]


REQUIREMENTS = {
    "requirements": [
        {"requirement": "the tea", "known": "green", "question": "", "assumption": ""},
        {"requirement": "the cup", "known": "", "question": "Which cup?", "assumption": "any"},
    ]
}


async def test_only_what_nobody_else_knows_is_asked() -> None:
    outcome = await determine_unknown_requirements.perform(context(Answers(REQUIREMENTS)))
    assert isinstance(outcome, Blocking)
    assert [asked.question for asked in outcome.questions] == ["Which cup?"]


async def test_after_the_answers_the_requirements_are_reported_though_one_is_still_open() -> None:
    answers = (question("Which cup?", None),)
    outcome = await determine_unknown_requirements.perform(context(Answers(REQUIREMENTS), answers=answers))
    assert isinstance(outcome, Terminate)
    assert "the tea: green" in outcome.report


async def test_a_search_that_finds_nothing_reports_so_without_a_model() -> None:
    outcome = await search_memory.perform(context(Answers(), "Who pays?"))
    assert outcome == Terminate(report="Memory holds nothing on this: Who pays?", complete=False)


async def test_an_answer_names_the_memories_it_rests_on_and_no_others() -> None:
    model = Answers({"found": True, "answer": "Ada pays.", "memories": [2, 9]})
    outcome = await search_memory.perform(context(model, memory=Remembered(("a", "x"), ("b", "Ada pays"))))
    assert isinstance(outcome, Terminate)
    assert outcome.report == "Ada pays.\n\nMemories: m-1"


async def test_a_document_becomes_memories_of_a_bounded_size() -> None:
    text = "line\n" * 6_000
    document = ContextDoc(context_id="c", name="big.txt", type="text", size=len(text), content=text, sha256="0" * 64)
    outcome = await save_memory.perform(context(Answers({"description": "Lines."}), document=document))
    assert isinstance(outcome, Terminate)
    assert "".join(memory.content for memory in outcome.memories) == text
    assert all(len(memory.content) <= save_memory.PART_CHARS for memory in outcome.memories)
    assert outcome.memories[0].name == "big.txt (1 of 3)"


def test_no_document_makes_more_parts_than_the_bound() -> None:
    assert len(save_memory.split("x" * save_memory.PART_CHARS * 300)) == save_memory.MAX_PARTS


def test_every_example_shown_to_a_model_is_valid_json() -> None:
    for module in (decompose_directive, review_reports, save_memory):
        shown = [value for name, value in vars(module).items() if name.startswith("_") and "EXAMPLE" in name]
        assert shown
        for examples in shown:
            for example in examples if isinstance(examples, tuple) else (examples,):
                json.loads(example.answer)
