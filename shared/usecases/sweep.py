"""The sweep: signal again what was created, answered or resumed and not picked up, and seal old gaps in history.

Every signal may be lost, since the store comes first and the signal second; this is what makes that harmless.
"""

import logging
from datetime import datetime, timedelta

from shared.errors import SwarmStarError
from shared.runtime import RunStatus, Runtime
from shared.runtime.names import answered_event
from shared.services import Services
from shared.store.catalog import Unfinished, UnfinishedSwarms
from shared.store.history import History
from shared.store.nodes import Nodes
from shared.swarm.control import Command
from shared.swarm.node import ROOT_ID
from shared.swarm.statuses import Status
from shared.swarm.swarm import QuestionState
from shared.types import SpaceKey
from shared.usecases.control import wake_blocked, wake_paused
from shared.usecases.create_swarm import root_ref
from shared.usecases.delete_swarm import go_on_deleting, remove_swarm

_log = logging.getLogger("swarmstar.sweep")

#: Seconds after which a gap in history is taken for one that its writer never fills.
SEAL_AFTER = 60.0
#: Seconds for which the signals of a resume or a cancel are repeated.
REPEAT_FOR = 180.0
#: Seconds after which a swarm that was never created whole is forgotten.
FORGET_AFTER = 3_600.0


async def sweep(services: Services, runtime: Runtime) -> int:
    """Look after every unfinished swarm once; how many there are."""
    count = 0
    async for entry in UnfinishedSwarms(services.store).all():
        count += 1
        try:
            await _look_after(services, runtime, entry)
        except (SwarmStarError, ValueError):  # one that cannot be read must not keep the others from being swept
            _log.exception("swarm %s could not be swept", entry.swarm_id)
    return count


async def _look_after(services: Services, runtime: Runtime, entry: Unfinished) -> None:
    space = SpaceKey(entry.user_id, entry.swarm_id)
    now = services.now()
    age = (now - entry.created).total_seconds()
    if age < services.settings.sweep_after:
        return
    if await go_on_deleting(services, space, age):
        await _wake_controlled(services, runtime, space, now)
        return
    root = await Nodes(services.store, space).find(ROOT_ID)
    if root is None:
        if age > FORGET_AFTER:
            await _forget(services, space)
        return
    await History(services.store, space).seal(now - timedelta(seconds=SEAL_AFTER), now)
    if await runtime.status(root_ref(space)) is not RunStatus.RUNNING:
        await runtime.start_swarm(root_ref(space))
    await _wake_answered(services, runtime, space, now)
    await _wake_controlled(services, runtime, space, now)


async def _forget(services: Services, space: SpaceKey) -> None:
    """Remove what is there of a swarm that was never created whole, the sweep's entry last."""
    await remove_swarm(services, space)
    await UnfinishedSwarms(services.store).remove(space)


async def _wake_controlled(services: Services, runtime: Runtime, space: SpaceKey, now: datetime) -> None:
    """Repeat, for a while, the signals that each late resume and cancel sent, of the swarm and of its branches."""
    control = await services.control(space)

    async def repeat(top: str, command: Command, changed: datetime | None) -> None:
        age = -1.0 if changed is None else (now - changed).total_seconds()
        if not services.settings.sweep_after <= age < services.settings.sweep_after + REPEAT_FOR:
            return
        if command is Command.CANCEL:
            await wake_blocked(services, space, runtime, top)
        if command is not Command.PAUSE:
            await wake_paused(services, space, runtime, control, top)

    await repeat(ROOT_ID, control.command, control.changed)
    for top, branch in {**control.resumed, **control.subtrees}.items():
        await repeat(top, branch.command, branch.changed)


async def _wake_answered(services: Services, runtime: Runtime, space: SpaceKey, now: datetime) -> None:
    """Wake the nodes that still wait though their questions were answered a while ago."""
    cutoff = now - timedelta(seconds=services.settings.sweep_after)
    nodes = Nodes(services.store, space)
    async for question in services.questions.all(space):
        if question.state is not QuestionState.ANSWERED or (question.answered or now) > cutoff:
            continue
        held = await nodes.find(question.node_id)
        if held is not None and held.node.status is Status.BLOCKED and held.node.turn == question.turn:
            await runtime.wake(root_ref(space).to(question.node_id), answered_event(question.turn))
