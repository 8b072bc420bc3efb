"""Many users' swarms at once on one host, beside one swarm that had it for itself."""

import asyncio
import json
import secrets
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from shared.adapters.sqlite.folder import make_folder
from shared.tenancy.api_keys import digest
from shared.types import SpaceKey
from tests.crash import crash_checks
from tests.crash.crash_host import ROOT, Process
from tests.crash.crash_store import Keeping, leftovers
from tests.load import load_checks
from tests.load.load_checks import Seen
from tests.load.load_client import Account, Watch
from tests.load.load_model import LATENCY
from tests.load.load_script import body_of, mark_of

#: Seconds that all swarms together may take for each of them, and at least.
PATIENCE_EACH, PATIENCE = 5.0, 120.0
#: What a user of a load run may use: enough.
_QUOTAS = {"swarms": 1_000, "requests_a_minute": 100_000, "nodes": 1_000_000, "tokens_a_day": 10**10}


@dataclass(frozen=True)
class Load:
    """What to run."""

    users: int
    swarms: int
    #: The fewest and the most seconds of a model call.
    latency: tuple[float, float] = LATENCY
    #: Seconds that the idle host is looked at.
    idle: float = 10.0
    #: A fault to sow: in whose documents whose mark shall be.
    cross: tuple[str, str] | None = None
    #: The app's settings of a store that is no folder.
    store: Mapping[str, str] = field(default_factory=dict)


@dataclass
class Findings:
    """What a run came to."""

    nodes: int = 0
    calls: int = 0
    #: Seconds of the swarm that ran alone, and of all the others together.
    alone: float = 0.0
    seconds: float = 0.0
    #: Seconds of each request to create a swarm, all of them sent at once.
    creating: list[float] = field(default_factory=list)
    idle: Watch = field(default_factory=Watch)
    busy: Watch = field(default_factory=Watch)
    #: MiB and seconds of the host's process; None where the system does not tell.
    peak: float | None = None
    cpu: float | None = None
    faults: list[str] = field(default_factory=list)


@dataclass
class Place:
    """A deployment that lets many users in, and its model."""

    folder: Path
    host: Process
    session: aiohttp.ClientSession
    admin: Account
    kept: Keeping
    seen: Path

    async def account(self, name: str) -> Account:
        """A new user with a key."""
        made = json.loads(await self.admin.ask("POST", "admin/users", {"name": name, "quotas": _QUOTAS}))
        user_id = made["user_id"]
        key = json.loads(await self.admin.ask("POST", f"admin/users/{user_id}/keys", {"name": "load"}))["key"]
        return Account(self.session, self.host.url, user_id, key)

    async def stored(self, accounts: list[Account]) -> AsyncIterator[tuple[str, crash_checks.Ended]]:
        """All that is stored of every swarm, by its mark."""
        async with self.kept.opened() as store:
            for account in accounts:
                for mark, swarm_id in account.swarms.items():
                    yield mark, await crash_checks.read(store, SpaceKey(account.user_id, swarm_id))


@asynccontextmanager
async def place(folder: Path, load: Load) -> AsyncIterator[Place]:
    """A deployment whose processes end with it."""
    make_folder(folder)
    seen, kept, admin_key = folder / "seen.jsonl", Keeping(folder / "spaces", load.store), secrets.token_urlsafe(32)
    latency = ("--latency", *map(str, load.latency))
    cross = () if load.cross is None else ("--cross", *load.cross)
    model = Process(folder / "model.log", "tests.load.load_model", "--seen", str(seen), *latency, *cross)
    await model.start()
    host = Process(
        folder / "host.log",
        *("local.host", "--root", str(ROOT), "--port", "0", "--state", str(folder / "host.db")),
        *("--log-level", "WARNING"),
        SWARMSTAR_MODEL_BASE_URL=f"{model.url}/v1",
        SWARMSTAR_MODEL_API_KEY="scripted",
        SWARMSTAR_LOCAL_USER="",
        SWARMSTAR_ADMIN_KEY_SHA256=digest(f"admin.{admin_key}"),
        SWARMSTAR_SPACES_DIR=str(kept.spaces),
        TASKHUB_NAME="load",
        **load.store,
    )
    timeout, connector = aiohttp.ClientTimeout(total=60), aiohttp.TCPConnector(limit=0)
    try:
        async with aiohttp.ClientSession(timeout=timeout, connector=connector) as session:
            await host.start()
            admin = Account(session, host.url, "admin", f"admin.{admin_key}")
            yield Place(folder, host, session, admin, kept, seen)
    finally:
        await host.end()
        await model.end()


async def run(folder: Path, load: Load) -> Findings:
    """Run one swarm alone, look at the idle host, run all others at once, and check everything."""
    findings = Findings()
    async with place(folder, load) as site:
        alone = await site.account("user 0")
        findings.alone = await _timed(_swarms(alone, 0, 1, []))
        await _looked_on(findings.idle, [alone], asyncio.sleep(load.idle))
        accounts = [await site.account(f"user {number}") for number in range(1, load.users + 1)]
        everything = (_swarms(one, n, load.swarms, findings.creating) for n, one in enumerate(accounts, 1))
        findings.seconds = await _timed(_looked_on(findings.busy, accounts, _all(load, everything)))
        findings.faults += findings.idle.faults + findings.busy.faults
        await _check_answers(site, [alone, *accounts], findings)
        findings.peak, findings.cpu = _process(site.host.pid)
        await site.host.end()
        findings.faults += leftovers(folder / "host.db", folder / "copy") + _logged(folder / "host.log")
        await _check_store(site, alone, accounts, findings)
    return findings


async def _timed(work: Any) -> float:
    begun = time.monotonic()
    await work
    return time.monotonic() - begun


async def _all(load: Load, everything: Any) -> None:
    async with asyncio.timeout(PATIENCE + PATIENCE_EACH * load.users * load.swarms), asyncio.TaskGroup() as tasks:
        for work in everything:
            tasks.create_task(work)


async def _swarms(account: Account, user: int, swarms: int, creating: list[float]) -> None:
    """Start a user's swarms at once, and be that user until all have ended."""

    async def create(mark: str) -> None:
        creating.append(await _timed(account.create(mark, body_of(mark))))

    await asyncio.gather(*(create(mark_of(user, swarm)) for swarm in range(swarms)))
    await account.attend()


async def _looked_on(watch: Watch, accounts: list[Account], work: Any) -> None:
    """Do work while somebody looks on."""
    done = asyncio.Event()
    looking = asyncio.create_task(watch.look(accounts, done))
    try:
        await work
    finally:
        done.set()
        await looking


async def _check_answers(site: Place, accounts: list[Account], findings: Findings) -> None:
    """What the model saw, and what each user's key shows; nobody's key shows another's swarm."""
    marks = {(one.user_id, swarm_id): mark for one in accounts for mark, swarm_id in one.swarms.items()}
    seen = Seen(site.seen.read_text().splitlines())
    findings.faults += seen.faults(marks)
    findings.calls = len(seen.calls)
    counted = seen.used()
    for account, other in zip(accounts, [*accounts[1:], accounts[0]], strict=True):
        findings.faults += await load_checks.account_faults(account, counted)
        findings.faults += await _intrusion(account, other)


async def _intrusion(account: Account, other: Account) -> list[str]:
    place = f"swarms/{min(other.swarms.values())}"
    try:
        await account.ask("GET", place)
    except aiohttp.ClientResponseError as refused:
        return [] if refused.status == 404 else [f"{place} answers another user with {refused.status}"]
    return [f"{account.user_id} can look at {place}"]


async def _check_store(site: Place, alone: Account, accounts: list[Account], findings: Findings) -> None:
    async for mark, ended in site.stored([alone]):
        findings.faults += load_checks.reference_faults(ended, mark)
        findings.nodes += len(ended.nodes)
        reference = load_checks.plain_shape(ended)
    async for mark, ended in site.stored(accounts):
        findings.nodes += len(ended.nodes)
        findings.faults += load_checks.stored_faults(ended, mark, reference)


def _logged(log: Path) -> list[str]:
    """What the host found worth a warning or an error."""
    return [f"the host logged: {line[:300]}" for line in log.read_text(errors="replace").splitlines()[:20]]


def _process(pid: int | None) -> tuple[float | None, float | None]:
    """The peak memory of a process in MiB, and the seconds of processor time it took."""
    if pid is None or sys.platform != "linux":
        return None, None
    status = Path(f"/proc/{pid}/status").read_text()
    peak = next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return peak / 1024, (int(fields[11]) + int(fields[12])) / 100
