"""Finish the CycloneDX list of what is deployed: `python -m infra.sbom build/sbom.json`.

The generator reads the libraries from an environment, where nothing says which of them the app itself asks for. This
adds that, and refuses a list that is not exactly what the lock file installs here.
"""

import json
import sys
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name

from infra.locks import read_lock, read_requirements

ROOT = Path(__file__).resolve().parent.parent


def finish(document: dict[str, Any], root: Path = ROOT) -> dict[str, Any]:
    """The list with the app's own dependencies; raises `ValueError` that names what is missing or too much."""
    listed = {canonicalize_name(one["name"]): one for one in document["components"]}
    wrong = {(name, one["version"]) for name, one in listed.items()}
    wrong ^= {(pin.name, pin.version) for pin in read_lock(root / "requirements.lock") if pin.is_for_here}
    if wrong:
        names = ", ".join(f"{name} {version}" for name, version in sorted(wrong))
        raise ValueError(f"the list and requirements.lock differ in: {names}")
    app = document["metadata"]["component"]["bom-ref"]
    asked = {canonicalize_name(requirement.name) for requirement in read_requirements(root / "requirements.txt")}
    depends = {"ref": app, "dependsOn": sorted(listed[name]["bom-ref"] for name in asked)}
    others = [one for one in document["dependencies"] if one["ref"] != app]
    return {**document, "dependencies": [depends, *others]}


def main() -> None:
    """Rewrite the file that the command line names."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m infra.sbom FILE")
    path = Path(sys.argv[1])
    try:
        finished = finish(json.loads(path.read_text(encoding="utf-8")))
    except ValueError as error:
        sys.exit(f"{path}: {error}")
    path.write_text(json.dumps(finished, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
