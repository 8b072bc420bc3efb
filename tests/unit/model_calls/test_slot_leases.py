"""How slots are shared out among instances."""

import random
from datetime import UTC, datetime, timedelta

from shared.model_calls.slot_leases import Share, SlotLease, evenly

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def share(**leases: tuple[int, int]) -> Share:
    """Leases by worker: slots and wanted."""
    until = NOW + timedelta(seconds=30)
    return Share(leases={name: SlotLease(slots=s, wanted=w, expires=until) for name, (s, w) in leases.items()})


def test_alone_an_instance_gets_what_it_wants_up_to_the_ceiling() -> None:
    assert Share().target("a", 5, 8) == 5
    assert Share().target("a", 50, 8) == 8


def test_who_comes_second_gets_what_is_free_and_the_first_comes_down_to_half() -> None:
    assert share(a=(8, 8)).target("b", 8, 8) == 0
    asked = share(a=(8, 8), b=(0, 8))
    assert asked.target("a", 8, 8) == 4
    assert share(a=(4, 8), b=(0, 8)).target("b", 8, 8) == 4


def test_small_wants_are_met_before_large_ones_are_cut() -> None:
    assert evenly(8, {"a": 100, "b": 2, "c": 100}) == {"b": 2, "a": 3, "c": 3}


def test_leases_that_ran_out_are_free() -> None:
    assert share(a=(8, 8)).alive(NOW + timedelta(seconds=30)).target("b", 8, 8) == 8
    assert share(a=(8, 8)).alive(NOW + timedelta(seconds=29)).target("b", 8, 8) == 0


def test_no_share_out_gives_more_than_there_is_or_leaves_what_is_wanted() -> None:
    dice = random.Random(3)
    for _ in range(500):
        wants = {f"w{n}": dice.randint(0, 40) for n in range(dice.randint(1, 9))}
        total = dice.randint(0, 100)
        given = evenly(total, wants)
        assert sum(given.values()) == min(total, sum(wants.values()))
        assert all(given[name] <= wants[name] for name in wants)
        unmet = [given[name] for name in wants if given[name] < wants[name]]
        assert not unmet or max(given.values()) - min(unmet) <= 1


def test_leasing_in_any_order_never_leases_more_than_the_ceiling() -> None:
    dice = random.Random(5)
    for _ in range(200):
        ceiling, leases = dice.randint(1, 30), dict[str, tuple[int, int]]()
        for _ in range(40):
            worker, wanted = dice.choice("abcd"), dice.randint(0, 30)
            target = share(**leases).target(worker, min(wanted, ceiling), ceiling)
            in_flight = dice.randint(0, leases.get(worker, (0, 0))[0])
            leases[worker] = (max(target, in_flight), wanted)
            assert sum(slots for slots, _ in leases.values()) <= ceiling
