"""Modules: files, parameters, outputs, scopes."""

import pytest
from infra_snippets import OTHER, templates

from infra.checks import modules

OTHER_TEXT = """
param name string
@allowed(['a', 'b'])
param mode string = 'a'
param count int = 1
@secure()
param key string = ''
output id string = '${name}${mode}${count}${key}'
"""


def main(
    params: str = "name: 'x'", *, path: str = "modules/other.bicep", read: str = "m.outputs.id", more: str = ""
) -> str:
    return f"module m '{path}' = {{\n  name: 'm'\n  params: {{ {params} }}\n{more}}}\noutput o string = {read}\n"


def told(text: str, other: str | None = OTHER_TEXT) -> list[str]:
    return [finding.told for finding in modules.check(templates(text, other))]


def test_templates_that_fit_together_pass() -> None:
    assert told(main("name: 'x', mode: 'b', count: 2")) == []


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ("mode: 'a'", "modules/other.bicep needs the parameter name"),
        ("name: 'x', size: 1", "modules/other.bicep has no parameter size"),
        ("name: 1", "name: it is string, and is given int"),
        ("name: 'x', mode: 'c'", "mode: c is none of a, b"),
    ],
)
def test_parameters_must_fit(params: str, expected: str) -> None:
    assert told(main(params)) == [expected]


def test_a_secure_value_needs_a_secure_parameter() -> None:
    declared = "@secure()\nparam secret string = ''\n"
    assert told(declared + main("name: secret")) == ["name: a secure value is given to a parameter that is not"]
    assert told(declared + main("name: 'x', key: secret")) == []


def test_a_path_must_be_there_in_the_same_case() -> None:
    assert f"there is no infra/modules/Other.bicep, only {OTHER}" in told(main(path="modules/Other.bicep"))
    assert "there is no infra/none.bicep" in told(main(path="none.bicep"))


def test_a_registry_is_not_checked() -> None:
    path = "br/public:avm/res/web/site:0.1.0"
    assert f"{path} is fetched when it is deployed; only local modules can be checked" in told(main(path=path))


def test_outputs_must_be_there_and_be_read() -> None:
    assert "modules/other.bicep has no output ids" in told(main(read="m.outputs.ids"))
    assert "a module has outputs and a name, but no id" in told(main(read="m.id"))
    assert told(main(read="m.name")) == ["output id is never read"]


def test_a_file_that_nothing_uses_is_told() -> None:
    assert told("var a = 1\n") == ["no template uses this file", "output id is never read"]


def test_another_scope_must_be_named() -> None:
    subscription = "targetScope = 'subscription'\nresource g 'A/b@2020-01-01' = {\n  name: 'g'\n}\n"
    assert told(subscription + main()) == ["modules/other.bicep is for a resourceGroup, and no scope is named"]
    assert told(subscription + main(more="  scope: g\n")) == []


def test_modules_that_need_each_other_are_told() -> None:
    other = OTHER_TEXT + "module back '../main.bicep' = {\n  name: 'back'\n}\n"
    assert any(one.startswith("these modules need each other") for one in told(main(), other))


@pytest.mark.parametrize("read", ["m!.outputs.id", "m.outputs.id"])
def test_a_module_that_may_be_missing_is_read_under_its_condition(read: str) -> None:
    text = main(read=read).replace("= {\n  name", "= if (on) {\n  name", 1)
    flag = "param on bool = true\n"
    assert told(flag + text) == ["m may not be there: read it under its condition"]
    assert told(flag + text.replace(f"= {read}", f"= on ? {read} : ''")) == []


def test_a_module_that_may_be_missing_is_read_with_a_question() -> None:
    text = main(read="m.?outputs.?id ?? ''").replace("= {\n  name", "= if (on) {\n  name", 1)
    assert told("param on bool = true\n" + text) == []
