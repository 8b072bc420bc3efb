"""All checks of one project, in the order in which their findings are read."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from infra.checks import azd, contracts, host, modules, roles, schema, security, symbols
from infra.checks.evaluate import Deployed, deployed
from infra.checks.expected import Expected
from infra.checks.project import MAIN, Finding, Project
from infra.checks.template import Template, read_templates

#: Deployments besides the default one: what is chosen, and what is checked of it.
SCHEDULER: Final = {"durableBackend": "azureManaged"}
PRIVATE: Final = {"privateNetwork": True}


def check(project: Project, root: Path, code: Expected) -> list[Finding]:
    """Everything that is wrong with the infrastructure; `root` is where other files that it names must be."""
    templates, found = read_templates(project)
    for template in templates.values():
        found += [*symbols.check(template), *schema.check(template), *security.check_template(template)]
    found += modules.check(templates)
    found += [
        *host.check(project),
        *host.check_package(project, templates, root),
        *azd.check_parameters(project, templates),
        *azd.check_names(project, templates, code),
    ]
    if MAIN in templates and not any(finding.check in ("syntax", "modules") for finding in found):
        # Of templates that do not fit together nothing can be said to be deployed.
        found += _deployments(project, root, code, templates)
    return sorted(set(found))


def _deployments(project: Project, root: Path, code: Expected, templates: dict[str, Template]) -> Iterator[Finding]:
    default = _there(deployed(templates))
    yield from contracts.check_settings(default, project, code)
    yield from contracts.check_stores(default, code)
    yield from contracts.check_model(default, code)
    yield from contracts.check_python(templates, default, code)
    yield from roles.check(default, code)
    yield from security.check_resources(default)
    yield from azd.check_service(project, default, root)
    yield from roles.check(_with(templates, SCHEDULER), code, (*roles.CLIENTS, roles.SCHEDULER))
    yield from security.check_private(_with(templates, PRIVATE))


def _with(templates: dict[str, Template], given: dict[str, Any]) -> list[Deployed]:
    return _there(deployed(templates, given))


def _there(resources: list[Deployed]) -> list[Any]:
    """The resources whose conditions hold."""
    return [resource for resource in resources if resource.get("if") is not False]
