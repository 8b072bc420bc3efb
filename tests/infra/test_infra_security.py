"""What the house asks of declarations and of resources."""

import pytest
from infra_snippets import template

from infra.checks import security
from infra.checks.evaluate import Deployed

MAIN_SCOPE = "targetScope = 'subscription'\n"


def told(text: str) -> list[str]:
    return [finding.told for finding in security.check_template(template(MAIN_SCOPE + text))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("param p string = ''\n", "p has no description"),
        ("@description('P')\nparam p string\n", "p has no default"),
        ("@description('')\nparam p string = ''\n", "p has no description"),
        ("@description('P')\nparam apiKey string = ''\n", "apiKey sounds like a secret and is not @secure()"),
        ("@secure()\n@description('P')\nparam p string = 'x'\n", "the default of p is written for all to read"),
        ("@description('O')\noutput o string = s.listKeys().key\n", "listKeys reads keys, and there are none"),
        (
            "@secure()\n@description('P')\nparam p string = ''\n@description('O')\noutput o string = p\n",
            "output o tells a secret: p",
        ),
    ],
)
def test_a_broken_rule_is_told(text: str, expected: str) -> None:
    assert told(text) == [expected]


def test_what_keeps_the_rules_is_not_told() -> None:
    assert told("@secure()\n@description('P')\nparam apiKey string = ''\nvar v = apiKey\n") == []


def test_the_region_alone_has_no_default() -> None:
    assert told("@description('L')\nparam location string\n") == []


def test_main_is_for_a_subscription() -> None:
    found = list(security.check_template(template("var a = 1\n")))
    assert [finding.told for finding in found] == ["main.bicep is for a subscription"]


def test_a_resource_in_a_private_network_is_not_public() -> None:
    made = [
        Deployed(
            "s", "Microsoft.Storage/storageAccounts@2025-01-01", "x", {"properties": {"publicNetworkAccess": state}}
        )
        for state in ("Disabled", "Enabled")
    ]
    assert [finding.told for finding in security.check_private(made)] == ["s is public in a private network"]


@pytest.mark.parametrize(("part", "expected"), [("Sql", []), ("MongoDB", ["Sql of c has no private endpoint"])])
def test_a_resource_in_a_private_network_has_its_endpoint(part: str, expected: list[str]) -> None:
    link = {"properties": {"privateLinkServiceId": "c.id", "groupIds": [part]}}
    made = [
        Deployed(
            "c", "Microsoft.DocumentDB/databaseAccounts@1", "x", {"properties": {"publicNetworkAccess": "Disabled"}}
        ),
        Deployed(
            "e", "Microsoft.Network/privateEndpoints@1", "x", {"properties": {"privateLinkServiceConnections": [link]}}
        ),
    ]
    assert [finding.told for finding in security.check_private(made)] == expected
