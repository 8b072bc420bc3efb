"""Instance ids: the same for the same node, another for any other."""

import re

from shared.runtime.names import node_instance, swarm_instance
from shared.swarm.node import NodeRef

ROOT = NodeRef(user_id="u", swarm_id="s", node_id="0")


def test_an_instance_id_is_32_hex_digits_and_stays_the_same() -> None:
    assert re.fullmatch(r"[0-9a-f]{32}", node_instance(ROOT))
    assert node_instance(ROOT) == node_instance(ROOT.model_copy())


def test_no_two_nodes_share_an_instance() -> None:
    others = [
        ROOT,
        ROOT.to("0.1"),
        ROOT.model_copy(update={"user_id": "v"}),
        ROOT.model_copy(update={"swarm_id": "t"}),
        ROOT.model_copy(update={"generation": 1}),
        NodeRef(user_id="u-s", swarm_id="x", node_id="0"),
        NodeRef(user_id="u", swarm_id="s-x", node_id="0"),
    ]
    ids = [node_instance(ref) for ref in others] + [swarm_instance(ROOT)]
    assert len(set(ids)) == len(ids)
