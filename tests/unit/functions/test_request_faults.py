"""What is wrong with a body is told by its field, in words that say what to do."""

import json
from typing import Any

import azure.functions as func
import pytest
from pydantic import BaseModel

from functions._requests import parse_body
from shared.errors import InvalidInput
from shared.hooks.use_cases import HookChange, NewHook
from shared.schedules.use_cases import NewSchedule, ScheduleChange
from shared.usecases.create_swarm import NewSwarm

CRON = "cron: use five cron fields: minute, hour, day of month, month and day of week, such as 0 9 * * 1-5"
DIRECTIVE = "directive: the directive is empty: say what is to be done"
GOOD: dict[str, Any] = {"name": "n", "swarm": {"directive": "Do it"}}


def told(model: type[BaseModel], body: dict[str, Any]) -> str:
    """What a caller reads who sends this."""
    headers = {"content-type": "application/json"}
    request = func.HttpRequest("POST", "/", headers=headers, body=json.dumps(body).encode())
    with pytest.raises(InvalidInput) as refused:
        parse_body(request, model, 10_000)
    return str(refused.value)


@pytest.mark.parametrize("cron", ["", " ", "bad", "@daily", "* * * *", "* * * * * *", "61 * * * *"])
def test_whatever_is_no_cron_is_answered_with_an_example(cron: str) -> None:
    assert told(NewSchedule, {**GOOD, "cron": cron}) == CRON
    assert told(ScheduleChange, {"cron": cron}) == CRON


@pytest.mark.parametrize("directive", ["", "  ", "\n", "\u00a0"])
def test_an_empty_directive_reads_the_same_wherever_it_is(directive: str) -> None:
    swarm = {"directive": directive}
    assert told(NewSwarm, swarm) == DIRECTIVE
    assert told(NewHook, {**GOOD, "swarm": swarm}) == f"swarm.{DIRECTIVE}"
    assert told(NewSchedule, {**GOOD, "cron": "0 9 * * *", "swarm": swarm}) == f"swarm.{DIRECTIVE}"
    assert told(HookChange, {"swarm": swarm}) == told(ScheduleChange, {"swarm": swarm}) == f"swarm.{DIRECTIVE}"


@pytest.mark.parametrize("name", ["", " "])
def test_an_empty_name_is_told_to_be_empty(name: str) -> None:
    assert told(NewHook, {**GOOD, "name": name}) == "name: it is empty: say something"


def test_a_directive_that_is_no_text_is_told_so() -> None:
    assert told(NewSwarm, {"directive": 7}) == "directive: Input should be a valid string"
