"""A model that fails, lies or is gone, and budgets that run out: a swarm ends with a report that says why."""

from typing import Any

import pytest
from e2e_client import Ended, Swarms
from e2e_script import Asked, Said, Script, plan

from local.scripted import Reply
from shared.swarm.statuses import Status

pytestmark = pytest.mark.asyncio(loop_scope="session")

ONE = {"Do it": ["Write it.md."]}


async def test_rubbish_for_ever_is_a_report(swarms: Swarms) -> None:
    rubbish = "I would rather talk about the weather {"
    context = [{"name": "facts.md", "content": "One fact."}]
    script = Script(Plan=rubbish, Description=rubbish)
    ended = await (await swarms("Do it", script, context=context)).ended()

    assert ended.status == "failed"
    assert ended.report.startswith("Failed: The model gave no usable answer: no usable Plan after 3 attempt(s)")
    # The document that could not be described is a failed node, and the root goes to work all the same.
    assert ended.nodes["0.0"].status is Status.FAILED
    assert (len(script.of("Description")), len(script.of("Plan"))) == (3, 3)
    # Each repair tells the model what was wrong with its answer.
    assert rubbish in script.of("Plan")[1].call.messages[-2]["content"]


@pytest.mark.parametrize("kind", ["Independence", "ChoiceAnswer", "Review"])
async def test_rubbish_in_one_place_is_survived(swarms: Swarms, kind: str) -> None:
    script = Script({"Do it": ["Write a.md.", "Write b.md."]}, **{kind: "{}"})
    ended = await (await swarms("Do it", script, rounds=2)).ended()

    assert ended.status in {"incomplete", "failed"}
    assert f"no usable {kind} after 3 attempt(s)" in " ".join(node.report or "" for node in ended.nodes.values())


async def test_answers_of_blanks_are_survived(swarms: Swarms) -> None:
    blank = {"question": " ", "assumption": " "}
    script = Script(
        {" ": ["Write b.md."]},
        Plan=lambda asked: plan(
            asked, [" ", "Note\tthat \u0000 it is so.", "Ask me.", "Clarify it.", "Write \ud800.md."]
        ),
        ChoiceAnswer=lambda asked: {"best": 1 + int(asked.node_id[-1]) % 7, "unviable": [99], "confidence": "low"},
        Description={"description": " "},
        Questions={"questions": [blank]},
        Requirements={"requirements": [{"requirement": " ", "known": "", "question": " ", "assumption": ""}]},
        Review={"complete": True, "missing": " ", "report": " "},
        Answer={"found": True, "answer": " ", "memories": [-1, 77]},
        text=" ",
    )
    context = [{"name": " ", "content": "x"}, {"name": "/", "content": "y"}, {"name": "..", "content": "\u0001"}]
    run = await swarms("Be blank", script, context=context, answer_seconds=1)
    ended = await run.ended()

    assert not [node for node in ended.nodes.values() if "cut off" in (node.report or "")]


async def test_an_answer_that_is_far_too_long_is_survived(swarms: Swarms) -> None:
    script = Script(ONE, text="word " * 600_000)
    run = await swarms("Do it", script)
    ended = await run.ended()

    assert not [node for node in ended.nodes.values() if node.status is Status.FAILED]
    if len(script.of("text")) > 1:  # the model kept to its limit, as one that thinks does
        assert "It is NOT finished: it was cut off at the limit" in (ended.nodes["0.0.0"].report or "")
        assert ended.nodes["0.0.0"].complete is False


async def test_a_refusal_and_a_filter_fail_the_node_and_not_the_swarm(swarms: Swarms) -> None:
    def text(asked: Asked) -> Said:
        return Reply("", refusal="I will not.") if "a.md" in asked.directive else "Fine."

    ended = await (await swarms("Do it", Script({"Do it": ["Write a.md.", "Write b.md."]}, text=text))).ended()

    assert ended.status == "completed"
    assert "the model refused: I will not." in (ended.on("Write a.md.").report or "")
    assert ended.on("Write b.md.").status is Status.TERMINATED


def failing(times: int, reply: Reply) -> dict[str, Said]:
    """The first so many calls of each kind come to a fault, all others to their answer."""
    script = Script(ONE)
    seen: dict[str, int] = {}

    def answer(asked: Asked) -> Said:
        seen[asked.kind] = seen.get(asked.kind, 0) + 1
        return reply if seen[asked.kind] <= times else script.reply(asked.call)

    return dict.fromkeys(("Plan", "ChoiceAnswer", "text", "Review"), answer)


FAULTS = {
    "429 with Retry-After": Reply("slow down", status=429, headers={"Retry-After": "0.2"}),
    "500": Reply("oops", status=500, headers={"Retry-After": "0.2"}),
    "503": Reply("down", status=503, headers={"retry-after-ms": "100"}),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_faults_of_the_endpoint_pass(swarms: Swarms, fault: str) -> None:
    script = Script(ONE, **failing(2, FAULTS[fault]))
    ended = await (await swarms("Do it", script)).ended()

    assert ended.status == "completed"
    assert len(script.heard) == 4 * 3
    assert ended.root.usage.calls == 4


async def test_an_endpoint_that_refuses_the_key_is_told(swarms: Swarms) -> None:
    refused = Reply("not you", status=401)
    script = Script(Plan=refused, Description=refused)
    context = [{"name": "facts.md", "content": "One fact."}]
    ended = await (await swarms("Do it", script, context=context)).ended()

    assert ended.status == "failed"
    assert "the model endpoint answered 401: not you" in ended.report
    assert len(script.heard) == 2
    assert ended.swarm["usage"]["calls"] == 0


def calls_and_tokens(ended: Ended) -> tuple[int, int]:
    usage = ended.swarm["usage"]
    return usage["calls"], usage["input_tokens"] + usage["output_tokens"]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"nodes": 3}, "Stopped: nodes ran out."),
        ({"calls": 9}, "Stopped: model calls ran out."),
        ({"calls": 6}, "to share them out among 5 children and review takes 13."),
        ({"tokens": 4_000}, "Stopped: tokens ran out."),
        ({"cost_usd": 0.0005}, "Stopped: cost"),
    ],
)
async def test_a_budget_that_runs_out_is_a_report_that_says_so(
    swarms: Swarms, limits: dict[str, Any], told: str
) -> None:
    parts = [f"Write part{n}.md." for n in range(5)]
    ended = await (await swarms("Do it", Script({"Do it": parts}), **limits)).ended()

    assert ended.status == "incomplete"
    assert told in ended.report
    assert ended.swarm["nodes"] <= limits.get("nodes", 200)
    assert calls_and_tokens(ended)[0] <= limits.get("calls", 1_000)
    assert calls_and_tokens(ended)[1] <= limits.get("tokens", 2_000_000)
    assert ended.swarm["usage"]["cost_usd"] <= limits.get("cost_usd", 5.0)


async def test_a_budget_that_runs_out_below_is_told_above(swarms: Swarms) -> None:
    def review(asked: Asked) -> Said:
        stopped = "Stopped" in asked.section("Reports")
        return {"complete": False, "missing": "All.", "report": f"Stopped below: {stopped}"}

    def text(asked: Asked) -> Said:
        return Reply("Long.", input_tokens=3_000, output_tokens=4_000)

    script = Script(
        {"Do it": ["Manage a.", "Manage b."], "Manage a.": ["Write a.md."], "Manage b.": ["Write b.md."]},
        Review=review,
        text=text,
    )
    ended = await (await swarms("Do it", script, tokens=30_000, nodes=30)).ended()

    assert ended.status == "incomplete"
    assert "ran out" in ended.report
    assert not any(node.alive for node in ended.nodes.values())
