"""What a deployment makes, said before it runs."""

from typing import Any

import pytest
from infra_snippets import template, templates

from infra.checks.evaluate import Later, Scope, deployed
from infra.checks.project import MAIN


def value(expression: str, before: str = "") -> Any:
    read = template(f"{before}\noutput o object = {expression}\n")
    return Scope({MAIN: read}, MAIN, {}).output("o")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("'a'", "a"),
        ("[1, true, null]", [1, True, None]),
        ("{ a: { 'b-c': 1 } }", {"a": {"b-c": 1}}),
        ("1 == 1 ? 'y' : 'n'", "y"),
        ("!empty('') || 'a' != 'a' ? 'y' : 'n'", "n"),
        ("union({ a: 1, b: 1 }, { b: 2 })", {"a": 1, "b": 2}),
        ("concat([1], [2])", [1, 2]),
        ("[for (x, i) in ['a', 'b']: '${x}${i}']", ["a0", "b1"]),
        ("{ a: [5] }.a[0]", 5),
        ("{ a: 5 }['a']", 5),
        ("null ?? 'b'", "b"),
    ],
)
def test_what_can_be_known_is_known(expression: str, expected: Any) -> None:
    assert value(expression) == expected


def test_parameters_and_variables_are_filled_in() -> None:
    assert value("'${p}-${v}'", "param p string = 'a'\nvar v = p") == "a-a"


def test_what_only_azure_knows_says_where_it_comes_from() -> None:
    given = value("s.properties.x", "resource s 'A/b@2020-01-01' = {\n  name: 'x'\n}")
    assert given == "A/b#infra/main.bicep:s.properties.x"
    assert isinstance(given, Later)


def test_values_go_through_modules_and_back() -> None:
    main = (
        "module m 'modules/other.bicep' = {\n  name: 'm'\n  params: { name: 'given' }\n}\n"
        "resource a 'A/b@2020-01-01' = if (m.outputs.name == 'given') {\n  name: m.outputs.name\n}\n"
    )
    other = (
        "param name string = 'default'\nresource c 'C/d@2020-01-01' = {\n  name: name\n}\noutput name string = name\n"
    )
    made = deployed(templates(main, other))
    assert [(one.type, one.get("name"), one.get("if")) for one in made] == [
        ("A/b", "given", True),
        ("C/d", "given", True),
    ]


def test_a_loop_makes_a_resource_for_each() -> None:
    text = "param names array = ['x', 'y']\nresource a 'A/b@2020-01-01' = [for n in names: {\n  name: n\n}]\n"
    assert [one.get("name") for one in deployed(templates(text))] == ["x", "y"]
    assert [one.get("name") for one in deployed(templates(text), {"names": ["z"]})] == ["z"]
    assert len(deployed(templates(text), {"names": Later("names")})) == 1
