"""A few users' swarms at once, as `make load` runs many; and faults that are sown are found."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.load.load_checks import Seen, Used
from tests.load.load_client import Account, Watch
from tests.load.load_run import Load, run
from tests.load.load_script import body_of, mark_of, marks_in, scripted_directives, without_mark

ADA, BOB = ("u-ada", "s1"), ("u-bob", "s2")
MARKS = {ADA: mark_of(1, 0), BOB: mark_of(2, 0)}


def call(owner: tuple[str, str], *marks: str, step: str = "0/0.0.0") -> str:
    line = {"step": f"{'/'.join(owner)}/{step}", "schema": "Plan", "marks": list(marks), "input": 10, "output": 5}
    return json.dumps(line)


def test_calls_of_ones_own_are_no_fault_and_are_counted() -> None:
    seen = Seen([call(ADA, MARKS[ADA]), call(ADA, MARKS[ADA], step="0/0.0.1"), call(BOB, MARKS[BOB])])
    assert seen.faults(MARKS) == []
    assert seen.used() == {ADA: Used(2, 30), BOB: Used(1, 15)}


@pytest.mark.parametrize(
    "lines",
    [
        [call(ADA, MARKS[ADA], MARKS[BOB])],
        [call(ADA, MARKS[BOB])],
        [call(ADA)],
        [call(("u-ada", "of nobody"), MARKS[ADA])],
        [call(ADA, MARKS[ADA])] * 2,
    ],
    ids=["two marks", "another's", "none", "no such swarm", "twice"],
)
def test_a_call_with_anything_but_its_own_mark_or_made_twice_is_a_fault(lines: list[str]) -> None:
    assert len(Seen(lines).faults(MARKS)) == 1


def test_every_directive_and_the_context_bear_the_mark_and_are_else_the_same() -> None:
    body = body_of(MARKS[ADA])
    assert all(marks_in(directive) == {MARKS[ADA]} for directive in scripted_directives(body["directive"]))
    assert 20 <= sum(scripted_directives(body["directive"]).values()) <= 40
    assert without_mark(json.dumps(body)) == without_mark(json.dumps(body_of(MARKS[BOB])))


class Garbled(Account):
    """A user whose answers cannot be read."""

    async def get(self, path: str) -> Any:
        """Nothing but noise."""
        return json.loads(f"<{path}>")


async def test_who_looks_on_notes_every_answer_that_cannot_be_read() -> None:
    watch, until = Watch(rate=200.0), asyncio.Event()
    async with aiohttp.ClientSession() as session:
        ada = Garbled(session, "http://127.0.0.1:9", "ada", "key", {MARKS[ADA]: "s1"})
        looking = asyncio.create_task(watch.look([ada], until))
        await asyncio.sleep(0.1)
        until.set()
        await looking
    assert watch.faults
    assert "JSONDecodeError" in watch.faults[0]
    assert not watch.seconds


@pytest.mark.slow
async def test_swarms_of_several_users_at_once_stay_apart_and_come_to_what_is_scripted(tmp_path: Path) -> None:
    outcome = await run(tmp_path / "site", Load(users=3, swarms=2, latency=(0.01, 0.05), idle=0.5))
    assert outcome.faults == []
    assert outcome.calls > 7 * 40
    assert outcome.nodes > 7 * 30
    assert sum(map(len, outcome.busy.seconds.values())) > 20


@pytest.mark.slow
async def test_what_crosses_from_one_user_to_another_is_found_at_the_model_in_answers_and_in_the_store(
    tmp_path: Path,
) -> None:
    mine, others = mark_of(1, 0), mark_of(2, 0)
    load = Load(users=2, swarms=1, latency=(0.0, 0.01), idle=0.1, cross=(mine, others))
    outcome = await run(tmp_path / "site", load)
    found = "\n".join(outcome.faults)
    assert f"call of {mine} bears ['{mine}', '{others}']" in found
    assert f"of {mine} shows {others}" in found
    assert f"{mine}: the store has {others}" in found
    assert "has the artifacts" in found
    assert f"of {others} shows" not in found
