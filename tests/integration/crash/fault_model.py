"""The scripted answers without a socket between, and a chance to act at a given call."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable

from local.scripted import Call, Reply, Rule
from local.scripted.rules import STEP_HEADER
from shared.errors import ModelError
from shared.llm.port import Completion, CompletionRequest

#: Sees the step, without user and swarm, and which call of it this is; it may wait, act, or say another answer.
Watcher = Callable[[str, int], Awaitable[Reply | None]]


class RuleModel:
    """A chat model that answers by a rule and counts the calls of every step."""

    def __init__(self, rule: Rule, watcher: Watcher | None = None) -> None:
        self._rule = rule
        self._watcher = watcher
        self.seen: Counter[str] = Counter()

    async def complete(self, request: CompletionRequest) -> Completion:
        """Answer one request."""
        step = request.headers[STEP_HEADER].split("/", 2)[2]
        self.seen[step] += 1
        reply = self._rule(Call(self.seen.total(), step, self.seen[step], _body(request), request.headers))
        await asyncio.sleep(0)
        if self._watcher is not None:
            reply = await self._watcher(step, self.seen[step]) or reply
        if reply.status >= 400:
            raise ModelError(str(reply.content))
        return _completion(request, reply)

    async def close(self) -> None:
        """Nothing is held."""


def _body(request: CompletionRequest) -> dict[str, object]:
    body: dict[str, object] = {"messages": [message.model_dump() for message in request.messages]}
    if request.schema is not None:
        schema = {"name": request.schema_name, "schema": request.schema}
        body["response_format"] = {"json_schema": schema}
    return body


def _completion(request: CompletionRequest, reply: Reply) -> Completion:
    text = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
    read = sum(len(message.content) for message in request.messages) // 4
    return Completion(text, request.model, "stop", read, len(text) // 4 + 1)
