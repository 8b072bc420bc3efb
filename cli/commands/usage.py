"""What swarms used, and what their user may use."""

from typing import Annotated

import typer

from cli.api import DEFAULT_URL, Api
from cli.options import Json, Url, connect
from cli.output import emit, say
from cli.text import clean, count, first_words
from cli.wire_account import Spending, Standing, SwarmLine, SwarmUsage
from shared.swarm.usage import Usage

#: A ceiling from here on is shown as none: a deployment on one's own machine has such ones.
BOUNDLESS = 10**15


def usage(
    swarm_id: Annotated[
        str | None, typer.Argument(metavar="[SWARM]", help="A swarm, for its actions, models and days.")
    ] = None,
    days: Annotated[bool, typer.Option("--days", help="By the day that swarms ended, in UTC.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Swarms that are listed, the newest first.")] = 20,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Show what your swarms used, or what one did."""
    if swarm_id is not None and days:
        raise typer.BadParameter("it is about all swarms: name none", param_hint="--days")
    with connect(url) as api:
        if swarm_id is not None:
            _show_one(api.swarm_usage(swarm_id), json)
        elif days:
            _show_days(api, json)
        else:
            _show_all(api, limit, json)


def quotas(url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show your ceilings, and what is taken up of them."""
    with connect(url) as api:
        standing = api.quotas()
    if json:
        emit(standing)
        return
    for name, taken, ceiling in _rows(standing):
        say(f"{name:<24}  {taken:>16}  of {ceiling}")
    aside = standing.reserved.spending
    say(f"Set aside besides, until the swarms that run end: {_number(aside.tokens)} tokens, ${aside.cost_usd:.4f}.")


def _rows(standing: Standing) -> list[tuple[str, str, str]]:
    most = standing.quotas
    today, month = standing.today, standing.this_month
    return [
        ("swarms at once", _number(standing.running), _ceiling(most.swarms)),
        ("nodes at once", _number(standing.reserved.nodes), _ceiling(most.nodes)),
        ("tokens today", _number(today.tokens), _ceiling(most.tokens_a_day)),
        ("tokens this month", _number(month.tokens), _ceiling(most.tokens_a_month)),
        ("US dollars today", f"{today.cost_usd:.4f}", _ceiling(most.cost_a_day_usd)),
        ("US dollars this month", f"{month.cost_usd:.4f}", _ceiling(most.cost_a_month_usd)),
    ]


def _number(number: float) -> str:
    return f"{number:,.10g}".replace(",", " ")


def _ceiling(number: float) -> str:
    return "no ceiling" if number >= BOUNDLESS else _number(number)


def _show_one(found: SwarmUsage, as_json: bool) -> None:
    if as_json:
        emit(found)
        return
    say(f"{'in all':<40}  {_used(found.total)}")
    for title, parts in (("By action", found.by_action), ("By model", found.by_model), ("By day", found.by_day)):
        if parts:
            say(title)
        for name, part in sorted(parts.items()):
            say(f"  {first_words(name, 60):<38}  {_used(part)}")


def _show_all(api: Api, limit: int, as_json: bool) -> None:
    page = api.usage(limit)
    if as_json:
        emit(page)
        return
    for line in page.items:
        say(_swarm(line))
    if not page.items:
        say("No swarms yet.")
    if page.cursor:
        say(f"There are older ones; --limit takes more than {limit}, up to 200.")


def _show_days(api: Api, as_json: bool) -> None:
    found = api.usage_by_day()
    if as_json:
        emit(found)
        return
    for line in found.items:
        say(f"{line.day}  {_spent(line.spending)}")
    if not found.items:
        say("Nothing was used yet.")


def _swarm(line: SwarmLine) -> str:
    used = clean(line.status) if line.usage is None else _used(line.usage)
    return f"{clean(line.swarm_id)}  {used}  {first_words(line.directive, 60)}"


def _used(usage: Usage) -> str:
    tokens = usage.input_tokens + usage.output_tokens
    return f"{count(usage.calls, 'call'):>12}  {count(tokens, 'token'):>18}  ${usage.cost_usd:.4f}"


def _spent(spending: Spending) -> str:
    return f"{count(spending.tokens, 'token'):>18}  ${spending.cost_usd:.4f}"
