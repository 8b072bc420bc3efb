"""Two hosts on one store: a user's ceiling holds over both, and a crowd of theirs does not keep others waiting."""

import asyncio
import json
import os
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from local.scripted import Call, Reply, ScriptedModel
from shared.adapters.sqlite import SqliteStore
from shared.store.catalog import Users
from shared.tenancy.quotas import Quotas
from shared.tenancy.users import User
from shared.types import utc_now
from tests.crash import crash_script

ROOT = Path(__file__).parents[3]
#: Ada's calls at once, over both hosts.
CEILING = 6
#: Sub-directives of Ada's roots and of each manager below: with the routers nearly five hundred nodes on each host.
WIDE, DEEP = 15, 15


class CountingModel(ScriptedModel):
    """Also counts the calls in flight of each user."""

    def __init__(self) -> None:
        super().__init__(crash_script.rule, latency=0.04)
        self.now: Counter[str] = Counter()
        self.most: Counter[str] = Counter()

    async def _answer(self, request: web.BaseRequest, call: Call, reply: Reply) -> web.StreamResponse:
        user = call.step.split("/")[0]
        self.now[user] += 1
        self.most[user] = max(self.most[user], self.now[user])
        try:
            return await super()._answer(request, call, reply)
        finally:
            self.now[user] -= 1


async def host(spaces: Path, url: str, worker: str, swarms: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run one host to its end; what it says of its swarms."""
    script, pipe = Path(__file__).with_name("quota_host.py"), asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, str(script), str(spaces), url, worker, json.dumps(swarms)),
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=pipe,
        stderr=pipe,
    )
    try:
        async with asyncio.timeout(90):
            said, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()[-4_000:]
    return [json.loads(line) for line in said.decode().splitlines()[1:]]


async def test_a_ceiling_holds_over_two_hosts_and_another_users_swarm_is_not_starved(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path)
    user = User(user_id="ada", name="Ada", created=utc_now(), quotas=Quotas(calls_at_once=CEILING, nodes=100_000))
    await Users(store).create(user)
    await store.close()
    crowd = crash_script.both(*(crash_script.both(*(f"Write {m}-{n}.md" for n in range(DEEP))) for m in range(WIDE)))
    few = [f"Write {n}.md" for n in range(4)]
    small = crash_script.both(*few, crash_script.both(*few))
    large = {"user": "ada", "directive": crowd, "after": 0.0}
    bobs = {"user": "bob", "directive": small, "after": 2.0}
    async with CountingModel() as model:
        first, second = await asyncio.gather(
            host(tmp_path, model.base_url, "one", [large]),
            host(tmp_path, model.base_url, "two", [large, bobs]),
        )
    told = {(one["user"], number): one for number, said in enumerate((first, second)) for one in said}
    print(json.dumps({"most": model.most, "told": list(told.values())}, indent=1))  # noqa: T201 - shown with -s
    assert {one["status"] for one in told.values()} == {"completed"}
    assert told["ada", 0]["nodes"] == told["ada", 1]["nodes"] == 1 + WIDE + WIDE * DEEP
    assert model.most["ada"] == CEILING
    bob = told["bob", 1]
    assert bob["at"] < min(told["ada", 0]["at"], told["ada", 1]["at"])  # all of it in the middle of Ada's crowd
    assert bob["seconds"] < told["ada", 1]["seconds"] / 2
