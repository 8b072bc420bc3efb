"""Nodes that a busy model told to come back much later: they leave it alone, and still notice their user."""

import pytest

from shared.activities.advance_node import advance_node
from shared.errors import ModelUnavailable
from shared.llm.port import Completion, CompletionRequest
from shared.model_calls.backoff import LONGEST, Backoffs
from shared.runtime.steps import ENDED
from shared.swarm.node import NodeRef
from shared.swarm.statuses import Status
from shared.usecases.control import cancel_swarm, pause_swarm, resume_swarm
from shared.usecases.create_swarm import root_ref
from tests.integration.swarm_world import ADA, HeldModel, Signals, World


class Busy:
    """A model that tells everybody to come back after 100 seconds, until it is let serve."""

    def __init__(self) -> None:
        self._serving = HeldModel()
        self.refused = 0
        self.serves = False

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer one request, or not."""
        if self.serves:
            return await self._serving.complete(request)
        self.refused += 1
        raise ModelUnavailable("too busy", retry_after=100.0)


@pytest.fixture
def busy(world: World, monkeypatch: pytest.MonkeyPatch) -> Busy:
    model = Busy()
    monkeypatch.setattr(world.model, "complete", model.complete)
    return model


async def begun(world: World) -> NodeRef:
    """A swarm whose root was told to come back later."""
    root = root_ref(ADA.space((await world.create()).swarm_id))
    step = await advance_node(world.services, root)
    assert (step.kind, step.seconds) == ("later", LONGEST)
    return root


async def test_a_resting_node_looks_often_and_calls_the_model_only_when_it_may(world: World, busy: Busy) -> None:
    root = await begun(world)
    for passed in range(0, 90, 15):
        world.clock.pass_(15.0)
        step = await advance_node(world.services, root)
        assert step.kind == "later"
        assert step.seconds == pytest.approx(min(LONGEST, 85 - passed), abs=1.0)
    assert busy.refused == 1
    world.clock.pass_(11.0)
    busy.serves = True
    assert (await advance_node(world.services, root)).kind == "children"


async def test_a_resting_node_is_cancelled_at_its_next_look(world: World, busy: Busy) -> None:
    root = await begun(world)
    await cancel_swarm(world.services, ADA, Signals(), root.swarm_id)
    world.clock.pass_(LONGEST)
    assert await advance_node(world.services, root) == ENDED
    assert (await world.services.nodes(root.space).load("0")).node.status is Status.CANCELLED
    assert busy.refused == 1


async def test_a_resting_node_is_paused_and_rests_on_when_it_is_resumed(world: World, busy: Busy) -> None:
    root = await begun(world)
    await pause_swarm(world.services, ADA, root.swarm_id)
    assert (await advance_node(world.services, root)).kind == "wait"
    await resume_swarm(world.services, ADA, Signals(), root.swarm_id)
    assert (await advance_node(world.services, root)).kind == "later"
    assert busy.refused == 1


def test_short_waits_are_not_kept_and_a_new_one_takes_the_place_of_the_last(world: World) -> None:
    backoffs, ref, now = Backoffs(), root_ref(ADA.space("s")), world.clock()
    assert backoffs.begin(ref, 100.0, now) == LONGEST
    assert backoffs.left(ref, now) == LONGEST
    assert backoffs.begin(ref, 2.0, now) == 2.0
    assert backoffs.left(ref, now) == 0.0
    assert backoffs.left(ref.to("0.1"), now) == 0.0
