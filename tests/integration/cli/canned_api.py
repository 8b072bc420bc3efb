"""A small real HTTP server that speaks the API with canned data."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aiohttp import web


@dataclass(frozen=True)
class Ran:
    """What a command left."""

    code: int
    out: str
    err: str


Cli = Callable[..., Ran]

STARTED = "2026-11-22T10:00:00Z"
SWARM_ID = "3f2a-canned"


def swarm(status: str = "completed", **fields: Any) -> dict[str, Any]:
    ended = None if status == "running" else "2026-11-22T10:01:05Z"
    return {
        "swarm_id": SWARM_ID,
        "directive": "Write the report.\nBe short.",
        "status": status,
        "created": STARTED,
        "ended": ended,
        "limits": {"nodes": 50},
        "context": [],
        "usage": {"calls": 7, "input_tokens": 12_300, "output_tokens": 456, "cost_usd": 0.0123},
        "nodes": 3,
        "report": None if status == "running" else "All is written.",
        **fields,
    }


def node(node_id: str, parent_id: str | None, action_id: str, status: str, **fields: Any) -> dict[str, Any]:
    return {
        "node_id": node_id,
        "parent_id": parent_id,
        "children_ids": [],
        "action_id": action_id,
        "directive": f"Directive of {node_id}",
        "status": status,
        "alive": status not in {"terminated", "failed", "cancelled"},
        "round": 0,
        "depth": 0,
        "turn": 0,
        "report": None,
        "report_of": None,
        "complete": None,
        "seq": 1,
        "usage": {"calls": 1, "input_tokens": 10, "output_tokens": 5, "cost_usd": 0.0},
        "nodes": 1,
        **fields,
    }


def event(frame: int, node_id: str, operation: str | None, status: str, /, **changes: Any) -> dict[str, Any]:
    at = f"2026-11-22T10:00:{frame:02}Z"
    return {"frame": frame, "node_id": node_id, "operation": operation, "status": status, "at": at, "changes": changes}


ROOT = node("0", None, "reasoning.decompose_directive", "acting")
ROUTER = node("0.0", "0", "routers.route_action", "routing")
WRITER = node("0.0.0", "0.0", "coding.write_python", "acting")

HISTORY = [
    event(1, "0", "spawn", "acting", **ROOT),
    event(2, "0", "execute", "waiting", children_ids=["0.0"]),
    event(3, "0.0", "spawn", "routing", **ROUTER),
    event(4, "0.0.0", "spawn", "acting", **WRITER),
    event(5, "0.0", "execute", "waiting"),
    event(6, "0.0.0", None, "acting"),
    event(7, "0.0.0", "terminate", "terminated", report="Wrote \x1b[31mtally.py"),
    event(8, "0.0", "terminate", "terminated", report_of="0.0.0"),
    event(9, "0", "terminate", "terminated", report="All is written.", complete=True),
]
QUESTION = {
    "question_id": "q1",
    "node_id": "0.0.0",
    "question": "Which currency?",
    "assumption": "euros",
    "state": "open",
    "asked": STARTED,
    "deadline": "2026-11-23T10:00:00Z",
    "answer": None,
}
FOLDER = {"memory_id": "facts", "kind": "folder", "name": "Facts", "description": "Single facts.", "parent_id": "user"}
FACT = {
    "memory_id": "user-1",
    "kind": "leaf",
    "name": "Tea",
    "description": "What they drink.",
    "parent_id": "facts",
    "type": "text",
    "own": True,
}
BLOCKED = [*HISTORY[:5], event(6, "0.0.0", "blocking", "blocked", questions=["q1"])]


class CannedApi:
    """The server, on a thread of its own. Tests set what it answers and read what it was sent."""

    def __init__(self) -> None:
        self.swarm = swarm()
        self.events = list(HISTORY)
        self.ended = True
        self.question = dict(QUESTION)
        self.artifacts: dict[str, tuple[str, bytes]] = {"a1": ("tally.py", b"print('hello')\n")}
        #: Artifacts that are listed and whose content is not there.
        self.gone: set[str] = set()
        self.received: list[tuple[str, str, Any]] = []
        self.headers: dict[str, str] = {}
        #: What every request is answered with while it is set: status, body, headers.
        self.refusal: tuple[int, bytes, dict[str, str]] | None = None
        self.port = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve(ready)), daemon=True)
        self._thread.start()
        assert ready.wait(10)

    def stop(self) -> None:
        if self._loop and self._thread:
            self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join(10)
            assert not self._thread.is_alive()
            self._loop = None

    async def _serve(self, ready: threading.Event) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        runner = web.AppRunner(self._app(), shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        ready.set()
        await self._stop.wait()
        await runner.cleanup()

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[self._record])
        one = f"/api/v1/swarms/{SWARM_ID}"
        app.add_routes(
            [
                web.post("/api/v1/swarms", self._create),
                web.get("/api/v1/swarms", self._list),
                web.get(one, self._swarm),
                web.get(one + "/tree", self._tree),
                web.get(one + "/nodes/{node_id}", self._node),
                web.get(one + "/events", self._events),
                web.get(one + "/questions", self._questions),
                web.post(one + "/questions/q1/answer", self._answer),
                web.get(one + "/memory", self._memory),
                web.post(one + "/memory", self._add_memory),
                web.get(one + "/memory/{memory_id}", self._memory_detail),
                web.get(one + "/memory/{memory_id}/content", self._memory_content),
                web.delete(one + "/memory/{memory_id}", self._remove_memory),
                web.get("/api/v1/actions", self._actions),
                web.get(one + "/actions", self._actions),
                web.get(one + "/artifacts", self._artifacts),
                web.get(one + "/artifacts/{artifact_id}/content", self._content),
                *(web.post(f"{one}/{command}", self._control) for command in ("cancel", "pause", "resume")),
                web.post(one + "/nodes/{node_id}/{command}", self._control_branch),
            ]
        )
        return app

    @web.middleware
    async def _record(self, request: web.Request, handler: Any) -> web.StreamResponse:
        body = await request.json() if request.content_type == "application/json" else await request.read() or None
        self.received.append((request.method, request.path_qs, body))
        self.headers = dict(request.headers)
        if self.refusal:
            status, content, headers = self.refusal
            return web.Response(status=status, body=content, headers=headers)
        try:
            response: web.StreamResponse = await handler(request)
        except web.HTTPNotFound:
            return problem(404, "There is no such swarm.")
        return response

    async def _create(self, request: web.Request) -> web.Response:
        return web.json_response(self.swarm | {"status": "running", "ended": None, "report": None}, status=202)

    async def _list(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [self.swarm], "cursor": "next-page"})

    async def _swarm(self, request: web.Request) -> web.Response:
        return web.json_response(self.swarm)

    async def _tree(self, request: web.Request) -> web.Response:
        nodes = [ROOT, ROUTER, WRITER | {"status": "failed", "seq": 4}]
        return web.json_response({"frame": 9, "nodes": nodes})

    async def _node(self, request: web.Request) -> web.Response:
        found = WRITER | {"status": "terminated", "report": "Wrote it.", "node_id": request.match_info["node_id"]}
        log = {
            "step": "0.0.1",
            "purpose": "write_python",
            "model": "local",
            "messages": [{"role": "user", "content": "Please write."}],
            "answer": "def f(): ...",
            "usage": {"calls": 1, "input_tokens": 10, "output_tokens": 5, "cost_usd": 0},
            "started": STARTED,
            "seconds": 2.5,
        }
        options = [{"number": 1, "id": "coding.write_python"}, {"number": 2, "id": "writing.write_document"}]
        steps: list[dict[str, Any]] = [
            {"folder_id": "memory", "options": options[1:], "chosen": None, "confidence": None},
            {"folder_id": "actions", "options": options, "chosen": "coding.write_python", "confidence": "high"},
        ]
        return web.json_response(found | {"log": [log], "route": steps, "questions": [self.question]})

    async def _events(self, request: web.Request) -> web.Response:
        after, wait, limit = (int(request.query[name]) for name in ("after", "wait", "limit"))
        items = [item for item in self.events if item["frame"] > after][:limit]
        if not items and wait and not self.ended:
            await asyncio.sleep(min(wait, 0.3))
            items = [item for item in self.events if item["frame"] > after][:limit]
        last = self.events[-1]["frame"] if self.events else 0
        return web.json_response({"items": items, "frame": last, "ended": self.ended})

    async def _questions(self, request: web.Request) -> web.Response:
        return web.json_response({"items": [self.question]})

    async def _answer(self, request: web.Request) -> web.Response:
        if self.question["state"] != "open":
            return problem(409, "The question is no longer open.")
        self.question |= {"state": "answered", "answer": (await request.json())["answer"]}
        return web.json_response(self.question)

    async def _memory(self, request: web.Request) -> web.Response:
        items = [] if request.query.get("parent") == "empty" else [FOLDER, FACT]
        searched = "query" in request.query
        found = {"folder": FOLDER, "items": items[searched:], "cursor": None, "complete": not searched}
        return web.json_response(found)

    async def _add_memory(self, request: web.Request) -> web.Response:
        given = await request.json()
        if given.get("folder_id") == "x":
            return problem(400, "folder_id: there is no folder 'x'")
        return web.json_response(FACT | {"name": given["name"], "path": ["User", "Facts", given["name"]]}, status=201)

    async def _memory_detail(self, request: web.Request) -> web.Response:
        large = request.match_info["memory_id"] == "large"
        content = {"size": 70_000, "content": None} if large else {"size": 10, "content": "Likes \x1b[31mtea."}
        return web.json_response(FACT | {"path": ["User", "Facts", "Tea"]} | content)

    async def _memory_content(self, request: web.Request) -> web.Response:
        return web.Response(body=b"Long." * 14_000)

    async def _remove_memory(self, request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def _actions(self, request: web.Request) -> web.Response:
        used = {"used": 3} if "swarms" in request.path else {}
        asking = {
            "action_id": "communication.ask_user_questions",
            "name": "ask user questions",
            "description": "Ask the user.",
            "path": ["communication"],
            "may_block": True,
            "built_in": True,
        }
        made = {"action_id": "made-0", "name": "count words", "description": "Counts.", "built_in": False}
        return web.json_response({"items": [asking | used, *([made | {"used": 1}] if used else [])], "cursor": None})

    async def _artifacts(self, request: web.Request) -> web.Response:
        items = [
            {
                "artifact_id": artifact_id,
                "node_id": "0.0.0",
                "name": name,
                "media_type": "text/x-python",
                "description": "counts words",
                "size": len(content),
                "created": STARTED,
            }
            for artifact_id, (name, content) in self.artifacts.items()
        ]
        return web.json_response({"items": items})

    async def _content(self, request: web.Request) -> web.Response:
        artifact_id = request.match_info["artifact_id"]
        if artifact_id in self.gone:
            return problem(404, "the content of this artifact is gone")
        return web.Response(body=self.artifacts[artifact_id][1])

    async def _control(self, request: web.Request) -> web.Response:
        if request.path.endswith("/cancel") and self.swarm["status"] == "running":
            self.swarm, self.ended = swarm("cancelled"), True
        return web.json_response(self.swarm, status=202)

    async def _control_branch(self, request: web.Request) -> web.Response:
        asked = request.match_info
        command = {"resume": "run"}.get(asked["command"], asked["command"])
        told = {"swarm_id": self.swarm["swarm_id"], "node_id": asked["node_id"], "command": command}
        return web.json_response(told, status=202)


def problem(status: int, detail: str) -> web.Response:
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
    return web.json_response(body, status=status, content_type="application/problem+json")
