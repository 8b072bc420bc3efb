"""The blob port over Azure Blob Storage: one container, `{user_id}_{swarm_id}/{sha256}`."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterable, AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Final, TypeVar, cast
from urllib.parse import urlsplit

from azure.core.exceptions import AzureError, HttpResponseError, ResourceExistsError, ResourceNotFoundError
from pydantic import SecretStr

from shared.adapters.azure_client import AzureClient, check_endpoint, check_key, header, is_loopback, open_identity
from shared.blobs.port import BlobRef
from shared.errors import Conflict, InvalidInput, NotFound, SwarmStarError, TooLarge, Unavailable
from shared.types import SpaceKey

if TYPE_CHECKING:
    from azure.core.credentials import AzureNamedKeyCredential
    from azure.core.credentials_async import AsyncTokenCredential
    from azure.storage.blob.aio import BlobClient, ContainerClient, StorageStreamDownloader

#: The container that infrastructure and the local start-up create.
CONTAINER: Final = "swarms"
#: Content is sent, read and kept in memory in pieces of this size; what has no more goes up in one request.
PIECE = 1 << 20
#: Seconds that one request may take, and one upload or whole read.
CONNECT_TIMEOUT = 5
READ_TIMEOUT = 30
TRANSFER_SECONDS = 600.0
#: How often a request is sent again, about a second later.
RETRIES = 3
RETRY_SECONDS = 1
#: How many blobs a drop removes at once.
WAVE = 32

#: What the service calls a container that nobody created, and one on its way out.
_NO_CONTAINER = {"ContainerNotFound", "ContainerBeingDeleted", "ContainerDisabled"}
_THERE = "BlobAlreadyExists"
#: What a commit of staged blocks meets when another upload of the same content came first.
_OVERTAKEN = {"InvalidBlockList", "InvalidBlobOrBlock"}

P = TypeVar("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class BlobAccess:
    """A storage account's blob endpoint, with its key or as an identity; raises `InvalidInput` for what is unsafe."""

    #: `https://{account}.blob.core.windows.net`; an emulator's ends in `/{account}`.
    endpoint: str
    #: Without a key the identity of this environment asks, which is how it is deployed.
    key: SecretStr | None = None
    #: Of the managed identity, where there are several.
    client_id: str | None = None
    container: str = CONTAINER

    def __post_init__(self) -> None:
        check_endpoint(self.endpoint, "Blob Storage")
        check_key(self.key, "Blob Storage")
        if not self.account:
            raise InvalidInput("the Blob Storage endpoint must name its account")

    @property
    def account(self) -> str:
        """The account's name, which the endpoint holds."""
        parts = urlsplit(self.endpoint)
        return parts.path.strip("/") if is_loopback(self.endpoint) else (parts.hostname or "").split(".")[0]

    async def open_client(self, stack: AsyncExitStack) -> "ContainerClient":
        """A client that the stack closes."""
        from azure.storage.blob.aio import ContainerClient, LinearRetry

        client = ContainerClient(
            self.endpoint,
            self.container,
            credential=await self._credential(stack),
            connection_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            retry_policy=LinearRetry(backoff=RETRY_SECONDS, retry_total=RETRIES, random_jitter_range=RETRY_SECONDS),
            max_single_put_size=PIECE,
            max_block_size=PIECE,
            max_single_get_size=PIECE,
            max_chunk_get_size=PIECE,
        )
        stack.push_async_callback(client.close)
        return client

    async def _credential(self, stack: AsyncExitStack) -> "AzureNamedKeyCredential | AsyncTokenCredential":
        from azure.core.credentials import AzureNamedKeyCredential

        if self.key is not None:
            return AzureNamedKeyCredential(self.account, self.key.get_secret_value())
        return await open_identity(stack, self.client_id)


class AzureBlobs:
    """Keeps each blob under the hash of its content, which appears whole or not at all.

    A stream is first kept in a file without a name, because its hash is known at its end: an upload that breaks off
    never reaches the service. Blocks of one that is cut later are invisible, and the service drops them after a week.
    """

    def __init__(self, access: BlobAccess) -> None:
        self._client: AzureClient[ContainerClient] = AzureClient(access.open_client, _explain, name="blob storage")

    async def put(self, space: SpaceKey, chunks: bytes | AsyncIterable[bytes], *, max_bytes: int) -> BlobRef:
        """Keep content durably, all or nothing; raises `TooLarge` over `max_bytes`."""
        if isinstance(chunks, bytes):
            _check_size(len(chunks), max_bytes)
            ref = BlobRef(sha256=hashlib.sha256(chunks).hexdigest(), size=len(chunks))
            await self._upload(space, ref, chunks)
            return ref
        with tempfile.SpooledTemporaryFile(PIECE) as file:
            spool = cast(IO[bytes], file)  # a file in all but its declared type
            ref = await _receive(chunks, spool, max_bytes)
            await self._upload(space, ref, _sent(spool))
        return ref

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        """The content in pieces of `PIECE` bytes; the first is read at once."""
        async with self._client.use(READ_TIMEOUT) as container:
            download = await container.get_blob_client(_name(space, ref)).download_blob(max_concurrency=1)
        return self._pieces(download)

    async def read(self, space: SpaceKey, ref: BlobRef) -> bytes:
        """The whole content; raises `NotFound`."""
        async with self._client.use(TRANSFER_SECONDS) as container:
            download = await container.get_blob_client(_name(space, ref)).download_blob(max_concurrency=1)
            return await download.readall()

    async def exists(self, space: SpaceKey, ref: BlobRef) -> bool:
        """Whether the content is there."""
        try:
            async with self._client.use(READ_TIMEOUT) as container:
                await container.get_blob_client(_name(space, ref)).get_blob_properties()
        except NotFound:
            return False
        return True

    async def stored(self, space: SpaceKey) -> int:
        """The bytes of all the space's blobs together."""
        async with self._client.use(TRANSFER_SECONDS) as container:
            return sum([blob.size or 0 async for blob in container.list_blobs(name_starts_with=f"{space}/")])

    async def drop(self, space: SpaceKey) -> None:
        """Remove every blob of the space, in waves; a drop that breaks off is finished by the next."""
        async with self._client.use(TRANSFER_SECONDS) as container:
            async for page in container.list_blob_names(name_starts_with=f"{space}/", results_per_page=WAVE).by_page():
                wave = [_delete(container.get_blob_client(name)) async for name in page]
                for problem in await asyncio.gather(*wave, return_exceptions=True):
                    if isinstance(problem, BaseException):
                        raise problem

    async def close(self) -> None:
        """Finish what was begun and let go of the connections; further calls raise `Unavailable`."""
        await self._client.close()

    async def _upload(self, space: SpaceKey, ref: BlobRef, content: bytes | AsyncIterable[bytes]) -> None:
        async with self._client.use(TRANSFER_SECONDS) as container:
            blob = container.get_blob_client(_name(space, ref))
            try:
                await blob.upload_blob(content, length=ref.size, overwrite=False, max_concurrency=1)
            except HttpResponseError as error:
                if _code(error) == _THERE:
                    return  # the same content, since it has the same hash
                if _code(error) not in _OVERTAKEN:
                    raise
                if not await blob.exists():
                    raise Conflict("the space was dropped during the upload") from error

    async def _pieces(self, download: "StorageStreamDownloader[bytes]") -> AsyncIterator[bytes]:
        chunks = aiter(download.chunks())
        while True:
            async with self._client.use(READ_TIMEOUT * (RETRIES + 1)):
                piece = await anext(chunks, None)
            if piece is None:
                return
            yield piece


async def provision(access: BlobAccess) -> None:
    """Create the container unless it is there: for one's own machine and the tests."""
    client = AzureClient(access.open_client, _explain, name="blob storage")
    try:
        async with client.use(READ_TIMEOUT) as container:
            try:
                await container.create_container()
            except ResourceExistsError:
                return
    finally:
        await client.close()


def _name(space: SpaceKey, ref: BlobRef) -> str:
    return f"{space}/{ref.sha256}"


async def _receive(chunks: AsyncIterable[bytes], spool: IO[bytes], bound: int) -> BlobRef:
    """Take a stream in, up to its bound, and go back to its begin."""
    digest, size, gathered = hashlib.sha256(), 0, bytearray()
    async for chunk in chunks:
        size += len(chunk)
        _check_size(size, bound)
        digest.update(chunk)
        gathered += chunk
        if len(gathered) >= PIECE:
            await _in_thread(spool.write, bytes(gathered))
            gathered.clear()
    await _in_thread(spool.write, bytes(gathered))
    await _in_thread(spool.seek, 0)
    return BlobRef(sha256=digest.hexdigest(), size=size)


async def _sent(spool: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await _in_thread(spool.read, PIECE):
        yield piece


async def _in_thread(work: Callable[[P], T], argument: P) -> T:
    """Run blocking work off the loop. Whoever is cancelled meanwhile waits for its end, before the file is closed."""
    task = asyncio.create_task(asyncio.to_thread(work, argument))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.exception()  # seen, and of no interest to who was cancelled
        raise
    except OSError as error:
        raise Unavailable(f"this machine cannot take the content in ({type(error).__name__})") from error


async def _delete(blob: "BlobClient") -> None:
    try:
        await blob.delete_blob()
    except ResourceNotFoundError:
        return  # another drop was here


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise TooLarge(f"the content is over the bound of {max_bytes} bytes")


def _code(error: AzureError) -> str:
    """The service's own name for an error, a string of its own kind."""
    return str(getattr(error, "error_code", "") or "")


def _explain(error: AzureError) -> SwarmStarError:
    """The error to raise; no message holds an address or a key."""
    status = getattr(error, "status_code", None) or 0
    match status:
        case 401 | 403:
            return Unavailable(
                "the storage account refuses this deployment's credential: check its key, or its identity's role "
                "Storage Blob Data Contributor, and the account's firewall",
                retry_after=60.0,
            )
        case 404 | 412 if _code(error) not in _NO_CONTAINER:  # 412: it was removed and put again while it was read
            return NotFound("there is no such blob")
        case 404:
            return Unavailable("the blob container has not been created", retry_after=60.0)
        case 413:
            return TooLarge("blob storage takes no content of this size")
        case 0:
            return Unavailable("blob storage cannot be reached, or gave this deployment no token", retry_after=5.0)
        case _:
            return Unavailable(f"blob storage cannot serve now (status {status})", retry_after=_retry_after(error))


def _retry_after(error: AzureError) -> float:
    try:
        return float(header(error, "Retry-After") or "")
    except ValueError:
        return 5.0
