"""Options and arguments that several commands share."""

import os
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli.api import DEFAULT_URL, Api
from cli.context import read_limits
from cli.failures import CliError
from cli.transport import NO_KEY, is_loopback

Url = Annotated[
    str,
    typer.Option("--url", help="Where the deployment answers; else SWARMSTAR_URL.", show_default=DEFAULT_URL),
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text: one document, or one a line for a stream.")]
SwarmId = Annotated[str, typer.Argument(metavar="SWARM", help="The swarm's id, as `swarmstar list` shows it.")]
NodeId = Annotated[
    str | None,
    typer.Option("--node", metavar="NODE", help="Only this node and all below it; the others go on."),
]
Patience = Annotated[
    float, typer.Option("--patience", min=0, max=86_400, help="Seconds a host may be away before watching gives up.")
]


#: What a header can carry of a key.
_KEY = re.compile(r"[\x21-\x7e]{1,512}")
KEY_VARIABLE = "SWARMSTAR_API_KEY"
#: Where `make dev` leaves the key of a deployment on this machine.
KEY_FILE = Path(".swarmstar/api-key")


def connect(url: str) -> Api:
    """The deployment at `url`, with the key of SWARMSTAR_API_KEY, or for this machine's own the key that it left."""
    given = os.environ.get(KEY_VARIABLE, "").strip()
    if given:
        return Api(url, _well_formed(given, KEY_VARIABLE), f"The key that was sent is that of {KEY_VARIABLE}.")
    left = local_key(url)
    if left:
        return Api(url, _well_formed(left, str(KEY_FILE)), f"The key that was sent lies in {KEY_FILE.absolute()}.")
    return Api(url, advice=_where_it_looked(url))


def local_key(url: str) -> str | None:
    """The key of a deployment on this machine; it is never sent to another."""
    if not _is_on_this_machine(url):
        return None
    try:
        return KEY_FILE.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None


def limits_of(pairs: list[str] | None) -> dict[str, float]:
    """The limits that `--limit` names; one that is none is wrong usage."""
    try:
        return read_limits(pairs or [])
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--limit") from error


def _well_formed(key: str, source: str) -> str:
    """The key, if a header can carry it."""
    if not _KEY.fullmatch(key):
        raise CliError(f"The key in {source} is malformed: a key is one word of ASCII letters, digits and signs.")
    return key


def _where_it_looked(url: str) -> str:
    if not _is_on_this_machine(url):
        return NO_KEY
    return (
        f"There is no key: {KEY_VARIABLE} is not set, and {KEY_FILE.absolute()} holds none. "
        "`make dev` leaves the key in the folder where it was started."
    )


def _is_on_this_machine(url: str) -> bool:
    try:
        host = urlsplit(url).hostname
    except ValueError:
        return False
    return bool(host) and is_loopback(host or "")
