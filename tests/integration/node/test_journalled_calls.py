"""Model calls of a node: within its lease and the model's limits, journalled once, and found again by a repeat."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, Field

from local.scripted import Call, Calling, Reply, ScriptedModel, thinking
from shared import bootstrap
from shared.adapters.filesystem import FilesystemBlobs
from shared.adapters.openai import OpenAIChatModel
from shared.adapters.sqlite import SqliteStore
from shared.config import Settings
from shared.llm.conversation import ModelTurn, result_of
from shared.llm.port import Message, Tool
from shared.llm.prompting import Section
from shared.llm.whole import UnfinishedAnswer
from shared.node.interruption import OutOfBudget
from shared.node.journal import NodeJournal, log_documents
from shared.node.journal_content import MAX_INLINE
from shared.node.journalled_calls import JournalledCalls
from shared.node.model import NodeModel
from shared.services import Services
from shared.swarm.birth import root_node
from shared.swarm.budget import Limits
from shared.swarm.node import NodeRef
from shared.types import SpaceKey

SPACE = SpaceKey("u", "s")
REF = NodeRef(user_id="u", swarm_id="s", node_id="0")
READ = Tool("read_file", "Read a file.", {"type": "object", "properties": {"path": {"type": "string"}}})
BEGIN = (Message(role="system", content="You work."), Message(role="user", content="Begin."))


class Name(BaseModel):
    name: str = Field(max_length=20)


class Node:
    """One node, its store and the endpoint; each `model` is of another attempt at the same turn."""

    def __init__(self, folder: Path, server: ScriptedModel) -> None:
        self.server = server
        self.store = SqliteStore(folder)
        self.blobs = FilesystemBlobs(folder)
        self.endpoint = OpenAIChatModel(server.base_url, "k")

    async def model(self, limits: dict[str, Any] | None = None, **settings: Any) -> NodeModel:
        services = Services(
            self.store,
            self.blobs,
            Settings(**settings),
            bootstrap.action_space(),
            connect_model=lambda: self.endpoint,
        )
        node = root_node("Do it.", Limits(**(limits or {})), 0)
        journal = await NodeJournal.open(services, SPACE, node, fresh=False)
        return NodeModel(JournalledCalls(services, REF, node, journal, services.now() + timedelta(hours=1)))

    async def log(self) -> list[Any]:
        return [entry async for entry in log_documents(self.store).all(SPACE)]


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[Node]:
    async with ScriptedModel() as server:
        made = Node(tmp_path, server)
        yield made
        await made.endpoint.close()
        await made.store.close()
        await made.blobs.close()


def works(call: Call) -> Reply:
    """Reads three files, one a turn, and says that it is done."""
    turn = sum(message["role"] == "assistant" for message in call.messages)
    return Reply("", calls=[Calling("read_file", {"path": f"{turn}.txt"})]) if turn < 3 else Reply("Done.")


async def conversation(model: NodeModel, results: str = "text of {}") -> list[ModelTurn]:
    """A whole conversation as a loop has it: its turns."""
    messages, turns = [*BEGIN], []
    while not turns or turns[-1].calls:
        turn = await model.converse("work", messages, [READ])
        turns.append(turn)
        messages += [turn.message, *(result_of(call, results.format(call.values()["path"])) for call in turn.calls)]
    return turns


async def test_a_conversation_with_tools_is_journalled_and_found_again(node: Node) -> None:
    node.server.rule = works
    turns = await conversation(await node.model())
    assert [[call.values()["path"] for call in turn.calls] for turn in turns] == [["0.txt"], ["1.txt"], ["2.txt"], []]
    assert turns[-1].text == "Done."
    paid = node.server.total
    assert await conversation(await node.model()) == turns
    assert node.server.total == paid == 4
    assert [call.step for call in node.server.calls] == [f"u/s/0/0.0.{n}" for n in range(4)]


async def test_the_journal_holds_only_what_is_new_in_each_turn(node: Node) -> None:
    node.server.rule = works
    await conversation(await node.model())
    first, *others = await node.log()
    assert (first.continues, first.messages, first.tools) == (None, BEGIN, ("read_file",))
    assert [entry.continues for entry in others] == ["0.0.0", "0.0.1", "0.0.2"]
    assert [[message.content for message in entry.messages] for entry in others] == [
        ["text of 0.txt"],
        ["text of 1.txt"],
        ["text of 2.txt"],
    ]
    assert [call.name for call in first.tool_calls] == ["read_file"]


async def test_a_repeat_goes_on_where_the_journal_ends(node: Node) -> None:
    node.server.rule = works
    model = await node.model()
    first = await model.converse("work", BEGIN, [READ])
    again = await conversation(await node.model())
    assert again[0] == first
    entries = await node.log()
    assert [entry.continues for entry in entries] == [None, "0.0.0", "0.0.1", "0.0.2"]


async def test_large_texts_lie_in_blobs_whole(node: Node) -> None:
    node.server.rule = works
    large = "ü" * 100_000 + " of {}"
    turns = await conversation(await node.model(model_window=4_000_000), large)
    entries = await node.log()
    assert [entry.content_sha256 is None for entry in entries] == [True, False, False, False]
    assert all(len(entry.model_dump_json()) < MAX_INLINE for entry in entries)
    paid = node.server.total
    model = await node.model(model_window=4_000_000)
    assert await conversation(model, large) == turns
    assert node.server.total == paid
    found = await model.calls.journal.find("0.0.1")
    assert found is not None
    assert found.messages[0].content == large.format("0.txt")


async def test_a_key_that_something_else_took_is_passed_over_and_nothing_paid_twice(node: Node) -> None:
    await (await node.model()).write("old", "Write.", [Section("Directive", "x")])
    for _ in range(2):
        assert await (await node.model()).write("new", "Write.", [Section("Directive", "x")]) == "ok"
    assert [call.step for call in node.server.calls] == ["u/s/0/0.0.0", "u/s/0/0.0.1"]


async def test_the_default_model_has_room_to_think_by_effort(node: Node) -> None:
    node.server.rule = thinking(lambda _: Reply({"name": "Ada"}), 3_000, 3_000)
    model = await node.model()
    for effort, limit in (("low", 1_600 + 4_000), ("high", 1_600 + 16_000)):
        sections = [Section("Directive", "x")]
        answer = await model.ask("name", "Name it.", sections, Name, tokens=200, effort=effort)  # type: ignore[arg-type]
        assert answer.name == "Ada"
        assert (node.server.calls[-1].limit, node.server.calls[-1].body["reasoning_effort"]) == (limit, effort)
    assert node.server.total == 2
    assert model.calls.journal.usage.output_tokens > 6_000, "what it thought is paid for"


async def test_every_bound_that_is_checked_is_in_the_prompt_except_of_the_offline_model(node: Node) -> None:
    node.server.rule = lambda _: Reply({"name": "Ada"})
    for offline in (False, True):
        await (await node.model(model_offline=offline)).ask(f"name {offline}", "Name it.", [], Name)
    said, unsaid = (call.messages[0]["content"] for call in node.server.calls)
    assert said == "Name it.\nBounds: `name` at most 20 characters."
    assert unsaid == "Name it."


async def test_a_call_gets_the_room_that_the_lease_covers(node: Node) -> None:
    await (await node.model({"tokens": 1_500})).write("note", "Write.", [Section("Directive", "x")])
    assert 1_300 < (node.server.calls[0].limit or 0) < 1_500


@pytest.mark.parametrize(
    ("limits", "what"), [({"tokens": 1_000}, "tokens"), ({"cost_usd": 0.0001}, "cost"), ({"calls": 1}, "model calls")]
)
async def test_a_call_that_the_lease_does_not_cover_is_not_made(node: Node, limits: dict[str, Any], what: str) -> None:
    long = Section("Directive", "x" * 2_500)
    model = await node.model(limits)
    if what == "model calls":
        await model.write("first", "Write.", [long])
    paid = node.server.total
    with pytest.raises(OutOfBudget) as caught:
        await model.write("note", "Write.", [long])
    assert caught.value.what == what
    assert node.server.total == paid


async def test_room_is_doubled_within_the_lease_only(node: Node) -> None:
    node.server.rule = thinking(lambda _: Reply("Never."), 90_000, 90_000)
    with pytest.raises(OutOfBudget):
        await (await node.model({"tokens": 15_000})).write("note", "Write.", [Section("Directive", "x")])
    assert node.server.total == 1


async def test_a_text_that_stays_cut_off_is_no_text(node: Node) -> None:
    node.server.rule = lambda call: Reply(f"{call.index}, ", finish_reason="length")
    with pytest.raises(UnfinishedAnswer) as caught:
        await (await node.model()).write("note", "Write.", [Section("Directive", "x")])
    assert caught.value.text.startswith("0, 1, 2, ")


async def test_a_call_that_is_cut_off_twice_comes_back_as_an_error(node: Node) -> None:
    node.server.rule = lambda _: Reply("", calls=[Calling("read_file", '{"path": "a')], finish_reason="length")
    turn = await (await node.model()).converse("work", BEGIN, [READ])
    assert "cut off" in turn.calls[0].error
    assert turn.cut
    first, second = node.server.calls
    assert (second.limit or 0) == 2 * (first.limit or 0)
    assert await (await node.model()).converse("work", BEGIN, [READ]) == turn
    assert node.server.total == 2


async def test_cached_input_is_counted(node: Node) -> None:
    node.server.rule = lambda _: Reply("ok", input_tokens=60, usage={"prompt_tokens_details": {"cached_tokens": 40}})
    model = await node.model()
    await model.write("note", "Write.", [Section("Directive", "x")])
    assert (model.calls.journal.usage.input_tokens, model.calls.journal.usage.cached_tokens) == (60, 40)


async def test_an_entry_of_the_older_form_is_read(node: Node) -> None:
    model = await node.model()
    await model.write("note", "Write.", [Section("Directive", "x")])
    (entry,) = await node.log()
    older = entry.model_dump(
        mode="json", exclude={"continues", "tools", "tool_calls", "content_sha256", "content_size"}
    )
    older["usage"].pop("cached_tokens")
    older["messages"] = [{"role": m["role"], "content": m["content"]} for m in older["messages"]]
    assert type(entry).model_validate_json(json.dumps(older)) == entry
