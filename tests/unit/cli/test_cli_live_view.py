"""The live tree on a terminal, with hostile text wherever a server, a model or a user can put some."""

from io import StringIO

from rich.console import Console

from cli.tree import LiveTree
from cli.views import LiveView
from cli.wire import NodeView, QuestionView, SwarmView

#: A window title, a cleared screen, an 8-bit sequence, marks that reorder, and a tag that is not seen.
HOSTILE = "\x1b]0;pwned\x07\x1b[2J\x9b31m\u202e\u061c\U000e0041\u2066text"
#: What of it may be seen: the letters, without what would make a terminal obey them.
FORBIDDEN = ["\x1b]", "\x07", "\x1b[2J", "\x9b", "\u202e", "\u061c", "\U000e0041", "\u2066"]
AT = "2026-11-22T10:00:00Z"


def test_nothing_hostile_reaches_the_terminal() -> None:
    swarm = SwarmView.model_validate(
        {"swarm_id": HOSTILE, "directive": HOSTILE, "status": HOSTILE, "created": AT, "report": HOSTILE, "limits": {}}
    )
    node = NodeView(node_id=HOSTILE, action_id=HOSTILE, directive=HOSTILE, status=HOSTILE)
    question = QuestionView.model_validate(
        {"question_id": HOSTILE, "node_id": HOSTILE, "question": HOSTILE, "assumption": HOSTILE, "state": "open"}
        | {"asked": AT, "deadline": AT}
    )
    shown = StringIO()
    view = LiveView(Console(file=shown, force_terminal=True, width=200, height=50, highlight=False))

    with view:
        view.begin(swarm)
        view.redraw(LiveTree.of([node]))
        view.ask([question])
        view.away(f"The server answered: {HOSTILE}")
    view.end(swarm)

    said = shown.getvalue()
    assert said.count("text") >= 8
    assert "The server answered: ]0;pwned" in said
    assert [mark for mark in FORBIDDEN if mark in said] == []
