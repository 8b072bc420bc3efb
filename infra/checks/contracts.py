"""What is deployed against what the code expects: settings both ways, database, containers, model, Python."""

from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from infra.checks.evaluate import Deployed, Later
from infra.checks.expected import DEFAULTED, LOCAL_ONLY, PLATFORM, Expected, variable
from infra.checks.host import variables
from infra.checks.project import MAIN, Finding, Project
from infra.checks.template import Template
from shared.config import Settings

SETTINGS: Final = "settings"
STORES: Final = "stores"
#: Settings that Flex Consumption has replaced by properties of the app, or that hold a key.
_BANNED: Final = {
    "AzureWebJobsStorage",
    "FUNCTIONS_EXTENSION_VERSION",
    "FUNCTIONS_WORKER_RUNTIME",
    "SCM_DO_BUILD_DURING_DEPLOYMENT",
    "WEBSITE_CONTENTAZUREFILECONNECTIONSTRING",
    "WEBSITE_CONTENTSHARE",
    "WEBSITE_RUN_FROM_PACKAGE",
}
#: Properties of `siteConfig` that Azure Resource Manager refuses on Flex Consumption, with error 51021.
_REFUSED: Final = {
    "ftpsState",
    "functionAppScaleLimit",
    "functionsRuntimeScaleMonitoringEnabled",
    "linuxFxVersion",
    "netFrameworkVersion",
    "preWarmedInstanceCount",
    "use32BitWorkerProcess",
    "windowsFxVersion",
}


def app_settings(resources: list[Deployed]) -> tuple[dict[str, Any], str]:
    """The app's settings, and the file that has them."""
    for resource in resources:
        if resource.type == "Microsoft.Web/sites/config" and resource.get("name") == "appsettings":
            values = resource.get("properties")
            return (values if isinstance(values, dict) else {}), resource.where
    return {}, MAIN


def check_settings(resources: list[Deployed], project: Project, code: Expected) -> Iterator[Finding]:
    """Every setting that is read is set or named with a reason; every setting that is set is read by something."""
    given, where = app_settings(resources)
    from_host = variables(project)
    for name in sorted(code.settings - given.keys() - LOCAL_ONLY.keys() - DEFAULTED.keys()):
        yield Finding(SETTINGS, where, f"the code reads {name}, and nothing sets it")
    for name in sorted((PLATFORM.keys() | from_host) - given.keys()):
        yield Finding(SETTINGS, where, f"the host reads {name}, and nothing sets it")
    for name in sorted(given.keys() - code.settings - PLATFORM.keys() - from_host):
        yield Finding(SETTINGS, where, f"{name} is set, and nothing reads it")
    for name in sorted(given.keys() & (LOCAL_ONLY.keys() | _BANNED | code.platform_set)):
        yield Finding(SETTINGS, where, f"{name} must not be set on Azure")
    for name in sorted((LOCAL_ONLY.keys() | DEFAULTED.keys()) - code.settings):
        yield Finding(SETTINGS, "infra/checks/expected.py", f"{name} is listed, and the code does not read it")
    yield from _values(given, where)
    for app in (one for one in resources if one.type == "Microsoft.Web/sites"):
        for name in sorted((app.get("properties.siteConfig") or {}).keys() & _REFUSED):
            yield Finding(SETTINGS, app.where, f"Flex Consumption refuses siteConfig.{name}")


def _values(given: dict[str, Any], where: str) -> Iterator[Finding]:
    """Values that are known must be ones that the app starts with; an empty one is not set."""
    known = {name: value for name, value in given.items() if not isinstance(value, Later) and value != ""}
    for name in sorted(name for name, value in known.items() if not isinstance(value, str)):
        yield Finding(SETTINGS, where, f"{name} must be a string")
    fields = {name: known[variable(name)] for name in Settings.model_fields if variable(name) in known}
    try:
        Settings.model_validate(fields)
    except ValidationError as error:
        for problem in error.errors():
            yield Finding(SETTINGS, where, f"the app does not start with {problem['loc']}: {problem['msg']}")


def check_stores(resources: list[Deployed], code: Expected) -> Iterator[Finding]:
    """The database, its container and the blob container are those that the adapters look for."""
    account = "Microsoft.DocumentDB/databaseAccounts"
    yield from _one(resources, f"{account}/sqlDatabases", code.database)
    yield from _one(resources, f"{account}/sqlDatabases/containers", code.container)
    yield from _one(resources, "Microsoft.Storage/storageAccounts/blobServices/containers", code.blob_container)
    for container in (one for one in resources if one.type == f"{account}/sqlDatabases/containers"):
        body = container.get("properties.resource") or {}
        for name in sorted(code.container_body.keys() | body.keys()):
            if body.get(name) != code.container_body.get(name):
                told = f"{name} is {body.get(name)}, and shared/adapters/cosmos/schema.py has another"
                yield Finding(STORES, container.where, told)
    for database in (one for one in resources if one.type == f"{account}/sqlDatabases"):
        if database.get("properties.resource.id") != database.get("name"):
            yield Finding(STORES, database.where, "the database's name and its id differ")
    given, where = app_settings(resources)
    yield from _blobs_of(resources, given, where, code)


def _blobs_of(resources: list[Deployed], given: dict[str, Any], where: str, code: Expected) -> Iterator[Finding]:
    """The container of the content is in the account that the setting names."""
    by = {resource.by: resource for resource in resources}
    for resource in resources:
        if resource.type.endswith("blobServices/containers") and resource.get("name") == code.blob_container:
            service = by.get(str(resource.get("parent")))
            account = "" if service is None else str(service.get("parent"))
            if not account or account not in str(given.get("SWARMSTAR_BLOB_ENDPOINT")):
                yield Finding(STORES, where, "SWARMSTAR_BLOB_ENDPOINT names another account than the container's")


def _one(resources: list[Deployed], of: str, name: str) -> Iterator[Finding]:
    same = [resource for resource in resources if resource.type == of]
    if not any(resource.get("name") == name for resource in same):
        names = ", ".join(str(resource.get("name")) for resource in same) or "none"
        where = same[0].where if same else MAIN
        yield Finding(STORES, where, f"the code looks for {name} among {of}, and there is {names}")


def check_model(resources: list[Deployed], code: Expected) -> Iterator[Finding]:
    """The model that the app asks for is deployed, behind the address that the adapter posts to."""
    given, where = app_settings(resources)
    of = "Microsoft.CognitiveServices/accounts/deployments"
    names = [resource.get("name") for resource in resources if resource.type == of]
    asked = given.get("SWARMSTAR_MODEL")
    if asked not in names:
        yield Finding(SETTINGS, where, f"the app asks for the model {asked}, and {names} are deployed")
    if asked != code.model:
        yield Finding(SETTINGS, where, f"the template's model is {asked}, and the code's {code.model}")
    if not str(given.get("SWARMSTAR_MODEL_BASE_URL")).rstrip("/").endswith("}openai/v1"):
        yield Finding(SETTINGS, where, "SWARMSTAR_MODEL_BASE_URL must end in openai/v1")


def check_python(templates: dict[str, Template], resources: list[Deployed], code: Expected) -> Iterator[Finding]:
    """The Python that is deployed is one that the code runs on, and so is every other that may be chosen."""
    for app in (one for one in resources if one.type == "Microsoft.Web/sites"):
        version = app.get("properties.functionAppConfig.runtime.version")
        if version not in code.pythons or app.get("properties.functionAppConfig.runtime.name") != "python":
            yield Finding(SETTINGS, app.where, f"Python {version} is none of {sorted(code.pythons)}")
    for template in templates.values():
        for param in template.of("param"):
            if param.name == "pythonVersion" and set(param.allowed) - code.pythons:
                yield Finding(SETTINGS, template.path, f"{param.allowed} may be chosen, and not all run the code")
