"""The parse gate, and what is read of a tree."""

import pytest
from infra_snippets import template

from infra.checks import syntax
from infra.checks.project import MAIN, Project
from infra.checks.template import read_templates


def told(text: str) -> list[str]:
    return [finding.told for finding in read_templates(Project({MAIN: text}))[1]]


def test_what_is_bicep_passes() -> None:
    assert told("param a string = 'x'\nvar b = a == 'x' ? 1 : 2\noutput c int = b\n") == []


@pytest.mark.parametrize(
    "text",
    [
        "param a string = 'x\n",
        "resource a 'A/b@2020-01-01' = {\n  name: 'x'\n",
        "var a = [1, 2\n",
        "var a = = 1\n",
    ],
)
def test_what_is_no_bicep_does_not_pass(text: str) -> None:
    assert told(text)


def test_what_no_check_covers_does_not_pass() -> None:
    assert told("import { x } from 'other.bicep'\n") == [
        "no check covers import_functionality: import { x } from 'other.bicep'"
    ]
    nested = "resource a 'A/b@2020-01-01' = {\n  name: 'x'\n  resource c 'd' = {\n    name: 'y'\n  }\n}\n"
    assert told(nested) == ["no check covers nested resources: use `parent`"]


def test_declarations_are_read_with_what_stands_before_them() -> None:
    read = template("@secure()\n@description('A key')\nparam a string = ''\nparam b 'x' | 'y' = 'x'\n")
    first, second = read.symbols
    assert set(first.decorators) == {"secure", "description"}
    assert not second.decorators
    assert second.allowed == ["x", "y"]


def test_a_string_is_a_literal_only_without_interpolation() -> None:
    read = template("var a = 'x'\nvar b = 'x${a}'\nvar c = ''\nvar d = '''\nlong'''\n")
    assert [syntax.literal(symbol.kept) for symbol in read.symbols] == ["x", None, "", "long"]
