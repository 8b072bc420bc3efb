"""Journalled model calls: each is written down under its step key before its answer is acted on.

A repeated activity makes the same calls in the same order and finds the answers it already paid for.
"""

from datetime import datetime
from typing import Protocol

from pydantic import BaseModel, ConfigDict

from shared.llm.port import Message
from shared.swarm.usage import Usage


class JournalEntry(BaseModel):
    """One model call of a node: what it said and what came back. The user reads these as the node's log."""

    model_config = ConfigDict(frozen=True)

    node_id: str
    #: `generation.turn.step`.
    step: str
    #: What the call was for, such as `decompose` or `route`.
    purpose: str
    model: str
    messages: tuple[Message, ...]
    answer: str
    finish_reason: str
    usage: Usage
    started: datetime
    seconds: float


class Journal(Protocol):
    """The write-once log of one node."""

    async def find(self, step: str) -> JournalEntry | None:
        """The entry of a step that was already made, or None."""
        ...

    async def write(self, entry: JournalEntry) -> JournalEntry:
        """Write an entry once; one that is there already stays. Returns the one that holds."""
        ...
