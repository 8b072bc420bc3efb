"""Looking into a swarm: its tree, a node, its events."""

from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.text import Text

from cli.api import DEFAULT_URL, MAX_WAIT
from cli.failures import INTERRUPTED
from cli.follow import PATIENCE, Follower, pages
from cli.options import Json, Patience, SwarmId, Url, connect
from cli.output import emit, is_terminal, remark, say
from cli.text import clean, count, duration, first_words
from cli.tree import LiveTree
from cli.views import JsonView, PlainView, counts_line, event_line, header, question_lines, row_text
from cli.wire import LogEntry, NodeDetail, QuestionView, RouteStep, SwarmView


def tree(swarm_id: SwarmId, url: Url = DEFAULT_URL, json: Json = False) -> None:
    """Show a swarm's tree as it stands."""
    with connect(url) as api:
        nodes = api.tree(swarm_id)
        if json:
            emit(nodes)
            return
        swarm = api.swarm(swarm_id)
    show_tree(swarm, LiveTree.of(nodes.nodes))


def show_tree(swarm: SwarmView, nodes: LiveTree) -> None:
    """Print a whole tree with what stands around it; plain where stdout is no terminal."""
    now = swarm.ended or datetime.now(UTC)
    lines = [header(swarm, now), *(row_text(row, now) for row in nodes.rows()), Text(counts_line(nodes.counts()))]
    if is_terminal():
        console = Console(highlight=False)
        for line in lines:
            console.print(line)
    else:
        for line in lines:
            say(line.plain)


def events(
    swarm_id: SwarmId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the swarm has ended.")] = False,
    after: Annotated[int, typer.Option(min=0, help="Only events after this frame.")] = 0,
    patience: Patience = PATIENCE,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Print a swarm's history, one line an event."""
    with connect(url) as api:
        reader = Follower(api, swarm_id, JsonView() if json else PlainView(), patience if follow else 0)
        try:
            for page in pages(reader.events, MAX_WAIT if follow else 0, after):
                for event in page.items:
                    if json:
                        emit(event)
                    else:
                        say(f"{event.frame:>5}  {event_line(event)}")
        except KeyboardInterrupt:
            remark(f"The swarm goes on. Come back: swarmstar events {swarm_id} --follow")
            raise typer.Exit(INTERRUPTED) from None


def node(
    swarm_id: SwarmId,
    node_id: Annotated[str, typer.Argument(metavar="NODE", help="The node's id, as the tree shows it.")],
    log: Annotated[bool, typer.Option("--log", help="Show what was said to the model and what it answered.")] = False,
    url: Url = DEFAULT_URL,
    json: Json = False,
) -> None:
    """Show one node: its directive, its report, how it was routed and what it asked the model."""
    with connect(url) as api:
        found = api.node(swarm_id, node_id)
    if json:
        emit(found)
        return
    for line in _node_lines(swarm_id, found):
        say(line)
    for entry in found.log:
        for line in _log_lines(entry, log):
            say(line)


def _node_lines(swarm_id: str, node: NodeDetail) -> list[str]:
    lines = [
        f"node {node.node_id}  {node.action_id}  {node.status}",
        f"  {count(node.usage.calls, 'model call')}, round {node.round + 1}, depth {node.depth}",
        "",
        "Directive",
        node.directive,
    ]
    if node.report:
        lines += ["", "Report", node.report]
    elif node.report_of:
        lines += ["", f"Its report is that of {node.report_of}: swarmstar node {swarm_id} {node.report_of}"]
    if node.route:
        lines += ["", "Route", *map(_route_line, node.route)]
    for question in node.questions:
        lines += ["", *_question_lines(swarm_id, question)]
    return lines


def _question_lines(swarm_id: str, question: QuestionView | str) -> list[str]:
    if isinstance(question, str):
        return [f"Question {question}"]
    if question.is_open:
        return question_lines(swarm_id, question)
    return [f"Question: {first_words(question.question, 400)}", f"  {question.state}: {question.answer or '-'}"]


def _route_line(step: RouteStep) -> str:
    sure = f", confidence {step.confidence}" if step.confidence is not None else ""
    return f"  {step.folder_id}: {step.chosen or 'none of these'} (of {count(len(step.options), 'option')}{sure})"


def _log_lines(entry: LogEntry, whole: bool) -> list[str]:
    tokens = entry.usage.input_tokens + entry.usage.output_tokens
    head = f"Call {entry.step}  {entry.purpose}  {entry.model}  {count(tokens, 'token')}  {duration(entry.seconds)}"
    lines = ["", head]
    if whole:
        for message in entry.messages:
            lines += [f"  [{message.get('role', '')}]", _indented(str(message.get("content", "")))]
        lines += ["  [answer]", _indented(str(entry.answer))]
    return lines


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in clean(text).splitlines())
