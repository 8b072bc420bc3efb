"""Structured answers: ask for a pydantic model, read it out of what comes back, and repair what does not fit."""

import json
import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from shared.errors import ModelError
from shared.llm.port import Completion, CompletionRequest, Message
from shared.llm.schema import strict_schema

#: How much of an answer is read, in characters.
MAX_ANSWER = 200_000
#: How much of its bad answer the model is shown again, and of the schema, in characters.
SHOWN_ANSWER = 4_000
SHOWN_SCHEMA = 4_000
#: How many faults are named to the model, and in how many characters.
SHOWN_FAULTS = 5
SHOWN_PROBLEM = 800
#: How many places of an answer are tried as the beginning of its object.
MAX_STARTS = 20

T = TypeVar("T", bound=BaseModel)
#: Makes one model call. Each repair is a call of its own, so whatever lies beneath sees all of them.
Complete = Callable[[CompletionRequest], Awaitable[Completion]]


class UnusableAnswer(ModelError):
    """No attempt gave an answer that follows the schema; `problem` says what was wrong with the last one."""

    def __init__(self, wanted: str, attempts: int, problem: str) -> None:
        super().__init__(f"no usable {wanted} after {attempts} attempt(s): {problem}")
        self.attempts = attempts
        self.problem = problem


class _Misfit(Exception):
    """An answer does not follow the schema; the message is for the model."""


async def structured(complete: Complete, request: CompletionRequest, output: type[T], *, repairs: int = 2) -> T:
    """Ask for an `output` and return the instance the model answered.

    An answer that does not fit is shown to the model with what is wrong, at most `repairs` times. Raises
    `UnusableAnswer` after that, and at once when the endpoint's content filter cut the answer off.
    """
    asked = replace(request, schema=strict_schema(output), schema_name=_schema_name(output))
    attempt = asked
    for number in range(1, repairs + 2):
        completion = await complete(attempt)
        try:
            return _read(completion.text, output)
        except _Misfit as misfit:
            problem = _with_reason(str(misfit), completion, attempt)
        if number > repairs or completion.finish_reason == "content_filter":
            raise UnusableAnswer(output.__name__, number, problem)
        attempt = _repair(asked, completion.text, problem)
    raise AssertionError("unreachable: the last attempt returns or raises")


def _read(text: str, output: type[T]) -> T:
    """The first object in an answer that is a valid `output`, whatever prose or code fence is around it."""
    text = text[:MAX_ANSWER]
    fault: ValidationError | None = None
    for part in _objects(text):
        try:
            return output.model_validate_json(part)
        except ValidationError as error:
            fault = fault or error
    raise _Misfit(_faults(fault) if fault else "it contains no complete JSON object")


def _objects(text: str) -> Iterator[str]:
    """The texts of the JSON objects in `text`, in order, those inside another left out."""
    decoder = json.JSONDecoder()
    start = text.find("{")
    for _ in range(MAX_STARTS):
        if start < 0:
            return
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = start + 1
        else:
            yield text[start:end]
        start = text.find("{", end)


def _faults(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False, include_input=False)
    lines = [f"{'.'.join(map(str, fault['loc'])) or 'object'}: {fault['msg']}" for fault in found[:SHOWN_FAULTS]]
    if len(found) > SHOWN_FAULTS:
        lines.append(f"and {len(found) - SHOWN_FAULTS} more")
    return _cut("; ".join(lines), SHOWN_PROBLEM)


def _with_reason(problem: str, completion: Completion, request: CompletionRequest) -> str:
    if completion.finish_reason == "length":
        return f"it was cut off at the limit of {request.max_output_tokens} tokens, be shorter; {problem}"
    if completion.finish_reason == "content_filter":
        return f"the endpoint's content filter stopped it; {problem}"
    return problem


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
