"""Commits of nodes while others read them."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.sqlite import SqliteStore
from shared.errors import Conflict
from shared.store import Category
from shared.store.nodes import Nodes
from shared.swarm.budget import Lease
from shared.swarm.node import SwarmNode
from shared.swarm.statuses import Operation, Status
from shared.swarm.transitions import transition
from shared.types import SpaceKey

SPACE = SpaceKey("ada", "swarm")
NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Watched(SqliteStore):
    """A store in which somebody loads the node right before one write of it."""

    #: Writes of the node until then; None for never.
    until: int | None = None

    async def put(self, space: SpaceKey, category: Category, key: str, value: str, **more: Any) -> str:
        if category is Category.SWARM_STATE and self.until is not None:
            self.until -= 1
            if not self.until:
                self.until = None
                await Nodes(self, space).load(key)
        return await super().put(space, category, key, value, **more)


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Watched]:
    store = Watched(tmp_path)
    yield store
    await store.close()


async def test_a_commit_whose_outbox_a_reader_finished_first_holds(store: Watched) -> None:
    nodes = Nodes(store, SPACE)
    await nodes.create(SwarmNode(node_id="0", parent_id=None, action_id="a", directive="d", lease=Lease(nodes=1)))
    held = await nodes.load("0")
    store.until = 2  # the transition, and then the dropping of its outbox
    await nodes.commit(held, transition(held.node, Operation.TERMINATE, Status.CANCELLED, NOW, report="Stopped."))
    assert (held.node.status, held.node.outbox) == (Status.CANCELLED, None)
    found = await nodes.load("0")
    assert (found.node, found.etag) == (held.node, held.etag)
    assert store.until is None


async def test_a_commit_on_an_old_version_does_nothing(store: Watched) -> None:
    nodes = Nodes(store, SPACE)
    await nodes.create(SwarmNode(node_id="0", parent_id=None, action_id="a", directive="d", lease=Lease(nodes=1)))
    old, new = await nodes.load("0"), await nodes.load("0")
    await nodes.rewrite(new, new.node.evolve(waited=1.0))
    ended = transition(old.node, Operation.TERMINATE, Status.CANCELLED, NOW, report="Stopped.")
    with pytest.raises(Conflict):
        await nodes.commit(old, ended)
    assert (await nodes.load("0")).node.status is Status.PENDING
