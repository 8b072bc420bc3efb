"""How a swarm is shown while it runs: a live tree, plain lines, or JSON lines."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.text import Text

from cli.output import emit, is_terminal, remark, say
from cli.text import clean, clock, count, duration, first_words, short_action, soon
from cli.tree import LiveTree, Row
from cli.wire import EventView, QuestionView, SwarmView

#: Each status's sign and colour.
SIGNS = {
    "pending": ("○", "dim"),
    "routing": ("◌", "cyan"),
    "acting": ("●", "cyan"),
    "blocked": ("?", "bold yellow"),
    "waiting": ("◐", "blue"),
    "reviewing": ("◑", "magenta"),
    "terminated": ("✓", "green"),
    "failed": ("✗", "bold red"),
    "cancelled": ("⊘", "dim"),
    "running": ("●", "cyan"),
    "paused": ("‖", "yellow"),
    "completed": ("✓", "green"),
    "incomplete": ("!", "yellow"),
}
#: Lines of the terminal kept for what stands around the tree.
_AROUND = 8
_QUESTIONS = 5


class View(Protocol):
    """What follows a swarm shows it through."""

    def __enter__(self) -> "View":
        """Start to show."""
        ...

    def __exit__(self, *error: object) -> None:
        """Stop to show; what was shown stays."""
        ...

    def begin(self, swarm: SwarmView) -> None:
        """The swarm to show."""
        ...

    def stand(self, swarm: SwarmView) -> None:
        """How the swarm stands now; called while nothing happens."""
        ...

    def event(self, event: EventView) -> None:
        """One event."""
        ...

    def redraw(self, tree: LiveTree) -> None:
        """The tree after all events so far."""
        ...

    def ask(self, questions: Sequence[QuestionView]) -> None:
        """The questions that are open now."""
        ...

    def away(self, message: str | None) -> None:
        """The host does not answer for now; None when it is back."""
        ...

    def end(self, swarm: SwarmView) -> None:
        """The swarm has ended."""
        ...


def choose(as_json: bool) -> View:
    """The view that fits where stdout goes."""
    if as_json:
        return JsonView()
    return LiveView() if is_terminal() else PlainView()


class JsonView:
    """The swarm, each event, the swarm again when it has ended: one JSON document a line."""

    def __enter__(self) -> "JsonView":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, swarm: SwarmView) -> None:
        emit(swarm)

    def stand(self, swarm: SwarmView) -> None:
        pass

    def event(self, event: EventView) -> None:
        emit(event)

    def redraw(self, tree: LiveTree) -> None:
        pass

    def ask(self, questions: Sequence[QuestionView]) -> None:
        pass

    def away(self, message: str | None) -> None:
        if message:
            remark(message)

    def end(self, swarm: SwarmView) -> None:
        emit(swarm)


class PlainView:
    """One line an event, for logs and pipes."""

    def __init__(self) -> None:
        self._asked: set[str] = set()
        self._away = False
        self._paused = False
        self._swarm_id = ""

    def __enter__(self) -> "PlainView":
        return self

    def __exit__(self, *error: object) -> None:
        pass

    def begin(self, swarm: SwarmView) -> None:
        self._swarm_id = swarm.swarm_id
        say(f"swarm {swarm.swarm_id}: {first_words(swarm.directive, 120)}")
        self.stand(swarm)

    def stand(self, swarm: SwarmView) -> None:
        if swarm.paused != self._paused:
            self._paused = swarm.paused
            resumed = f"paused; go on with it: swarmstar resume {swarm.swarm_id}" if swarm.paused else "resumed"
            remark(f"The swarm is {resumed}.")

    def event(self, event: EventView) -> None:
        if event.operation is not None:
            say(event_line(event))

    def redraw(self, tree: LiveTree) -> None:
        pass

    def ask(self, questions: Sequence[QuestionView]) -> None:
        for question in questions:
            if question.question_id not in self._asked:
                self._asked.add(question.question_id)
                for line in question_lines(self._swarm_id, question):
                    say(line)

    def away(self, message: str | None) -> None:
        if message and not self._away:
            remark(message)
        self._away = message is not None

    def end(self, swarm: SwarmView) -> None:
        for line in ending_lines(swarm):
            say(line)


class LiveView:
    """The tree, redrawn in place."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._swarm: SwarmView | None = None
        # Drawn by another thread: replaced whole, never changed.
        self._rows: tuple[Row, ...] = ()
        self._counts: dict[str, int] = {}
        self._questions: tuple[QuestionView, ...] = ()
        self._away: str | None = None
        self._live = Live(
            get_renderable=self._render, console=self._console, refresh_per_second=4, vertical_overflow="ellipsis"
        )

    def __enter__(self) -> "LiveView":
        self._live.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._live.stop()

    def begin(self, swarm: SwarmView) -> None:
        self._swarm = swarm

    def stand(self, swarm: SwarmView) -> None:
        self._swarm = swarm

    def event(self, event: EventView) -> None:
        pass

    def redraw(self, tree: LiveTree) -> None:
        self._rows = tree.rows(most=max(10, self._console.height - _AROUND))
        self._counts = tree.counts()

    def ask(self, questions: Sequence[QuestionView]) -> None:
        self._questions = tuple(questions)

    def away(self, message: str | None) -> None:
        self._away = message

    def end(self, swarm: SwarmView) -> None:
        self._swarm, self._questions = swarm, ()
        self._live.stop()
        for line in ending_lines(swarm)[1:]:
            self._console.print(Text(line))

    def _render(self) -> RenderableType:
        if self._swarm is None:
            return Text("")
        now = self._swarm.ended or datetime.now(UTC)
        lines: list[RenderableType] = [header(self._swarm, now), *(row_text(row, now) for row in self._rows)]
        lines.append(Text(counts_line(self._counts), style="dim"))
        for question in self._questions[:_QUESTIONS]:
            asked, *rest = question_lines(self._swarm.swarm_id, question)
            lines += [Text(asked, style="yellow"), *map(Text, rest)]
        if len(self._questions) > _QUESTIONS:
            lines.append(Text(f"… and {count(len(self._questions) - _QUESTIONS, 'more question')}", style="yellow"))
        if self._away:
            lines.append(Text(clean(self._away), style="red"))
        return Group(*lines)


def header(swarm: SwarmView, now: datetime) -> Text:
    """The line above a tree."""
    sign, style = SIGNS.get(swarm.shown, ("·", ""))
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(f"{sign} ", style)
    line.append(f"swarm {clean(swarm.swarm_id)}", "bold")
    line.append(f"  {clean(swarm.shown)}  {duration((now - swarm.created).total_seconds())}", style)
    if by := made_by(swarm):
        line.append(f"  {by}", "dim")
    return line


def made_by(swarm: SwarmView) -> str:
    """What a swarm comes from that its user did not start here; empty for every other."""
    if swarm.imported is not None:
        return "imported"
    return "" if swarm.origin is None else f"by {clean(swarm.origin.kind)} {clean(swarm.origin.id)}"


def limits_line(limits: dict[str, int | float]) -> str:
    """Limits by name, on one line."""
    return "limits " + ", ".join(f"{clean(name)}={number:.10g}" for name, number in limits.items())


def row_text(row: Row, now: datetime) -> Text:
    """One line of a tree, cut to the width it is shown in."""
    sign, style = SIGNS.get(row.status, ("·", ""))
    line = Text(no_wrap=True, overflow="ellipsis")
    line.append(row.guide, "dim")
    line.append(f"{sign} ", style)
    line.append(clean(row.node_id), "dim")
    line.append(f" {row.action}", "bold")
    if row.started:
        line.append(f"  {duration(((row.ended or now) - row.started).total_seconds())}", "dim")
    if row.note:
        line.append(f"  {row.note}", "yellow")
    if row.hidden:
        line.append(f"  +{row.hidden}", "dim")
    line.append(f"  {row.directive}")
    return line


def counts_line(counts: dict[str, int]) -> str:
    """How many nodes there are, and in which status."""
    parts = [f"{counts[status]} {status}" for status in SIGNS if counts.get(status)]
    return " · ".join([count(sum(counts.values()), "node"), *parts])


def event_line(event: EventView) -> str:
    """An event on one line: when, which node, what, its new status, and what is worth saying."""
    said = event.changes.get("report") or event.changes.get("directive") or ""
    action = short_action(str(event.changes["action_id"])) + "  " if "action_id" in event.changes else ""
    line = (
        f"{clock(event.at)}  {event.node_id:<12}  {event.operation or 'sealed':<18}  {event.status:<10}"
        f"  {action}{first_words(str(said), 100)}"
    )
    return line.rstrip()


def question_lines(swarm_id: str, question: QuestionView) -> list[str]:
    """A question, what happens without an answer, and the command that answers it."""
    until = f" by {soon(question.deadline)}" if question.deadline else ""
    lines = [f"Question of {clean(question.node_id)}: {first_words(question.question, 400)}"]
    if question.assumption:
        lines.append(f"  without an answer{until} it assumes: {first_words(question.assumption, 200)}")
    lines.append(f'  swarmstar answer {clean(swarm_id)} {clean(question.question_id)} "…"')
    return lines


def ending_lines(swarm: SwarmView) -> list[str]:
    """How a swarm ended, what it used, and its report."""
    took = (swarm.ended - swarm.created).total_seconds() if swarm.ended else 0
    lines = [f"{clean(swarm.status)} after {duration(took)}", used(swarm)]
    if swarm.report:
        lines += ["", clean(swarm.report)]
    return lines


def used(swarm: SwarmView) -> str:
    """What a swarm used, on one line."""
    usage = swarm.usage
    return ", ".join(
        [
            count(swarm.nodes, "node"),
            count(usage.calls, "model call"),
            count(usage.input_tokens, "token") + " read",
            count(usage.output_tokens, "token") + " written",
            f"${usage.cost_usd:.4f}",
        ]
    )
