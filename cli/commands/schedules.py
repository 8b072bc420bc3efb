"""Swarms that are started at due times."""

from typing import Annotated, Any

import typer

from cli.api import DEFAULT_URL
from cli.commands.swarms import Context, Directive, Limit
from cli.context import read_context
from cli.options import Json, Url, connect, limits_of
from cli.output import emit, say
from cli.text import clean, count, first_words, in_zone, size
from cli.views import limits_line
from cli.wire import LastRun, ScheduleView
from shared.errors import InvalidInput
from shared.schedules.model import Overlap

app = typer.Typer(help="Swarms that are started at due times.", no_args_is_help=True)

ScheduleId = Annotated[
    str, typer.Argument(metavar="SCHEDULE", help="The schedule's id, as `swarmstar schedules list` shows it.")
]
_OVERLAP = "While the last swarm still runs: skip a due time, or allow another swarm."
_CRON = "Minute, hour, day of month, month, day of week, such as '0 9 * * 1-5'."


@app.command()
def create(
    cron: Annotated[str, typer.Argument(metavar="CRON", help=_CRON)],
    directive: Directive,
    name: Annotated[str | None, typer.Option(help="What the schedule is called; else its directive.")] = None,
    timezone: Annotated[str, typer.Option(help="The time zone, such as Europe/Berlin.")] = "UTC",
    overlap: Annotated[Overlap, typer.Option(help=_OVERLAP)] = "skip",
    context: Context = None,
    limit: Limit = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Make a schedule."""
    swarm = {"directive": directive, "context": read_context(context or []), "limits": limits_of(limit)}
    called = name or first_words(directive, 60)
    new = {"name": called, "cron": cron, "timezone": timezone, "overlap": overlap, "swarm": swarm}
    with connect(url) as api:
        made = api.create_schedule(new)
    _tell(made, "made", json)


@app.command("list")
def list_schedules(url: Url = DEFAULT_URL, json: Json = False) -> None:
    """List your schedules."""
    with connect(url) as api:
        found = api.schedules()
    if json:
        emit(found)
        return
    for one in found.items:
        say(f"{one.schedule_id}  {_state(one):<30}  {clean(one.cron):<14}  {first_words(one.name, 60)}")
    if not found.items:
        say('No schedules yet. Make one: swarmstar schedules create "0 9 * * 1-5" "…"')


@app.command()
def show(schedule_id: ScheduleId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show a schedule, what it starts, and what came of its last due time."""
    with connect(url) as api:
        found = api.schedule(schedule_id)
    if json:
        emit(found)
        return
    for line in _lines(found):
        say(line)


@app.command()
def edit(
    schedule_id: ScheduleId,
    name: Annotated[str | None, typer.Option(help="What the schedule is called.")] = None,
    cron: Annotated[str | None, typer.Option(help=_CRON)] = None,
    timezone: Annotated[str | None, typer.Option(help="The time zone, such as Europe/Berlin.")] = None,
    overlap: Annotated[Overlap | None, typer.Option(help=_OVERLAP)] = None,
    directive: Annotated[str | None, typer.Option(help="What its swarms shall achieve, with --context as new.")] = None,
    context: Context = None,
    limit: Limit = None,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Change a schedule. What is started is replaced as a whole: directive, context and limits."""
    if directive is None and (context or limit):
        given_alone = " and ".join(name for name, value in (("--context", context), ("--limit", limit)) if value)
        raise typer.BadParameter("give --directive too: what is started is replaced as a whole", param_hint=given_alone)
    given = {"name": name, "cron": cron, "timezone": timezone, "overlap": overlap}
    change: dict[str, Any] = {field: value for field, value in given.items() if value is not None}
    if directive is not None:
        change["swarm"] = {"directive": directive, "context": read_context(context or []), "limits": limits_of(limit)}
    if not change:
        raise InvalidInput("say what to change: --name, --cron, --timezone, --overlap or --directive")
    _change(schedule_id, change, "changed", url, json)


@app.command()
def pause(schedule_id: ScheduleId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Start nothing until it is resumed."""
    _change(schedule_id, {"enabled": False}, "paused", url, json)


@app.command()
def resume(schedule_id: ScheduleId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Start swarms again when they are due."""
    _change(schedule_id, {"enabled": True}, "resumed", url, json)


@app.command()
def run(schedule_id: ScheduleId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Start its swarm now, out of turn."""
    with connect(url) as api:
        swarm = api.run_schedule(schedule_id)
    if json:
        emit(swarm)
    else:
        say(f"swarm {swarm.swarm_id} runs. Watch it: swarmstar watch {swarm.swarm_id}")


@app.command()
def delete(schedule_id: ScheduleId, url: Url = DEFAULT_URL) -> None:
    """Delete a schedule; the swarms that it started stay."""
    with connect(url) as api:
        api.delete_schedule(schedule_id)
    say(f"Deleted {clean(schedule_id)}.")


def _change(schedule_id: str, change: dict[str, Any], said: str, url: str, as_json: bool) -> None:
    with connect(url) as api:
        changed = api.change_schedule(schedule_id, change)
    _tell(changed, said, as_json)


def _tell(schedule: ScheduleView, said: str, as_json: bool) -> None:
    if as_json:
        emit(schedule)
    else:
        then = f"Next: {_state(schedule)}." if schedule.enabled else "It starts nothing until it is resumed."
        say(f"schedule {schedule.schedule_id} {said}. {then}")


def _state(schedule: ScheduleView) -> str:
    """When it is due next, in its own zone, or that it is paused."""
    return "paused" if schedule.next_due is None else in_zone(schedule.next_due, schedule.timezone)


def _next(schedule: ScheduleView) -> str:
    return _state(schedule) if schedule.next_due is None else f"next {_state(schedule)}"


def _lines(schedule: ScheduleView) -> list[str]:
    counts = f"{count(schedule.started, 'swarm')} started, {count(schedule.not_started, 'due time')} without one"
    return [
        f"{schedule.schedule_id}  {first_words(schedule.name, 120)}",
        f"  due {clean(schedule.cron)} ({clean(schedule.timezone)}), {_next(schedule)}, overlap: {schedule.overlap}",
        f"  {counts}",
        *([] if schedule.last is None else [f"  last {_outcome(schedule.last, schedule.timezone)}"]),
        *(f"  context {first_words(doc.name, 60)}, {size(doc.size)}" for doc in schedule.context),
        *([f"  {limits_line(schedule.limits)}"] if schedule.limits else []),
        "",
        schedule.directive,
    ]


def _outcome(last: LastRun, zone: str) -> str:
    came = f"swarm {last.swarm_id}" if last.swarm_id else first_words(last.reason or "nothing was started", 200)
    return f"{in_zone(last.due or last.at, zone)}{'' if last.due else ' (out of turn)'}: {came}"
