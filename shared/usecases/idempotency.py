"""Requests that may be sent twice: the same `Idempotency-Key` with the same content is answered as it was.

The record lies in the user's account for a day. It is written before the work, with the id that the new thing will
have, so that a repetition after a crash goes on with the same thing instead of making a second one.

An answer may hold what is shown once (a key's secret) or what its user deletes later (a directive), so the record has
it sealed with a key that is derived from the `Idempotency-Key`, which only the client knows: the store has a hash of
it. That is as strong as the key is hard to guess; clients are told to take a random one.
"""

import asyncio
import base64
import hashlib
import re
import secrets
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import Conflict, InvalidInput
from shared.services import Services
from shared.store import Category, IfAbsent, IfEtag
from shared.store.documents import Documents, Held
from shared.tenancy import TenantContext
from shared.types import SpaceKey

KEY_SHAPE = "[A-Za-z0-9._:-]{1,128}"
KEPT = timedelta(hours=24)
#: How long work that has left no answer may take before it is taken for lost, and done again.
_PATIENCE = timedelta(seconds=60)
#: How long before a thing's creation its request may have come: the work of an attempt that broke off, and some more.
_BEFORE = timedelta(minutes=10)
#: Bytes of a body above which it is hashed beside the loop.
_LARGE = 1 << 20


class Answer(BaseModel):
    """What a request was answered with."""

    model_config = ConfigDict(frozen=True)

    status: int
    headers: dict[str, str]
    body: str


class Record(BaseModel):
    """A request that bore a key."""

    model_config = ConfigDict(frozen=True)

    #: Hash of what was asked.
    body_sha256: str
    #: The id of what it makes.
    fresh_id: str
    created: datetime
    #: Until when somebody works on it.
    busy_until: datetime
    #: Makes the sealing key of this record differ from every other's.
    salt: str = Field(default_factory=lambda: secrets.token_hex(16))
    #: The answer, which only who has the key can read.
    sealed: str | None = None
    #: What it made was deleted since.
    gone: bool = False

    @property
    def seq(self) -> int:
        """Its place among the user's records: the millisecond it was made."""
        return _milliseconds(self.created)


class Once:
    """One request with an idempotency key, by one user at one endpoint."""

    def __init__(self, services: Services, tenant: TenantContext, endpoint: str, key: str, fingerprint: str) -> None:
        if not re.fullmatch(KEY_SHAPE, key):
            raise InvalidInput("Idempotency-Key must have 1 to 128 of the characters A-Z a-z 0-9 . _ : -")
        self._services = services
        self._key = key
        self._space = tenant.account
        self._id = hashlib.sha256(f"{endpoint} {key}".encode()).hexdigest()
        self._body = fingerprint
        self._docs = Documents(services.store, Category.IDEMPOTENCY, Record)
        self._held: Held[Record] | None = None
        self._taken_over = False

    async def begin(self) -> str | Answer:
        """The answer if the request was done before, or else the id of what it shall make.

        Raises `Conflict` for a key that was sent with another content, or whose first request is not done yet, or
        made what was deleted since.
        """
        held = await self._docs.find(self._space, self._id)
        now = self._services.now()
        if held is None:
            return await self._write(self._fresh(now), None)
        record = held.doc
        if record.body_sha256 != self._body:
            raise Conflict("this Idempotency-Key was sent before with another body: take a new one")
        if record.gone:
            raise Conflict("what the first request with this Idempotency-Key made was deleted: take a new one")
        if record.sealed is not None:
            return self._open(record, record.sealed)
        if now < record.busy_until:
            raise Conflict("the first request with this Idempotency-Key is not done yet: ask again in a moment")
        self._taken_over = True
        return await self._write(record.model_copy(update={"busy_until": now + _PATIENCE}), held)

    def seed(self) -> bytes:
        """256 bits that are the same for every attempt at this request, and for nobody without its key.

        What is shown once is made of them: of two attempts at a time, the slower replaces nothing that was handed out.
        """
        return _derived(self._key, self._working.doc.salt, b"swarmstar idempotent secret")

    async def end(self, answer: Answer) -> None:
        """Keep the answer of a request that was done.

        Raises `Conflict` when it took so long that a repetition has taken over: that one's answer counts.
        """
        record = self._working.doc
        await self._change({"sealed": _seal(self._key, record.salt, answer.model_dump_json())})

    async def release(self) -> None:
        """Let a repetition go on at once with the same id: the work broke off, and may have been done in part."""
        await self._change({"busy_until": self._services.now()})

    async def forget(self) -> None:
        """Let the key be used again, with another body too: the request was refused, and nothing was made.

        That cannot be said of the attempt that this one took over, so its id stays.
        """
        if self._taken_over:
            await self.release()
        else:
            condition = IfEtag(self._working.etag)
            await self._services.store.delete(self._space, Category.IDEMPOTENCY, self._id, condition=condition)

    @property
    def _working(self) -> Held[Record]:
        if self._held is None:
            raise RuntimeError("the request has not begun")
        return self._held

    async def _change(self, update: dict[str, object]) -> None:
        held = self._working
        await self._write(held.doc.model_copy(update=update), held)

    def _fresh(self, now: datetime) -> Record:
        return Record(body_sha256=self._body, fresh_id=new_id(), created=now, busy_until=now + _PATIENCE)

    async def _write(self, record: Record, held: Held[Record] | None) -> str:
        condition = IfAbsent() if held is None else IfEtag(held.etag)
        ttl = _seconds_left(record, self._services.now())
        try:
            etag = await self._docs.put(self._space, self._id, record, seq=record.seq, condition=condition, ttl=ttl)
        except Conflict:
            raise Conflict("another request with this Idempotency-Key came meanwhile: ask again") from None
        self._held = Held(record, etag)
        return record.fresh_id

    def _open(self, record: Record, sealed: str) -> Answer:
        return Answer.model_validate_json(_unseal(self._key, record.salt, sealed))


async def fingerprint(body: bytes) -> str:
    """A hash of what a request asks for."""
    if len(body) <= _LARGE:
        return hashlib.sha256(body).hexdigest()
    return (await asyncio.to_thread(hashlib.sha256, body)).hexdigest()


async def forget_answer(services: Services, account: SpaceKey, made_id: str, created: datetime) -> None:
    """Drop the answer that made a thing which is deleted now; a repetition is told so instead of making another.

    Without a trace of the request, nothing is done. May be repeated.
    """
    now = services.now()
    if created < now - KEPT:
        return  # the record has expired, or is about to
    docs = Documents(services.store, Category.IDEMPOTENCY, Record)
    after, last = _milliseconds(created - _BEFORE) - 1, _milliseconds(created)
    cursor: str | None = None
    while True:
        page = await services.store.scan(account, Category.IDEMPOTENCY, after=after, limit=200, cursor=cursor)
        for item in page.items:
            record = Record.model_validate_json(item.value)
            if record.fresh_id == made_id:
                bare = record.model_copy(update={"sealed": None, "gone": True})
                # Whatever lies there by now: who still works on the request finds that it was taken over.
                await docs.put(account, item.key, bare, seq=item.seq, ttl=_seconds_left(record, now))
                return
        cursor = page.cursor
        if cursor is None or page.items[-1].seq > last:
            return


def new_id() -> str:
    """A fresh id of 64 random bits."""
    return secrets.token_hex(8)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)


def _seconds_left(record: Record, now: datetime) -> int:
    return max(1, int((record.created + KEPT - now).total_seconds()))


def _seal(key: str, salt: str, text: str) -> str:
    from cryptography.fernet import Fernet

    return Fernet(_sealing_key(key, salt)).encrypt(text.encode()).decode()


def _unseal(key: str, salt: str, sealed: str) -> str:
    from cryptography.fernet import Fernet, InvalidToken

    try:
        return Fernet(_sealing_key(key, salt)).decrypt(sealed.encode()).decode()
    except InvalidToken:
        raise Conflict("the first answer to this Idempotency-Key cannot be read any more: take a new one") from None


def _sealing_key(key: str, salt: str) -> bytes:
    return base64.urlsafe_b64encode(_derived(key, salt, b"swarmstar idempotent answer"))


def _derived(key: str, salt: str, purpose: bytes) -> bytes:
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return HKDF(SHA256(), length=32, salt=bytes.fromhex(salt), info=purpose).derive(key.encode())
