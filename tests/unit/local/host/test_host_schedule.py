"""When timer triggers are due."""

from datetime import UTC, datetime, timedelta

import pytest

from local.host.indexing import IndexingError
from local.host.timers import Schedule

NOON = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "wait"),
    [
        ("*/10 * * * * *", timedelta(seconds=10)),
        ("0 */5 * * * *", timedelta(minutes=5)),
        ("30 0 * * * *", timedelta(seconds=30)),
        ("0 0 3 * * 1-5", timedelta(hours=15)),
        ("00:00:07", timedelta(seconds=7)),
    ],
)
def test_the_next_time(text, wait):
    assert Schedule("f", text).after(NOON) == NOON + wait


@pytest.mark.parametrize("text", ["* * * * *", "61 * * * * *", "00:00:00", "often"])
def test_what_is_no_schedule_is_refused_with_the_function_s_name(text):
    with pytest.raises(IndexingError, match="'sweep'"):
        Schedule("sweep", text)
