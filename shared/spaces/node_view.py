"""What a swarm's nodes were told, reported and made, as memory folders computed from the node tree.

Nothing is written for it and nothing copied: a folder is read from the node documents when somebody looks at it.
`{view}.{node_id}` is the folder of a node that has children; in it lies what the node itself left, then each child: as
a folder if it has children, else as its leaves. Routers are folded away, the node that acts stands in their place.
Nodes that absorb the context are left out, since what they leave are memories. A folder may turn out empty.
"""

import asyncio
import re
from collections.abc import Sequence
from itertools import islice
from typing import Literal, cast

from shared.spaces.metadata import (
    MAX_DESCRIPTION,
    MAX_INLINE_BYTES,
    MAX_NAME,
    MemoryMetadata,
    MemoryType,
    SpaceEntry,
    folder,
    one_line,
)
from shared.store.documents import Documents
from shared.store.port import Category, Store
from shared.swarm.node import ROOT_ID, SwarmNode
from shared.swarm.swarm import Artifact
from shared.types import SpaceKey

View = Literal["reports", "directives", "projects"]

#: What stands before a node's directive in the name of its folder's contents, for each view.
_CONTENTS: dict[View, str] = {"reports": "Reports on", "directives": "Directives of", "projects": "What was made for"}
#: The most children of a node that a look reads, the latest: a plan, a continuation and the context's absorbers.
_MAX_CHILDREN = 64
#: The most artifacts that a look reads.
_MAX_ARTIFACTS = 96
#: The most ended nodes that are kept for the next look.
_MAX_KEPT = 256

_NODE = r"[0-9]+(?:\.[0-9]+)*"
_FOLDER = re.compile(rf"(reports|directives|projects)\.({_NODE})")
_LEAF = re.compile(rf"({_NODE})-(report|directive|a(0|[1-9][0-9]*))")
_TYPES: dict[str, MemoryType] = {
    "text/x-python": "code",
    "text/markdown": "markdown",
    "text/csv": "csv",
    "application/json": "json",
}


def report_id(node_id: str) -> str:
    """The id of a node's report as a memory."""
    return f"{node_id}-report"


def directive_id(node_id: str) -> str:
    """The id of a node's directive as a memory."""
    return f"{node_id}-directive"


def artifact_memory_id(node_id: str, ordinal: int) -> str:
    """The id of a node's n-th artifact as a memory: not the artifact's own, which a stored memory may have too."""
    return f"{node_id}-a{ordinal}"


def is_view(folder_id: str) -> bool:
    """Whether a folder's listing is computed from the nodes, in whole or in part."""
    return folder_id in _CONTENTS or _FOLDER.fullmatch(folder_id) is not None


class NodeView:
    """The views of one swarm's nodes; for one caller and a short while, as ended nodes are read only once."""

    def __init__(self, store: Store, space: SpaceKey) -> None:
        self._space = space
        self._documents = Documents(store, Category.SWARM_STATE, SwarmNode)
        self._artifacts = Documents(store, Category.ARTIFACT, Artifact)
        self._ended: dict[str, SwarmNode] = {}

    def owns(self, entry_id: str) -> bool:
        """Whether an id is one of those the views give out, be there such a node or not; reads nothing."""
        return _FOLDER.fullmatch(entry_id) is not None or _LEAF.fullmatch(entry_id) is not None

    async def get(self, entry_id: str) -> SpaceEntry | None:
        """The folder of a node that has children, or a leaf with its content; at most 3 reads."""
        if named := _FOLDER.fullmatch(entry_id):
            node = await self._node(named[2])
            return await self._get_folder(cast(View, named[1]), node) if node and _has_folder(node) else None
        if named := _LEAF.fullmatch(entry_id):
            node = await self._node(named[1])
            return await self._get_leaf(node, named[2]) if node else None
        return None

    async def children(self, folder_id: str) -> list[SpaceEntry]:
        """The cards in a view's folder: those of folders, then of leaves, each in the order of the nodes.

        Reads the node, its children and what its routers spawned; for `projects` the artifacts listed too.
        """
        named = _FOLDER.fullmatch(folder_id)
        view = cast(View, named[1] if named else folder_id)
        node = await self._node(named[2] if named else ROOT_ID)
        if node is None or view not in _CONTENTS or (named and not _has_folder(node)):
            return []
        nodes = await self._acting(node) if named else [node]
        folders = [_folder(view, child, folder_id) for child in nodes if _has_folder(child)]
        leaving = [child for child in nodes if not _has_folder(child)]
        leaves = await self._leaves(view, [node, *leaving] if named else leaving, folder_id)
        return [*folders, *(leaf.card() for leaf in leaves)]

    async def _get_folder(self, view: View, node: SwarmNode) -> SpaceEntry:
        return _folder(view, node, await self._above(view, node))

    async def _get_leaf(self, node: SwarmNode, what: str) -> MemoryMetadata | None:
        if what == "report":
            return _report(node, await self._holder("reports", node))
        if what == "directive":
            return _directive(node, await self._holder("directives", node))
        return await self._made(node, int(what[1:]), await self._holder("projects", node))

    async def _holder(self, view: View, node: SwarmNode) -> str:
        """The folder that a node's leaves lie in."""
        return f"{view}.{node.node_id}" if _has_folder(node) else await self._above(view, node)

    async def _above(self, view: View, node: SwarmNode) -> str:
        """The folder of the node that manages this one."""
        parent = await self._node(node.parent_id) if node.parent_id else None
        if parent is not None and parent.is_router and parent.parent_id:
            return f"{view}.{parent.parent_id}"
        return f"{view}.{parent.node_id}" if parent else view

    async def _acting(self, manager: SwarmNode) -> list[SwarmNode]:
        """The nodes that act for a node's children; a router that found none stands for itself."""
        read = await asyncio.gather(*(self._actor(child_id) for child_id in manager.children_ids[-_MAX_CHILDREN:]))
        return [node for node in read if node is not None and node.context_id is None]

    async def _actor(self, node_id: str) -> SwarmNode | None:
        node = await self._node(node_id)
        if node is None or not node.is_router or not node.children_ids:
            return node
        return await self._node(node.children_ids[-1])

    async def _leaves(self, view: View, nodes: Sequence[SwarmNode], folder_id: str) -> list[MemoryMetadata]:
        """What nodes left, as far as it lies in one folder."""
        if view == "projects":
            made = ((node, ordinal) for node in nodes for ordinal in range(node.artifacts))
            reads = (self._made(node, ordinal, folder_id) for node, ordinal in islice(made, _MAX_ARTIFACTS))
            found: Sequence[MemoryMetadata | None] = await asyncio.gather(*reads)
        elif view == "reports":
            # A manager adopts its continuation's report; listed twice, a search would find the same text twice.
            found = [_report(node, folder_id) for node in nodes if not _continues(node)]
        else:
            found = [_directive(node, folder_id) for node in nodes]
        return [leaf for leaf in found if leaf is not None]

    async def _made(self, node: SwarmNode, ordinal: int, folder_id: str) -> MemoryMetadata | None:
        held = await self._artifacts.find(self._space, f"{node.node_id}-{ordinal}")
        if held is None or ordinal >= node.artifacts:
            return None
        artifact, inline = held.doc, held.doc.content is not None
        return MemoryMetadata(
            id=artifact_memory_id(node.node_id, ordinal),
            name=one_line(artifact.name, MAX_NAME) or artifact.artifact_id,
            description=one_line(artifact.description or node.directive, MAX_DESCRIPTION),
            parent_id=folder_id,
            type=_TYPES.get(artifact.media_type, "document"),
            content=artifact.content,
            blob_sha256=None if inline else artifact.sha256,
            blob_size=None if inline else artifact.size,
            node_id=node.node_id,
            created=artifact.created,
        )

    async def _node(self, node_id: str) -> SwarmNode | None:
        """A node as it was last written; one that has ended never moves again and is read once."""
        if node_id in self._ended:
            return self._ended[node_id]
        held = await self._documents.find(self._space, node_id)
        if held is None:
            return None
        if not held.doc.alive and len(self._ended) < _MAX_KEPT:
            self._ended[node_id] = held.doc.evolve(outbox=None)
        return held.doc


def _has_folder(node: SwarmNode) -> bool:
    return bool(node.children_ids) and not node.is_router


def _continues(node: SwarmNode) -> bool:
    return node.round > 0 and node.missing is not None


def _folder(view: View, node: SwarmNode, parent_id: str) -> SpaceEntry:
    told = _told(node)
    return folder(f"{view}.{node.node_id}", _name(node, told), f"{_CONTENTS[view]}: {told}", parent_id)


def _report(node: SwarmNode, folder_id: str) -> MemoryMetadata | None:
    if node.alive or not node.report:
        return None
    told = one_line(f"{one_line(node.directive, 150)} - {node.report[:1_000]}", MAX_DESCRIPTION)
    return _leaf(report_id(node.node_id), node, "report", told, node.report, folder_id)


def _directive(node: SwarmNode, folder_id: str) -> MemoryMetadata:
    told = _told(node)
    return _leaf(directive_id(node.node_id), node, "directive", one_line(told, MAX_DESCRIPTION), told, folder_id)


def _leaf(
    entry_id: str, node: SwarmNode, kind: MemoryType, description: str, content: str, folder_id: str
) -> MemoryMetadata:
    return MemoryMetadata(
        id=entry_id,
        name=_name(node, _told(node)),
        description=description,
        parent_id=folder_id,
        type=kind,
        content=content.encode()[:MAX_INLINE_BYTES].decode(errors="ignore"),
        node_id=node.node_id,
    )


def _told(node: SwarmNode) -> str:
    """A node's directive; a continuation has its manager's, and what is still missing tells the two apart."""
    return f"Still missing: {node.missing}\n\n{node.directive}" if _continues(node) else node.directive


def _name(node: SwarmNode, told: str) -> str:
    return one_line(told, MAX_NAME) or f"Node {node.node_id}"
