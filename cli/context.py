"""What the user hands over with a directive: files and limits."""

import base64
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from cli.failures import CliError
from cli.text import size
from shared.swarm.budget import Limits

#: What a deployment takes with one directive: documents, bytes of one, and bytes of all.
MAX_DOCUMENTS = 16
MAX_DOCUMENT = 1024 * 1024
MAX_DOCUMENTS_BYTES = 2 * 1024 * 1024
#: Bytes of one memory that a user adds, and of one delivery to a hook.
MAX_MEMORY = 400_000
MAX_PAYLOAD = 256 * 1024


def read_context(paths: Iterable[Path]) -> list[dict[str, str]]:
    """The files as the API takes them: text as it is, anything else in base64. `CliError` names a file over a limit."""
    documents: dict[str, dict[str, str]] = {}
    total = 0
    for path in paths:
        if path.name in documents:
            raise CliError(f"Two context files are named {path.name}: the swarm could not tell them apart, rename one.")
        if len(documents) == MAX_DOCUMENTS:
            raise CliError(f"{path} is one file too many: a directive takes {MAX_DOCUMENTS}.")
        raw = read_file(path, MAX_DOCUMENT)
        total += len(raw)
        if total > MAX_DOCUMENTS_BYTES:
            raise CliError(f"With {path}, the files are over {size(MAX_DOCUMENTS_BYTES)}, the limit for all of them.")
        documents[path.name] = {"name": path.name, **_content(raw)}
    return list(documents.values())


def read_file(path: Path, bound: int) -> bytes:
    """A file of at most `bound` bytes; `CliError` names the file and what is wrong with it."""
    try:
        if not path.is_file():
            raise CliError(f"{path} is not a file.")
        with path.open("rb") as file:
            raw = file.read(bound + 1)
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from error
    if len(raw) > bound:
        raise CliError(f"{path} is over {size(bound)}, the limit for one file.")
    return raw


def _content(raw: bytes) -> dict[str, str]:
    try:
        return {"content": raw.decode("utf-8"), "encoding": "utf-8"}
    except UnicodeDecodeError:
        return {"content": base64.b64encode(raw).decode("ascii"), "encoding": "base64"}


def read_limits(pairs: Iterable[str]) -> dict[str, float]:
    """Limits from `name=number`; `ValueError` says which names there are."""
    return dict(map(_limit, pairs))


def _limit(pair: str) -> tuple[str, float]:
    name, _, value = pair.partition("=")
    if name not in Limits.model_fields:
        raise ValueError(f"{name!r} is no limit; there are: {', '.join(Limits.model_fields)}")
    try:
        number = float(value) if name == "cost_usd" else int(value)
    except ValueError:
        raise ValueError(f"{name}={value!r}: a number is needed, as in {name}=50") from None
    try:
        Limits.model_validate({name: number})
    except ValidationError as error:
        raise ValueError(f"{pair}: {error.errors()[0]['msg'].lower()}") from None
    return name, number
