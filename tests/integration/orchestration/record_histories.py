"""`python -m tests.integration.orchestration.record_histories [scenario ...]`: record `tests/data/histories` anew.

It drives small swarms on the embedded host with the scripted model, and writes down what the orchestrators were shown
and what they answered. Record a scenario anew only when its orchestration has a new durable name: a recording that no
longer replays is a deploy that breaks swarms in flight.
"""

import asyncio
import json
import os
import re
import sys
import tempfile
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import aiohttp

from local.host import Host, HostSettings
from local.host.durable import activities as host_activities
from local.host.durable import sdk
from local.host.durable.model import Instance
from local.host.durable.protocol import ActionType, leaves
from local.host.durable.storage import Storage
from local.scripted import Call, Reply, ScriptedModel
from shared import bootstrap
from shared.orchestration.run_node import MAX_STEPS
from shared.runtime.names import answered_event, node_instance
from shared.swarm.node import NodeRef
from tests.crash import crash_script
from tests.crash.crash_script import both, twice
from tests.integration.orchestration.histories import FOLDER, Answer, Episode, Json, Recording, changes, dump

ROOT = Path(__file__).parents[3]
USER = "local"
#: Where every recording begins, whenever it was made.
_EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
_STAMP = re.compile(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,6})?Z")
_PATIENCE = 60.0


class Recorder:
    """Notes each episode of each orchestration as the host stores it."""

    def __init__(self) -> None:
        self.recordings: dict[tuple[str, str], Recording] = {}
        self._actions: dict[tuple[str, str], list[Json]] = defaultdict(list)
        self._replies: dict[str, sdk.Reply] = {}

    def install(self) -> None:
        """Listen in on the host of this process."""
        replay, add_history = sdk.replay, Storage.add_history

        def heard(handle: Callable[[Any], str], context: str) -> sdk.Reply:
            reply = replay(handle, context)
            self._replies[json.loads(context)["instanceId"]] = reply
            return reply

        def stored(storage: Storage, instance: Instance, count: int, text: str) -> None:
            add_history(storage, instance, count, text)
            self._note(instance, json.loads(f"[{text}]"))

        vars(sdk)["replay"] = heard
        setattr(Storage, "add_history", stored)  # noqa: B010 - mypy takes no assignment to a method

    def _note(self, instance: Instance, events: list[Json]) -> None:
        key = (instance.instance_id, instance.execution_id)
        parent = instance.parent.instance_id if instance.parent else None
        new = Recording(instance.name, instance.instance_id, parent, instance.input)
        reply = self._replies.pop(instance.instance_id, None)
        answer = None
        if reply is not None:
            asked = changes(self._actions[key], reply.actions)
            self._actions[key] = reply.actions
            answer = Answer(reply.done, asked, reply.output, reply.error)
        for event in events:
            del event["IsPlayed"]
        self.recordings.setdefault(key, new).episodes.append(Episode(events, answer))

    def of(self, swarm_id: str) -> list[Recording]:
        """The orchestrations of a swarm, in the order in which they began."""
        return [one for one in self.recordings.values() if f'"{swarm_id}"' in str(one.input)]

    def waits(self, swarm_id: str, event: str) -> int:
        """How many orchestrations of a swarm have come to wait for an event."""
        answers = [e.answer for one in self.of(swarm_id) for e in one.episodes if e.answer is not None]
        asked = [leaf for answer in answers for _, action in answer.asked for leaf in leaves(action)]
        names = [leaf["externalEventName"] for leaf in asked if leaf["actionType"] == ActionType.WAIT_FOR_EVENT]
        return names.count(event)


@dataclass
class Stage:
    """The running host, and what a scenario's user needs to act on its swarm."""

    session: aiohttp.ClientSession
    host: Host
    recorder: Recorder
    #: Swarms whose model has been called, and for what.
    called: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))

    async def post(self, path: str, body: object = None) -> Any:
        """Tell the app something."""
        async with self.session.post(f"{self.host.url}/api/v1/swarms{path}", json=body) as reply:
            assert reply.status in {200, 202}, (path, await reply.text())
            return await reply.json()

    async def get(self, path: str) -> Any:
        """Look something up."""
        async with self.session.get(f"{self.host.url}/api/v1/swarms{path}") as reply:
            assert reply.status == 200, (path, await reply.text())
            return await reply.json()

    async def raise_event(self, ref: NodeRef, event: str) -> None:
        """Wake the orchestration of a node from outside."""
        path = f"runtime/webhooks/durabletask/instances/{node_instance(ref)}/raiseEvent/{event}"
        url, told = f"{self.host.url}/{path}", {"Content-Type": "application/json"}
        async with self.session.post(url, params={"code": self.host.key}, data="null", headers=told) as reply:
            assert reply.status == 202, await reply.text()

    async def until(self, seen: Callable[[], bool]) -> None:
        """Wait for something to come about."""
        async with asyncio.timeout(_PATIENCE):
            while not seen():  # noqa: ASYNC110 - nothing here tells of it
                await asyncio.sleep(0.01)

    async def until_waiting(self, swarm_id: str, event: str, times: int = 1) -> None:
        """Wait until orchestrations have come to wait for an event so often."""
        await self.until(lambda: self.recorder.waits(swarm_id, event) >= times)

    async def answer(self, swarm_id: str) -> None:
        """Answer the first question."""
        (question, *_) = (await self.get(f"/{swarm_id}/questions"))["items"]
        await self.post(f"/{swarm_id}/questions/{question['question_id']}/answer", {"answer": "Blue."})


User = Callable[[Stage, str], Awaitable[None]]


async def _watch(stage: Stage, swarm_id: str) -> None:
    """Do nothing."""


async def _answer(stage: Stage, swarm_id: str) -> None:
    await stage.until_waiting(swarm_id, answered_event(0))
    await stage.answer(swarm_id)


async def _answer_after_false_alarms(stage: Stage, swarm_id: str) -> None:
    """Wake the node that asked so often that it begins a fresh history, and then answer."""
    for alarm in range(MAX_STEPS):
        await stage.until_waiting(swarm_id, answered_event(0), alarm + 1)
        asked = (await stage.get(f"/{swarm_id}/questions"))["items"][0]["node_id"]
        await stage.raise_event(NodeRef(user_id=USER, swarm_id=swarm_id, node_id=asked), answered_event(0))
    await stage.until_waiting(swarm_id, answered_event(0), MAX_STEPS + 1)
    await stage.answer(swarm_id)


async def _cancel(stage: Stage, swarm_id: str) -> None:
    await stage.until_waiting(swarm_id, answered_event(0))
    await stage.post(f"/{swarm_id}/cancel")


async def _pause_at_once(stage: Stage, swarm_id: str) -> None:
    await _pause_and_resume(stage, swarm_id, 1)


async def _pause_twice(stage: Stage, swarm_id: str) -> None:
    """Pause the leaves as well as the managers above them."""
    await _pause_and_resume(stage, swarm_id, 1)
    await stage.until(lambda: "text" in stage.called[swarm_id])
    await _pause_and_resume(stage, swarm_id, 2)


async def _pause_and_resume(stage: Stage, swarm_id: str, times: int) -> None:
    await stage.post(f"/{swarm_id}/pause")
    await stage.until_waiting(swarm_id, f"resumed-{times}")
    await asyncio.sleep(0.5)  # until every node has come to rest
    await stage.post(f"/{swarm_id}/resume")


@dataclass(frozen=True)
class Scenario:
    """A swarm to record, what its user does, and what goes wrong."""

    directive: str
    user: User = _watch
    documents: int = 0
    limits: Json = field(default_factory=dict)
    #: Seconds that each model call takes.
    latency: float = 0.0
    #: Whether the model sends the first call for a text away for longer than an activity may wait.
    busy: bool = False
    #: Nodes whose `advance_node` raises, so often; nodes whose `fail_node` raises.
    crashes: dict[str, int] = field(default_factory=dict)
    unfailable: tuple[str, ...] = ()


_ALWAYS = 1_000
SCENARIOS = {
    "leaves-alone": Scenario(both("Write a.md", "Write b.md")),
    "sub-manager-and-continuation": Scenario(
        twice([both("Write a.md", "Program b.py"), "Write c.md"], ["Write d.md"]),
    ),
    "context-absorbed": Scenario(both("Write a.md"), documents=2),
    "question-answered": Scenario(both("Ask for a", "Write b.md"), _answer),
    "question-expired": Scenario(both("Ask for a"), limits={"answer_seconds": 1}),
    "question-cancelled": Scenario(both("Ask for a", "Write b.md"), _cancel),
    "woken-for-nothing": Scenario(both("Ask for a"), _answer_after_false_alarms),
    "paused-at-once": Scenario(both("Write a.md"), _pause_at_once, latency=0.3),
    "paused-leaves": Scenario(both("Write a.md", "Write b.md", both("Write c.md")), _pause_twice, latency=0.4),
    "model-busy": Scenario(both("Write a.md", "Write b.md"), busy=True),
    "worker-lost-once": Scenario(both("Write a.md", "Write b.md"), crashes={"0": 1, "0.1.0": 2}),
    "children-lost": Scenario(
        both("Write a.md", "Write b.md", both("Write c.md")), crashes={"0.1.0": _ALWAYS, "0.2.0": _ALWAYS}
    ),
    "nothing-works": Scenario(both("Write a.md"), crashes={"0": _ALWAYS}, unfailable=("0",)),
}


def _crash(crashing: dict[str, Scenario]) -> None:
    """Have activities raise where their scenario says so, without a word of this machine in what the host writes."""
    from shared.activities import advance_node as advancing
    from shared.activities import fail_node as failing

    advance, fail = advancing.advance_node, failing.fail_node
    left = {(name, node): times for name, scenario in crashing.items() for node, times in scenario.crashes.items()}

    async def advance_or_crash(engine: Any, ref: NodeRef) -> Any:
        key = (ref.swarm_id, ref.node_id)
        if left.get(key, 0) > 0:
            left[key] -= 1
            raise RuntimeError("the worker was lost")
        return await advance(engine, ref)

    async def fail_or_crash(engine: Any, failure: Any) -> None:
        scenario = crashing.get(failure.ref.swarm_id)
        if scenario is not None and failure.ref.node_id in scenario.unfailable:
            raise RuntimeError("the store was lost")
        await fail(engine, failure)

    advancing.advance_node, failing.fail_node = advance_or_crash, fail_or_crash
    vars(host_activities)["traceback"] = SimpleNamespace(format_exception=lambda _error: ["(left out)"])
    vars(sdk)["_trace"] = lambda _error: "(left out)"


def _rule(stage: Callable[[], Stage]) -> Callable[[Call], Reply]:
    def rule(call: Call) -> Reply:
        swarm_id = call.step.split("/")[1]
        scenario = SCENARIOS[swarm_id]
        kind = call.schema_name or "text"
        stage().called[swarm_id].append(kind)
        if scenario.busy and stage().called[swarm_id].count("text") == 1 and kind == "text":
            return Reply("later", status=429, headers={"Retry-After": "11"})
        reply = crash_script.rule(call)
        return Reply(content=reply.content, status=reply.status, delay=scenario.latency)

    return rule


@asynccontextmanager
async def _staged(folder: Path) -> AsyncIterator[Stage]:
    stages: list[Stage] = []
    async with ScriptedModel(_rule(lambda: stages[0])) as model, aiohttp.ClientSession() as session:
        os.environ |= {
            "SWARMSTAR_MODEL_BASE_URL": model.base_url,
            "SWARMSTAR_MODEL_API_KEY": "not-a-secret",
            "SWARMSTAR_LOCAL_USER": USER,
            "SWARMSTAR_SPACES_DIR": str(folder / "spaces"),
        }
        recorder = Recorder()
        recorder.install()
        host = Host(ROOT, folder / "host.db", settings=HostSettings.load(ROOT))
        await host.start()
        stages.append(Stage(session, host, recorder))
        try:
            yield stages[0]
        finally:
            await host.stop()
            await bootstrap.model().close()
            await bootstrap.store().close()


async def _run(stage: Stage, name: str, creating: asyncio.Lock) -> None:
    """Run a scenario until all its orchestrations have ended. Its name is the id of its swarm."""
    from shared.usecases import create_swarm

    scenario = SCENARIOS[name]
    documents = [{"name": f"notes{n}.md", "content": f"Fact {n}."} for n in range(scenario.documents)]
    body = {"directive": scenario.directive, "context": documents, "limits": scenario.limits}
    async with creating:
        vars(create_swarm)["secrets"] = SimpleNamespace(token_hex=lambda _size: name)
        await stage.post("", body)
    await scenario.user(stage, name)
    recorder = stage.recorder
    await stage.until(lambda: all(_ended(one) for one in recorder.of(name)) and _begun(recorder, name))


def _ended(recording: Recording) -> bool:
    answer = recording.episodes[-1].answer
    return answer is not None and (answer.done or answer.error is not None)


def _begun(recorder: Recorder, name: str) -> bool:
    """Whether every orchestration that was asked for is there: it may have been, and not have had its first turn."""
    mine = recorder.of(name)
    asked = {
        leaf.get("instanceId")
        for one in mine
        for episode in one.episodes
        if episode.answer is not None
        for _, action in episode.answer.asked
        for leaf in leaves(action)
    }
    return bool(mine) and asked - {None} <= {one.instance_id for one in mine}


def _neutral(text: str) -> str:
    """The same as if it had been recorded at the epoch, with executions numbered in the order of their appearance."""
    first = datetime.fromisoformat(min(_STAMP.findall(text)))
    shift = _EPOCH - first

    def moved(found: re.Match[str]) -> str:
        return (datetime.fromisoformat(found[0]) + shift).strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    executions: dict[str, str] = {}

    def numbered(found: re.Match[str]) -> str:
        return f'"ExecutionId": "{executions.setdefault(found[1], f"execution-{len(executions)}")}"'

    return re.sub(r'"ExecutionId": "(\w+)"', numbered, _STAMP.sub(moved, text))


async def record(names: list[str]) -> None:
    """Record scenarios, all side by side, and write their files."""
    _crash({name: SCENARIOS[name] for name in names})
    with tempfile.TemporaryDirectory() as folder:
        async with _staged(Path(folder)) as stage:
            creating = asyncio.Lock()
            await asyncio.gather(*(_run(stage, name, creating) for name in names))
            FOLDER.mkdir(parents=True, exist_ok=True)
            for name in names:
                text = _neutral(dump(stage.recorder.of(name)))
                (FOLDER / f"{name}.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(record(sys.argv[1:] or list(SCENARIOS)))
