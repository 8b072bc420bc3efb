"""The HTTP API of a deployment, one method a request."""

from collections.abc import Mapping
from typing import Any, BinaryIO

import httpx2

from cli.transport import TIMEOUT, Transport, is_loopback
from cli.wire import (
    ActionList,
    ArtifactList,
    BranchView,
    Delivered,
    EventPage,
    Health,
    HookList,
    HookView,
    MemoryDetail,
    MemoryList,
    NodeDetail,
    NodeLog,
    NodeQuestions,
    QuestionList,
    QuestionView,
    ScheduleList,
    ScheduleView,
    SwarmPage,
    SwarmView,
    TreeView,
)
from cli.wire_account import CreatedKey, DayList, KeyList, KeyView, Standing, SwarmUsage, SwarmUsagePage
from shared.types import check_item_id, check_scope_id

__all__ = ["DEFAULT_URL", "Api", "is_loopback"]

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
#: Bytes of an archive: a deployment hands out and takes in no larger one.
MAX_ARCHIVE = 100 * 1024 * 1024
#: Seconds that handing an archive over may take.
_ARCHIVE_TIMEOUT = 300.0


class Api(Transport):
    """A deployment, reached over HTTP."""

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
        """One node in full, with every page of its log and its questions."""
        path = _path(swarm_id, "nodes", check_item_id(node_id, "node id"))
        node = self._get(NodeDetail, path)
        log, questions = node.log, node.questions
        if node.log_cursor:
            log += self._whole(NodeLog, f"{path}/log", {"limit": LISTED, "cursor": node.log_cursor}).items
        if node.questions_cursor:
            asked: dict[str, str | int] = {"limit": LISTED, "cursor": node.questions_cursor}
            questions += self._whole(NodeQuestions, f"{path}/questions", asked).items
        return node.model_copy(
            update={"log": log, "log_cursor": None, "questions": questions, "questions_cursor": None}
        )

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

    def control_branch(self, swarm_id: str, node_id: str, command: str) -> BranchView:
        """Have a node and all below it `cancel`, `pause` or `resume`."""
        return self._post(BranchView, _path(swarm_id, "nodes", check_item_id(node_id, "node id"), command))

    def delete_swarm(self, swarm_id: str) -> None:
        """Delete it with everything in it."""
        self._send("DELETE", _path(swarm_id))

    def export_swarm(self, swarm_id: str, file: BinaryIO) -> int:
        """Write its archive to a file; how many bytes it has."""
        return self._save(_path(swarm_id, "archive"), file, MAX_ARCHIVE, _ARCHIVE_TIMEOUT)

    def import_swarm(self, archive: bytes) -> SwarmView:
        """Store the swarm of an archive under a new id."""
        headers = {"content-type": "application/zip"}
        content = self._send("POST", "archives", content=archive, headers=headers, timeout=_ARCHIVE_TIMEOUT)
        return self._read(SwarmView, content)

    def swarm_usage(self, swarm_id: str) -> SwarmUsage:
        """What a swarm used, all pages summed up."""
        return sum(self._pages(SwarmUsage, _path(swarm_id, "usage")), SwarmUsage())

    def usage(self, limit: int = 20) -> SwarmUsagePage:
        """What each of the user's newest swarms used."""
        return self._get(SwarmUsagePage, "usage/swarms", {"limit": limit})

    def usage_by_day(self) -> DayList:
        """What was used by the day that swarms ended."""
        return self._get(DayList, "usage/days")

    def quotas(self) -> Standing:
        """The user's ceilings, and what is taken up of them."""
        return self._get(Standing, "quotas")

    def keys(self) -> KeyList:
        """The user's API keys."""
        return self._whole(KeyList, "keys")

    def create_key(self, new: dict[str, Any]) -> CreatedKey:
        """Make a key, which is in the answer."""
        return self._post(CreatedKey, "keys", new)

    def revoke_key(self, key_id: str) -> KeyView:
        """Let nobody in with a key any more."""
        return self._read(KeyView, self._send("DELETE", f"keys/{check_item_id(key_id, 'key id')}"))

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
        return self._patch(ScheduleView, _schedule(schedule_id), change)

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
        return self._patch(HookView, _hook(hook_id), change)

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


def _path(swarm_id: str, *parts: str) -> str:
    return "/".join(("swarms", check_scope_id(swarm_id, "swarm id"), *parts))


def _hook(hook_id: str) -> str:
    return f"hooks/{check_item_id(hook_id, 'hook id')}"


def _schedule(schedule_id: str) -> str:
    return f"schedules/{check_item_id(schedule_id, 'schedule id')}"
