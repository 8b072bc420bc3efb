"""What users do while swarms run: answer what they are asked, and look on as a user interface does, with a watch."""

import asyncio
import json
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

#: Requests that one who looks on makes a second, all users together.
RATE = 20.0
#: Requests that may be under way before the watch gives up: the host is far behind.
MAX_OPEN = 2_000
#: Seconds between two looks of a user at their swarms.
_LOOK = 2.0
#: Swarms on one page, which are all that a user has here.
PAGE = 200


@dataclass
class Account:
    """One user, and their swarms by the mark of each."""

    session: aiohttp.ClientSession
    url: str
    user_id: str
    key: str
    swarms: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, path: str, body: Any = None) -> bytes:
        """What `/api/v1/{path}` answers; raises `aiohttp.ClientResponseError` for what is no success."""
        headers = {"Authorization": f"Bearer {self.key}"}
        async with self.session.request(method, f"{self.url}/api/v1/{path}", json=body, headers=headers) as reply:
            reply.raise_for_status()
            return await reply.read()

    async def get(self, path: str) -> Any:
        """What is at a path, read as JSON."""
        return json.loads(await self.ask("GET", path))

    async def create(self, mark: str, body: dict[str, Any]) -> None:
        """Start a swarm."""
        self.swarms[mark] = json.loads(await self.ask("POST", "swarms", body))["swarm_id"]

    async def attend(self) -> None:
        """Answer questions until all swarms have ended."""
        answered: set[str] = set()
        while running := await self._running():
            for mark, swarm_id in self.swarms.items():
                if swarm_id in running - answered and await self._answer(mark, swarm_id):
                    answered.add(swarm_id)
            await asyncio.sleep(_LOOK)

    async def _running(self) -> set[str]:
        listed = (await self.get(f"swarms?limit={PAGE}"))["items"]
        return {item["swarm_id"] for item in listed if item["status"] == "running"}

    async def _answer(self, mark: str, swarm_id: str) -> bool:
        for question in (await self.get(f"swarms/{swarm_id}/questions"))["items"]:
            if question["state"] == "open":
                place = f"swarms/{swarm_id}/questions/{question['question_id']}/answer"
                await self.ask("POST", place, {"answer": f"Call it what you like, {mark}."})
                return True
        return False


class Watch:
    """Asks for one thing after another at a steady rate, whether or not the last has come, and keeps the times.

    A time counts from the moment the request was due: a host that stands still is not asked less for it.
    """

    def __init__(self, rate: float = RATE) -> None:
        self._rate = rate
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self.faults: list[str] = []
        self._frames: dict[str, int] = defaultdict(int)

    async def look(self, accounts: Sequence[Account], until: asyncio.Event) -> None:
        """Look at the swarms of users in turn until told to stop."""
        open_: set[asyncio.Task[None]] = set()
        begun, number = time.monotonic(), 0
        while not until.is_set() and len(open_) < MAX_OPEN:
            due = begun + number / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            task = asyncio.create_task(self._one(accounts, number, due))
            open_.add(task)
            task.add_done_callback(open_.discard)
            number += 1
        if len(open_) >= MAX_OPEN:
            self.faults.append(f"{MAX_OPEN} requests were under way at once")
        await asyncio.gather(*open_)

    async def _one(self, accounts: Sequence[Account], number: int, due: float) -> None:
        kinds = ("list swarms", "swarm", "tree", "events", "node", "usage", "quotas")
        turn, kind = number // len(kinds), kinds[number % len(kinds)]
        account = accounts[turn % len(accounts)]
        swarm_ids = list(account.swarms.values())
        if not swarm_ids:
            return
        swarm_id = swarm_ids[turn // len(accounts) % len(swarm_ids)]
        try:
            await self._ask(account, kind, swarm_id)
        except Exception as error:  # noqa: BLE001  nobody waits for this task: what it does not note is lost
            self.faults.append(f"{kind} of {account.user_id}: {type(error).__name__} {error}")
        else:
            self.seconds[kind].append(time.monotonic() - due)

    async def _ask(self, account: Account, kind: str, swarm_id: str) -> None:
        place = f"swarms/{swarm_id}"
        paths = {
            "list swarms": "swarms?limit=50",
            "swarm": place,
            "tree": f"{place}/tree",
            "events": f"{place}/events?after={self._frames[swarm_id]}",
            "node": f"{place}/nodes/0",
            "usage": f"{place}/usage",
            "quotas": "quotas",
        }
        found = await account.get(paths[kind])
        if kind == "events":
            self._frames[swarm_id] = max(self._frames[swarm_id], found["frame"])
