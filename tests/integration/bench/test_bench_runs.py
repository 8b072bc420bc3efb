"""The benchmark runs: the host and a peer each grow the workload, and what is reported is there."""

import sys

import pytest

from bench import systems
from bench.plan import Run, carry_out
from bench.report import Results, markdown
from bench.workload import Workload

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="it measures through /proc")

SMALL = Workload(2, 2, 20)


async def test_the_host_and_a_peer_grow_the_same_tree() -> None:
    runs = [Run("workload", system, (SMALL,), times=1) for system in (systems.SWARMSTAR, systems.RAW_SQLITE)]
    measured, failed = await carry_out([*runs, Run("counts", systems.counted(systems.SWARMSTAR), (SMALL,), times=1)])
    assert not failed
    assert [m.sample.nodes for m in measured] == [SMALL.nodes] * 3
    assert [m.sample.calls for m in measured] == [SMALL.calls] * 3
    assert all(m.sample.seconds >= SMALL.ideal for m in measured)
    assert all(m.sample.cpu > 0 and m.sample.bytes > 0 and m.sample.peak_memory > 0 for m in measured)
    assert measured[2].sample.extra["store_put"] > SMALL.nodes
    assert "No content in Durable" in markdown(Results(measured))


async def test_routing_and_checking_make_calls_of_their_own() -> None:
    measured, failed = await carry_out([Run("workload", systems.SWARMSTAR_FULL, (SMALL,), times=1)])
    assert not failed
    routed, checked = SMALL.nodes - 1, SMALL.managers
    assert measured[0].sample.calls == SMALL.calls + routed + checked
