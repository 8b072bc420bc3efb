"""Bring a model file into the cache: try each source in turn, trust nothing but the hash."""

import asyncio
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from local.models.cache import cache_folder, cached, locked, require_space, sha256_of
from local.models.official import OfficialAddress
from local.models.package_index import PackageIndex
from local.models.progress import FetchProgress, Silent
from local.models.sources import Source, SourceFailed, prepare
from local.models.table import ModelFile
from shared.errors import Unavailable

#: Seconds to wait for another process that fetches the same model.
LOCK_WAIT = 3600.0

REAL_ENDPOINT = (
    "To use a real endpoint instead, set OPENAI_API_KEY, and OPENAI_BASE_URL and SWARMSTAR_MODEL "
    "where they are not OpenAI's."
)


async def fetch(
    model: ModelFile,
    *,
    folder: Path | None = None,
    sources: Sequence[Source] | None = None,
    progress: FetchProgress | None = None,
    lock_wait: float = LOCK_WAIT,
) -> Path:
    """The path of the model's file in the cache, fetched if it is not there yet.

    Raises `Unavailable` when no source has it, the disk has no room, or another process fetches it for too long.
    """
    folder = folder or cache_folder()
    if path := cached(model, folder):
        return path
    folder.mkdir(parents=True, exist_ok=True)
    async with locked(folder / f"{model.name}.lock", lock_wait):
        # Another process may have brought it while this one waited.
        if path := cached(model, folder):
            return path
        tried = (PackageIndex(), OfficialAddress()) if sources is None else sources
        return await _fetch_from(tried, model, folder, progress or Silent())


async def _fetch_from(sources: Sequence[Source], model: ModelFile, folder: Path, progress: FetchProgress) -> Path:
    work = folder / f"{model.filename}.work"
    reasons = []
    for source in sources:
        progress.note(f"{model.display}, {model.size / 1e6:.0f} MB, from {source.label}")
        try:
            unchecked = await _fetch_checked(source, model, work / source.key, progress)
        except SourceFailed as failed:
            reasons.append(f"{source.label}: {failed}")
            progress.note(f"not from {source.label}: {failed}")
            continue
        target = folder / model.filename
        os.replace(unchecked, target)
        await asyncio.to_thread(shutil.rmtree, work)
        progress.note(f"{model.name} is ready in {target}")
        return target
    listed = "\n  ".join(reasons)
    raise Unavailable(f"{model.name} cannot be fetched:\n  {listed}\n{REAL_ENDPOINT}", retry_after=60)


async def _fetch_checked(source: Source, model: ModelFile, work: Path, progress: FetchProgress) -> Path:
    present = await asyncio.to_thread(prepare, work)
    require_space(work, max(0, source.room(model) - present))
    path = await source.fetch(model, work, progress)
    found = await asyncio.to_thread(sha256_of, path)
    if found != model.sha256:
        # What is wrong once stays wrong, so a next try must start anew.
        await asyncio.to_thread(shutil.rmtree, work)
        raise SourceFailed(f"the bytes have SHA-256 {found}, not {model.sha256}")
    return path
