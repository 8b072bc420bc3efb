"""The declaration of an action refuses what would fail only when a node performs it, and says how to mend it."""

from typing import Any

import pytest

from shared.actions.action import Action
from shared.actions.context import ActionContext, Perform
from shared.swarm.outcomes import Blocking, Fail, Outcome, Terminate


async def work(ctx: ActionContext) -> Terminate | Fail:
    return Terminate(report="Done.")


async def ask(ctx: ActionContext) -> Terminate | Blocking:
    return Blocking(questions=())


async def do_anything(ctx: ActionContext) -> Outcome:
    return Terminate(report="Done.")


async def say_nothing(ctx: ActionContext):  # type: ignore[no-untyped-def]
    return Terminate(report="Done.")


def declare(perform: Perform = work, **fields: Any) -> Action:
    return Action(**{"id": "writing.rhyme", "name": "rhyme", "description": "Rhyme.", "perform": perform, **fields})


def test_an_action_is_its_entry_in_the_action_space() -> None:
    entry = declare(ask, may_block=True, policy="clone_with_questions_answered").metadata
    assert (entry.id, entry.parent_id, entry.name, entry.kind) == ("writing.rhyme", "writing", "rhyme", "leaf")
    assert (entry.may_block, entry.is_manager, entry.termination_policy) == (
        True,
        False,
        "clone_with_questions_answered",
    )


@pytest.mark.parametrize("action_id", ["poetry.rhyme", "rhyme", "writing.", "writing"])
def test_an_action_in_a_folder_that_is_not_declared_is_refused(action_id: str) -> None:
    with pytest.raises(ValueError, match=r"declare the folder in shared/actions/folders\.py"):
        declare(id=action_id)


@pytest.mark.parametrize("perform", [ask, do_anything, say_nothing])
def test_an_action_that_may_return_blocking_says_so(perform: Perform) -> None:
    with pytest.raises(ValueError, match=r"Set may_block=True, or annotate what it does return"):
        declare(perform)


def test_an_action_that_never_blocks_does_not_say_it_may() -> None:
    with pytest.raises(ValueError, match="leave may_block out"):
        declare(work, may_block=True)


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"is_manager": True}, "a manager has the policy confirm_directive_completion"),
        ({"policy": "confirm_directive_completion"}, "only a manager has it"),
        ({"policy": "clone_with_questions_answered"}, "needs may_block"),
        ({"name": ""}, "name"),
        ({"description": " "}, "describe what it does"),
        ({"description": "long " * 100}, "description"),
    ],
)
def test_metadata_that_contradicts_itself_or_breaks_a_bound_is_refused(fields: dict[str, Any], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        declare(**fields)
