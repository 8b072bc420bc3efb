"""One host as a process of its own: runs the swarms it is told to on a store that it shares, and says how they ended.

python quota_host.py SPACES MODEL_URL WORKER '[{"user": ..., "directive": ..., "after": 0}]'
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Any

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.openai import OpenAIChatModel
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.services import Services
from shared.store.tombstones import GuardedStore
from shared.tenancy import TenantContext
from shared.usecases.create_swarm import NewSwarm, create_swarm, root_ref
from shared.usecases.swarms import get_swarm
from tests.integration.swarm_world import Signals, drive

LIMITS = {"nodes": 2_000, "calls": 20_000, "tokens": 20_000_000, "fan_out": 32, "wall_seconds": 300}


async def main(spaces: str, model_url: str, worker: str, swarms: str) -> None:
    """Run every swarm, and print a line of JSON for each as it ends."""
    settings = Settings(check_plans=False, fan_out=32, spaces_dir=Path(spaces))
    store = GuardedStore(SqliteStore(settings.spaces_dir))
    blobs = FilesystemBlobs(settings.spaces_dir)
    model = OpenAIChatModel(model_url, "not-a-secret")
    services = Services(store, blobs, settings, bootstrap.action_space(), connect_model=lambda: model, worker=worker)
    print("ready", flush=True)  # noqa: T201 - its parent reads this
    try:
        await asyncio.gather(*(run(services, **one) for one in json.loads(swarms)))
    finally:
        await model.close()
        await store.close()


async def run(services: Services, user: str, directive: str, after: float) -> None:
    """Create one swarm after a while and drive it to its end."""
    await asyncio.sleep(after)
    begun = time.monotonic()
    tenant = TenantContext(user)
    new = NewSwarm.model_validate({"directive": directive, "limits": LIMITS})
    swarm = await create_swarm(services, tenant, Signals(), new)
    await drive(services, root_ref(tenant.space(swarm.swarm_id)))
    ended = await get_swarm(services, tenant, swarm.swarm_id)
    told: dict[str, Any] = {"user": user, "status": ended.status, "nodes": ended.nodes, "calls": ended.usage.calls}
    told |= {"seconds": time.monotonic() - begun, "at": time.time()}
    print(json.dumps(told), flush=True)  # noqa: T201 - as above


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
