"""What the control document says of a node."""

from datetime import UTC, datetime, timedelta

from shared.swarm.control import RUNNING, Command, Control

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


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


def test_the_seconds_of_every_pause_add_up_however_often_it_is_told() -> None:
    """What the wall time is put off by."""
    control = RUNNING
    for minute in (0, 10):
        start = NOON + timedelta(minutes=minute)
        for again in (0, 20):
            control = control.pause(start + timedelta(seconds=again))
        assert (control.command, control.pauses) == (Command.PAUSE, 1 + minute // 10)
        for again in (30, 50):
            control = control.run(start + timedelta(seconds=again))
        assert control.command is Command.RUN
    assert control.paused == 60.0
    assert control.paused_since is None


def test_a_clock_that_goes_back_takes_no_time_away() -> None:
    control = RUNNING.pause(NOON).run(NOON - timedelta(seconds=5))
    assert control.paused == 0.0
