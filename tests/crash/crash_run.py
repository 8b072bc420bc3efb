"""Kill the host again and again while swarms run on it, and say what that did to them."""

import asyncio
import signal
import time
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import Any

from shared.types import SpaceKey
from tests.crash import crash_checks
from tests.crash.crash_checks import Ended, Shape
from tests.crash.crash_host import CLAIM, USER, Site

#: The fewest and the most seconds until the host is killed: from the moment it listens, or every other time from its
#: first model call.
MOMENTS = (0.1, 2.5)
#: Seconds a swarm may take to its end once nobody kills its host any more.
PATIENCE = 120.0
#: Seconds beyond the end of a dead worker's claims by which the next model call must come; the first call of a process
#: imports its client, which takes seconds on a busy machine.
SLACK = 10.0
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
class Findings:
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
    ended = await _ended(site, swarm_id)
    if found := _faults(ended, None) + site.leftovers():
        raise AssertionError("\n".join(["the undisturbed run is not sound:", *found]))
    return crash_checks.shape(ended), seconds


async def disturbed(
    site: Site, body: dict[str, Any], expected: Shape, kills: int, chance: Random, moments: tuple[float, float]
) -> Findings:
    """Run swarms until the host was killed that often while one ran, then compare each with `expected`."""
    findings = Findings()
    begun = time.monotonic()
    await site.host.start()
    delays = [chance.uniform(*moments) for _ in range(kills)]
    while delays:
        await _one_swarm(site, body, findings, delays)
    await site.host.end()
    findings.seconds = time.monotonic() - begun
    for swarm_id in findings.swarms:
        ended = await _ended(site, swarm_id)
        findings.nodes += len(ended.nodes)
        findings.faults += _faults(ended, expected)
    findings.faults += site.leftovers() + await _call_faults(site, findings)
    findings.faults += [
        f"work stood still for {stall:.1f} s after a restart" for stall in findings.stalls if stall > SLACK
    ]
    return findings


async def _one_swarm(site: Site, body: dict[str, Any], findings: Findings, delays: list[float]) -> None:
    """Run one swarm to its end, killing its host on the way after each delay; those that were used are taken out.

    What is left of a delay that outlasts the swarm counts for the next.
    """
    swarm_id = await site.create(body)
    findings.swarms.append(swarm_id)
    user = asyncio.create_task(site.attend(swarm_id))
    resumed: asyncio.Task[None] | None = None
    try:
        while delays:
            if len(findings.kills) % 2:
                await _first_call(site, user)
            begun = time.monotonic()
            await asyncio.wait({user}, timeout=delays[0])
            if user.done():
                delays[0] -= min(delays[0], time.monotonic() - begun)
                break
            if resumed is not None:
                resumed.cancel()
            resumed = await _kill(site, swarm_id, delays.pop(0), findings)
        async with asyncio.timeout(PATIENCE):
            await user
    except TimeoutError:
        findings.faults.append(f"swarm {swarm_id} has not ended within {PATIENCE:.0f} seconds")
    finally:
        user.cancel()
        if resumed is not None:
            resumed.cancel()


async def _first_call(site: Site, user: "asyncio.Task[None]") -> None:
    """Wait for the model's next call or the swarm's end.

    On a busy machine a host may take longer to its first call than it is let live; every other one is let come to it.
    """
    call = asyncio.create_task(site.next_call())
    await asyncio.wait({call, user}, return_when=asyncio.FIRST_COMPLETED)
    call.cancel()


async def _kill(site: Site, swarm_id: str, after: float, findings: Findings) -> "asyncio.Task[None]":
    await site.host.end(signal.SIGKILL)
    killed = time.monotonic()
    await asyncio.sleep(_ARRIVAL)
    journalled = frozenset([step for one in findings.swarms for step in await site.journalled(one)])
    findings.kills.append(Kill(swarm_id, after, len(site.calls()), journalled))
    await site.host.start()
    return asyncio.create_task(_watch(site, max(time.monotonic(), killed + CLAIM), findings))


async def _watch(site: Site, free: float, findings: Findings) -> None:
    """Note how long after the dead worker's claims have gone the next model call comes, or the next kill."""
    try:
        await site.next_call()
    finally:
        findings.stalls.append(max(0.0, time.monotonic() - free))


async def _call_faults(site: Site, findings: Findings) -> list[str]:
    """A step may be called again only after a kill at which its first call was not written down."""
    found: list[str] = []
    calls = site.calls()
    bounds = [0, *(kill.calls for kill in findings.kills), len(calls)]
    for life, (first, last) in enumerate(pairwise(bounds)):
        made = calls[first:last]
        journalled = findings.kills[life - 1].journalled if life else frozenset[str]()
        found += [f"{step} was called in life {life} though it was in the journal" for step in journalled & {*made}]
        found += [
            f"{step} was called {made.count(step)} times in life {life}" for step in {*made} if made.count(step) > 1
        ]
    findings.calls = len(calls)
    findings.repeated = sorted(step for step in {*calls} if calls.count(step) > 1)
    for swarm_id in findings.swarms:
        asked = {step for step in calls if step.split("/")[1] == swarm_id}
        if odd := asked ^ await site.journalled(swarm_id):
            found.append(f"called and not written down, or the other way round: {sorted(odd)}")
    return found


async def _ended(site: Site, swarm_id: str) -> Ended:
    async with site.kept.opened() as store:
        return await crash_checks.read(store, SpaceKey(USER, swarm_id))


def _faults(ended: Ended, expected: Shape | None) -> list[str]:
    found = crash_checks.faults(ended)
    if expected is not None:
        found += crash_checks.differences(expected, crash_checks.shape(ended))
    return [f"swarm {ended.swarm.swarm_id}: {fault}" for fault in found]
