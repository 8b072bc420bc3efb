"""What becomes of a schedule as it is claimed and run."""

from datetime import UTC, datetime, timedelta

from shared.schedules.model import CLAIM, LastRun, Schedule, swarm_of_due_time
from shared.types import check_scope_id

NOW = datetime(2026, 11, 22, 10, 0, 30, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def schedule(**fields: object) -> Schedule:
    named = {"schedule_id": "s1", "user_id": "ada", "name": "Daily", "cron": "* * * * *", "created": NOW}
    return Schedule.model_validate({**named, **fields}).timed(NOW)


def claimed(one: Schedule, now: datetime) -> Schedule:
    found = one.claimed(now)
    assert found is not None
    return found


def test_it_is_due_at_the_next_time_and_never_while_disabled() -> None:
    assert schedule().next_due == datetime(2026, 11, 22, 10, 1, tzinfo=UTC)
    assert schedule(enabled=False).next_due is None
    assert schedule().evolve(deleted=NOW).timed(NOW).next_due is None
    assert not schedule().is_due(NOW)
    assert schedule().is_due(NOW + MINUTE)
    assert schedule(enabled=False).claimed(NOW + MINUTE) is None


def test_a_claim_keeps_others_away_until_it_is_over() -> None:
    first = claimed(schedule(), NOW + MINUTE)
    assert first.claim is not None
    assert first.claimed(NOW + MINUTE + CLAIM - timedelta(seconds=1)) is None
    second = claimed(first, NOW + 3 * MINUTE)
    assert second.claim is not None
    assert (second.claim.due, second.claim.tries) == (first.claim.due, 2)


def test_after_an_outage_only_the_latest_due_time_counts() -> None:
    late = NOW + timedelta(hours=5)
    one = claimed(schedule(), late)
    assert one.claim is not None
    assert one.claim.due == late.replace(second=0)
    after = one.ran(LastRun(at=late, due=one.claim.due, swarm_id="a"), late)
    assert (after.next_due, after.claim, after.started) == (late.replace(second=0) + MINUTE, None, 1)


def test_what_came_of_it_is_counted_once() -> None:
    one = claimed(schedule(), NOW + MINUTE)
    run = LastRun(at=NOW + MINUTE, due=one.next_due, swarm_id="a")
    after = one.ran(run, NOW + MINUTE)
    assert after.ran(run, NOW + MINUTE) == after
    refused = claimed(after, NOW + 2 * MINUTE)
    why = LastRun(at=NOW + 2 * MINUTE, due=after.next_due, reason="no room")
    noted = refused.ran(why, NOW + 2 * MINUTE)
    assert (noted.started, noted.not_started, noted.latest_swarm, noted.last) == (1, 1, "a", why)


def test_who_was_taken_for_lost_does_not_say_that_nothing_was_started() -> None:
    one = claimed(schedule(), NOW + MINUTE)
    started = one.ran(LastRun(at=NOW, due=one.next_due, swarm_id="a"), NOW + MINUTE)
    assert started.ran(LastRun(at=NOW, due=one.next_due, reason="no room"), NOW + MINUTE) == started


def test_a_change_of_times_meanwhile_is_kept() -> None:
    one = claimed(schedule(), NOW + MINUTE)
    due = one.next_due
    changed = one.evolve(cron="0 0 1 1 *").timed(NOW + MINUTE)
    after = changed.ran(LastRun(at=NOW, due=due, swarm_id="a"), NOW + MINUTE)
    assert (after.next_due, after.latest_swarm) == (datetime(2027, 1, 1, tzinfo=UTC), "a")


def test_a_run_out_of_turn_leaves_the_next_due_time() -> None:
    after = schedule().ran(LastRun(at=NOW, swarm_id="a"), NOW)
    assert (after.next_due, after.started, after.latest_swarm) == (schedule().next_due, 1, "a")


def test_swarm_ids_follow_from_user_schedule_and_due_time() -> None:
    ids = {swarm_of_due_time(user, one, NOW + n * MINUTE) for user in "ab" for one in "cd" for n in range(3)}
    assert len(ids) == 12
    assert swarm_of_due_time("a", "c", NOW) == swarm_of_due_time("a", "c", NOW.astimezone())
    assert len(check_scope_id(swarm_of_due_time("a", "c", NOW))) == 16
