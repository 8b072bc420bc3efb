"""Memory as nodes use it: what they keep is filed and split, what lies in a blob is read, within bounds."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from nodes_written import NOON, artifact, ended, node, write
from spaces_stores import SPACE, check_whole

from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.sqlite import SqliteStore
from shared.blobs import BlobRef
from shared.config import Settings
from shared.llm.port import Completion, CompletionRequest
from shared.llm.prompting import estimate_tokens
from shared.node.journal import NodeJournal
from shared.node.journalled_calls import JournalledCalls
from shared.node.memory import NodeMemory, read_memory
from shared.node.model import NodeModel
from shared.node.outcome_store import store_artifacts, store_memories
from shared.services import Services
from shared.spaces.excerpt import MAX_READ
from shared.spaces.memory_space import MemorySpace
from shared.spaces.metadata import folder
from shared.spaces.router import MAX_OPTIONS
from shared.spaces.space import BuiltinSpace
from shared.swarm.budget import Limits
from shared.swarm.node import NodeRef
from shared.swarm.outcomes import ArtifactDraft, MemoryDraft
from shared.types import SpaceKey

ASKING = node("0.9", parent_id=None, directive="Which ridge is it?", lease=Limits().lease)


@dataclass
class Chooses:
    """Answers every choice with the first option that holds one of the words, and keeps the prompts."""

    words: tuple[str, ...] = ()
    prompts: list[str] = field(default_factory=list)

    async def complete(self, request: CompletionRequest) -> Completion:
        prompt = request.messages[-1].content
        self.prompts.append(prompt)
        options = re.findall(r"^([1-9][0-9]*)\. (.*)$", prompt, re.MULTILINE)
        fits = [int(number) for number, told in options if any(word in told for word in self.words)]
        best = fits[0] if fits else 0
        return Completion(json.dumps({"best": best, "unviable": [], "confidence": "high"}), "m", "stop", 10, 10)

    async def close(self) -> None:
        self.prompts.clear()


@dataclass
class Desk:
    """One node's memory, and the engine it works with."""

    services: Services
    chooses: Chooses

    @property
    def space(self) -> MemorySpace:
        return MemorySpace(self.services.store, SPACE)

    async def memory(self) -> NodeMemory:
        ref = NodeRef(user_id=SPACE.user_id, swarm_id=SPACE.swarm_id, node_id=ASKING.node_id)
        journal = await NodeJournal.open(self.services, SPACE, ASKING, fresh=False)
        model = NodeModel(JournalledCalls(self.services, ref, ASKING, journal, NOON.replace(year=NOON.year + 9)))
        return NodeMemory(self.space, model)

    async def keep(self, node_id: str, drafts: list[MemoryDraft]) -> None:
        await store_memories(self.services, SPACE, ended(node_id), drafts)


@pytest.fixture
async def desk(store: SqliteStore, tmp_path: Path) -> AsyncIterator[Desk]:
    blobs = FilesystemBlobs(tmp_path)
    chooses = Chooses()
    yield Desk(
        Services(
            store=store,
            blobs=blobs,
            settings=Settings(prompt_tokens=2_976),
            actions=BuiltinSpace([folder("actions", "Actions", "", None)]),
            connect_model=lambda: chooses,
            worker="w",
            clock=lambda: NOON,
        ),
        chooses,
    )
    await blobs.close()


def drafts(count: int, folder_id: str = "references") -> list[MemoryDraft]:
    return [
        MemoryDraft(folder_id=folder_id, name=f"Part {n:02}", description=f"About topic{n:02}.", content=f"Text {n}.")
        for n in range(count)
    ]


async def test_a_folder_that_outgrows_a_step_is_split_when_it_is_added_to(desk: Desk) -> None:
    await desk.keep("0.0", drafts(MAX_OPTIONS))
    assert {child.kind for child in await desk.space.children("references")} == {"leaf"}
    await desk.keep("0.1", drafts(1))
    folders = await desk.space.children("references")
    assert 2 <= len(folders) <= MAX_OPTIONS
    assert {child.kind for child in folders} == {"folder"}
    await check_whole(desk.space, {"0.1-0", *(f"0.0-{n}" for n in range(MAX_OPTIONS))}, "references")
    assert desk.chooses.prompts == []


async def test_keeping_again_what_was_kept_and_split_changes_nothing(desk: Desk) -> None:
    await desk.keep("0.0", drafts(30))
    before = await desk.space.children("references")
    await desk.keep("0.0", drafts(30))
    assert await desk.space.children("references") == before
    await check_whole(desk.space, {f"0.0-{n}" for n in range(30)}, "references")


async def test_nodes_that_keep_at_the_same_time_lose_nothing(desk: Desk) -> None:
    await asyncio.gather(*(desk.keep(f"0.{n}", drafts(14)) for n in range(8)))
    await check_whole(desk.space, {f"0.{n}-{m}" for n in range(8) for m in range(14)}, "references")


async def test_the_scene_needs_no_model_where_it_was_split(desk: Desk) -> None:
    await desk.keep("0.0", drafts(40))
    await desk.keep("0.1", [MemoryDraft(folder_id="facts", name="Ridge", description="topic33", content="Yes.")])
    shown = await (await desk.memory()).background("Something on topic33 please", 400)
    assert {item.content for item in shown} >= {"Text 33.", "Yes."}
    assert desk.chooses.prompts == []


async def test_a_scene_in_very_many_folders_is_searched(desk: Desk) -> None:
    for n in range(20):
        await desk.space.add(folder(f"shelf{n}", f"Shelf {n}", "", "references"))
        await desk.keep(f"0.{n}", drafts(1, f"shelf{n}"))
    desk.chooses.words = ("References", "Shelf 3", "Part")
    shown = await (await desk.memory()).background("topic00", 400)
    assert shown
    assert desk.chooses.prompts


async def test_a_search_reads_what_lies_in_a_blob(desk: Desk) -> None:
    maker = ended("0.0", artifacts=1, directive="Walk the ridge.")
    text = "Nothing here.\n\n" * 6_000 + "The ridge is Helm Crag.\n\n" + "More.\n\n" * 50
    draft = ArtifactDraft(name="ridge.md", media_type="text/markdown", content=text)
    await store_artifacts(desk.services, SPACE, maker, [draft])
    await write(desk.services.store, node("0", "0"), maker)
    assert (await desk.space.memory("0.0-a0")).content is None
    desk.chooses.words = ("ridge.md",)
    found = await (await desk.memory()).search("Which ridge is it?")
    assert "The ridge is Helm Crag." in found[0].content
    assert estimate_tokens(found[0].content) <= 2_000


class CountedBlobs(FilesystemBlobs):
    """Counts the bytes that were read of blobs."""

    read_so_far = 0

    async def open(self, space: SpaceKey, ref: BlobRef) -> AsyncIterator[bytes]:
        pieces = await super().open(space, ref)

        async def counted() -> AsyncIterator[bytes]:
            async for piece in pieces:
                self.read_so_far += len(piece)
                yield piece

        return counted()


async def test_of_a_very_large_blob_only_the_beginning_is_read(desk: Desk, tmp_path: Path) -> None:
    text = "ä" * 4 * MAX_READ
    await store_artifacts(desk.services, SPACE, ended("0.0"), [ArtifactDraft(name="x", media_type="x", content=text)])
    await write(desk.services.store, node("0", "0"), ended("0.0", artifacts=1))
    blobs = CountedBlobs(tmp_path)
    read = await read_memory(blobs, SPACE, await desk.space.memory("0.0-a0"))
    assert read == "ä" * (MAX_READ // 2)
    assert blobs.read_so_far < len(text.encode()) / 2


async def test_a_memory_in_its_document_is_read_from_there(desk: Desk) -> None:
    await write(desk.services.store, node("0", "0"), ended("0.0", artifacts=1), artifact("0.0-0", "a.py"))
    assert await read_memory(desk.services.blobs, SPACE, await desk.space.memory("0.0-a0")) == "print\n"


async def test_a_node_that_searches_does_not_find_its_own_directive(desk: Desk) -> None:
    await write(desk.services.store, node("0", "9"), ASKING.evolve(parent_id="0"))
    desk.chooses.words = ("Which ridge is it?",)
    assert await (await desk.memory()).search("Which ridge is it?") == []
    assert len(desk.chooses.prompts) == 1
    assert "1. Do 0 (in Swarm Star / Directives / Do 0)" in desk.chooses.prompts[0]
