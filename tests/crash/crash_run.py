"""Kill the host again and again while swarms run on it, and say what that did to them."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from shared.adapters.sqlite import SqliteStore
from shared.types import SpaceKey
from tests.crash import crash_checks
from tests.crash.crash_checks import Shape
from tests.crash.crash_host import CLAIM, USER, Site

#: The fewest and the most seconds from the moment the host listens until it is killed.
MOMENTS = (0.1, 2.5)
#: Seconds a swarm may take to its end once nobody kills its host any more.
PATIENCE = 120.0
#: Seconds beyond the end of a dead worker's claim by which its node must be at work again.
SLACK = 3.0
#: Seconds until a call that a killed host had sent has surely reached the model.
_ARRIVAL = 0.15


@dataclass(frozen=True)
class Kill:
    """One kill and what was stored at that moment."""

    swarm_id: str
    #: Seconds the host had listened.
    after: float
    #: Calls that the model had got from all lives until then.
    calls: int
    journalled: frozenset[str]


@dataclass
class Outcome:
    """What a run of kills came to."""

    kills: list[Kill] = field(default_factory=list)
    swarms: list[str] = field(default_factory=list)
    #: Steps that the model was asked more than once.
    repeated: list[str] = field(default_factory=list)
    calls: int = 0
    nodes: int = 0
    #: Seconds from the end of a dead worker's claim, or from the restart if that was later, to the next model call.
    stalls: list[float] = field(default_factory=list)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)


async def undisturbed(site: Site, body: dict[str, Any]) -> tuple[Shape, float]:
    """The shape of a swarm whose host lives, and how many seconds it took."""
    await site.host.start()
    begun = time.monotonic()
    swarm_id = await site.create(body)
    async with asyncio.timeout(PATIENCE):
        await site.attend(swarm_id)
    seconds = time.monotonic() - begun
    await site.host.end()
    found = await _faults(site, swarm_id, None)
    if found:
        raise AssertionError("\n".join(["the undisturbed run is not sound:", *found]))
    return crash_checks.shape(await _ended(site, swarm_id)), seconds


async def disturbed(site: Site, body: dict[str, Any], expected: Shape, kills: int, seed: int) -> Outcome:
    """Run swarms until the host was killed that often while one ran, then compare each with `expected`."""
    outcome = Outcome()
    begun = time.monotonic()
    await site.host.start()
    moments = Random(seed)
    while len(outcome.kills) < kills:
        await _one_swarm(site, body, outcome, kills, moments)
    await site.host.end()
    outcome.seconds = time.monotonic() - begun
    for swarm_id in outcome.swarms:
        ended = await _ended(site, swarm_id)
        outcome.nodes += len(ended.nodes)
        outcome.faults += await _faults(site, swarm_id, expected)
    outcome.faults += site.leftovers() + _call_faults(site, outcome)
    return outcome


async def _one_swarm(site: Site, body: dict[str, Any], outcome: Outcome, kills: int, moments: Random) -> None:
    """Run one swarm to its end, killing its host on the way."""
    swarm_id = await site.create(body)
    outcome.swarms.append(swarm_id)
    user = asyncio.create_task(site.attend(swarm_id))
    try:
        while len(outcome.kills) < kills:
            delay = moments.uniform(*MOMENTS)
            await asyncio.wait({user}, timeout=delay)
            if user.done():
                break
            await _kill(site, swarm_id, delay, outcome)
        async with asyncio.timeout(PATIENCE):
            await user
    except TimeoutError:
        outcome.faults.append(f"swarm {swarm_id} has not ended within {PATIENCE:.0f} seconds")
    finally:
        user.cancel()


async def _kill(site: Site, swarm_id: str, after: float, outcome: Outcome) -> None:
    await site.host.end(signal.SIGKILL)
    killed = time.monotonic()
    await asyncio.sleep(_ARRIVAL)
    calls = len(site.calls())
    outcome.kills.append(Kill(swarm_id, after, calls, frozenset(site.journalled(swarm_id))))
    await site.host.start()
    free = max(time.monotonic(), killed + CLAIM)
    site.watch(calls, lambda: outcome.stalls.append(time.monotonic() - free))


def _call_faults(site: Site, outcome: Outcome) -> list[str]:
    """A step may be called again only after a kill at which its first call was not written down."""
    found: list[str] = []
    calls = site.calls()
    bounds = [0, *(kill.calls for kill in outcome.kills), len(calls)]
    for life, (first, last) in enumerate(zip(bounds, bounds[1:], strict=False)):
        made = calls[first:last]
        journalled = frozenset[str]().union(*(kill.journalled for kill in outcome.kills[:life]))
        found += [f"{step} was called in life {life} though it was in the journal" for step in journalled & {*made}]
        found += [f"{step} was called {made.count(step)} times in life {life}" for step in {*made} if made.count(step) > 1]
    outcome.calls = len(calls)
    outcome.repeated = sorted(step for step in {*calls} if calls.count(step) > 1)
    for swarm_id in outcome.swarms:
        mine = {step for step in calls if step.split("/")[1] == swarm_id}
        # A refused call leaves no answer to write down.
        if unwritten := mine - site.journalled(swarm_id) - _refused(mine):
            found.append(f"called and never written down: {sorted(unwritten)}")
    return found
