"""Python modules as artifacts that compile."""

from shared.actions.coding import write_python
from shared.swarm.outcomes import Fail, Terminate
from shared.testing import FakeModel, action_context


async def test_python_is_taken_out_of_its_block() -> None:
    outcome = await write_python.perform(action_context(FakeModel("Here:\n```python\nX = 1\n```\nDone."), "Write x.py"))
    assert isinstance(outcome, Terminate)
    assert [(a.name, a.content) for a in outcome.artifacts] == [("x.py", "X = 1\n")]


async def test_python_that_does_not_compile_is_shown_its_error() -> None:
    model = FakeModel("```python\nX = = 1\n```", "```python\nX = 1\n```")
    assert isinstance(await write_python.perform(action_context(model)), Terminate)
    assert "SyntaxError" in model.asked[1].prompt


async def test_python_that_never_compiles_fails_after_two_repairs() -> None:
    model = FakeModel(*["def ("] * 3)
    assert isinstance(await write_python.perform(action_context(model)), Fail)
    assert model.unused == 0
