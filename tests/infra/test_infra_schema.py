"""Resources against their shapes."""

import pytest
from infra_snippets import real, template

from infra.checks import schema
from infra.checks.shapes import props, read_kind, resource_types
from infra.checks.template import read_templates

STORAGE = "Microsoft.Storage/storageAccounts@2025-01-01"
COSMOS = "Microsoft.DocumentDB/databaseAccounts@2025-04-15"


def storage(
    properties: str = "", *, top: str = "kind: 'StorageV2'\n  sku: { name: 'Standard_LRS' }", of: str = STORAGE
) -> str:
    return f"resource s '{of}' = {{\n  name: 'x'\n  location: 'here'\n  {top}\n  properties: {{ {properties} }}\n}}\n"


def told(text: str) -> list[str]:
    return [finding.told for finding in schema.check(template(text))]


def test_a_resource_that_fits_passes() -> None:
    assert told(storage("allowSharedKeyAccess: false, networkAcls: { defaultAction: 'Deny' }")) == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("allowKeys: false", "there is no property allowKeys"),
        ("allowSharedkeyAccess: false", "there is no property allowSharedkeyAccess, only allowSharedKeyAccess"),
        ("allowSharedKeyAccess: 'false'", "allowSharedKeyAccess takes bool, not string"),
        ("networkAcls: {}", "defaultAction is required"),
        ("networkAcls: 'Deny'", "networkAcls takes object, not string"),
        ("networkAcls: { defaultAction: 'Denied' }", "defaultAction: Denied is none of Allow, Deny"),
        ("minimumTlsVersion: 'TLS9'", "minimumTlsVersion: TLS9 is none of TLS1_0, TLS1_1, TLS1_2, TLS1_3"),
        ("primaryLocation: 'here'", "primaryLocation is read-only"),
    ],
)
def test_properties_must_fit(properties: str, expected: str) -> None:
    assert told(storage(properties)) == [expected]


@pytest.mark.parametrize(
    "value", ["true ? 'Denied' : 'Allow'", "('Denied')", "choice"], ids=["either way", "in brackets", "by variable"]
)
def test_a_value_is_seen_however_it_is_come_by(value: str) -> None:
    text = storage(f"networkAcls: {{ defaultAction: {value} }}") + "var choice = 'Denied'\n"
    assert told(text) == ["defaultAction: Denied is none of Allow, Deny"]


def test_the_type_of_a_parameter_is_seen() -> None:
    text = storage("allowSharedKeyAccess: keys")
    assert told(text + "param keys string = ''\n") == ["allowSharedKeyAccess takes bool, not string"]
    assert told(text + "param keys bool = true\n") == []


def test_what_is_required_must_be_there() -> None:
    assert told(storage(top="kind: 'StorageV2'")) == ["sku is required"]


def test_types_and_versions_must_be_known() -> None:
    assert told(storage(of=STORAGE[:-1] + "9"))[0].endswith(f"there is {STORAGE}")
    assert "add it with make_schema.py" in told(storage(of="Microsoft.Else/things@2025-01-01"))[0]


def test_items_of_arrays_are_checked() -> None:
    network = (
        "resource n 'Microsoft.Network/virtualNetworks@2024-07-01' = {{\n"
        "  name: 'n'\n  location: 'here'\n  properties: {{\n    subnets: {}\n  }}\n}}\n"
    )
    assert told(network.format("[{ name: 'a', properties: { addressPrefix: '10.0.0.0/24' } }]")) == []
    assert told(network.format("[{ name: 'a', prefix: 'x' }]")) == ["there is no property prefix"]
    assert told(network.format("[for a in ['x']: { nam: a }]")) == ["there is no property nam"]
    assert told(network.format("{}")) == ["subnets takes array, not object"]


def test_numbers_have_their_range() -> None:
    text = (
        "resource s 'Microsoft.DurableTask/schedulers@2025-11-01' = {{\n  name: 's'\n  location: 'x'\n"
        "  properties: {{ ipAllowlist: [], sku: {{ name: 'Dedicated', capacity: {} }} }}\n}}\n"
    )
    assert told(text.format(3)) == []
    assert told(text.format(4)) == ["capacity: 4 is not within 1 and 3"]


def test_a_case_is_chosen_by_its_name() -> None:
    text = (
        f"resource c '{COSMOS}' = {{{{\n  name: 'cee'\n  properties: {{{{\n    databaseAccountOfferType: 'Standard'\n"
        "    locations: []\n    backupPolicy: {}\n  }}\n}}\n"
    )
    assert told(text.format("{ type: 'Continuous', continuousModeProperties: { tier: 'Continuous7Days' } }")) == []
    assert told(text.format("{ type: 'Never' }")) == ["type must be one of Continuous, Periodic"]
    assert told(text.format("{ type: 'Periodic', continuousModeProperties: {} }")) == [
        "there is no property continuousModeProperties"
    ]


def test_parents_and_names_must_fit() -> None:
    child = "resource b 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {{\n  {}\n}}\n"
    assert told(storage() + child.format("parent: s\n  name: 'default'")) == []
    assert told(child.format("name: 'default'")) == ["the name has 1 segments and needs 2"]
    assert "the name has 2 segments and needs 1" in told(storage() + child.format("parent: s\n  name: 'x/default'"))
    grand = child.replace("blobServices@", "blobServices/containers@").format("parent: s\n  name: 'c'")
    assert told(storage() + grand)[0].endswith("is a Microsoft.Storage/storageAccounts/blobServices")


def test_a_resource_must_be_where_it_belongs() -> None:
    assert "belongs to a ResourceGroup" in told("targetScope = 'subscription'\n" + storage())[0]
    loose = "resource d 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {\n  name: 'd'\n}\n"
    assert told(loose) == [
        "Microsoft.Insights/diagnosticSettings@2021-05-01-preview belongs to another resource: name its scope"
    ]


@pytest.mark.parametrize(
    ("read", "lost"),
    [
        ("properties.primaryEndpoints.blob", ""),
        ("id", ""),
        ("tags.any", ""),
        ("properties.endpoint", "endpoint"),
        ("nam", "nam"),
    ],
)
def test_what_is_read_must_be_there(read: str, lost: str) -> None:
    expected = [f"s has no {lost}"] if lost else []
    assert told(storage() + f"output o string = s.{read}\n") == expected


def test_what_exists_is_found_by_its_name() -> None:
    text = f"resource s '{STORAGE}' existing = {{\n  name: 'x'\n}}\n"
    assert told(text) == []
    assert told(text.replace("'x'", "'x'\n  kind: 'StorageV2'")) == [
        "what exists is found by its name: kind says nothing"
    ]


def test_a_kind_is_read_as_it_is_written() -> None:
    kind = read_kind("!A | B | string[][] -1..5")
    assert (kind.names, kind.arrays, kind.required, kind.low, kind.high) == (("A", "B", "string"), 2, True, -1, 5)
    assert read_kind("-int 1..").read_only
    assert read_kind("-int 1..").high is None


def test_every_shape_that_is_named_can_be_read() -> None:
    for known in resource_types().values():
        for shape in (known.body, *known.shapes.values()):
            assert all(kind.names for kind in props(shape).values())


def test_no_type_is_kept_that_no_template_uses() -> None:
    read, _ = read_templates(real()[0])
    used = {symbol.of for one in read.values() for symbol in one.of("resource")}
    assert used == resource_types().keys()
