"""Archives made to cost much: each is refused early, by itself, and leaves nothing."""

import asyncio
import io
import zipfile
from pathlib import Path

import pytest

from shared.archives import reading_process
from shared.archives.import_swarm import import_swarm
from shared.archives.model import CARRIED, entry_of
from shared.errors import InvalidInput, QuotaExceeded, TooLarge
from shared.store import Category
from tests.integration.archives.test_swarm_archives import exported, read, zipped
from tests.integration.swarm_world import ADA, BOB, World

STATE = entry_of(Category.SWARM_STATE)


def nothing_of(world: World, user: str) -> bool:
    return not [path for path in world.folder.glob(f"{user}_*") if path.name != f"{user}_account"]


async def test_an_endless_list_of_entries_is_refused_before_any_is_parsed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for number in range(60_000):
            archive.writestr(zipfile.ZipInfo(f"{number}/"), b"")
    parsed = 0

    class Counted(zipfile.ZipInfo):
        def __init__(self, *args: str) -> None:
            nonlocal parsed
            parsed += 1
            super().__init__(*args)

    monkeypatch.setattr(zipfile, "ZipInfo", Counted)
    with pytest.raises(TooLarge, match="lists too many entries"):
        read(target.getvalue(), tmp_path)
    assert parsed == 0


async def test_unknown_fields_are_refused_at_the_first_line(world: World) -> None:
    waste = b'{"key":"0","seq":1,"value":{"x":[' + b"[]," * 400_000 + b"[]]}}\n"
    entries = {entry_of(category): waste * 40 for category in CARRIED} | {"manifest.json": b"{}"}
    archive = zipped(entries)
    assert len(archive) < 2_000_000 < 400_000_000 < sum(map(len, entries.values()))
    with pytest.raises(TooLarge, match="once unpacked"):
        await import_swarm(world.services, BOB, archive)
    few = zipped({name: content[: len(waste) * 2] for name, content in entries.items()})
    with pytest.raises(InvalidInput, match=r"line 1 of documents/swarm.jsonl is not valid"):
        await import_swarm(world.services, BOB, few)
    assert nothing_of(world, "bob")


async def test_a_user_has_one_import_at_a_time_and_others_are_not_kept_waiting_by_it(world: World) -> None:
    swarm, archive = await exported(world)
    async with world.services.imports.take("bob"):
        with pytest.raises(QuotaExceeded, match="1 of yours") as refused:
            await import_swarm(world.services, BOB, archive)
        assert nothing_of(world, "bob")
        assert (await import_swarm(world.services, ADA, archive)).report == (await world_report(world, swarm.swarm_id))
    assert refused.value.retry_after > 0
    assert (await import_swarm(world.services, BOB, archive)).user_id == "bob"


async def world_report(world: World, swarm_id: str) -> str | None:
    return (await world.services.swarms.get(ADA.space(swarm_id), "swarm")).doc.report


async def test_of_eight_at_once_one_is_taken_in(world: World) -> None:
    _, archive = await exported(world)
    outcomes = await asyncio.gather(
        *(import_swarm(world.services, BOB, archive) for _ in range(8)), return_exceptions=True
    )
    refused = [one for one in outcomes if isinstance(one, QuotaExceeded)]
    assert len(refused) == 7


async def test_an_archive_that_takes_too_long_is_given_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    _, archive = await exported(world)
    monkeypatch.setattr(reading_process, "WALL_SECONDS", 0.01)
    with pytest.raises(TooLarge, match="too long"):
        await import_swarm(world.services, BOB, archive)
    assert nothing_of(world, "bob")


async def test_many_blobs_are_stored_from_one_look_at_the_list(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening the archive for each blob would parse its list as often as there are blobs."""
    _, archive = await exported(world)
    opened = 0
    known = zipfile.ZipFile.__init__

    def counted(self: zipfile.ZipFile, *args: object, **more: object) -> None:
        nonlocal opened
        opened += 1
        known(self, *args, **more)  # type: ignore[arg-type]  # handed on

    monkeypatch.setattr(zipfile.ZipFile, "__init__", counted)
    await import_swarm(world.services, BOB, archive)
    assert opened == 1
