"""Repeated requests: the same answer for the same body, one thing made, and nothing kept for ever."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.errors import Conflict, InvalidInput
from shared.store import Category
from shared.tenancy import TenantContext
from shared.usecases.app import App
from shared.usecases.idempotency import Answer, Once

ADA, BOB = TenantContext("ada"), TenantContext("bob")
DONE = Answer(status=202, headers={"Location": "/there"}, body="{}")


@dataclass
class Now:
    """The present, as the test says."""

    at: datetime = field(default_factory=lambda: datetime(2026, 3, 1, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.at


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
async def app(tmp_path: Path, now: Now) -> AsyncIterator[App]:
    store = SqliteStore(tmp_path)
    yield App(store, FilesystemBlobs(tmp_path), Settings(), bootstrap.action_space(), clock=now)
    await store.close()


def once(app: App, tenant: TenantContext = ADA, *, endpoint: str = "e", key: str = "k", body: bytes = b"x") -> Once:
    return Once(app, tenant, endpoint, key, body)


async def test_a_repetition_is_answered_as_the_first_was(app: App) -> None:
    first = once(app)
    assert (await first.begin()).answer is None
    await first.end(DONE)
    assert (await once(app).begin()).answer == DONE


async def test_another_body_is_refused(app: App) -> None:
    first = once(app)
    await first.begin()
    await first.end(DONE)
    with pytest.raises(Conflict, match="another body"):
        await once(app, body=b"y").begin()


async def test_keys_of_users_and_of_endpoints_are_apart(app: App) -> None:
    fresh = {(await other.begin()).fresh_id for other in (once(app), once(app, BOB), once(app, endpoint="f"))}
    assert len(fresh) == 3


async def test_of_many_at_once_one_is_done(app: App) -> None:
    begun = await asyncio.gather(*(once(app).begin() for _ in range(8)), return_exceptions=True)
    assert len([one for one in begun if isinstance(one, Conflict)]) == 7


async def test_after_a_crash_it_goes_on_with_the_same_id(app: App, now: Now) -> None:
    lost = await once(app).begin()
    with pytest.raises(Conflict, match="not done yet"):
        await once(app).begin()
    now.at += timedelta(seconds=61)
    again = once(app)
    assert (await again.begin()).fresh_id == lost.fresh_id
    await again.end(DONE)
    assert (await once(app).begin()).answer == DONE


async def test_work_that_broke_off_goes_on_at_once(app: App) -> None:
    first = once(app)
    begun = await first.begin()
    await first.release()
    assert (await once(app).begin()).fresh_id == begun.fresh_id


async def test_what_was_refused_may_be_mended(app: App) -> None:
    first = once(app)
    await first.begin()
    await first.forget()
    assert (await once(app, body=b"mended").begin()).answer is None


async def test_records_last_a_day_and_are_cleared_away(app: App, now: Now) -> None:
    for number in range(5):
        one = once(app, key=f"k-{number}")
        await one.begin()
        await one.end(DONE)
    now.at += timedelta(hours=24, seconds=1)
    assert (await once(app, key="k-0", body=b"new").begin()).answer is None
    page = await app.store.scan(ADA.account, Category.IDEMPOTENCY)
    assert len(page.items) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "\u00e9", "a\nb"])
def test_keys_that_cannot_be_used(app: App, key: str) -> None:
    with pytest.raises(InvalidInput):
        once(app, key=key)
