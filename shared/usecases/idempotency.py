"""Requests that may be sent twice: the same `Idempotency-Key` with the same body is answered as it was.

The record lies in the user's account for a day. It is written before the work, with the id that the new thing will
have, so that a repetition after a crash goes on with the same thing instead of making a second one.
"""

import hashlib
import re
import secrets
from contextlib import suppress
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict

from shared.errors import Conflict, InvalidInput
from shared.store import Category, IfAbsent, IfEtag
from shared.store.documents import Documents, Held
from shared.tenancy import TenantContext
from shared.usecases.app import App

KEY_SHAPE = "[A-Za-z0-9._:-]{1,128}"
KEPT = timedelta(hours=24)
#: How long work that has left no answer may take before it is taken for lost, and done again.
_PATIENCE = timedelta(seconds=60)
#: Records of earlier days that are cleared away at a time.
_CLEARED = 10


class Answer(BaseModel):
    """What a request was answered with."""

    model_config = ConfigDict(frozen=True)

    status: int
    headers: dict[str, str]
    body: str


class Record(BaseModel):
    """A request that bore a key."""

    model_config = ConfigDict(frozen=True)

    #: Hash of the request's body.
    body_sha256: str
    #: The id of what it makes.
    fresh_id: str
    created: datetime
    #: Until when somebody works on it.
    busy_until: datetime
    answer: Answer | None = None

    @property
    def seq(self) -> int:
        """Its place among the user's records: the millisecond it was made."""
        return int(self.created.timestamp() * 1000)


class Once:
    """One request with an idempotency key, by one user at one endpoint."""

    def __init__(self, app: App, tenant: TenantContext, endpoint: str, key: str, body: bytes) -> None:
        if not re.fullmatch(KEY_SHAPE, key):
            raise InvalidInput("Idempotency-Key must have 1 to 128 of the characters A-Z a-z 0-9 . _ : -")
        self._app = app
        self._space = tenant.account
        self._id = hashlib.sha256(f"{endpoint} {key}".encode()).hexdigest()
        self._body = hashlib.sha256(body).hexdigest()
        self._docs = Documents(app.store, Category.IDEMPOTENCY, Record)
        self._held: Held[Record] | None = None

    async def begin(self) -> Record:
        """The record of this request, with an answer if it was done before.

        Raises `Conflict` for a key that was sent with another body, or whose first request is not done yet.
        """
        held = await self._docs.find(self._space, self._id)
        now = self._app.now()
        if held is None or now - held.doc.created > KEPT:
            await self._clear(now)
            return await self._write(self._fresh(now), held)
        if held.doc.body_sha256 != self._body:
            raise Conflict("this Idempotency-Key was sent before with another body: take a new one")
        if held.doc.answer is not None:
            return held.doc
        if now < held.doc.busy_until:
            raise Conflict("the first request with this Idempotency-Key is not done yet: ask again in a moment")
        return await self._write(held.doc.model_copy(update={"busy_until": now + _PATIENCE}), held)

    async def end(self, answer: Answer) -> None:
        """Keep the answer of a request that was done."""
        await self._change({"answer": answer})

    async def release(self) -> None:
        """Let a repetition go on at once with the same id: the work broke off, and may have been done in part."""
        await self._change({"busy_until": self._app.now()})

    async def forget(self) -> None:
        """Let the key be used again, with another body too: the request was refused, and nothing was made."""
        await self._docs.delete(self._space, self._id)

    async def _change(self, update: dict[str, object]) -> None:
        if self._held is not None:
            record = self._held.doc.model_copy(update=update)
            with suppress(Conflict):  # it took so long that a repetition has taken over
                await self._docs.replace(self._space, self._id, record, self._held.etag, seq=record.seq)

    def _fresh(self, now: datetime) -> Record:
        return Record(body_sha256=self._body, fresh_id=new_id(), created=now, busy_until=now + _PATIENCE)

    async def _write(self, record: Record, held: Held[Record] | None) -> Record:
        condition = IfAbsent() if held is None else IfEtag(held.etag)
        try:
            etag = await self._docs.put(self._space, self._id, record, seq=record.seq, condition=condition)
        except Conflict:
            raise Conflict("another request with this Idempotency-Key came at the same moment: ask again") from None
        self._held = Held(record, etag)
        return record

    async def _clear(self, now: datetime) -> None:
        """Forget a few records of earlier days; the newest may be anybody's who asks just now, so they stay."""
        page = await self._app.store.scan(self._space, Category.IDEMPOTENCY, limit=_CLEARED)
        for item in page.items:
            if item.key != self._id and Record.model_validate_json(item.value).created < now - KEPT:
                await self._app.store.delete(self._space, Category.IDEMPOTENCY, item.key)


def new_id() -> str:
    """A fresh id of 64 random bits."""
    return secrets.token_hex(8)
