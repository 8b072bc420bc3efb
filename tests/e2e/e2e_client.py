"""A deployment over HTTP, the swarms that tests start on it, and the invariants every run keeps."""

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
from e2e_script import Script, Switchboard
from yarl import URL

from shared.swarm.history import replay, violations
from shared.swarm.node import SwarmEvent, SwarmNode
from shared.swarm.usage import Usage

#: The deployment to test, if it is not to be started here, and the port at which it looks for the scripted model.
BASE_URL = os.environ.get("BASE_URL", "").rstrip("/")
MODEL_PORT = int(os.environ.get("MODEL_PORT", "0"))
#: Seconds within which whatever a test waits for is there, on a busy machine.
PATIENCE = 60.0


@dataclass(frozen=True)
class Answer:
    """An HTTP response."""

    status: int
    type: str
    headers: Any
    body: Any


@dataclass
class Deployment:
    """One deployment. The last two are known of one that the tests started themselves."""

    session: aiohttp.ClientSession
    url: str
    key: str | None = None
    spaces: Path | None = None
    management: str | None = None
    #: Creating is one at a time, so that the switchboard knows whose script a new swarm's first call is for.
    creating: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        """A request to `/api/v1/{path}`, where the path is sent exactly as given."""
        headers = {**({"Authorization": f"Bearer {self.key}"} if self.key else {}), **options.pop("headers", {})}
        if "json" in options:
            headers["Content-Type"] = "application/json"
            options["data"] = BytesIO(json.dumps(options.pop("json")).encode())
        url = URL(f"{self.url}/api/v1/{path}", encoded=True)
        async with self.session.request(method, url, headers=headers, **options) as reply:
            raw = await reply.read()
            body = await reply.json(content_type=None) if "json" in reply.content_type and raw else raw
            return Answer(reply.status, reply.content_type, reply.headers, body)

    async def get(self, path: str) -> Any:
        """What is at a path; it must be there."""
        answer = await self.call("GET", path)
        assert answer.status == 200, (path, answer)
        return answer.body

    async def running_instances(self, swarm_id: str = "") -> list[str]:
        """The durable instances (of one swarm) that have not ended, where they can be looked at."""
        if self.management is None:
            return []
        query = {"code": self.management, "showInput": "true"}
        async with self.session.get(f"{self.url}/runtime/webhooks/durabletask/instances", params=query) as reply:
            assert reply.status == 200, reply.status
            found = await reply.json()
        ended = {"Completed", "Failed", "Terminated", "Canceled"}
        mine = [one for one in found if swarm_id in str(one["input"]) and one["runtimeStatus"] not in ended]
        return [f"{one['name']} {one['runtimeStatus']}" for one in mine]

    def folders(self) -> set[str]:
        """The swarm spaces on this machine; none when the deployment is elsewhere."""
        return {path.name for path in self.spaces.iterdir()} if self.spaces and self.spaces.is_dir() else set()


@dataclass(frozen=True)
class Ended:
    """A swarm that has ended, as it is served."""

    swarm: dict[str, Any]
    events: list[SwarmEvent]
    nodes: dict[str, SwarmNode]
    logs: dict[str, list[dict[str, Any]]]

    @property
    def status(self) -> str:
        return str(self.swarm["status"])

    @property
    def report(self) -> str:
        return str(self.swarm["report"])

    @property
    def root(self) -> SwarmNode:
        return self.nodes["0"]

    def acting(self, action_id: str) -> list[SwarmNode]:
        """The nodes that performed an action, in the order in which they came to be."""
        return [node for node in self.nodes.values() if node.action_id == action_id]

    def on(self, directive: str) -> SwarmNode:
        """The one node that acted on a directive."""
        (found,) = [node for node in self.nodes.values() if node.directive == directive and not node.is_router]
        return found

    def frame(self, node_id: str, status: str) -> int:
        """The frame in which a node first came to a status."""
        return next(event.frame for event in self.events if (event.node_id, event.status) == (node_id, status))


class Run:
    """One swarm of a test."""

    def __init__(self, deployment: Deployment, swarm_id: str, script: Script) -> None:
        self.deployment = deployment
        self.swarm_id = swarm_id
        self.script = script

    async def get(self, path: str = "") -> Any:
        """What is at a path below the swarm's."""
        return await self.deployment.get(f"swarms/{self.swarm_id}{path}")

    async def post(self, path: str, body: object = None) -> Answer:
        """Tell the swarm something."""
        options = {} if body is None else {"json": body}
        return await self.deployment.call("POST", f"swarms/{self.swarm_id}{path}", **options)

    async def until(self, seen: Callable[[SwarmEvent], bool]) -> SwarmEvent:
        """The first event of a kind, waited for on the events themselves."""
        frame = 0
        async with asyncio.timeout(PATIENCE):
            while True:
                page = await self.get(f"/events?after={frame}&wait=10")
                events = [SwarmEvent.model_validate(item) for item in page["items"]]
                if found := next((event for event in events if seen(event)), None):
                    return found
                assert not page["ended"], "the swarm ended before that"
                frame = page["frame"]

    async def until_status(self, node_id: str, status: str) -> SwarmEvent:
        """The event with which a node came to a status."""
        return await self.until(lambda event: (event.node_id, event.status) == (node_id, status))

    async def questions(self) -> list[dict[str, Any]]:
        """The swarm's questions."""
        return list((await self.get("/questions"))["items"])

    async def question(self) -> dict[str, Any]:
        """The first question, once it is asked and its node waits."""
        await self.until(lambda event: event.status == "blocked")
        return (await self.questions())[0]

    async def events(self, patience: float) -> list[SwarmEvent]:
        """All events, up to the end of the swarm."""
        events: list[SwarmEvent] = []
        async with asyncio.timeout(patience):
            while True:
                page = await self.get(f"/events?after={len(events)}&wait=10")
                events += [SwarmEvent.model_validate(item) for item in page["items"]]
                if page["ended"]:
                    return events

    async def ended(self, patience: float = PATIENCE) -> Ended:
        """The swarm once it has ended; every invariant of a run is checked on the way."""
        events = await self.events(patience)
        async with asyncio.timeout(PATIENCE):
            while (swarm := await self.get())["status"] == "running":  # noqa: ASYNC110  its last write comes after the last event
                await asyncio.sleep(0.05)
        nodes, logs = await self._nodes()
        ended = Ended(swarm, events, nodes, logs)
        found = broken(ended, await self.tree()) + paid_twice(self.script)
        assert not found, "\n".join(found)
        return ended

    async def tree(self, limit: int = 1_000) -> list[dict[str, Any]]:
        """Every node of the tree, page by page."""
        page = await self.get(f"/tree?limit={limit}")
        nodes = list(page["nodes"])
        while page["cursor"] is not None:
            page = await self.get(f"/tree?limit={limit}&cursor={quote(page['cursor'])}")
            nodes += page["nodes"]
        return nodes

    async def _nodes(self) -> tuple[dict[str, SwarmNode], dict[str, list[dict[str, Any]]]]:
        listed = [item["node_id"] for item in await self.tree()]
        details = await asyncio.gather(*(self.node(node_id) for node_id in listed))
        # A node alone is served with its questions in full, where its document has their ids.
        plain = [{**item, "questions": [asked["question_id"] for asked in item["questions"]]} for item in details]
        nodes = {item["node_id"]: SwarmNode.model_validate(item) for item in plain}
        return nodes, {item["node_id"]: item["log"] for item in details}

    async def node(self, node_id: str) -> dict[str, Any]:
        """One node with its whole log."""
        found: dict[str, Any] = await self.get(f"/nodes/{node_id}")
        while (cursor := found["log_cursor"]) is not None:
            page = await self.get(f"/nodes/{node_id}/log?limit=200&cursor={quote(cursor)}")
            found["log"] += page["items"]
            found["log_cursor"] = page["cursor"]
        return found

    async def artifact(self, name: str) -> str:
        """The content of the artifact of that name."""
        (found,) = [item for item in (await self.get("/artifacts"))["items"] if item["name"] == name]
        answer = await self.deployment.call("GET", f"swarms/{self.swarm_id}/artifacts/{found['artifact_id']}/content")
        assert answer.status == 200, answer
        assert len(answer.body) == found["size"]
        return bytes(answer.body).decode()


def broken(ended: Ended, tree: list[dict[str, Any]]) -> list[str]:
    """What an ended swarm must not be, in words; empty if all is well."""
    found = violations(ended.events)
    replayed = replay(ended.events)
    served = {item["node_id"]: SwarmNode.model_validate(item) for item in tree}
    if not (replayed.keys() == ended.nodes.keys() == served.keys()):
        found.append(f"nodes: replayed {sorted(replayed)}, served {sorted(served)}")
    for node_id, node in ended.nodes.items():
        if replayed.get(node_id) != node:
            found.append(f"{node_id}: replayed {replayed.get(node_id)!r}, served {node!r}")
        if node.alive or _brief(served[node_id]) != _brief(node):
            found.append(f"{node_id}: in the tree {served[node_id]!r}, alone {node!r}")
    return found + _totals(ended)


def _brief(node: SwarmNode) -> object:
    return (node.status, node.version, node.children_ids, node.usage, node.complete, node.report is None)


def _totals(ended: Ended) -> list[str]:
    """The swarm's figures are its root's, and those are what the logs of its nodes come to."""
    logged = [Usage.model_validate(entry["usage"]) for log in ended.logs.values() for entry in log]
    spent = sum(logged, Usage())
    root, swarm = ended.root, ended.swarm
    told = {
        "calls": (root.usage.calls, swarm["usage"]["calls"], spent.calls),
        "input": (root.usage.input_tokens, swarm["usage"]["input_tokens"], spent.input_tokens),
        "output": (root.usage.output_tokens, swarm["usage"]["output_tokens"], spent.output_tokens),
        "nodes": (root.nodes, swarm["nodes"], sum(not node.is_router for node in ended.nodes.values())),
        "report": (root.report, swarm["report"]),
    }
    return [f"{name}: {values}" for name, values in told.items() if len(set(values)) > 1]


def paid_twice(script: Script) -> list[str]:
    """The steps whose call was answered more than once."""
    return [f"{step} was paid twice" for step in sorted(set(script.answered)) if script.answered.count(step) > 1]


class Swarms:
    """Starts swarms on a deployment, each with its script."""

    def __init__(self, deployment: Deployment, switchboard: Switchboard) -> None:
        self.deployment = deployment
        self.switchboard = switchboard
        self.runs: list[Run] = []

    async def __call__(
        self,
        directive: str,
        script: Script | None = None,
        *,
        context: Sequence[dict[str, str]] = (),
        **limits: float,
    ) -> Run:
        """Create a swarm."""
        script = script or Script()
        body = {"directive": directive, "context": list(context), "limits": limits}
        async with self.deployment.creating:
            self.switchboard.coming = script
            try:
                answer = await self.deployment.call("POST", "swarms", json=body)
                assert answer.status == 202, answer
                swarm_id = answer.body["swarm_id"]
                self.switchboard.scripts[swarm_id] = script
            finally:
                self.switchboard.coming = None
        assert answer.headers["Location"] == f"/api/v1/swarms/{swarm_id}"
        self.runs.append(Run(self.deployment, swarm_id, script))
        return self.runs[-1]

    async def stop(self) -> None:
        """Cancel what a failed test left running."""
        for run in self.runs:
            if (await run.get())["status"] == "running":
                await run.post("/cancel")
