"""Reading what a user hands over with a directive: text, Markdown, code, JSON and CSV, each within bounds."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.errors import InvalidInput, TooLarge
from shared.spaces.metadata import MAX_INLINE_BYTES
from shared.swarm.swarm import ContextDoc

MAX_DOCUMENTS = 16
MAX_DOCUMENT_BYTES = 1_048_576
MAX_TOTAL_BYTES = 2_097_152

_TYPES = {
    "markdown": {"md", "markdown"},
    "csv": {"csv", "tsv"},
    "json": {"json"},
    "code": {
        *("py", "js", "ts", "tsx", "jsx", "java", "c", "h", "cpp", "cs", "go", "rs", "rb", "php", "sh", "sql"),
        *("html", "css", "yaml", "yml", "toml", "xml", "bicep", "kt", "swift"),
    },
}


class ContextInput(BaseModel):
    """One document as it comes in."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1, max_length=120, description="The file's name; its ending says what it holds.")
    content: str = Field(description="The text itself, or its bytes in base64.")
    encoding: Literal["utf-8", "base64"] = "utf-8"


def read_documents(inputs: Sequence[ContextInput]) -> list[tuple[ContextDoc, str]]:
    """The documents with their whole text; raises `InvalidInput` or `TooLarge` that names the document."""
    if len(inputs) > MAX_DOCUMENTS:
        raise TooLarge(f"context has {len(inputs)} documents; hand over at most {MAX_DOCUMENTS}")
    read = [_read(ordinal, given) for ordinal, given in enumerate(inputs)]
    total = sum(doc.size for doc, _ in read)
    if total > MAX_TOTAL_BYTES:
        raise TooLarge(f"context has {total} bytes; hand over at most {MAX_TOTAL_BYTES}")
    return read


def _read(ordinal: int, given: ContextInput) -> tuple[ContextDoc, str]:
    content = _bytes(given)
    if len(content) > MAX_DOCUMENT_BYTES:
        raise TooLarge(
            f"context document {given.name!r} has {len(content)} bytes; hand over at most {MAX_DOCUMENT_BYTES}"
        )
    text = _text(given.name, content)
    inline = len(content) <= MAX_INLINE_BYTES
    doc = ContextDoc(
        context_id=f"context-{ordinal}",
        name=_base_name(given.name),
        type=_type(given.name, text),
        size=len(content),
        content=text if inline else None,
        sha256=hashlib.sha256(content).hexdigest(),
    )
    return doc, text


def _bytes(given: ContextInput) -> bytes:
    if given.encoding == "utf-8":
        return given.content.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(given.content, validate=True)
    except (binascii.Error, ValueError):
        raise InvalidInput(f"context document {given.name!r} is not valid base64") from None


def _text(name: str, content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidInput(
            f"context document {name!r} is not text: hand over UTF-8 text, Markdown, code, JSON or CSV"
        ) from None
    if "\x00" in text:
        raise InvalidInput(f"context document {name!r} is binary: hand over UTF-8 text, Markdown, code, JSON or CSV")
    if not text.strip():
        raise InvalidInput(f"context document {name!r} is empty")
    return text


def _base_name(name: str) -> str:
    return name.replace("\\", "/").rsplit("/", 1)[-1] or "document"


def _type(name: str, text: str) -> str:
    ending = name.rsplit(".", 1)[-1].lower()
    found = next((type_ for type_, endings in _TYPES.items() if ending in endings), "text")
    return "text" if found == "json" and not _is_json(text) else found


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True
