"""Options and arguments that several commands share."""

import os
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import typer

from cli.api import DEFAULT_URL, Api, is_loopback

Url = Annotated[
    str, typer.Option("--url", envvar="SWARMSTAR_URL", help="Where the deployment answers.", show_default=DEFAULT_URL)
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text: one document, or one a line for a stream.")]
SwarmId = Annotated[str, typer.Argument(metavar="SWARM", help="The swarm's id, as `swarmstar list` shows it.")]
Patience = Annotated[
    float, typer.Option("--patience", min=0, max=86_400, help="Seconds a host may be away before watching gives up.")
]


#: Where `make dev` leaves the key of a deployment on this machine.
KEY_FILE = Path(".swarmstar/api-key")


def connect(url: str) -> Api:
    """The deployment at `url`, with the key of SWARMSTAR_API_KEY, or for this machine's own the key that it left."""
    return Api(url, os.environ.get("SWARMSTAR_API_KEY") or local_key(url))


def local_key(url: str) -> str | None:
    """The key of a deployment on this machine; it is never sent to another."""
    host = urlsplit(url).hostname
    if not host or not is_loopback(host):
        return None
    try:
        return KEY_FILE.read_text(encoding="ascii").strip() or None
    except (OSError, UnicodeDecodeError):
        return None
