"""What azd deploys: the package that `infra/package.py` lays out."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.locks import read_lock

ROOT = Path(__file__).resolve().parents[3]
SCRIPT = ROOT / "infra" / "package.py"


def lay_out(target: Path, backend: str = "") -> "subprocess.CompletedProcess[str]":
    environment = os.environ | {"DEPLOY_DURABLE_BACKEND": backend}
    return subprocess.run(
        [sys.executable, str(SCRIPT), str(target)], env=environment, capture_output=True, text=True, timeout=60
    )


def provider(target: Path) -> str:
    return str(json.loads((target / "host.json").read_text())["extensions"]["durableTask"]["storageProvider"]["type"])


def test_the_package_holds_the_app_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "package"
    assert lay_out(target).returncode == 0

    assert {path.name for path in target.iterdir() if not path.name.startswith(".")} == {
        "function_app.py",
        "functions",
        "host.json",
        "requirements.txt",
        "shared",
    }
    assert not list(target.rglob("__pycache__"))


def test_the_platform_installs_what_is_locked(tmp_path: Path) -> None:
    target = tmp_path / "package"
    assert lay_out(target).returncode == 0

    pins = read_lock(target / "requirements.txt")
    assert len(pins) > 30
    assert [pin.name for pin in pins if not pin.hashes] == []
    assert (target / "requirements.txt").read_bytes() == (ROOT / "requirements.lock").read_bytes()


def test_the_packaged_app_loads_from_the_package_alone(tmp_path: Path) -> None:
    target = tmp_path / "package"
    assert lay_out(target).returncode == 0
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import function_app\n"
        "names = ('function_app', 'functions', 'shared', 'local', 'cli')\n"
        "ours = [m for n, m in sys.modules.items() if n.split('.')[0] in names and m.__file__]\n"
        "print(len(function_app.app.get_functions()), [m.__file__ for m in ours if sys.argv[1] not in m.__file__])"
    )
    loaded = subprocess.run(
        [sys.executable, "-B", "-c", program, str(target)], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )

    assert loaded.returncode == 0, loaded.stderr
    count, elsewhere = loaded.stdout.split(maxsplit=1)
    assert int(count) > 10
    assert elsewhere.strip() == "[]"


def test_the_chosen_backend_decides_which_host_file_goes(tmp_path: Path) -> None:
    ours = (ROOT / "host.json").read_bytes()
    target = tmp_path / "package"

    for backend, expected in (("", "azureStorage"), ("azureManaged", "azureManaged"), ("azureStorage", "azureStorage")):
        assert lay_out(target, backend).returncode == 0
        assert provider(target) == expected
    assert (ROOT / "host.json").read_bytes() == ours


def test_the_host_files_differ_in_their_backend_alone() -> None:
    files = [json.loads((ROOT / name).read_text()) for name in ("host.json", "infra/host/host.scheduler.json")]
    providers = [file["extensions"]["durableTask"].pop("storageProvider") for file in files]

    assert files[0] == files[1]
    assert providers[0] != providers[1]


@pytest.mark.parametrize("backend", ["netherite", "azurestorage"])
def test_an_unknown_backend_is_refused(tmp_path: Path, backend: str) -> None:
    refused = lay_out(tmp_path / "package", backend)
    assert refused.returncode != 0
    assert backend in refused.stderr
    assert not (tmp_path / "package").exists()


def test_a_folder_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    precious = tmp_path / "work.txt"
    precious.write_text("mine")

    refused = lay_out(tmp_path)

    assert refused.returncode != 0
    assert precious.read_text() == "mine"
