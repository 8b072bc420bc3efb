"""`python -m infra.checks`."""

import subprocess
import sys

from infra_snippets import ROOT


def test_it_says_what_it_found_and_ends_well() -> None:
    command = [sys.executable, "-m", "infra.checks", "--no-faults"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith(" 0 findings\n")
