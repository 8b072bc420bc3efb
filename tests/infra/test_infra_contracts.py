"""What is provisioned is what the code expects: the real files, and each contract when one side of it changes."""

from dataclasses import replace
from typing import Any

import pytest
from infra_snippets import ROOT, real

from infra.checks.everything import check
from infra.checks.expected import DEFAULTED, LOCAL_ONLY, Expected
from infra.checks.project import MAIN, Project

APP = "infra/modules/app.bicep"


def told(project: Project, code: Expected, by: str) -> list[str]:
    return [finding.told for finding in check(project, ROOT, code) if finding.check == by]


def test_the_infrastructure_has_no_findings() -> None:
    project, code = real()
    assert check(project, ROOT, code) == []
    assert len(project.templates()) >= 8


def set_in_bicep() -> list[str]:
    _, code = real()
    return sorted(code.settings - LOCAL_ONLY.keys() - DEFAULTED.keys())


@pytest.mark.parametrize("name", set_in_bicep())
def test_a_setting_that_bicep_no_longer_sets_is_told(name: str) -> None:
    project, code = real()
    line = next(line for line in project.files[APP].splitlines(keepends=True) if line.strip().startswith(f"{name}:"))
    assert f"the code reads {name}, and nothing sets it" in told(project.edited(APP, line, ""), code, "settings")


@pytest.mark.parametrize("name", set_in_bicep())
def test_a_setting_that_the_code_no_longer_reads_is_told(name: str) -> None:
    project, code = real()
    changed = replace(code, settings=code.settings - {name})
    assert f"{name} is set, and nothing reads it" in told(project, changed, "settings")


def test_a_new_setting_is_told_until_it_is_set_or_listed() -> None:
    project, code = real()
    changed = replace(code, settings=code.settings | {"SWARMSTAR_NEW"})
    assert told(project, changed, "settings") == ["the code reads SWARMSTAR_NEW, and nothing sets it"]


def test_a_listed_setting_that_is_gone_is_told() -> None:
    project, code = real()
    changed = replace(code, settings=code.settings - {"SWARMSTAR_LOCAL_USER"})
    assert told(project, changed, "settings") == ["SWARMSTAR_LOCAL_USER is listed, and the code does not read it"]


@pytest.mark.parametrize("name", ["SWARMSTAR_COSMOS_KEY", "AzureWebJobsStorage", "WEBSITE_AUTH_ENABLED"])
def test_what_must_not_be_set_is_told(name: str) -> None:
    project, code = real()
    changed = project.edited(APP, "  SWARMSTAR_STORE:", f"  {name}: 'x'\n  SWARMSTAR_STORE:")
    assert f"{name} must not be set on Azure" in told(changed, code, "settings")


def test_a_new_endpoint_needs_a_client_with_its_role() -> None:
    project, code = real()
    changed = replace(code, settings=code.settings | {"SWARMSTAR_SEARCH_ENDPOINT"})
    assert told(project, changed, "roles") == ["no client is listed for SWARMSTAR_SEARCH_ENDPOINT"]


@pytest.mark.parametrize(
    ("name", "value", "by"),
    [
        ("database", "other", "stores"),
        ("container", "other", "stores"),
        ("blob_container", "other", "stores"),
        ("pythons", frozenset({"3.11"}), "settings"),
        ("model", "gpt-6", "settings"),
    ],
)
def test_what_the_code_changes_alone_is_told(name: str, value: Any, by: str) -> None:
    project, code = real()
    fields: dict[str, Any] = {name: value}
    assert told(project, replace(code, **fields), by)


@pytest.mark.parametrize("name", ["partitionKey", "defaultTtl", "indexingPolicy"])
def test_what_the_container_changes_alone_is_told(name: str) -> None:
    project, code = real()
    changed = replace(code, container_body={**code.container_body, name: None})
    assert any(one.startswith(f"{name} is ") for one in told(project, changed, "stores"))


def test_a_name_that_documentation_makes_up_is_told() -> None:
    project, code = real()
    guide = "azd env get-value SERVICE_API_ADDRESS\nazd env set DEPLOY_EVERYTHING true\n"
    changed = replace(project, files={**project.files, "docs/made-up.md": guide})
    assert told(changed, code, "azd") == [
        "DEPLOY_EVERYTHING is set, and the parameters file does not read it",
        "SERVICE_API_ADDRESS is read, and is no output of main.bicep",
    ]


def test_a_file_that_a_hook_runs_must_be_there() -> None:
    project, code = real()
    changed = project.edited("azure.yaml", "python3 infra/package.py", "python3 infra/pack.py")
    assert told(changed, code, "azd") == ["the hook prepackage runs infra/pack.py, which is not there"]


@pytest.mark.parametrize("name", ["ftpsState", "linuxFxVersion", "use32BitWorkerProcess"])
def test_a_property_that_the_plan_refuses_is_told(name: str) -> None:
    project, code = real()
    changed = project.edited(APP, "    siteConfig: {\n", f"    siteConfig: {{\n      {name}: null\n")
    assert f"Flex Consumption refuses siteConfig.{name}" in told(changed, code, "settings")


def test_azd_must_ask_for_the_region() -> None:
    project, code = real()
    changed = project.edited(MAIN, "param location string\n", "param location string = deployment().location\n")
    assert told(changed, code, "azd") == [
        "location has a default, so azd does not ask for a region and deploys to none"
    ]
