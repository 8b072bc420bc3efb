"""The session of one advance of a node: everything that its work reads and writes through."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Self

from shared.node.branches import Branch, load_branches
from shared.node.claim import NodeClaim
from shared.node.journal import NodeJournal
from shared.services import Services
from shared.store.nodes import Nodes
from shared.swarm.node import NodeRef, SwarmNode
from shared.swarm.swarm import Swarm
from shared.types import SpaceKey


@dataclass
class NodeSession:
    """One node while an activity advances it: the services, its swarm, and the claim on its document."""

    services: Services
    ref: NodeRef
    nodes: Nodes
    swarm: Swarm
    claim: NodeClaim
    #: Whether the node never worked before, so that it has no journal to read.
    fresh: bool = False
    #: The node's children where they were read in this advance and have not changed since.
    _branches: Sequence[Branch] | None = field(default=None, repr=False)

    @classmethod
    async def open(cls, services: Services, ref: NodeRef) -> Self:
        """Load the node and its swarm; raises `NotFound`."""
        nodes = services.nodes(ref.space)
        claim = NodeClaim(services, ref, nodes, await nodes.load(ref.node_id))
        return cls(services, ref, nodes, await services.load_swarm(ref.space), claim)

    @property
    def node(self) -> SwarmNode:
        """The node as it was last written."""
        return self.claim.node

    @property
    def space(self) -> SpaceKey:
        """The swarm space the node lies in."""
        return self.ref.space

    def now(self) -> datetime:
        """Return the present time."""
        return self.services.now()

    async def journal(self) -> NodeJournal:
        """Read the node's journal."""
        return await NodeJournal.open(self.services, self.space, self.node, fresh=self.fresh)

    async def branches(self) -> Sequence[Branch]:
        """Return the node's children, read unless `remember` was told of them."""
        return self._branches if self._branches is not None else await self.load_branches()

    async def load_branches(self) -> Sequence[Branch]:
        """Read the node's children; a router whose child has ended is ended with it."""
        return await load_branches(self.nodes, self.node, self.now())

    def remember(self, branches: Sequence[Branch]) -> None:
        """Reuse children that have all ended, and so need no second reading."""
        self._branches = branches

    def forget(self) -> None:
        """Read the journal and the children anew from now on: the node worked meanwhile."""
        self.fresh, self._branches = False, None
