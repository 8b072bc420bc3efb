"""What can be asked of one space, as data, and what each request on one key means.

A request on one key is a function from the row that lies there to its answer and the row that shall lie there.
So a whole batch is decided in memory between one read and one write, and one that fails leaves the others alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from shared.errors import Conflict, InvalidInput
from shared.store.port import Condition, IfAbsent, IfEtag, Page, Stored
from shared.store.rules import MAX_SEQ

#: `(category, seq, etag, value, expires)`; a counter has no `seq`. `expires` is in milliseconds since 1970.
Row = tuple[str, int | None, str, str, int | None]
NewEtag = Callable[[], str]

T_co = TypeVar("T_co", covariant=True)


class Request(Generic[T_co]):
    """Asked of one space; answers with a `T_co`."""

    __slots__ = ()
    #: Whether it may change the space.
    writes: ClassVar[bool] = True

    def creates(self) -> bool:
        """Whether it may bring a space into being."""
        return False

    def weight(self) -> int:
        """The characters it carries, which bound what one batch holds in memory."""
        return 0


class KeyRequest(Request[T_co]):
    """Concerns one key alone."""

    __slots__ = ()
    key: str

    def apply(self, row: Row | None, new_etag: NewEtag, /) -> tuple[T_co, Row | None]:
        """The answer, and the row that shall lie under the key: the same object if nothing changes."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Get(KeyRequest[Stored | None]):
    """Read one document or counter."""

    key: str
    item_id: str
    writes: ClassVar[bool] = False

    def apply(self, row: Row | None, _new_etag: NewEtag, /) -> tuple[Stored | None, Row | None]:
        """What lies there."""
        if row is None:
            return None, None
        _, seq, etag, value, _ = row
        return Stored(self.item_id, value, etag, seq or 0), row


@dataclass(frozen=True, slots=True)
class Put(KeyRequest[str]):
    """Write one document."""

    category: str
    key: str
    value: str
    seq: int
    condition: Condition
    expires: int | None = None

    def creates(self) -> bool:
        """Not when it wants a document to be there."""
        return not isinstance(self.condition, IfEtag)

    def weight(self) -> int:
        """The length of its value."""
        return len(self.value)

    def apply(self, row: Row | None, new_etag: NewEtag, /) -> tuple[str, Row]:
        """The new etag; `Conflict` if the condition does not hold."""
        if isinstance(self.condition, IfEtag):
            _check_etag(row, self.condition)
        elif isinstance(self.condition, IfAbsent) and row is not None:
            raise Conflict("there is a document under this key already")
        if row is not None and row[1] is None:
            raise Conflict("there is a counter under this key, which only increment changes")
        etag = new_etag()
        return etag, (self.category, self.seq, etag, self.value, self.expires)


@dataclass(frozen=True, slots=True)
class Delete(KeyRequest[bool]):
    """Remove what lies under one key."""

    key: str
    condition: IfEtag | None

    def apply(self, row: Row | None, _new_etag: NewEtag, /) -> tuple[bool, None]:
        """Whether there was something; `Conflict` if the etag does not hold."""
        if self.condition is not None:
            _check_etag(row, self.condition)
        return row is not None, None


@dataclass(frozen=True, slots=True)
class Increment(KeyRequest[int]):
    """Add to a counter."""

    category: str
    key: str
    by: int

    def creates(self) -> bool:
        """Always: a missing counter starts at 0."""
        return True

    def apply(self, row: Row | None, new_etag: NewEtag, /) -> tuple[int, Row]:
        """Its new value; `Conflict` if a document lies there."""
        if row is not None and row[1] is not None:
            raise Conflict("there is a document under this key, not a counter")
        total = self.by + (int(row[3]) if row is not None else 0)
        if not -MAX_SEQ <= total <= MAX_SEQ:
            raise InvalidInput("the counter would leave the range of exact numbers")
        return total, (self.category, None, new_etag(), str(total), None)


@dataclass(frozen=True, slots=True)
class Scan(Request[Page]):
    """Read one page of a category in the order of (seq, key)."""

    category: str
    #: The key at the top of a subtree, or None for the whole category.
    top: str | None
    #: The page begins after this (seq, key).
    after: tuple[int, str]
    limit: int
    writes: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class Drop(Request[None]):
    """Remove the space."""


def _check_etag(row: Row | None, condition: IfEtag) -> None:
    if row is None:
        raise Conflict("there is no document under this key any more")
    if row[2] != condition.etag:
        raise Conflict("the document was changed meanwhile")


#: What a request came to: its answer, or the exception to raise.
Result = object


def apply_all(requests: list[KeyRequest[object]], rows: dict[str, Row | None], new_etag: NewEtag) -> list[Result]:
    """Apply requests one after the other to `rows`, which then holds what shall lie there."""
    results: list[Result] = []
    for request in requests:
        key = request.key
        try:
            answer, rows[key] = request.apply(rows.get(key), new_etag)
        except (Conflict, InvalidInput) as error:
            answer = error
        results.append(answer)
    return results
