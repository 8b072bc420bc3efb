"""What the control document says of a node."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.errors import Conflict
from shared.runtime.names import pause_ends, wake_events
from shared.swarm.control import MAX_BRANCHES, RUNNING, Command, Control

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_branch_is_the_node_and_what_lies_below_it() -> None:
    control = RUNNING.cancel_branch("0.1", NOON)
    assert control.of("0.1") is Command.CANCEL
    assert control.of("0.1.4") is Command.CANCEL
    assert control.of("0.10") is Command.RUN
    assert control.of("0") is Command.RUN


def test_cancelling_outweighs_pausing_whichever_is_nearer() -> None:
    assert RUNNING.pause_branch("0.1", NOON).cancel(NOON).of("0.1") is Command.CANCEL
    assert RUNNING.cancel_branch("0.1", NOON).pause(NOON).of("0.1.2") is Command.CANCEL
    assert RUNNING.pause_branch("0.1.2", NOON).cancel_branch("0.1", NOON).of("0.1.2") is Command.CANCEL
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


def test_a_resume_removes_the_branch_and_leaves_the_others() -> None:
    control = RUNNING.pause_branch("0.1", NOON).pause_branch("0.2", NOON).resume_branch("0.1", NOON)
    assert control.subtrees.keys() == {"0.2"}
    assert (control.of("0.1.0"), control.of("0.2.0")) == (Command.RUN, Command.PAUSE)
    assert control.resume_branch("0.1", NOON) == control


def test_what_is_paused_above_is_resumed_there() -> None:
    with pytest.raises(Conflict, match=r"paused with node 0\.1: resume that"):
        RUNNING.pause_branch("0.1", NOON).resume_branch("0.1.2", NOON)
    with pytest.raises(Conflict, match="paused with the whole swarm"):
        RUNNING.pause(NOON).resume_branch("0.1", NOON)
    nested = RUNNING.pause_branch("0.1", NOON).pause_branch("0.1.2", NOON).resume_branch("0.1.2", NOON)
    assert nested.of("0.1.2") is Command.PAUSE


def test_a_cancelled_branch_stays_so() -> None:
    control = RUNNING.cancel_branch("0.1", NOON)
    assert control.cancel_branch("0.1.3", NOON) == control
    for change in (Control.pause_branch, Control.resume_branch):
        with pytest.raises(Conflict, match="cancelled"):
            change(control, "0.1.3", NOON)
    assert control.pause(NOON).run(NOON).of("0.1") is Command.CANCEL


def test_branches_are_bounded_in_number_and_those_below_a_cancelled_one_make_room() -> None:
    control = RUNNING
    for n in range(MAX_BRANCHES):
        control = control.pause_branch(f"0.0.{n}", NOON)
    with pytest.raises(Conflict, match=f"{MAX_BRANCHES} branches"):
        control.pause_branch("0.1", NOON)
    with pytest.raises(Conflict, match="higher up"):
        control.cancel_branch("0.1", NOON)
    assert control.cancel_branch("0.0", NOON).subtrees.keys() == {"0.0"}
    assert control.resume_branch("0.0.7", NOON).pause_branch("0.1", NOON).of("0.1") is Command.PAUSE
    for n in range(MAX_BRANCHES):
        control = control.resume_branch(f"0.0.{n}", NOON + timedelta(seconds=n))
    assert control.subtrees == {}
    assert list(control.resumed)[-1] == f"0.0.{MAX_BRANCHES - 1}"
    assert len(control.resumed) <= 16


def test_whatever_ends_a_pause_wakes_with_the_event_that_is_waited_for() -> None:
    """Each pause has an event of its own, so that none ends a later one."""
    once = RUNNING.pause_branch("0.1", NOON)
    waited = pause_ends(once, "0.1.0")
    assert waited in wake_events(once.resume_branch("0.1", NOON), "0.1.0")
    assert waited in wake_events(once.cancel_branch("0.1", NOON), "0.1.0")
    assert waited in wake_events(once.cancel(NOON), "0.1.0")
    assert waited in wake_events(once.pause(NOON).cancel(NOON), "0.1.0")
    assert wake_events(once, "0.2") == ()
    again = once.resume_branch("0.1", NOON).pause_branch("0.1", NOON)
    assert pause_ends(again, "0.1.0") != waited
    nested = once.pause_branch("0.1.0", NOON)
    assert pause_ends(nested, "0.1.0") in wake_events(nested.cancel_branch("0.1", NOON), "0.1.0")
    swarm = once.pause(NOON)
    assert pause_ends(swarm, "0.1.0") == pause_ends(swarm, "0.2")
    assert pause_ends(swarm, "0.1.0") in wake_events(swarm.run(NOON), "0.1.0")
