"""Names: each rule where it is broken and where it is kept."""

import pytest
from infra_snippets import template

from infra.checks import symbols

BROKEN = {
    "a is not declared": "output o string = a\n",
    "b is not declared": "var l = [for a in ['x']: b]\noutput o array = l\n",
    "p is declared twice": "param p string = ''\nvar p = ''\noutput o string = p\n",
    "param p is never used": "param p string = ''\n",
    "var v is never used": "var v = 1\n",
    "resource r is never used": "resource r 'A/b@2020-01-01' existing = {\n  name: 'x'\n}\n",
    "there is no function lower": "output o string = lower('X')\n",
    "toLower takes 1 to 1 arguments, not 2": "output o string = toLower('X', 'Y')\n",
    "utcNow can only be the default of a parameter": "output o string = utcNow()\n",
    "f takes 1 arguments, not 0": "func f(a string) string => a\noutput o string = f()\n",
    "tenant is a var here; say az.tenant for the function": "var tenant = tenant()\noutput o object = tenant\n",
    "there is no decorator secret": "@secret()\nparam p string = ''\noutput o string = p\n",
    "@batchSize cannot stand before a param": "@batchSize(1)\nparam p string = ''\noutput o string = p\n",
    "@minLength says nothing of a int": "@minLength(1)\nparam p int = 1\noutput o int = p\n",
    "p is declared int and given string": "param p int = '1'\noutput o int = p\n",
    "o is declared bool and given string": "param p string = ''\noutput o bool = p\n",
    "these need each other: a > b > a": "var a = b\nvar b = a\n",
}


def told(text: str) -> list[str]:
    return [finding.told for finding in symbols.check(template(text))]


@pytest.mark.parametrize(("expected", "text"), BROKEN.items())
def test_a_broken_rule_is_told(expected: str, text: str) -> None:
    assert expected in told(text)


@pytest.mark.parametrize(
    "text",
    [
        "param p string = newGuid()\noutput o string = toLower(p)\n",
        "output o array = [for (item, index) in ['x']: { name: item, at: index }]\n",
        "output o array = map(['x'], item => toUpper(item))\n",
        "var keys = { a: 1 }\noutput o int = keys.a\n",
        "func f(a string) string => toLower(a)\noutput o string = f('X')\n",
        "output o string = az.resourceGroup().location\n",
        "var deployment = az.deployment().name\noutput o string = deployment\n",
        "type size = 'a' | 'b'\nparam p size = 'a'\noutput o string = p\n",
        "@batchSize(1)\nresource r 'A/b@2020-01-01' = [for n in ['x']: {\n  name: n\n}]\n",
    ],
)
def test_what_keeps_the_rules_is_not_told(text: str) -> None:
    assert told(text) == []


def _named(name: str) -> str:
    return (
        "resource a 'A/b@2020-01-01' = {\n  name: 'a'\n}\n"
        f"resource c 'A/b@2020-01-01' = {{\n  name: {name}\n}}\n"
        "var later = a.properties.address\n"
        "output o string = later\n"
    )


@pytest.mark.parametrize("name", ["a.properties.address", "'x-${a.properties.address}'", "later"])
def test_a_name_must_be_known_when_the_deployment_starts(name: str) -> None:
    assert any("is not known when the deployment starts" in one for one in told(_named(name)))


@pytest.mark.parametrize("name", ["'c'", "'${a.name}-c'", "guid(a.id)"])
def test_names_and_ids_are_known_when_the_deployment_starts(name: str) -> None:
    assert told(_named(name)) == []
