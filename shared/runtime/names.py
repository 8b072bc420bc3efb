"""Names of orchestrators and activities, instance ids and wake events, in one place that infra tests read."""

from hashlib import blake2b

from shared.swarm.control import Command, Control
from shared.swarm.node import NodeRef

RUN_SWARM = "run_swarm"
RUN_NODE = "run_node"
BEGIN_SWARM = "begin_swarm"
ADVANCE_NODE = "advance_node"
FAIL_NODE = "fail_node"
FINISH_SWARM = "finish_swarm"


def _instance_id(*parts: str | int) -> str:
    return blake2b("/".join(map(str, parts)).encode(), digest_size=16).hexdigest()


def node_instance(ref: NodeRef) -> str:
    """The orchestration instance that drives a node: 32 hex digits, always the same for the same node."""
    return _instance_id("node", ref.user_id, ref.swarm_id, ref.node_id, ref.generation)


def swarm_instance(root: NodeRef) -> str:
    """The orchestration instance that drives a swarm as a whole."""
    return _instance_id("swarm", root.user_id, root.swarm_id, root.generation)


def answered_event(turn: int) -> str:
    """Wakes a node that waits for the answers to its questions of a turn."""
    return f"answered-{turn}"


def resumed_event(pauses: int) -> str:
    """Wakes the nodes that found their swarm paused for the n-th time."""
    return f"resumed-{pauses}"


def branch_resumed_event(pause: int) -> str:
    """Wakes the nodes that found their branch paused, by its number among the pauses of the swarm's branches."""
    return f"branch-resumed-{pause}"


def pause_ends(control: Control, node_id: str) -> str:
    """Return the event for which a node waits that is to pause."""
    if control.command is Command.PAUSE:
        return resumed_event(control.pauses)
    return branch_resumed_event(max(control.pausing(node_id), default=0))


def wake_events(control: Control, node_id: str) -> tuple[str, ...]:
    """Return every event for which a node may wait that found itself paused."""
    of_branches = tuple(branch_resumed_event(pause) for pause in control.paused_before(node_id))
    return (resumed_event(control.pauses), *of_branches) if control.pauses else of_branches
