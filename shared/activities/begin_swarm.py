"""`begin_swarm`: name the nodes that absorb the context, which run before the root does."""

from shared.runtime.steps import ENDED, Child, Step
from shared.services import Services
from shared.swarm.node import NodeRef


async def begin_swarm(services: Services, root: NodeRef) -> Step:
    """The nodes that absorb the context, which run before the root does."""
    async with services.unless_deleted(root.space):
        nodes = services.nodes(root.space)
        held = await nodes.load(root.node_id)
        children = await nodes.load_all(held.node.children_ids)
        absorbers = [child.node for child in children if child.node.context_id is not None and child.node.alive]
        if absorbers:
            return Step(kind="children", children=tuple(Child(node_id=n.node_id, in_one_go=True) for n in absorbers))
    return ENDED
