"""A few kills of the real host, as `make crash` makes many."""

from pathlib import Path

import pytest

from tests.crash.run import crash, small_swarm


@pytest.mark.slow
async def test_swarms_whose_host_is_killed_come_to_the_same_trees_and_reports(tmp_path: Path) -> None:
    outcome, calm = await crash(tmp_path, small_swarm(), kills=3, seed=1, moments=(0.1, 0.9), store={})
    assert outcome.faults == []
    assert len(outcome.kills) == 3
    assert outcome.calls >= outcome.kills[-1].calls > 0
    assert calm < outcome.seconds
