"""The HTTP API of a deployment, one method a request."""

import ipaddress
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import ValidationError

from cli.failures import CliError, Problem, Unreachable
from cli.wire import (
    ActionList,
    ArtifactList,
    Delivered,
    Document,
    EventPage,
    Health,
    HookList,
    HookView,
    MemoryDetail,
    MemoryList,
    NodeDetail,
    QuestionList,
    QuestionView,
    ScheduleList,
    ScheduleView,
    SwarmPage,
    SwarmView,
    TreeView,
)
from shared.types import check_item_id, check_scope_id

DEFAULT_URL = "http://127.0.0.1:7071"
#: Seconds the server may hold an events request back until there is one.
MAX_WAIT = 25
#: Events of one page.
EVENTS = 500
#: Nodes of one page of a tree, and entries of one page of most other lists.
NODES = 1_000
LISTED = 200
#: Bytes of one artifact that are taken at most.
MAX_ARTIFACT = 64 * 1024 * 1024
#: Bytes of one JSON answer that are taken at most.
MAX_ANSWER = 64 * 1024 * 1024
#: Seconds a request may take beyond what it was asked to wait.
TIMEOUT = 30.0

#: Pages of a list that are taken at most.
MAX_PAGES = 1_000

D = TypeVar("D", bound=Document)
P = TypeVar("P", QuestionList, ArtifactList, MemoryList, ActionList, TreeView, HookList, ScheduleList)


class Api:
    """A deployment, reached over HTTP.

    Every method raises `Unreachable` when nothing answers and `Problem` when the answer is an error.
    """

    def __init__(self, url: str = DEFAULT_URL, key: str | None = None) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise CliError(f"{url!r} is not an address: it starts with http:// or https://")
        self.url = url.rstrip("/")
        self.is_loopback = is_loopback(parts.hostname)
        if key and parts.scheme == "http" and not self.is_loopback:
            raise CliError(f"SWARMSTAR_API_KEY is not sent to {self.url}: use https, anyone between could read it.")
        headers = {"accept": "application/json", "user-agent": "swarmstar-cli"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        # A proxy of the environment is for the way out, never for a host on this machine.
        self._http = httpx2.Client(
            base_url=f"{self.url}/api/v1/", headers=headers, timeout=TIMEOUT, trust_env=not self.is_loopback
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def health(self) -> Health:
        """Whether the deployment is up, and its model."""
        return self._get(Health, "health")

    def create_swarm(
        self, directive: str, context: list[dict[str, str]], limits: dict[str, float], timeout: float = 120.0
    ) -> SwarmView:
        """Start a swarm on a directive."""
        body = {"directive": directive, "context": context, "limits": limits}
        return self._post(SwarmView, "swarms", body, timeout)

    def swarms(self, limit: int = 50, cursor: str | None = None) -> SwarmPage:
        """A page of the user's swarms."""
        query: dict[str, str | int] = {"limit": limit}
        if cursor:
            query["cursor"] = cursor
        return self._get(SwarmPage, "swarms", query)

    def swarm(self, swarm_id: str) -> SwarmView:
        """One swarm."""
        return self._get(SwarmView, _path(swarm_id))

    def tree(self, swarm_id: str) -> TreeView:
        """All its nodes, directives and reports cut short."""
        return self._whole(TreeView, _path(swarm_id, "tree"), {"limit": NODES}, "nodes")

    def node(self, swarm_id: str, node_id: str) -> NodeDetail:
        """One node in full."""
        return self._get(NodeDetail, _path(swarm_id, "nodes", check_item_id(node_id, "node id")))

    def events(self, swarm_id: str, after: int = 0, wait: int = 0) -> EventPage:
        """The events after a frame; without one, the server waits for it that many seconds (25 at most)."""
        query = {"after": after, "wait": min(wait, MAX_WAIT), "limit": EVENTS}
        return self._get(EventPage, _path(swarm_id, "events"), query, timeout=TIMEOUT + wait)

    def questions(self, swarm_id: str) -> QuestionList:
        """Its questions to the user, answered ones among them."""
        return self._whole(QuestionList, _path(swarm_id, "questions"))

    def answer(self, swarm_id: str, question_id: str, answer: str) -> QuestionView:
        """Answer a question; one that is no longer open is a `Problem` with status 409."""
        path = _path(swarm_id, "questions", check_item_id(question_id, "question id"), "answer")
        return self._post(QuestionView, path, {"answer": answer})

    def control(self, swarm_id: str, command: str) -> SwarmView:
        """Have it `cancel`, `pause` or `resume`."""
        return self._post(SwarmView, _path(swarm_id, command))

    def artifacts(self, swarm_id: str) -> ArtifactList:
        """The files its nodes produced."""
        return self._whole(ArtifactList, _path(swarm_id, "artifacts"))

    def artifact_content(self, swarm_id: str, artifact_id: str) -> bytes:
        """The bytes of one file."""
        path = _path(swarm_id, "artifacts", check_item_id(artifact_id, "artifact id"), "content")
        return self._send("GET", path, bound=MAX_ARTIFACT, headers={"accept": "*/*"})

    def memory(self, swarm_id: str, folder_id: str | None = None, words: str | None = None) -> MemoryList:
        """What lies in a folder of its memory, the top unless one is named, or what a search found below it."""
        named = {"parent": folder_id and check_item_id(folder_id, "folder id"), "query": words}
        query = {name: value for name, value in named.items() if value}
        return self._whole(MemoryList, _path(swarm_id, "memory"), {"limit": LISTED, **query})

    def memory_detail(self, swarm_id: str, memory_id: str) -> MemoryDetail:
        """One folder or memory, with its content if that is short."""
        return self._get(MemoryDetail, _path(swarm_id, "memory", check_item_id(memory_id, "memory id")))

    def memory_content(self, swarm_id: str, memory_id: str) -> bytes:
        """The content of one memory, as its nodes read it."""
        path = _path(swarm_id, "memory", check_item_id(memory_id, "memory id"), "content")
        return self._send("GET", path, bound=MAX_ARTIFACT, headers={"accept": "*/*"})

    def add_memory(self, swarm_id: str, new: dict[str, str]) -> MemoryDetail:
        """Add to its memory while it runs."""
        return self._post(MemoryDetail, _path(swarm_id, "memory"), new)

    def remove_memory(self, swarm_id: str, memory_id: str) -> None:
        """Remove what the user added."""
        self._send("DELETE", _path(swarm_id, "memory", check_item_id(memory_id, "memory id")))

    def actions(self, swarm_id: str | None = None) -> ActionList:
        """What nodes can do, or what those of one swarm can."""
        path = "actions" if swarm_id is None else _path(swarm_id, "actions")
        return self._whole(ActionList, path, {"limit": LISTED})

    def create_schedule(self, new: dict[str, Any]) -> ScheduleView:
        """Make a schedule."""
        return self._post(ScheduleView, "schedules", new)

    def schedules(self) -> ScheduleList:
        """The user's schedules."""
        return self._whole(ScheduleList, "schedules", {"limit": LISTED})

    def schedule(self, schedule_id: str) -> ScheduleView:
        """One schedule and what it starts."""
        return self._get(ScheduleView, _schedule(schedule_id))

    def change_schedule(self, schedule_id: str, change: dict[str, Any]) -> ScheduleView:
        """Change a schedule, whichever its version is."""
        path, headers = _schedule(schedule_id), {"if-match": "*"}
        return self._read(ScheduleView, self._send("PATCH", path, json=change, headers=headers))

    def run_schedule(self, schedule_id: str) -> SwarmView:
        """Start a schedule's swarm now."""
        return self._post(SwarmView, f"{_schedule(schedule_id)}/run")

    def delete_schedule(self, schedule_id: str) -> None:
        """Delete a schedule."""
        self._send("DELETE", _schedule(schedule_id))

    def create_hook(self, new: dict[str, Any]) -> HookView:
        """Make a hook; its secret is in the answer."""
        return self._post(HookView, "hooks", new)

    def hooks(self) -> HookList:
        """The user's hooks."""
        return self._whole(HookList, "hooks", {"limit": LISTED})

    def hook(self, hook_id: str) -> HookView:
        """One hook and what it starts."""
        return self._get(HookView, _hook(hook_id))

    def change_hook(self, hook_id: str, change: dict[str, Any]) -> HookView:
        """Change a hook, whichever its version is."""
        return self._read(HookView, self._send("PATCH", _hook(hook_id), json=change, headers={"if-match": "*"}))

    def rotate_hook(self, hook_id: str) -> HookView:
        """Give a hook a new secret, which is in the answer."""
        return self._post(HookView, f"{_hook(hook_id)}/rotate")

    def delete_hook(self, hook_id: str) -> None:
        """Delete a hook."""
        self._send("DELETE", _hook(hook_id))

    def deliver(self, hook_id: str, headers: Mapping[str, str], body: bytes) -> Delivered:
        """Deliver something to a hook as another system would: the user's own key does not go along."""
        with httpx2.Client(timeout=TIMEOUT, trust_env=not self.is_loopback) as stranger:
            sent = {"user-agent": "swarmstar-cli", **headers}
            content = self._send("POST", f"{self.url}/{_hook(hook_id)}", http=stranger, content=body, headers=sent)
        return self._read(Delivered, content)

    def _whole(
        self, kind: type[P], path: str, query: Mapping[str, str | int] | None = None, listed: str = "items"
    ) -> P:
        """Every page of a list as one."""
        page = self._get(kind, path, query)
        items = list(getattr(page, listed))
        for _ in range(MAX_PAGES):
            if page.cursor is None:
                return page.model_copy(update={listed: tuple(items)})
            page = self._get(kind, path, {**(query or {}), "cursor": page.cursor})
            items += getattr(page, listed)
        raise CliError(f"The list is over {MAX_PAGES} pages and was not taken.")

    def _get(
        self, kind: type[D], path: str, query: Mapping[str, str | int] | None = None, timeout: float = TIMEOUT
    ) -> D:
        return self._read(kind, self._send("GET", path, params=query, timeout=timeout))

    def _post(self, kind: type[D], path: str, body: dict[str, Any] | None = None, timeout: float = TIMEOUT) -> D:
        return self._read(kind, self._send("POST", path, json=body, timeout=timeout))

    def _read(self, kind: type[D], content: bytes) -> D:
        try:
            return kind.model_validate_json(content)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise CliError(
                f"{self.url} answered what this version does not understand ({where}: {first['msg']})"
            ) from error

    def _send(
        self, method: str, path: str, bound: int = MAX_ANSWER, http: httpx2.Client | None = None, **request: Any
    ) -> bytes:
        try:
            with (http or self._http).stream(method, path, **request) as response:
                content = b"".join(self._bounded(response, bound))
        except httpx2.TransportError as error:
            raise Unreachable(self._no_answer(error)) from error
        if response.is_success:
            return content
        raise problem(response, content)

    def _bounded(self, response: httpx2.Response, bound: int) -> Iterator[bytes]:
        taken = 0
        for chunk in response.iter_bytes():
            taken += len(chunk)
            if taken > bound:
                raise CliError(f"The answer is over {bound // 1024 // 1024} MiB and was not taken.")
            yield chunk

    def _no_answer(self, error: httpx2.TransportError) -> str:
        if isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
            start = (
                "Start it with `make dev` (or `swarmstar dev`), or name"
                if self.is_loopback
                else "Check the address, or name"
            )
            return f"Nothing answers at {self.url}. {start} another deployment with --url or SWARMSTAR_URL."
        return f"The connection to {self.url} broke ({type(error).__name__})."


def is_loopback(host: str) -> bool:
    """Whether a host name means this machine, without asking a name server."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def problem(response: httpx2.Response, content: bytes) -> Problem:
    """The error a response stands for: the detail of its problem document, else its status line."""
    fields = _problem_fields(content)
    status = f"{response.status_code} {response.reason_phrase}".strip()
    said = fields.get("detail") or fields.get("title")
    message = str(said) if said else f"The server answered {status}."
    if response.status_code == 401 and "/api/" in response.url.path:
        message = f"{message.rstrip('.')}. Put your key into SWARMSTAR_API_KEY."
    return Problem(message, response.status_code, _seconds(response.headers.get("retry-after")))


def _problem_fields(content: bytes) -> dict[str, Any]:
    try:
        return Document.model_validate_json(content).model_dump()
    except ValidationError:
        return {}


def _seconds(retry_after: str | None) -> float | None:
    return float(retry_after) if retry_after and retry_after.isdecimal() else None


def _path(swarm_id: str, *parts: str) -> str:
    return "/".join(("swarms", check_scope_id(swarm_id, "swarm id"), *parts))


def _hook(hook_id: str) -> str:
    return f"hooks/{check_item_id(hook_id, 'hook id')}"


def _schedule(schedule_id: str) -> str:
    return f"schedules/{check_item_id(schedule_id, 'schedule id')}"
