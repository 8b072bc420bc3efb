"""Many swarms with random plans, faults and commands at once, watched all the while: the invariants hold for each."""

import asyncio
import os
import random
from typing import Any

import pytest
from e2e_client import Ended, Run, Swarms
from e2e_script import ACTIONS, Asked, Said, Script, Speaker, choice, plan

from local.scripted import Reply

pytestmark = pytest.mark.asyncio(loop_scope="session")

#: Set to try others: every seed is a storm of its own.
SEED = int(os.environ.get("STORM_SEED", "7"))
SWARMS = int(os.environ.get("STORM_SWARMS", "10"))
WORDS = ("Write", "Code", "Ask", "Ask", "Clarify", "Manage", "Manage", "Recall", "Note", "Dance")
FAULTS = (
    Reply("busy", status=429, headers={"Retry-After": "0.05"}),
    Reply("oops", status=500, headers={"Retry-After": "0.05"}),
    Reply("what?"),
    Reply(rubbish=b"<html>gateway</html>"),
    Reply("no", status=400),
    Reply("", refusal="I will not."),
)


class Weather:
    """What one swarm of the storm meets. Seeded by the call, so that a call that is repeated meets the same."""

    def __init__(self, seed: str) -> None:
        self.seed = seed
        script = Script(Plan=self._plan, Review=self._review, ChoiceAnswer=self._choice)
        kinds = ("Plan", "Independence", "ChoiceAnswer", "Review", "Description", "Questions", "Requirements", "text")
        facing: dict[str, Any] = {kind: self._facing(script) for kind in (*kinds, "Answer")}
        self.script = Script(**facing)

    def _random(self, asked: Asked, *more: object) -> random.Random:
        return random.Random(f"{self.seed}/{asked.node_id}/{asked.call.step.split('/')[-1]}/{more}")

    def _facing(self, script: Script) -> Speaker:
        def answer(asked: Asked) -> Said:
            dice = self._random(asked, asked.call.times_seen)
            if dice.random() < 0.1:
                return dice.choice(FAULTS)
            reply = script.reply(asked.call)
            return Reply(reply.content, delay=dice.choice((0.0, 0.0, 0.02, 0.2)))

        return answer

    def _plan(self, asked: Asked) -> Said:
        dice = self._random(asked)
        return plan(asked, [f"{dice.choice(WORDS)} {asked.node_id} part{n}." for n in range(dice.randint(1, 4))])

    def _review(self, asked: Asked) -> Said:
        complete = self._random(asked).random() < 0.7
        return {"complete": complete, "missing": "" if complete else "Some of it.", "report": "So it went."}

    def _choice(self, asked: Asked) -> Said:
        dice = self._random(asked)
        options = asked.section("Options").splitlines()
        if asked.option("save memory") and dice.random() < 0.8:
            return choice(asked, ACTIONS.get(asked.section("Request").split()[0], ("", ""))[1])
        return {"best": dice.randrange(len(options)), "unviable": [dice.randrange(9)], "confidence": "low"}


async def answer_all(run: Run) -> None:
    for question in await run.questions():
        if question["state"] == "open":
            await run.post(f"/questions/{question['question_id']}/answer", {"answer": "Yes."})


async def look(run: Run) -> None:
    for node in (await run.tree())[-3:]:
        await run.get(f"/nodes/{node['node_id']}")


async def pause_and_resume(run: Run) -> None:
    for word in ("pause", "resume"):
        assert (await run.post(f"/{word}")).status in {202, 409}
        await asyncio.sleep(0.1)


async def cancel(run: Run) -> None:
    assert (await run.post("/cancel")).status in {202, 409}


async def trouble(run: Run, dice: random.Random) -> None:
    """Answer, look, pause, resume and cancel, at random, until the swarm has ended."""
    while (await run.get())["status"] == "running":
        await asyncio.sleep(dice.random() * 0.2)
        (what,) = dice.choices((answer_all, look, pause_and_resume, cancel), (6, 6, 1, 0.2))
        await what(run)


async def one(swarms: Swarms, seed: str) -> Ended:
    dice = random.Random(seed)
    context = [{"name": f"{n}.md", "content": "Fact."} for n in range(dice.choice((0, 0, 2)))]
    limits = {"nodes": dice.choice((10, 40)), "rounds": 2, "depth": 2, "answer_seconds": dice.choice((1, 20))}
    run = await swarms(f"Storm {seed}", Weather(seed).script, context=context, **limits)
    ended, _ = await asyncio.gather(run.ended(), trouble(run, dice))
    return ended


async def test_the_invariants_hold_in_a_storm(swarms: Swarms) -> None:
    all_ended = await asyncio.gather(*(one(swarms, f"{SEED}-{n}") for n in range(SWARMS)))

    for ended in all_ended:
        assert ended.status in {"completed", "incomplete", "failed", "cancelled"}
        cut_off = [node.report for node in ended.nodes.values() if "cut off" in (node.report or "")]
        assert cut_off == []
