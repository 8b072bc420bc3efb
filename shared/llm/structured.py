"""Structured answers: ask for a pydantic model, read it out of what comes back, and repair what does not fit."""

import json
import re
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import ModelError
from shared.llm.json_objects import objects
from shared.llm.port import CompletionRequest, Message
from shared.llm.schema import Schema, strict_schema
from shared.llm.schema_words import bounds_in_words
from shared.llm.whole import Complete, complete_whole

#: How much of its bad answer the model is shown again, and of the schema, in characters.
SHOWN_ANSWER = 4_000
SHOWN_SCHEMA = 4_000
#: How many faults are named to the model, and in how many characters.
SHOWN_FAULTS = 5
SHOWN_PROBLEM = 800

T = TypeVar("T", bound=BaseModel)


class UnusableAnswer(ModelError):
    """No attempt gave an answer that follows the schema; `problem` says what was wrong with the last one."""

    def __init__(self, wanted: str, attempts: int, problem: str) -> None:
        super().__init__(f"no usable {wanted} after {attempts} attempt(s): {problem}")
        self.attempts = attempts
        self.problem = problem


class _Misfit(Exception):
    """An answer does not follow the schema; the message is for the model."""


async def structured(
    complete: Complete, request: CompletionRequest, output: type[T], *, repairs: int = 2, say_bounds: bool = True
) -> T:
    """Ask for an `output` and return the instance the model answered.

    An answer that was cut off is seen to its end first, and one that does not fit is shown to the model with what is
    wrong, at most `repairs` times. `say_bounds` tells the model every bound that its answer is checked against; a
    server that makes a grammar of them needs no words. Raises `UnusableAnswer` when no answer fits, and at once when
    the endpoint's content filter stopped it.
    """
    schema = strict_schema(output)
    messages = _with_bounds(request.messages, schema) if say_bounds else request.messages
    asked = replace(request, messages=messages, schema=schema, schema_name=_schema_name(output))
    attempt = asked
    for number in range(1, repairs + 2):
        answer = await complete_whole(complete, attempt)
        try:
            return _read(answer.text, output, repair=not answer.cut)
        except _Misfit as misfit:
            problem = f"{answer.cut}, be shorter; {misfit}" if answer.cut else str(misfit)
        if number > repairs or answer.filtered:
            raise UnusableAnswer(output.__name__, number, problem)
        attempt = _repair(asked, answer.text, problem)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _with_bounds(messages: tuple[Message, ...], schema: Schema) -> tuple[Message, ...]:
    """The messages, with the bounds behind the instructions, where they stay the same from call to call."""
    bounds = bounds_in_words(schema)
    if not bounds:
        return messages
    if messages[0].role != "system":
        return (Message(role="system", content=bounds), *messages)
    return (messages[0].model_copy(update={"content": f"{messages[0].content}\n{bounds}"}), *messages[1:])


def _read(text: str, output: type[T], *, repair: bool) -> T:
    """The first object in an answer that is a valid `output`, whatever prose or code fence is around it."""
    fault: ValidationError | None = None
    for value in objects(text, repair=repair):
        try:
            return output.model_validate_json(json.dumps(value))
        except ValidationError as error:
            fault = fault or error
    raise _Misfit(_faults(fault) if fault else "it contains no complete JSON object")


def _faults(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, fault['loc'])) or 'object'}: {fault['msg']}" for fault in found[:SHOWN_FAULTS]]
    if len(found) > SHOWN_FAULTS:
        lines.append(f"and {len(found) - SHOWN_FAULTS} more")
    return _cut("; ".join(lines), SHOWN_PROBLEM)


def _repair(asked: CompletionRequest, answer: str, problem: str) -> CompletionRequest:
    """The question again with the latest bad answer only, so that repairs do not make the prompt grow."""
    told = [f"That answer cannot be used: {problem}.", "Answer again with one JSON object and nothing else."]
    schema = json.dumps(asked.schema)
    if len(schema) <= SHOWN_SCHEMA:
        told.append(f"It must follow this JSON schema: {schema}")
    shown = Message(role="assistant", content=_cut(answer, SHOWN_ANSWER) or "(nothing)")
    return replace(asked, messages=(*asked.messages, shown, Message(role="user", content="\n".join(told))))


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}… ({len(text) - limit} more characters)"


def _schema_name(output: type[BaseModel]) -> str:
    return re.sub(r"[^A-Za-z0-9_-]", "_", output.__name__)[:64]
