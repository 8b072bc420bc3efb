"""A role for every client that the code or the host builds, on the resource it calls, and no role that none needs."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from infra.checks.contracts import app_settings
from infra.checks.evaluate import Deployed
from infra.checks.expected import Expected
from infra.checks.project import MAIN, Finding

CHECK: Final = "roles"

BLOB_OWNER: Final = "b7e6dc6d-f1e8-4753-8033-0f276bb0955b"
BLOB_CONTRIBUTOR: Final = "ba92f5b4-2d11-453d-a403-e96b0029c9fe"
QUEUE_CONTRIBUTOR: Final = "974c5e8b-45b9-4653-ba55-5f855dd0fb88"
TABLE_CONTRIBUTOR: Final = "0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3"
METRICS_PUBLISHER: Final = "3913510d-42f4-4e42-8a64-420c390055eb"
OPENAI_USER: Final = "5e0bd9bd-7b93-4f28-af87-19fc36ad61bd"
TASK_CONTRIBUTOR: Final = "0ad04412-c4d5-4796-b79c-f76d14c8d402"
COSMOS_CONTRIBUTOR: Final = "00000000-0000-0000-0000-000000000002"

NAMES: Final = {
    BLOB_OWNER: "Storage Blob Data Owner",
    BLOB_CONTRIBUTOR: "Storage Blob Data Contributor",
    QUEUE_CONTRIBUTOR: "Storage Queue Data Contributor",
    TABLE_CONTRIBUTOR: "Storage Table Data Contributor",
    METRICS_PUBLISHER: "Monitoring Metrics Publisher",
    OPENAI_USER: "Cognitive Services OpenAI User",
    TASK_CONTRIBUTOR: "Durable Task Data Contributor",
    COSMOS_CONTRIBUTOR: "Cosmos DB Built-in Data Contributor",
}

_GUID: Final = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_RESOURCE: Final = re.compile(r"[\w.]+(?:/\w+)+#[^:]+:\w+")
_IDENTITY: Final = "Microsoft.ManagedIdentity/userAssignedIdentities#"


@dataclass(frozen=True, slots=True)
class Client:
    """What calls a service: the setting that names the service, the property it must hold, and the role it needs."""

    setting: str
    reads: str
    role: str


#: Of the app and of its host, with either backend of the task hub.
CLIENTS: Final = (
    Client("SWARMSTAR_COSMOS_ENDPOINT", "documentEndpoint", COSMOS_CONTRIBUTOR),
    Client("SWARMSTAR_BLOB_ENDPOINT", "primaryEndpoints.blob", BLOB_CONTRIBUTOR),
    Client("SWARMSTAR_MODEL_BASE_URL", "endpoint", OPENAI_USER),
    Client("AzureWebJobsStorage__blobServiceUri", "primaryEndpoints.blob", BLOB_OWNER),
    Client("AzureWebJobsStorage__queueServiceUri", "primaryEndpoints.queue", QUEUE_CONTRIBUTOR),
    Client("AzureWebJobsStorage__tableServiceUri", "primaryEndpoints.table", TABLE_CONTRIBUTOR),
    Client("APPLICATIONINSIGHTS_CONNECTION_STRING", "ConnectionString", METRICS_PUBLISHER),
)
SCHEDULER: Final = Client("DURABLE_TASK_SCHEDULER_CONNECTION_STRING", "endpoint", TASK_CONTRIBUTOR)

#: Who, what, on which resource.
Grant = tuple[str, str, str]


def check(resources: list[Deployed], code: Expected, clients: tuple[Client, ...] = CLIENTS) -> Iterator[Finding]:
    """What a client lacks, what a role gives that none needs, and an endpoint that no client is listed for."""
    given, where = app_settings(resources)
    granted = list(grants(resources))
    identity = _holder(given.get("SWARMSTAR_AZURE_CLIENT_ID"))
    needed: set[Grant] = set()
    for client in clients:
        yield from _endpoint(client, given, where)
        for resource in _RESOURCE.findall(str(given.get(client.setting)))[:1]:
            needed.add((identity, client.role, resource))
    for who, role, resource in sorted(needed - set(granted)):
        told = f"{NAMES[role]} on {resource} is missing for {who or 'the identity that the app is told of'}"
        yield Finding(CHECK, _file(resource), told)
    yield from _unneeded(granted, needed, clients)
    for name in sorted(code.settings - {client.setting for client in CLIENTS}):
        if name.endswith(("_ENDPOINT", "_URL")):
            yield Finding(CHECK, "infra/checks/roles.py", f"no client is listed for {name}")


def grants(resources: list[Deployed]) -> Iterator[Grant]:
    """Every role that is given; one on a child is given for its parent, which is where a client's setting leads."""
    by = {resource.by: resource for resource in resources}
    for resource in resources:
        if resource.type.endswith(("/roleAssignments", "/sqlRoleAssignments")):
            on = str(resource.get("parent") or resource.get("scope") or "")
            child = by.get(on)
            if child is not None and child.type.endswith("/taskHubs"):
                on = str(child.get("parent"))
            roles = _GUID.findall(str(resource.get("properties.roleDefinitionId")))
            yield _holder(resource.get("properties.principalId")), roles[-1] if roles else "", on


def _endpoint(client: Client, given: dict[str, Any], where: str) -> Iterator[Finding]:
    value = str(given.get(client.setting))
    if f".properties.{client.reads}" not in value:
        yield Finding(CHECK, where, f"{client.setting} must hold {client.reads} of a resource, and is {value}")


def _unneeded(granted: list[Grant], needed: set[Grant], clients: tuple[Client, ...]) -> Iterator[Finding]:
    known = {client.role for client in clients} | {SCHEDULER.role}
    for who, role, resource in granted:
        where = _file(resource)
        if role not in known:
            yield Finding(CHECK, where, f"{NAMES.get(role, role or 'a role without a name')} is more than any needs")
        elif (who, role, resource) not in needed and role != SCHEDULER.role:
            yield Finding(
                CHECK, where, f"{NAMES[role]} on {resource or 'everything'} for {who or 'others'} is not needed"
            )


def _holder(value: Any) -> str:
    """The identity that a client id or principal id is of; empty for another kind of id."""
    found = [name for name in _RESOURCE.findall(str(value)) if name.startswith(_IDENTITY)]
    return found[0] if found else ""


def _file(resource: str) -> str:
    return resource.partition("#")[2].partition(":")[0] or MAIN
