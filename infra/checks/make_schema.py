"""Write `schema.json`: the properties of the resource types used here, as the Azure type library has them.

    pip install msmcp-azure && python -m infra.checks.make_schema

The library ships inside the Azure MCP server, which answers offline. It has one version of each type; types that it
lacks are in `by_hand.json`. How a shape is written down is told in `shapes.py`.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

TYPES: Final = (
    "Microsoft.Authorization/roleAssignments",
    "Microsoft.CognitiveServices/accounts",
    "Microsoft.CognitiveServices/accounts/deployments",
    "Microsoft.DocumentDB/databaseAccounts",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases",
    "Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers",
    "Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments",
    "Microsoft.Insights/components",
    "Microsoft.ManagedIdentity/userAssignedIdentities",
    "Microsoft.Network/privateEndpoints",
    "Microsoft.Network/privateEndpoints/privateDnsZoneGroups",
    "Microsoft.Network/virtualNetworks",
    "Microsoft.OperationalInsights/workspaces",
    "Microsoft.Resources/resourceGroups",
    "Microsoft.Storage/storageAccounts",
    "Microsoft.Storage/storageAccounts/blobServices",
    "Microsoft.Storage/storageAccounts/blobServices/containers",
    "Microsoft.Web/serverfarms",
    "Microsoft.Web/sites",
    "Microsoft.Web/sites/basicPublishingCredentialsPolicies",
    "Microsoft.Web/sites/config",
)
#: Network resources embed each other without end; besides these, one is named by its id alone.
EMBEDDED: Final = {
    "delegations",
    "manualPrivateLinkServiceConnections",
    "privateDnsZoneConfigs",
    "privateLinkServiceConnections",
    "securityRules",
    "subnets",
}
REFERENCE: Final = "Reference"
SECONDS: Final = 60


def main() -> None:
    """Ask for every type and write the file."""
    program = shutil.which("azmcp") or str(Path(sys.executable).with_name("azmcp"))
    types = dict(read_type(ask(program, name)) for name in TYPES)
    lines = [f"{json.dumps(name)}: {json.dumps(entry, sort_keys=True)}" for name, entry in sorted(types.items())]
    Path(__file__).with_name("schema.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")


def ask(program: str, name: str) -> list[dict[str, Any]]:
    """What the library knows of a type: its body and the shapes below it."""
    command = [program, "bicepschema", "get", "--resource-type", name]
    settings = {**os.environ, "AZURE_MCP_COLLECT_TELEMETRY": "false"}
    # The program is the one that was asked for, and the names are those above.
    done = subprocess.run(command, env=settings, capture_output=True, timeout=SECONDS, check=True)  # noqa: S603
    answer: list[dict[str, Any]] = json.loads(done.stdout)["results"]["BicepSchemaResult"]
    return answer


def read_type(answer: list[dict[str, Any]]) -> tuple[str, dict[str, Any]]:
    """A type's name with its version, and its entry with the shapes that can be reached."""
    resource = next(part for part in answer if part["$type"] == "Resource")
    known = {part["name"]: part for part in answer if part["$type"] in ("Object", "DiscriminatedObject")}
    cut = resource["name"].startswith("Microsoft.Network/")
    shapes: dict[str, Any] = {REFERENCE: {"props": {"id": "string"}}} if cut else {}
    body = _shape(resource["bodyType"], known, cut)
    waiting = _named(body)
    while waiting:
        name = waiting.pop()
        if name in known and name not in shapes:
            shapes[name] = _shape(known[name], known, cut)
            waiting |= _named(shapes[name])
    entry = {"body": body, "shapes": shapes, "scopes": resource["writableScopes"]}
    return resource["name"], entry


def _shape(part: dict[str, Any], known: dict[str, Any], cut: bool) -> dict[str, Any]:
    if part["$type"] == "DiscriminatedObject":
        by = part["discriminator"]
        return {"by": by, "props": _props(part["baseProperties"], known, cut), "cases": _cases(part, known, cut)}
    shape: dict[str, Any] = {"props": _props(part["properties"], known, cut)}
    if more := part.get("additionalPropertiesType"):
        shape["more"] = str(more)
    return shape


def _cases(part: dict[str, Any], known: dict[str, Any], cut: bool) -> dict[str, Any]:
    """The properties of each case, by the value that chooses it."""
    cases = {}
    for element in part["elements"]:
        value = next(prop["type"] for prop in element["properties"] if prop["name"] == part["discriminator"])
        cases[value] = _props(element["properties"], known, cut)
    return cases


def _props(listed: list[dict[str, Any]], known: dict[str, Any], cut: bool) -> dict[str, str]:
    return {prop["name"]: _written(prop, known, cut) for prop in listed}


def _written(prop: dict[str, Any], known: dict[str, Any], cut: bool) -> str:
    """A property as `shapes.py` reads it: a flag, a type, a range."""
    flags = prop.get("flags", "")
    flag = "!" if "Required" in flags else "-" if "ReadOnly" in flags else ""
    kind = str(prop["type"])
    if cut and prop["name"] not in EMBEDDED and _is_resource(known.get(kind.removesuffix("[]"))):
        kind = REFERENCE + ("[]" if kind.endswith("[]") else "")
    bounds = dict(re.findall(r"(m\w+Value): (-?\d+)", prop.get("modifiers") or ""))
    span = f" {bounds.get('minValue', '')}..{bounds.get('maxValue', '')}" if bounds else ""
    return f"{flag}{kind}{span}"


def _is_resource(part: dict[str, Any] | None) -> bool:
    names = {prop["name"] for prop in (part or {}).get("properties", [])}
    return {"id", "properties"} <= names


def _named(shape: dict[str, Any]) -> set[str]:
    """The names of the shapes that a shape refers to."""
    groups = [shape["props"], *shape.get("cases", {}).values(), {"more": shape.get("more", "")}]
    return {re.sub(r" -?\d*\.\.-?\d*$", "", kind).lstrip("!-").replace("[]", "") for g in groups for kind in g.values()}


if __name__ == "__main__":
    main()
