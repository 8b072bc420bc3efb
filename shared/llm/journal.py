"""Journalled model calls: each is written down under its step key before its answer is acted on.

A repeated activity makes the same calls in the same order and finds the answers it already paid for.
"""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from shared.llm.port import Message, ToolCall
from shared.swarm.usage import Usage


class JournalContent(BaseModel):
    """What was said in one model call."""

    model_config = ConfigDict(frozen=True)

    #: Of a call that `continues` an earlier one, those that are new.
    messages: tuple[Message, ...]
    answer: str
    #: The tools that the answer calls.
    tool_calls: tuple[ToolCall, ...] = ()


class JournalEntry(JournalContent):
    """One model call of a node: what it said and what came back. The user reads these as the node's log."""

    node_id: str
    #: `generation.turn.step`.
    step: str
    #: What the call was for, such as `decompose` or `route`.
    purpose: str
    model: str
    #: The step whose messages and answer come before `messages`; None if they are all there were.
    continues: str | None = None
    #: The names of the tools on offer.
    tools: tuple[str, ...] = ()
    finish_reason: str
    usage: Usage
    started: datetime
    seconds: float
    #: Where the content lies that is too large for a document, a `JournalContent` as JSON; it is left out here then.
    content_sha256: str | None = None
    content_size: int | None = None
