"""azure.yaml, the parameters file, and the names that documentation and workflows use."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from infra.checks.evaluate import Deployed
from infra.checks.expected import Expected
from infra.checks.project import MAIN, Finding, Project
from infra.checks.syntax import literal, words
from infra.checks.template import Symbol, Template

CHECK: Final = "azd"
PARAMETERS: Final = "infra/main.parameters.json"
_VARIABLE: Final = re.compile(r"\$\{(\w+)")
_DEFAULT: Final = re.compile(r"\$\{(\w+)=(.*)\}")
_NAMED: Final = re.compile(r"\b(?:AZURE|DEPLOY|SERVICE|SWARMSTAR|IDENTITY)_[A-Z0-9_]+\b")
_READ: Final = re.compile(r"azd env get-value (\w+)")
_SET: Final = re.compile(r"azd env set (\w+)")
#: What azd and its pipelines know by themselves.
OF_AZD: Final = {
    "AZURE_CLIENT_ID",
    "AZURE_ENV_NAME",
    "AZURE_LOCATION",
    "AZURE_PRINCIPAL_ID",
    "AZURE_PRINCIPAL_TYPE",
    "AZURE_SUBSCRIPTION_ID",
    "AZURE_TENANT_ID",
}


def check_service(project: Project, resources: list[Deployed], root: Path) -> Iterator[Finding]:
    """azure.yaml's paths are there, and each of its services is an app with its tag."""
    text = project.files.get("azure.yaml")
    if text is None:
        yield Finding(CHECK, "azure.yaml", "there is no azure.yaml")
        return
    config = yaml.safe_load(text)
    tags = {resource.get("tags.azd-service-name") for resource in resources} - {None}
    services = config.get("services") or {}
    for name in sorted(tags ^ services.keys(), key=str):
        yield Finding(CHECK, "azure.yaml", f"the service {name} and the tags azd-service-name do not agree")
    for name, service in services.items():
        if (service.get("host"), service.get("language")) != ("function", "python"):
            yield Finding(CHECK, "azure.yaml", f"{name} must be a function app in python")
        if not (root / str(service.get("project", "")) / "host.json").is_file():
            yield Finding(CHECK, "azure.yaml", f"{name} is at {service.get('project')}, where no host.json is")
    infra = config.get("infra") or {}
    main = f"{infra.get('path', 'infra')}/{infra.get('module', 'main')}.bicep"
    if main not in project.files:
        yield Finding(CHECK, "azure.yaml", f"there is no {main}")
    yield from _hooks(config, root)


def _hooks(config: dict[str, Any], root: Path) -> Iterator[Finding]:
    """Hooks that run a file run one that exists."""
    for place in [config, *(config.get("services") or {}).values()]:
        for name, hook in (place.get("hooks") or {}).items():
            for way in [hook, hook.get("posix"), hook.get("windows")] if isinstance(hook, dict) else []:
                for word in str((way or {}).get("run", "")).split():
                    if "/" in word and word.endswith((".sh", ".py", ".ps1", ".json")) and not (root / word).exists():
                        yield Finding(CHECK, "azure.yaml", f"the hook {name} runs {word}, which is not there")


def check_parameters(project: Project, templates: dict[str, Template]) -> Iterator[Finding]:
    """The parameters file names parameters that there are, and gives those that have no default."""
    main = templates.get(MAIN)
    if main is None:
        return
    if PARAMETERS not in project.files:
        yield Finding(CHECK, PARAMETERS, "there is no parameters file")
        return
    given = json.loads(project.files[PARAMETERS]).get("parameters", {})
    known = {param.name: param for param in main.of("param")}
    for name in sorted(given.keys() - known.keys()):
        yield Finding(CHECK, PARAMETERS, f"main.bicep has no parameter {name}")
    for name, param in known.items():
        if param.value is not None and "${AZURE_LOCATION}" in str(given.get(name)):
            yield Finding(CHECK, MAIN, f"{name} has a default, so azd does not ask for a region and deploys to none")
        if param.value is None and name not in given:
            yield Finding(CHECK, PARAMETERS, f"{name} has no default, and nothing gives it")
        if name in given:
            yield from _default(param, given[name].get("value"))


def _default(param: Symbol, value: Any) -> Iterator[Finding]:
    """A variable's default is the parameter's: whoever reads one finds what the other says."""
    match = _DEFAULT.fullmatch(value) if isinstance(value, str) else None
    if match is None or param.value is None:
        return
    ours = literal(param.value) if param.value.type == "string" else words(param.value)
    if match[2] != ours:
        yield Finding(CHECK, PARAMETERS, f"{match[1]} is {match[2]!r} by default, and {param.name} {ours!r}")


def check_names(project: Project, templates: dict[str, Template], code: Expected) -> Iterator[Finding]:
    """Documentation and workflows read outputs that there are, and set variables that the parameters file reads."""
    main = templates.get(MAIN)
    outputs = {output.name for output in main.of("output")} if main is not None else set()
    variables = set(_VARIABLE.findall(project.files.get(PARAMETERS, "")))
    for path, text in project.files.items():
        if not (path.endswith(".md") or path.startswith((".github/", "azure.yaml"))):
            continue
        for name in sorted(set(_READ.findall(text)) - outputs - OF_AZD - variables):
            yield Finding(CHECK, path, f"{name} is read, and is no output of main.bicep")
        for name in sorted(set(_SET.findall(text)) - variables - OF_AZD):
            yield Finding(CHECK, path, f"{name} is set, and the parameters file does not read it")
        if path.startswith(".github/") or path == "docs/deploy.md":
            known = outputs | variables | OF_AZD | code.settings | {"SWARMSTAR_API_KEY", "SWARMSTAR_URL"}
            for name in sorted(set(_NAMED.findall(text)) - known):
                yield Finding(CHECK, path, f"{name} is no output, variable or setting")
