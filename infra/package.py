"""Lay out what is deployed: the app's own files and the host.json of the chosen Durable backend.

    python infra/package.py build/package

The backend is `DEPLOY_DURABLE_BACKEND`, which azd hands to its hooks: `azureStorage` (the default) or
`azureManaged`. The platform reads the host.json in the package to know what to scale by, so no app setting can stand
in for it. Nothing outside the target folder changes, and what is not named below is never deployed.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
#: Files and folders of the app, by their place in the repository and in the package. The platform installs what
#: requirements.txt names: here that is the lock, so that what runs is what was tested, whatever a registry then offers.
PARTS = {
    "function_app.py": "function_app.py",
    "requirements.lock": "requirements.txt",
    "functions": "functions",
    "shared": "shared",
}
HOSTS = {"azureStorage": "host.json", "azureManaged": "infra/host/host.scheduler.json"}
#: Marks a folder as one of ours, so that a wrong argument cannot empty another.
MARK = ".swarmstar-package"

_LEFT_OUT = shutil.ignore_patterns("__pycache__", "ruff.toml", ".*")


def lay_out(target: Path, backend: str = "azureStorage") -> None:
    """Fill the folder anew; raises `ValueError` for an unknown backend or a folder that is not ours."""
    if backend not in HOSTS:
        raise ValueError(f"DEPLOY_DURABLE_BACKEND is {backend!r}, and must be one of {', '.join(HOSTS)}")
    if target.exists():
        if not (target / MARK).is_file():
            raise ValueError(f"{target} exists and was not made by this script")
        shutil.rmtree(target)
    target.mkdir(parents=True)
    (target / MARK).touch()
    for part, place in PARTS.items():
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, target / place, ignore=_LEFT_OUT)
        else:
            shutil.copy2(ROOT / part, target / place)
    shutil.copy2(ROOT / HOSTS[backend], target / "host.json")


def main() -> None:
    """Read the command line and the environment."""
    if len(sys.argv) != 2:
        sys.exit("usage: python infra/package.py FOLDER")
    try:
        lay_out(Path(sys.argv[1]), os.environ.get("DEPLOY_DURABLE_BACKEND") or "azureStorage")
    except ValueError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
