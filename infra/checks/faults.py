"""Single faults put into the real infrastructure, and which check sees each.

The ones that none sees are listed too: they need the Bicep compiler, or Azure itself before it deploys.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from infra.checks.everything import check
from infra.checks.expected import Expected
from infra.checks.project import MAIN, Project

_APP: Final = "infra/modules/app.bicep"
_COSMOS: Final = "infra/modules/cosmos.bicep"
_IDENTITY: Final = "infra/modules/identity.bicep"
_MONITORING: Final = "infra/modules/monitoring.bicep"
_NETWORK: Final = "infra/modules/network.bicep"
_OPENAI: Final = "infra/modules/openai.bicep"
_SCHEDULER: Final = "infra/modules/scheduler.bicep"
_STORAGE: Final = "infra/modules/storage.bicep"
_PARAMETERS: Final = "infra/main.parameters.json"


@dataclass(frozen=True, slots=True)
class Fault:
    """A slip: what it is, the edit that makes it, and the check that sees it; empty if none does."""

    name: str
    path: str
    old: str
    new: str
    seen_by: str

    def applies(self, project: Project) -> bool:
        """Whether the text it changes is there."""
        return self.old in project.files.get(self.path, "")

    def seen(self, project: Project, root: Path, code: Expected) -> Iterator[str]:
        """The checks that see it in a project that has no other fault."""
        edited = project.edited(self.path, self.old, self.new)
        yield from sorted({finding.check for finding in check(edited, root, code)})


FAULTS: Final = (
    # The language
    Fault("a bracket is missing", _APP, "  minTlsVersion: '1.2'\n", "  minTlsVersion: '1.2\n", "syntax"),
    Fault("unknown symbol", MAIN, "cosmos.outputs.endpoint", "cosmoss.outputs.endpoint", "symbols"),
    Fault("declared twice", MAIN, "var makesModel =", "var makesModel = true\nvar makesModel =", "symbols"),
    Fault("never used", _COSMOS, "var isServerless", "var spare = 1\nvar isServerless", "symbols"),
    Fault("unknown function", MAIN, "toLower(", "lower(", "symbols"),
    Fault("too few arguments", _APP, "empty(schedulerEndpoint) ?", "empty() || empty(schedulerEndpoint) ?", "symbols"),
    Fault("unknown decorator", MAIN, "@minLength(1)", "@minimumLength(1)", "symbols"),
    Fault("decorator of another type", MAIN, "@minValue(40)", "@minLength(40)", "symbols"),
    Fault("default of another type", MAIN, "maximumInstances int = 40", "maximumInstances int = '40'", "symbols"),
    Fault("two values need each other", MAIN, "= empty(modelBaseUrl)", "= !usesScheduler && makesModel", "symbols"),
    Fault("name known too late", _COSMOS, "  name: 'swarmstar'", "  name: account.properties.instanceId", "symbols"),
    # Modules
    Fault("path in another case", MAIN, "modules/openai.bicep", "modules/openAI.bicep", "modules"),
    Fault("path to nowhere", MAIN, "modules/cosmos.bicep", "modules/database.bicep", "modules"),
    Fault("module of a registry", MAIN, "'modules/network.bicep'", "'br/public:avm/res/network/x:0.1.0'", "modules"),
    Fault("unknown parameter", MAIN, "dailyGb: logDailyGb", "dailyGB: logDailyGb", "modules"),
    Fault("parameter of another type", MAIN, "retentionDays: logRetentionDays", "retentionDays: '30'", "modules"),
    Fault("value that is not allowed", MAIN, "mode: cosmosMode", "mode: 'provisioned'", "modules"),
    Fault("unknown output", MAIN, "identity.outputs.clientId", "identity.outputs.clientID", "modules"),
    Fault("no scope", MAIN, "  name: 'cosmos'\n  scope: group\n", "  name: 'cosmos'\n", "modules"),
    Fault(
        "read though it may be missing",
        MAIN,
        "usesScheduler ? scheduler!.outputs.endpoint : ''",
        "scheduler!.outputs.endpoint",
        "modules",
    ),
    Fault("secret to a parameter that is not", _APP, "@secure()\n", "", "modules"),
    # Resources
    Fault("unknown type", _APP, "Microsoft.Web/serverfarms@", "Microsoft.Web/serverFarm@", "schema"),
    Fault("unknown version", _STORAGE, "storageAccounts@2025-01-01", "storageAccounts@2025-01-10", "schema"),
    Fault("unknown property", _STORAGE, "  accessTier: 'Hot'", "  accessTyre: 'Hot'", "schema"),
    Fault("required property missing", _STORAGE, "  kind: 'StorageV2'\n", "", "schema"),
    Fault(
        "read-only property set",
        _OPENAI,
        "    disableLocalAuth: true",
        "    endpoint: 'x'\n    disableLocalAuth: true",
        "schema",
    ),
    Fault("value of no closed list", _STORAGE, "isPrivate ? 'Deny'", "isPrivate ? 'Denied'", "schema"),
    Fault("value of no open list", _APP, "type: 'blobContainer'", "type: 'blobContainers'", "schema"),
    Fault("text for a truth value", _APP, "reserved: true", "reserved: 'true'", "schema"),
    Fault("number out of range", _SCHEDULER, "name: 'Consumption'", "name: 'Dedicated'\n      capacity: 12", "schema"),
    Fault("unknown case", _COSMOS, "type: 'Continuous'", "type: 'Continous'", "schema"),
    Fault("wrong parent", _COSMOS, "  parent: database", "  parent: account", "schema"),
    Fault(
        "property that no resource has",
        _STORAGE,
        "host.properties.primaryEndpoints.queue",
        "host.properties.primaryEndpoints.queues",
        "schema",
    ),
    # What the house asks
    Fault("keys are on", _STORAGE, "allowSharedKeyAccess: false", "allowSharedKeyAccess: true", "security"),
    Fault("old TLS", _APP, "minTlsVersion: '1.2'", "minTlsVersion: '1.0'", "security"),
    Fault("local sign-in is on", _COSMOS, "disableLocalAuth: true", "disableLocalAuth: false", "security"),
    Fault(
        "public in a private network",
        _COSMOS,
        "isPrivate ? 'Disabled' : 'Enabled'",
        "isPrivate ? 'Enabled' : 'Enabled'",
        "security",
    ),
    Fault(
        "private without its endpoint",
        "infra/modules/endpoints.bicep",
        "  { name: 'host-queue', target: hostStorageId, part: 'queue', zone: 1 }\n",
        "",
        "security",
    ),
    Fault("a key in an output", _STORAGE, "string = host.id", "string = host.listKeys().keys[0].value", "security"),
    Fault("secret with a default", _APP, "adminKeySha256 string = ''", "adminKeySha256 string = 'abc'", "security"),
    Fault("no description", _COSMOS, "@description('How it is paid for.')\n", "", "house"),
    # What the code expects
    Fault("setting not set", _APP, "  SWARMSTAR_COSMOS_ENDPOINT: cosmosEndpoint\n", "", "settings"),
    Fault("setting that nothing reads", _APP, "SWARMSTAR_STORE:", "SWARMSTAR_STORAGE:", "settings"),
    Fault("value the app refuses", _APP, "SWARMSTAR_STORE: 'cosmos'", "SWARMSTAR_STORE: 'cosmosdb'", "settings"),
    Fault("task hub not set", _APP, "  TASKHUB_NAME: taskHubName\n", "", "settings"),
    Fault("another model", MAIN, "param model string = 'gpt-5-mini'", "param model string = 'gpt-5'", "settings"),
    Fault(
        "Python the code does not run on",
        MAIN,
        "@allowed(['3.11', '3.12'])",
        "@allowed(['3.11', '3.12', '3.14'])",
        "settings",
    ),
    Fault("property that Flex refuses", _APP, "  minTlsVersion: '1.2'", "  ftpsState: 'Disabled'", "settings"),
    Fault("another container", _COSMOS, "  name: 'swarms'", "  name: 'swarm'", "stores"),
    Fault("another partition key", _COSMOS, "paths: ['/pk']", "paths: ['/id']", "stores"),
    Fault("items that expire", _COSMOS, "defaultTtl: -1", "defaultTtl: 3600", "stores"),
    Fault("a path that is not indexed", _COSMOS, "          { path: '/seq/?' }\n", "", "stores"),
    Fault("another blob container", _STORAGE, "contentContainer = 'swarms'", "contentContainer = 'content'", "stores"),
    Fault("role missing", _STORAGE, "dataPrincipals: {\n  name: guid(content", "[]: {\n  name: guid(content", "roles"),
    Fault(
        "role of another name",
        _OPENAI,
        "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd",
        "5e0bd9bd-7b93-4f28-af87-19fc36ad61be",
        "roles",
    ),
    Fault("role on another resource", _STORAGE, "  scope: content\n", "  scope: host\n", "roles"),
    Fault(
        "endpoint of another service",
        MAIN,
        "hostQueueEndpoint: storage.outputs.hostQueue",
        "hostQueueEndpoint: storage.outputs.hostTable",
        "roles",
    ),
    Fault("another hub in host.json", "host.json", "%TASKHUB_NAME%", "%TASK_HUB%", "host"),
    Fault("old extensions in host.json", "host.json", "[4.31.0, 5.0.0)", "[4.0.0, 5.0.0)", "host"),
    Fault("backend without a host.json", MAIN, "'azureManaged'])", "'mssql', 'azureManaged'])", "host"),
    Fault("profiles that differ", "infra/host/host.scheduler.json", 'Functions": 20,', 'Functions": 10,', "host"),
    Fault("service without an app", "azure.yaml", "  api:\n", "  web:\n", "azd"),
    Fault("parameter of no template", _PARAMETERS, '"cosmosMode"', '"cosmosKind"', "azd"),
    Fault(
        "region that azd does not ask for",
        MAIN,
        "param location string\n",
        "param location string = deployment().location\n",
        "azd",
    ),
    Fault("default that differs", _PARAMETERS, "DEPLOY_COSMOS_MODE=serverless", "DEPLOY_COSMOS_MODE=autoscale", "azd"),
    # What only the compiler sees, or Azure
    Fault("argument of another type", MAIN, "subscription().id, environmentName", "subscription().id, tags", ""),
    Fault("number plus text", _MONITORING, "dailyQuotaGb: dailyGb", "dailyQuotaGb: dailyGb + 'x'", ""),
    Fault("unknown member of a function's result", MAIN, "tenant().tenantId", "tenant().id0", ""),
    Fault("unknown member of an object", _OPENAI, "deployment.capacity", "deployment.amount", ""),
    Fault("model format that is not offered", _OPENAI, "format: 'OpenAI'", "format: 'OpenAi'", ""),
    Fault("subnet outside its network", _NETWORK, "'10.0.1.0/24'", "'10.9.1.0/24'", ""),
    Fault("name that is too long", MAIN, "'sthost${token}'", "'storageofthehost${token}'", ""),
)
