"""What the user hands over with a directive: files and limits."""

import base64
from collections.abc import Iterable
from pathlib import Path

from cli.failures import CliError
from shared.swarm.budget import Limits

#: Bytes of one context file that are read at most; a server may take less.
MAX_FILE = 16 * 1024 * 1024


def read_context(paths: Iterable[Path]) -> list[dict[str, str]]:
    """The files as the API takes them: text as it is, anything else in base64."""
    documents: dict[str, dict[str, str]] = {}
    for path in paths:
        if path.name in documents:
            raise CliError(f"Two context files are named {path.name}: the swarm could not tell them apart, rename one.")
        documents[path.name] = {"name": path.name, **_content(path)}
    return list(documents.values())


def _content(path: Path) -> dict[str, str]:
    try:
        if not path.is_file():
            raise CliError(f"{path} is not a file.")
        if path.stat().st_size > MAX_FILE:
            raise CliError(f"{path} is over {MAX_FILE // 1024 // 1024} MiB.")
        raw = path.read_bytes()
    except OSError as error:
        raise CliError(f"{path} cannot be read: {error.strerror}") from error
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
        return name, float(value) if name == "cost_usd" else int(value)
    except ValueError:
        raise ValueError(f"{name}={value!r}: a number is needed, as in {name}=50") from None
