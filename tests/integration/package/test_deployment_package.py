"""The package that Azure gets is small, whole, and quick to load."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from deployment_package import ROOT, SITE, build, closure, ignored, installed_bytes, tracked

from infra.package import PARTS

MAX_BYTES = 2_000_000
#: Seconds of processor time; the host gives an app 30 seconds to start, on less of a processor than here.
MAX_IMPORT = 1.5
#: What only a request or an activity needs, and takes long to load.
HEAVY = {"openai", "httpx2", "azure.cosmos", "azure.storage", "azure.identity", "cryptography", "jwt", "msal"}

#: Loads the app as a worker does, with the package's folder and what is installed on the path and nothing else.
LOAD = """
import json, sys, time
sys.path[:] = [*sys.path, *sys.argv[1:3]]
sys.path.insert(0, sys.path.pop(-2))
began, cpu = time.perf_counter(), time.process_time()
import azure.functions, azure.durable_functions
sdk = time.process_time()
import function_app
ended = time.process_time()
functions = [one.get_function_name() for one in function_app.app.get_functions()]
from importlib.util import find_spec
files = {name: module.__file__ for name, module in list(sys.modules.items()) if getattr(module, "__file__", None)}
print(json.dumps({
    "seconds": time.perf_counter() - began, "cpu": ended - cpu, "sdk": sdk - cpu, "functions": functions,
    "files": files, "modules": sorted(sys.modules), "path": sys.path,
    "elsewhere": [name for name in ("local", "cli", "bench") if find_spec(name)],
}))
"""
#: Loads every module of the package, so that what is loaded late is seen as well.
LOAD_ALL = """
import importlib, json, pkgutil, sys
sys.path[:] = [sys.argv[1], *sys.path, sys.argv[2]]
import functions, shared
for package in (functions, shared):
    for found in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(found.name)
print(json.dumps({"files": {n: m.__file__ for n, m in list(sys.modules.items()) if getattr(m, "__file__", None)}}))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("package")
    build(folder)
    return folder


def run(code: str, package: Path) -> dict[str, Any]:
    """Run code in a fresh process that reads no .pth file, so that the checkout is not on its path."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("SWARMSTAR_", "PYTHON"))}
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code, str(package), str(SITE)],
        cwd=package,
        env=kept,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_every_top_level_name_is_packaged_or_left_out() -> None:
    spec = ignored()
    kept = {name.partition("/")[0] for name in tracked() if not spec.match_file(name)}
    assert kept == {*PARTS.values(), "host.json"}


def test_nothing_of_the_app_is_left_out() -> None:
    spec = ignored()
    ours = [name for name in tracked() if name.startswith(("functions/", "shared/"))]
    assert len(ours) > 50
    assert {Path(name).name for name in ours if spec.match_file(name)} <= {"ruff.toml"}


def test_core_tools_and_azd_package_the_same(package: Path, tmp_path: Path) -> None:
    """Core Tools read `.funcignore`; for azd, `infra/package.py` lays the package out."""
    target = tmp_path / "package"
    subprocess.run([sys.executable, str(ROOT / "infra" / "package.py"), str(target)], check=True, timeout=60)
    laid_out = {path.relative_to(target).as_posix() for path in target.rglob("*") if path.is_file()}
    ours = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert {name for name in laid_out if not name.startswith(".")} == ours
    assert (target / "host.json").read_bytes() == (package / "host.json").read_bytes()


def test_no_litter_is_packaged(package: Path) -> None:
    names = {path.relative_to(package).as_posix() for path in package.rglob("*") if path.is_file()}
    assert names <= set(tracked())
    assert not [name for name in names if "__pycache__" in name or name.startswith((".", "local"))]


def test_it_is_small(package: Path) -> None:
    ours = sum(path.stat().st_size for path in package.rglob("*") if path.is_file())
    theirs = {name: installed_bytes(one) for name, one in closure().items()}
    largest = sorted(theirs, key=lambda name: -theirs[name])[:5]
    most = ", ".join(f"{name} {theirs[name]:,}" for name in largest)
    whole = sum(theirs.values())
    sys.stdout.write(f"\nThe package: {ours:,} bytes. Its requirements: {whole:,} bytes in {len(theirs)}: {most}\n")
    assert ours < MAX_BYTES


def test_it_loads_alone_and_quickly(package: Path) -> None:
    runs = [run(LOAD, package) for _ in range(3)]
    told = min(runs, key=lambda one: float(one["cpu"]))
    seconds, cpu, sdk = (float(told[name]) for name in ("seconds", "cpu", "sdk"))
    sys.stdout.write(f"\nLoads in {seconds:.2f} s, {cpu:.2f} s of processor ({sdk:.2f} s of it the SDK)\n")
    assert len(told["functions"]) > 30
    assert {"sweep", "run_swarm", "advance_node", "alive"} <= set(told["functions"])
    assert told["elsewhere"] == []
    assert [name for name in told["modules"] if _is_of(name, HEAVY)] == []
    assert _strange(told["files"], package) == {}
    assert cpu < MAX_IMPORT


def test_every_module_loads_with_the_requirements_alone(package: Path) -> None:
    told = run(LOAD_ALL, package)
    assert len([name for name in told["files"] if name.startswith("shared.adapters")]) > 10
    assert _strange(told["files"], package) == {}


def _is_of(name: str, packages: set[str]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def _strange(files: dict[str, str], package: Path) -> dict[str, str]:
    """What was loaded from neither the package, nor its requirements, nor Python itself."""
    theirs = {str(one.locate_file(file)) for one in closure().values() for file in one.files or []}
    python = (str(Path(os.__file__).parent), sys.base_prefix)
    return {
        name: place
        for name, place in files.items()
        if not place.startswith(str(package))
        and place not in theirs
        and not (place.startswith(python) and not place.startswith(str(SITE)))
    }
