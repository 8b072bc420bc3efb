"""`swarmstar dev` and `swarmstar models` as real processes in a folder that holds anybody's files."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from local.models.table import MODELS


@pytest.mark.parametrize(("command", "shown"), [("dev", "Usage: swarmstar dev"), ("models", "Usage: swarmstar models")])
def test_nothing_in_the_folder_is_imported_and_the_usage_names_the_command(
    tmp_path: Path, command: str, shown: str
) -> None:
    for name in ("local", "cli", "shared", "typer", "json"):
        (tmp_path / f"{name}.py").write_text("from pathlib import Path\nPath('ran').touch()\n", encoding="utf-8")

    # -P: as the installed script, which does not look into the folder either.
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", command, "--help"],
        cwd=tmp_path,
        env={name: value for name, value in os.environ.items() if name != "PYTHONSAFEPATH"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, shown in ran.stdout) == (0, True), ran.stderr
    assert not (tmp_path / "ran").exists()


def test_a_model_that_is_not_here_is_fetched_by_the_command_that_was_called(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-P", "-m", "cli.main", "models", "path", MODELS[0].name],
        env=os.environ | {"SWARMSTAR_CACHE": str(tmp_path), "COLUMNS": "200"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert (ran.returncode, f"`swarmstar models fetch {MODELS[0].name}` brings it" in ran.stderr) == (1, True)
