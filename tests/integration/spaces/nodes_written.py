"""Node trees written into a store as they are while a swarm runs."""

from datetime import UTC, datetime
from typing import Any

from spaces_stores import SPACE

from shared.store.documents import Documents
from shared.store.port import Category, Store
from shared.swarm.birth import MANAGER_ID, ROUTER_ID
from shared.swarm.budget import Lease
from shared.swarm.node import SwarmNode
from shared.swarm.statuses import Status
from shared.swarm.swarm import Artifact

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def node(node_id: str, *children: str, **fields: Any) -> SwarmNode:
    """A node that waits for its children, or that acts if it has none."""
    told = {
        "node_id": node_id,
        "parent_id": node_id.rpartition(".")[0] or None,
        "children_ids": tuple(f"{node_id}.{child}" for child in children),
        "action_id": MANAGER_ID if children else "writing.write_document",
        "directive": f"Do {node_id}",
        "status": Status.WAITING if children else Status.ACTING,
        "lease": Lease(),
    }
    return SwarmNode.model_validate(told | fields)


def ended(node_id: str, *children: str, **fields: Any) -> SwarmNode:
    """A node that has left its report."""
    return node(node_id, *children, **{"status": Status.TERMINATED, "report": f"Did {node_id}."} | fields)


def router(node_id: str, *children: str, **fields: Any) -> SwarmNode:
    """A router, searching if it has no child."""
    told = {"action_id": ROUTER_ID, "status": Status.WAITING if children else Status.ROUTING}
    return node(node_id, *children, **told | fields)


def artifact(artifact_id: str, name: str, media_type: str = "text/markdown", **fields: Any) -> Artifact:
    """An artifact with its content in its document."""
    told = {
        "artifact_id": artifact_id,
        "node_id": artifact_id.rpartition("-")[0],
        "name": name,
        "media_type": media_type,
        "description": f"What {name} is.",
        "size": 6,
        "created": NOON,
        "content": "print\n",
        "sha256": "a" * 64,
    }
    return Artifact.model_validate(told | fields)


async def write(store: Store, *documents: SwarmNode | Artifact) -> None:
    """Write nodes and artifacts, whatever was there."""
    nodes = Documents(store, Category.SWARM_STATE, SwarmNode)
    artifacts = Documents(store, Category.ARTIFACT, Artifact)
    for document in documents:
        if isinstance(document, SwarmNode):
            await nodes.write(SPACE, document.node_id, document)
        else:
            await artifacts.write(SPACE, document.artifact_id, document)


async def write_tree(store: Store) -> None:
    """A swarm in the middle of its work, with a node of every kind the views tell apart."""
    await write(
        store,
        node("0", "0", "1", "2", "3", "4", "5"),
        ended("0.0", context_id="c0", directive="Read plan.md into memory."),
        router("0.1", "0", status=Status.TERMINATED, report_of="0.1.0"),
        ended("0.1.0", artifacts=2),
        artifact("0.1.0-0", "main.py", "text/x-python"),
        artifact("0.1.0-1", "notes.md"),
        ended("0.2", "0", "1"),
        ended("0.2.0"),
        router("0.2.1", "0"),
        ended("0.2.1.0", artifacts=1),
        artifact("0.2.1.0-0", "film.bin", "video/mp4", content=None, size=99_000),
        router("0.3", status=Status.FAILED, report="There is no action for this."),
        # It is about to end: what it made and reports is written before it is committed.
        node("0.4", report="Not yet."),
        artifact("0.4-0", "draft.md"),
        node("0.5", "0", round=1, missing="the second half", directive="Do 0"),
        ended("0.5.0", status=Status.CANCELLED),
    )
