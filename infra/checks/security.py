"""What the house asks of every deployment: no keys, no old TLS, nothing secret where it can be read; and of every
parameter a description and a default."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from infra.checks.contracts import app_settings
from infra.checks.evaluate import Deployed
from infra.checks.project import MAIN, Finding
from infra.checks.symbols import references
from infra.checks.syntax import at, literal, walk, words
from infra.checks.template import Symbol, Template

CHECK: Final = "security"
HOUSE: Final = "house"


@dataclass(frozen=True, slots=True)
class Rule:
    """A property that every resource of a type must have, with this value."""

    of: str
    path: str
    value: Any


_STORAGE: Final = "Microsoft.Storage/storageAccounts"
_COSMOS: Final = "Microsoft.DocumentDB/databaseAccounts"
_MODELS: Final = "Microsoft.CognitiveServices/accounts"
_SITE: Final = "Microsoft.Web/sites"

RULES: Final = (
    Rule(_STORAGE, "properties.allowSharedKeyAccess", False),
    Rule(_STORAGE, "properties.allowBlobPublicAccess", False),
    Rule(_STORAGE, "properties.minimumTlsVersion", "TLS1_2"),
    Rule(_STORAGE, "properties.supportsHttpsTrafficOnly", True),
    Rule(f"{_STORAGE}/blobServices/containers", "properties.publicAccess", "None"),
    Rule(_COSMOS, "properties.disableLocalAuth", True),
    Rule(_COSMOS, "properties.minimalTlsVersion", "Tls12"),
    Rule(_COSMOS, "properties.consistencyPolicy.defaultConsistencyLevel", "Strong"),
    Rule(_COSMOS, "properties.backupPolicy.type", "Continuous"),
    Rule(_MODELS, "properties.disableLocalAuth", True),
    Rule("Microsoft.Insights/components", "properties.DisableLocalAuth", True),
    Rule(_SITE, "properties.httpsOnly", True),
    Rule(_SITE, "properties.siteConfig.minTlsVersion", "1.2"),
    Rule(_SITE, "identity.type", "UserAssigned"),
    Rule(_SITE, "properties.functionAppConfig.deployment.storage.authentication.type", "UserAssignedIdentity"),
    Rule(f"{_SITE}/basicPublishingCredentialsPolicies", "properties.allow", False),
)
#: Resources that are reached over private endpoints alone where a deployment is private, and by which part of them.
PRIVATE: Final = {_STORAGE: "", _COSMOS: "Sql", _MODELS: "account"}
#: Resources that are found by the environment's tag.
_TAGGED: Final = (_STORAGE, _COSMOS, _MODELS, _SITE, "Microsoft.Web/serverfarms")
#: Parameters that a deployment must be given.
_ASKED: Final = {(MAIN, "location")}
_SECRET: Final = re.compile(r"(secret|password|apikey|accesskey|connectionstring|token)$", re.IGNORECASE)
_LISTS: Final = re.compile(r"^list[A-Z]\w*$")


def check_resources(resources: list[Deployed]) -> Iterator[Finding]:
    """Resources that break a rule."""
    for rule in RULES:
        same = [resource for resource in resources if resource.type == rule.of]
        for resource in same:
            if (value := resource.get(rule.path)) != rule.value:
                told = f"{rule.path} of {resource.of.split('@')[0]} is {value!r} and must be {rule.value!r}"
                yield Finding(CHECK, resource.where, told)
        if not same:
            yield Finding(CHECK, MAIN, f"there is no {rule.of}")
    for resource in resources:
        if resource.type in _TAGGED and resource.get("tags.azd-env-name") is None:
            yield Finding(CHECK, resource.where, f"{resource.by} lacks the tag azd-env-name")


def check_private(resources: list[Deployed]) -> Iterator[Finding]:
    """Of a deployment with a private network: what is still reached from elsewhere."""
    endpoints = set(_endpoints(resources))
    for resource in resources:
        if resource.type in PRIVATE and resource.get("properties.publicNetworkAccess") != "Disabled":
            yield Finding(CHECK, resource.where, f"{resource.by} is public in a private network")
        for part in _reached(resource, resources):
            if (resource.by, part) not in endpoints:
                yield Finding(CHECK, resource.where, f"{part} of {resource.by} has no private endpoint")
        if resource.type == _SITE and "#" not in str(resource.get("properties.virtualNetworkSubnetId")):
            yield Finding(CHECK, resource.where, "the app is not in the private network")


def _reached(resource: Deployed, resources: list[Deployed]) -> list[str]:
    """The parts of a resource that the app reaches; of a storage account those that its settings name."""
    if resource.type == _STORAGE:
        settings = str(app_settings(resources)[0])
        return sorted(set(re.findall(re.escape(resource.by) + r"\.properties\.primaryEndpoints\.(\w+)", settings)))
    return [PRIVATE[resource.type]] if resource.type in PRIVATE else []


def _endpoints(resources: list[Deployed]) -> Iterator[tuple[str, str]]:
    """The resource and part that each private endpoint leads to."""
    for resource in resources:
        if resource.type == "Microsoft.Network/privateEndpoints":
            for link in resource.get("properties.privateLinkServiceConnections") or []:
                target = str(link["properties"]["privateLinkServiceId"]).removesuffix(".id")
                yield from ((target, str(part)) for part in link["properties"]["groupIds"])


def check_template(template: Template) -> Iterator[Finding]:
    """Declarations that break the house's rules."""
    for symbol in template.of("param", "output"):
        if not _described(symbol):
            yield Finding(HOUSE, at(template.path, symbol.node), f"{symbol.name} has no description")
    for symbol in template.of("param"):
        if symbol.value is None and (template.path, symbol.name) not in _ASKED:
            yield Finding(HOUSE, at(template.path, symbol.node), f"{symbol.name} has no default")
        yield from _secret(template, symbol)
    yield from _told(template)
    if template.path == MAIN and template.scope != "subscription":
        yield Finding(HOUSE, template.path, "main.bicep is for a subscription")


def _told(template: Template) -> Iterator[Finding]:
    """Secrets that leave a template: outputs stay in the deployment's history, for whoever may read that."""
    for output in template.of("output"):
        for node, name in references(output.kept):
            source = template.named(name)
            if source is not None and "secure" in source.decorators:
                yield Finding(CHECK, at(template.path, node), f"output {output.name} tells a secret: {name}")
    for node in walk(template.root):
        if node.type in ("identifier", "property_identifier") and _LISTS.match(words(node)):
            yield Finding(CHECK, at(template.path, node), f"{words(node)} reads keys, and there are none")


def _described(symbol: Symbol) -> bool:
    arguments = symbol.decorators.get("description")
    return arguments is not None and any(literal(part) for part in arguments.named_children)


def _secret(template: Template, symbol: Symbol) -> Iterator[Finding]:
    where = at(template.path, symbol.node)
    if _SECRET.search(symbol.name) and "secure" not in symbol.decorators and symbol.name not in _PUBLIC:
        yield Finding(CHECK, where, f"{symbol.name} sounds like a secret and is not @secure()")
    if "secure" in symbol.decorators and symbol.value is not None and literal(symbol.value) != "":
        yield Finding(CHECK, where, f"the default of {symbol.name} is written for all to read")


#: Names that sound like secrets and are none, since keys are off.
_PUBLIC: Final = {"insightsConnectionString"}
