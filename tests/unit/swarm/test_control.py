"""What the control document says of a node."""

from shared.swarm.control import Command, Control


def test_a_subtree_is_the_node_and_what_lies_below_it() -> None:
    control = Control(subtrees={"0.1": Command.CANCEL})
    assert control.of("0.1") is Command.CANCEL
    assert control.of("0.1.4") is Command.CANCEL
    assert control.of("0.10") is Command.RUN
    assert control.of("0") is Command.RUN


def test_cancelling_outweighs_pausing_whichever_is_nearer() -> None:
    assert Control(command=Command.CANCEL, subtrees={"0.1": Command.PAUSE}).of("0.1") is Command.CANCEL
    assert Control(command=Command.PAUSE, subtrees={"0.1": Command.CANCEL}).of("0.1.2") is Command.CANCEL
    assert Control(command=Command.PAUSE).of("0.1") is Command.PAUSE
