"""A user's own API keys."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any

import typer

from cli.api import DEFAULT_URL
from cli.options import KEY_VARIABLE, Json, Url, connect
from cli.output import emit, remark, say
from cli.text import clean, day_and_clock, first_words
from cli.wire_account import KeyView

app = typer.Typer(help="Your API keys.", no_args_is_help=True)


class Right(StrEnum):
    """What a key may be used for."""

    READ = "read"
    WRITE = "write"


@app.command("list")
def list_keys(url: Url = DEFAULT_URL, json: Json = False) -> None:
    """List your keys, without their secrets."""
    with connect(url) as api:
        found = api.keys()
    if json:
        emit(found)
        return
    for key in found.items:
        say(f"{clean(key.key_id)}  {_state(key):<26}  {clean(','.join(key.scopes)):<10}  {first_words(key.name, 60)}")
    if not found.items:
        say("No keys yet. Make one: swarmstar keys create NAME")


@app.command()
def create(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    right: Annotated[list[Right] | None, typer.Option("--scope", help="`read` or `write`; both if left out.")] = None,
    days: Annotated[int | None, typer.Option(min=1, max=3_650, help="Days it is good for; no end if left out.")] = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Make a key; it is shown this once."""
    new: dict[str, Any] = {"name": name, "expires_days": days}
    if right:
        new["scopes"] = sorted({one.value for one in right})
    with connect(url) as api:
        made = api.create_key(new)
    if json:
        emit(made)
        return
    say(made.key)
    remark(f"The key is shown this once. Whoever uses it puts it into {KEY_VARIABLE}.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(metavar="KEY", help="Its id, as `swarmstar keys list` shows it.")],
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Let nobody in with a key any more."""
    with connect(url) as api:
        key = api.revoke_key(key_id)
    if json:
        emit(key)
    else:
        say(f"Revoked {clean(key.key_id)}.")


def _state(key: KeyView) -> str:
    if key.revoked is not None:
        return "revoked"
    if key.expires is None:
        return "good"
    return f"{'good until' if key.expires > datetime.now(UTC) else 'expired'} {day_and_clock(key.expires)}"
