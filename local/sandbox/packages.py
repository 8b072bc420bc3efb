"""The deployment's list of packages, installed for the sandbox: pinned, checked by hash, without running their code."""

import os
import re
import shutil
import subprocess
import sys
from importlib.metadata import Distribution, distributions
from pathlib import Path

from shared.adapters.sandboxes.installation import Package
from shared.errors import InvalidInput, Unavailable

DEFAULT_LIST = Path(__file__).with_name("packages.txt")
VARIABLE = "SWARMSTAR_SANDBOX_PACKAGES"
#: The Python in the component, and wheels that can be read for it; what is compiled in them is left out.
_TARGET = ("--platform", "manylinux2014_x86_64", "--implementation", "cp", "--python-version", "3.14")
#: Packages that work without their compiled parts.
_WITHOUT_COMPILED = frozenset({"markupsafe", "pyyaml"})
_COMPILED = (".so", ".pyd", ".dylib")
_SECONDS = 600


def package_list() -> Path:
    """The list of this deployment: `SWARMSTAR_SANDBOX_PACKAGES`, or the one that comes with the product."""
    return Path(os.environ.get(VARIABLE) or DEFAULT_LIST).expanduser()


def install(listed: Path, target: Path, *, native: bool) -> None:
    """Install into an empty folder, for the component or for this interpreter; raises `InvalidInput`, `Unavailable`."""
    if not listed.is_file():
        raise InvalidInput(f"there is no list of packages at {listed}; {VARIABLE} names one")
    options = ["--target", str(target), "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    options += [] if native else [*_TARGET, "--no-compile"]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *options]
    try:
        done = subprocess.run(  # noqa: S603
            [*command, "-r", str(listed)], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"pip did not install {listed} within {_SECONDS} seconds") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["it said nothing"]
        raise Unavailable(f"pip could not install {listed}: {' '.join(said)[:600]}")


def describe(target: Path) -> tuple[Package, ...]:
    """What is installed in a folder for the component; a package that needs its compiled parts is removed from it."""
    return tuple(
        sorted((_described(target, one) for one in distributions(path=[str(target)])), key=lambda one: one.name)
    )


def _described(target: Path, installed: Distribution) -> Package:
    name = re.sub(r"[-_.]+", "-", installed.metadata["Name"]).lower()
    files = [file for file in installed.files or () if ".." not in file.parts]
    compiled = [file for file in files if file.name.endswith(_COMPILED)]
    tops = {file.parts[0] for file in files if not file.parts[0].endswith((".dist-info", ".data"))} - {"bin"}
    modules = tuple(sorted(top.partition(".")[0] for top in tops if top != "__pycache__"))
    for file in compiled:
        (target / file).unlink(missing_ok=True)
    if not compiled or name in _WITHOUT_COMPILED:
        return Package(name=name, version=installed.version, modules=modules)
    for top in tops:
        shutil.rmtree(target / top, ignore_errors=True)
    return Package(name=name, version=installed.version, modules=modules, compiled="it has compiled parts")
