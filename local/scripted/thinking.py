"""A model that thinks: part of an answer's tokens are spent before its first word, and nobody sees them."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

from local.scripted.rules import Call, Reply, Rule

#: Characters a token stands for.
_CHARACTERS = 4
#: How a call for the rest of an answer begins.
_GO_ON = "Your answer was cut off"


def thinking(rule: Rule, least: int = 100, most: int = 3_000) -> Rule:
    """Answer by a rule, after `least` to `most` tokens of thinking that count towards the limit.

    How many is chance, and the same for the same conversation. An answer that does not fit into what is left of the
    limit is cut off there, and goes on in a call for its rest.
    """

    def answer(call: Call) -> Reply:
        asked, begun = _asked(call)
        return _within(rule(asked), call, begun, _spent(call, least, most))

    return answer


def always_thinking(tokens: int) -> Callable[[Rule], Rule]:
    """The same with so many tokens each time."""
    return lambda rule: thinking(rule, tokens, tokens)


def _asked(call: Call) -> tuple[Call, str]:
    """The call as it was before its answer was cut off, and what that answer came to."""
    messages = call.messages
    if len(messages) < 3 or not call.last.startswith(_GO_ON):
        return call, ""
    return replace(call, body={**call.body, "messages": messages[:-2]}), str(messages[-2]["content"])


def _spent(call: Call, least: int, most: int) -> int:
    seed = hashlib.sha256(repr(call.messages).encode()).digest()
    return least + int.from_bytes(seed[:4]) % (most - least + 1)


def _within(reply: Reply, call: Call, begun: str, thought: int) -> Reply:
    if reply.status >= 400 or reply.rubbish is not None or not isinstance(call.limit, int):
        return reply
    usage = {"completion_tokens_details": {"reasoning_tokens": thought}, **reply.usage}
    text = reply.content if isinstance(reply.content, str) else json.dumps(reply.content)
    rest = text[len(begun) :] if text.startswith(begun) else text
    room = max(0, call.limit - thought) * _CHARACTERS
    if len(rest) <= room:
        written = thought + -(-len(rest) // _CHARACTERS)
        return replace(reply, content=rest, output_tokens=written, usage=usage)
    return replace(reply, content=rest[:room], calls=(), finish_reason="length", output_tokens=call.limit, usage=usage)
