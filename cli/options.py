"""Options and arguments that several commands share."""

import os
from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api

Url = Annotated[
    str, typer.Option("--url", envvar="SWARMSTAR_URL", help="Where the deployment answers.", show_default=DEFAULT_URL)
]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of text: one document, or one a line for a stream.")]
SwarmId = Annotated[str, typer.Argument(metavar="SWARM", help="The swarm's id, as `swarmstar list` shows it.")]
Patience = Annotated[
    float, typer.Option("--patience", min=0, max=86_400, help="Seconds a host may be away before watching gives up.")
]


def connect(url: str) -> Api:
    """The deployment at `url`, with the key of SWARMSTAR_API_KEY."""
    return Api(url, os.environ.get("SWARMSTAR_API_KEY") or None)
