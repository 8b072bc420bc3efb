import asyncio
import logging
from collections.abc import Callable
from contextlib import AsyncExitStack

import pytest
from azure.core.exceptions import AzureError, HttpResponseError
from pydantic import SecretStr

from shared.adapters.azure_blob import BlobAccess
from shared.adapters.azure_client import _LOUD, AzureClient
from shared.adapters.cosmos import CosmosAccess, emulator
from shared.errors import Conflict, InvalidInput, SwarmStarError, Unavailable

ACCOUNT = "https://swarms.documents.azure.com"
KEY = SecretStr("c2VjcmV0IG9mIHRoZSBhY2NvdW50")


class Opened:
    """Counts what is opened and closed."""

    def __init__(self, *, fails: int = 0, waits: bool = False) -> None:
        self.opened = 0
        self.closed = 0
        self.fails = fails
        self.waits = waits

    async def __call__(self, stack: AsyncExitStack) -> int:
        stack.callback(self._close)
        self.opened += 1
        await asyncio.sleep(0)
        if self.waits:
            await asyncio.Event().wait()
        if self.opened <= self.fails:
            raise AzureError("not yet")
        return self.opened

    def _close(self) -> None:
        self.closed += 1


def explain(error: AzureError) -> SwarmStarError:
    return Conflict(f"explained: {error}")


def client_of(opened: Opened, **options: float) -> AzureClient[int]:
    return AzureClient(opened, explain, name="thing", **options)


async def used(client: AzureClient[int]) -> int:
    async with client.use() as number:
        await asyncio.sleep(0)
        return number


class TestAzureClient:
    async def test_it_opens_once_for_all_and_only_when_needed(self) -> None:
        opened = Opened()
        client = client_of(opened)
        assert opened.opened == 0
        assert await asyncio.gather(*(used(client) for _ in range(20))) == [1] * 20
        await client.close()
        assert (opened.opened, opened.closed) == (1, 1)

    async def test_requests_are_not_logged_unless_somebody_asks(self) -> None:
        loud = [logging.getLogger(name) for name in _LOUD]
        before = [logger.level for logger in loud]
        try:
            for given, expected in ((logging.NOTSET, logging.WARNING), (logging.DEBUG, logging.DEBUG)):
                for logger in loud:
                    logger.setLevel(given)
                assert await used(client_of(Opened())) == 1
                assert [logger.level for logger in loud] == [expected] * len(loud)
        finally:
            for logger, level in zip(loud, before, strict=True):
                logger.setLevel(level)

    async def test_what_cannot_be_opened_is_closed_and_tried_again(self) -> None:
        opened = Opened(fails=1)
        client = client_of(opened)
        with pytest.raises(Conflict, match="explained: not yet"):
            await used(client)
        assert opened.closed == 1
        assert await used(client) == 2
        await client.close()
        assert opened.closed == 2

    async def test_opening_and_using_take_no_longer_than_they_may(self) -> None:
        opened = Opened(waits=True)
        with pytest.raises(Unavailable, match="does not answer"):
            await used(client_of(opened, open_seconds=0.01))
        assert opened.closed == 1
        client = client_of(Opened())
        with pytest.raises(Unavailable, match="does not answer"):
            async with client.use(0.01):
                await asyncio.Event().wait()
        await client.close()

    async def test_a_caller_that_gives_up_while_it_opens_leaves_nothing_open(self) -> None:
        opened = Opened(waits=True)
        client = client_of(opened)
        task = asyncio.create_task(used(client))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert opened.closed == 1
        opened.waits = False
        assert await used(client) == 2
        await client.close()

    async def test_close_waits_for_what_was_begun_and_lets_nothing_begin(self) -> None:
        opened, go_on = Opened(), asyncio.Event()
        client = client_of(opened)

        async def work() -> str:
            async with client.use():
                await go_on.wait()
                return "done" if opened.closed == 0 else "cut"

        task = asyncio.create_task(work())
        await asyncio.sleep(0.01)
        closing = [asyncio.create_task(client.close()) for _ in range(2)]
        await asyncio.sleep(0.01)
        with pytest.raises(Unavailable, match="closed"):
            await used(client)
        go_on.set()
        await asyncio.gather(*closing)
        assert await task == "done"
        assert opened.closed == 1

    async def test_the_vendor_s_errors_are_explained_and_others_left_alone(self) -> None:
        client = client_of(Opened())
        for error, expected in ((HttpResponseError("x"), Conflict), (KeyError("x"), KeyError)):
            with pytest.raises(expected):
                async with client.use():
                    raise error
        await client.close()

    def test_the_next_event_loop_gets_a_client_of_its_own(self) -> None:
        opened = Opened()
        client = client_of(opened)
        assert asyncio.run(used(client)) == 1
        assert asyncio.run(used(client)) == 2

    async def test_two_event_loops_at_a_time_are_refused(self) -> None:
        client = client_of(Opened())
        await used(client)
        with pytest.raises(RuntimeError, match="another event loop"):
            await asyncio.to_thread(asyncio.run, used(client))
        await client.close()


class TestAccess:
    @pytest.mark.parametrize(
        "endpoint", ["http://swarms.documents.azure.com", "http://10.0.0.1:8081", "ftp://x", "https://", "swarms", ""]
    )
    @pytest.mark.parametrize("access", [CosmosAccess, BlobAccess])
    def test_no_key_travels_in_clear(self, access: Callable[..., object], endpoint: str) -> None:
        with pytest.raises(InvalidInput, match="https"):
            access(endpoint, KEY)

    @pytest.mark.parametrize("key", ["", "not base64!", "abc"])
    @pytest.mark.parametrize("access", [CosmosAccess, BlobAccess])
    def test_a_key_that_is_none_is_refused_and_not_repeated(self, access: Callable[..., object], key: str) -> None:
        with pytest.raises(InvalidInput) as caught:
            access(ACCOUNT, SecretStr(key))
        assert not key or key not in str(caught.value)

    @pytest.mark.parametrize("access", [CosmosAccess, BlobAccess])
    def test_it_does_not_show_its_key(self, access: Callable[..., object]) -> None:
        assert KEY.get_secret_value() not in repr(access(ACCOUNT, KEY))

    def test_what_the_emulator_needs_never_reaches_an_account(self) -> None:
        with pytest.raises(InvalidInput, match="emulator"):
            CosmosAccess(ACCOUNT, KEY, emulator=True)
        local = CosmosAccess("http://127.0.0.1:8081", KEY, emulator=True).options
        account = CosmosAccess(ACCOUNT, KEY).options
        assert emulator.CLIENT_OPTIONS.items() <= local.items()
        assert local.keys() - account.keys() == emulator.CLIENT_OPTIONS.keys()

    @pytest.mark.parametrize(
        ("endpoint", "account"),
        [
            ("https://swarms.blob.core.windows.net", "swarms"),
            ("https://swarms.blob.core.windows.net/", "swarms"),
            ("http://127.0.0.1:10000/devices", "devices"),
            ("http://localhost:10000/devices/", "devices"),
        ],
    )
    def test_a_blob_endpoint_names_its_account(self, endpoint: str, account: str) -> None:
        assert BlobAccess(endpoint, KEY).account == account

    def test_a_blob_endpoint_without_an_account_is_refused(self) -> None:
        with pytest.raises(InvalidInput, match="account"):
            BlobAccess("http://127.0.0.1:10000", KEY)
