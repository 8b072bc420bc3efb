"""Model files at their publisher's own address."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.models.progress import FetchProgress
from local.models.sources import CHUNK, SourceFailed, bytes_in
from local.models.table import ModelFile

if TYPE_CHECKING:
    from aiohttp import ClientResponse

CONNECT_TIMEOUT = 10.0
#: Seconds a download may stand still.
STALL_TIMEOUT = 60.0
#: How often a download that was cut is taken up again.
RESUMES = 5


@dataclass(frozen=True, slots=True)
class OfficialAddress:
    """Downloads by HTTPS to a partial file, and goes on with it where it was cut."""

    key: str = "official"
    label: str = "the publisher's address"

    def room(self, model: ModelFile) -> int:
        """The file itself."""
        return model.size

    async def fetch(self, model: ModelFile, work: Path, progress: FetchProgress) -> Path:
        """Download what is missing; a cut that brought nothing new ends it."""
        target = work / "download"
        for attempt in range(RESUMES + 1):
            before = bytes_in([target])
            if before >= model.size:
                break
            try:
                await _download(model, target, progress)
            except SourceFailed:
                if attempt == RESUMES or bytes_in([target]) <= before:
                    raise
        return target


async def _download(model: ModelFile, target: Path, progress: FetchProgress) -> None:
    # The client takes long to import, and most runs find the file in the cache.
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_TIMEOUT, sock_read=STALL_TIMEOUT)
    done = bytes_in([target])
    headers = {"Range": f"bytes={done}-"} if done else {}
    try:
        async with (
            aiohttp.ClientSession(timeout=timeout, trust_env=True) as session,
            session.get(model.url, headers=headers) as response,
        ):
            await _receive(response, target, model.size, progress)
    except (aiohttp.ClientError, TimeoutError) as error:
        raise SourceFailed(f"{model.url}: {error or type(error).__name__}") from error


async def _receive(response: "ClientResponse", target: Path, limit: int, progress: FetchProgress) -> None:
    done = bytes_in([target])
    resumed = response.status == 206 and response.headers.get("Content-Range", "").startswith(f"bytes {done}-")
    if not resumed:
        done = 0
        if response.status != 200:
            raise SourceFailed(f"{response.url}: status {response.status}")
    with target.open("ab" if resumed else "wb") as handle:
        async for chunk in response.content.iter_chunked(CHUNK):
            done += len(chunk)
            if done > limit:
                raise SourceFailed(f"{response.url}: more than the {limit} bytes it should have")
            handle.write(chunk)
            progress.at(done, limit)
