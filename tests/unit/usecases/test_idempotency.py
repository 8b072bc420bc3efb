"""Repeated requests: the same answer for the same body, one thing made, and nothing kept for ever."""

import asyncio
import hashlib
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
from shared.services import Services
from shared.store import Category
from shared.tenancy import TenantContext
from shared.usecases.idempotency import Answer, Once, Record, fingerprint, forget_answer

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
async def services(tmp_path: Path, now: Now) -> AsyncIterator[Services]:
    store = SqliteStore(tmp_path, clock=lambda: now().timestamp())
    yield Services(store, FilesystemBlobs(tmp_path), Settings(), bootstrap.action_space(), clock=now)
    await store.close()


def once(
    services: Services, tenant: TenantContext = ADA, *, endpoint: str = "e", key: str = "k", body: str = "x"
) -> Once:
    return Once(services, tenant, endpoint, key, body)


async def done(services: Services, answer: Answer = DONE, *, key: str = "k") -> str:
    """The id of what a first request made."""
    first = once(services, key=key)
    made = await first.begin()
    assert isinstance(made, str)
    await first.end(answer)
    return made


async def test_a_repetition_is_answered_as_the_first_was(services: Services) -> None:
    await done(services)
    assert await once(services).begin() == DONE


async def test_another_body_is_refused(services: Services) -> None:
    await done(services)
    with pytest.raises(Conflict, match="another body"):
        await once(services, body="y").begin()


async def test_keys_of_users_and_of_endpoints_are_apart(services: Services) -> None:
    assert (
        len({await other.begin() for other in (once(services), once(services, BOB), once(services, endpoint="f"))}) == 3
    )


async def test_of_many_at_once_one_is_done(services: Services) -> None:
    begun = await asyncio.gather(*(once(services).begin() for _ in range(8)), return_exceptions=True)
    assert len([one for one in begun if isinstance(one, Conflict)]) == 7


async def test_after_a_crash_it_goes_on_with_the_same_id(services: Services, now: Now) -> None:
    lost = await once(services).begin()
    with pytest.raises(Conflict, match="not done yet"):
        await once(services).begin()
    now.at += timedelta(seconds=61)
    again = once(services)
    assert await again.begin() == lost
    await again.end(DONE)
    assert await once(services).begin() == DONE


async def test_one_that_was_taken_for_lost_does_not_answer_beside_its_repetition(services: Services, now: Now) -> None:
    slow = once(services)
    await slow.begin()
    now.at += timedelta(seconds=61)
    again = once(services)
    await again.begin()
    for end in (slow.end(DONE.model_copy(update={"body": "void"})), slow.release()):
        with pytest.raises(Conflict, match="came meanwhile"):
            await end
    await again.end(DONE)
    assert await once(services).begin() == DONE


async def test_work_that_broke_off_goes_on_at_once(services: Services) -> None:
    first = once(services)
    begun = await first.begin()
    await first.release()
    assert await once(services).begin() == begun


async def test_what_was_refused_may_be_mended(services: Services) -> None:
    first = once(services)
    await first.begin()
    await first.forget()
    assert isinstance(await once(services, body="mended").begin(), str)


async def test_a_refusal_takes_nothing_from_a_repetition_that_took_over(services: Services, now: Now) -> None:
    slow = once(services)
    await slow.begin()
    now.at += timedelta(seconds=61)
    again = once(services)
    await again.begin()
    await again.end(DONE)
    with pytest.raises(Conflict):
        await slow.forget()
    assert await once(services).begin() == DONE


async def test_a_refusal_keeps_the_id_under_which_a_lost_attempt_may_have_made_something(
    services: Services, now: Now
) -> None:
    lost = await once(services).begin()
    now.at += timedelta(seconds=61)
    refused = once(services)
    await refused.begin()
    await refused.forget()
    assert await once(services).begin() == lost
    with pytest.raises(Conflict, match="another body"):
        await once(services, body="mended").begin()


async def test_records_last_a_day_however_often_they_are_written(services: Services, now: Now) -> None:
    first = once(services)
    made = await first.begin()
    now.at += timedelta(hours=23)
    await first.end(DONE)
    now.at += timedelta(minutes=59)
    assert await once(services).begin() == DONE
    now.at += timedelta(minutes=1)
    assert await once(services, body="new").begin() not in (DONE, made)
    assert len((await services.store.scan(ADA.account, Category.IDEMPOTENCY)).items) == 1


async def test_only_who_has_the_key_can_read_the_answer(services: Services) -> None:
    """Not even twice the same text can be told from the store."""
    secret = DONE.model_copy(update={"body": "the secret", "headers": {"Location": "/where/it/is"}})
    for key in ("one", "two"):
        await done(services, secret, key=key)
    items = (await services.store.scan(ADA.account, Category.IDEMPOTENCY)).items
    sealed = [Record.model_validate_json(item.value).sealed for item in items]
    assert len(set(sealed)) == 2
    for item in items:
        assert "secret" not in item.value
        assert "where" not in item.value
    assert await once(services, key="one").begin() == secret
    # The key of another record opens nothing.
    other = Record.model_validate_json(items[0].value).model_copy(update={"sealed": sealed[1]})
    await services.store.put(ADA.account, Category.IDEMPOTENCY, items[0].key, other.model_dump_json())
    with pytest.raises(Conflict, match="cannot be read"):
        await asyncio.gather(*(once(services, key=key).begin() for key in ("one", "two")))


class TestForgetting:
    """What was made is deleted, and the answer with it."""

    async def test_the_answer_goes_and_the_request_is_refused_from_then_on(self, services: Services, now: Now) -> None:
        made, other = await done(services), await done(services, key="other")
        assert made != other
        now.at += timedelta(hours=3)
        for _ in range(2):
            await forget_answer(services, ADA.account, made, now.at - timedelta(hours=3))
        with pytest.raises(Conflict, match="was deleted"):
            await once(services).begin()
        assert await once(services, key="other").begin() == DONE
        now.at += timedelta(hours=21)
        assert isinstance(await once(services).begin(), str)

    async def test_it_is_found_among_many_and_past_later_ones(self, services: Services, now: Now) -> None:
        made = [await done(services, key=f"k-{number}") for number in range(450)]
        created = now.at + timedelta(minutes=9)
        now.at += timedelta(hours=1)
        await done(services, key="later")
        await forget_answer(services, ADA.account, made[430], created)
        with pytest.raises(Conflict, match="was deleted"):
            await once(services, key="k-430").begin()

    async def test_work_that_still_goes_on_leaves_no_answer(self, services: Services, now: Now) -> None:
        working = once(services)
        made = await working.begin()
        assert isinstance(made, str)
        await forget_answer(services, ADA.account, made, now.at)
        with pytest.raises(Conflict, match="came meanwhile"):
            await working.end(DONE)

    async def test_what_was_made_without_a_key_has_left_no_answer(self, services: Services, now: Now) -> None:
        await forget_answer(services, ADA.account, "0123456789abcdef", now.at)
        await forget_answer(services, ADA.account, "0123456789abcdef", now.at - timedelta(days=9))


async def test_a_fingerprint_is_the_same_for_the_same_bytes_of_any_size() -> None:
    small, large = b"x", b"x" * (3 << 20)
    assert await fingerprint(small) == await fingerprint(small) != await fingerprint(large)
    assert await fingerprint(large) == hashlib.sha256(large).hexdigest()


async def test_every_attempt_makes_the_same_secret_and_nobody_else_does(services: Services, now: Now) -> None:
    slow, others = once(services), [once(services, BOB), once(services, key="other"), once(services, endpoint="f")]
    for one in (slow, *others):
        await one.begin()
    now.at += timedelta(seconds=61)
    again = once(services)
    await again.begin()
    assert slow.seed() == again.seed()
    assert len({one.seed() for one in (again, *others)}) == 4
    now.at += timedelta(days=1)
    later = once(services)
    await later.begin()
    assert later.seed() != again.seed()
    assert len(later.seed()) == 32


@pytest.mark.parametrize("key", ["", " ", "a b", "x" * 129, "\u00e9", "a\nb"])
def test_keys_that_cannot_be_used(services: Services, key: str) -> None:
    with pytest.raises(InvalidInput):
        once(services, key=key)
