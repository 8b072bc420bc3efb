"""The workload of the benchmark: its sizes as published, and a stub that grows exactly that tree."""

import json
from collections import deque

import pytest

from bench.report import slope
from bench.rules import MANAGE, WRITE, rule
from bench.workload import Place, Workload, place_of
from local.scripted.rules import Call

OPTIONS = """Options:
1. decompose directive (in reasoning) - Break a directive into parts.
2. write document (in writing) - Write one text.
0. None of these"""


def call(text: str, schema: str | None = None, items: dict[str, str] | None = None) -> Call:
    """A call as the product makes it."""
    body: dict[str, object] = {"messages": [{"role": "system", "content": "x"}, {"role": "user", "content": text}]}
    if schema:
        described = {"name": schema, "schema": {"properties": {"sub_directives": {"items": items}}}}
        body["response_format"] = {"json_schema": described}
    return Call(index=0, step="", times_seen=1, body=body, headers={})


@pytest.mark.parametrize(
    ("b", "d", "nodes", "calls"), [(4, 3, 85, 106), (5, 4, 781, 937), (10, 3, 1_111, 1_222), (6, 5, 9_331, 10_886)]
)
def test_sizes(b: int, d: int, nodes: int, calls: int) -> None:
    assert (Workload(b, d).nodes, Workload(b, d).calls) == (nodes, calls)


def test_ideal_is_the_calls_on_the_longest_path() -> None:
    assert Workload(10, 3, 200).ideal == pytest.approx(1.4)


def test_a_directive_names_its_place() -> None:
    place = Place(Workload(10, 3, 1_000), 2, "0.9.3")
    assert place_of(f"The goal:\n{place.workload.root.directive}\n\nDirective:\n{place.directive}") == place


def test_directives_fit_into_a_plan() -> None:
    assert max(len(child.directive) for child in Place(Workload(10, 8, 1_000), 7, "0" + ".9" * 7).children) <= 300


def test_plans_grow_the_whole_tree() -> None:
    workload = Workload(4, 3)
    queue, nodes = deque([workload.root.directive]), 0
    while queue:
        directive = queue.popleft()
        nodes += 1
        if not place_of(directive).is_leaf:
            plan = rule(call(f"Directive:\n{directive}", "Plan", {"type": "string"})).content
            queue.extend(json.loads(str(plan))["sub_directives"])
    assert nodes == workload.nodes


@pytest.mark.parametrize(("level", "action"), [(1, MANAGE), (2, WRITE)])
def test_a_plan_names_actions_where_it_may(level: int, action: str) -> None:
    place = Place(Workload(2, 3), level, "0.1")
    planned = json.loads(str(rule(call(place.directive, "Plan", {"type": "object"})).content))["sub_directives"]
    assert {entry["action"] for entry in planned} == {action}


@pytest.mark.parametrize(("level", "best"), [(2, 1), (3, 2)])
def test_routers_choose_by_depth(level: int, best: int) -> None:
    place = Place(Workload(2, 3), level, "0.1.1")
    found = rule(call(f"Request:\n{place.directive}\n\n{OPTIONS}", "ChoiceAnswer")).content
    assert isinstance(found, dict)
    assert found["best"] == best


def test_the_latency_travels_with_the_directive() -> None:
    assert rule(call(Workload(2, 3, 250).root.directive)).delay == pytest.approx(0.25)


def test_slope() -> None:
    assert slope([(100, 1.0), (200, 1.5), (300, 2.0)]) == pytest.approx(0.005)
