"""`python -m infra.checks`: say what is wrong with the infrastructure, and what the checks see of seeded faults."""

import argparse
import sys
from pathlib import Path
from typing import Final

from infra.checks import checkov
from infra.checks.everything import check
from infra.checks.expected import Expected, expected
from infra.checks.faults import FAULTS
from infra.checks.project import Project, read_project

ROOT: Final = Path(__file__).resolve().parents[2]
ONLY_COMPILER: Final = "only the compiler, or Azure"


def main() -> int:
    """The exit status: 0 if nothing is wrong."""
    parser = argparse.ArgumentParser(prog="python -m infra.checks", description=__doc__)
    parser.add_argument("--checkov", type=Path, help="the checkov program; without it checkov is left out")
    parser.add_argument("--no-faults", action="store_true", help="leave the seeded faults out")
    chosen = parser.parse_args()
    project, code = read_project(ROOT), expected(ROOT)
    found = check(project, ROOT, code)
    if chosen.checkov is not None:
        found += checkov.findings(checkov.run(chosen.checkov.absolute(), ROOT))
    for finding in found:
        print(f"{finding.where}: {finding.told} [{finding.check}]")
    print(f"infra-check: {len(project.templates())} templates, {len(found)} findings")
    unlike = 0 if found or chosen.no_faults else _table(project, code)
    return 1 if found or unlike else 0


def _table(project: Project, code: Expected) -> int:
    """Print what is seen of each seeded fault, and return how many are seen otherwise than is written down."""
    unlike, caught = 0, 0
    print(f"\n{'Seeded fault':<40} Seen by")
    for fault in FAULTS:
        if not fault.applies(project):
            unlike += 1
            print(f"{fault.name:<40} the text it changes is gone: mend infra/checks/faults.py")
            continue
        seen = list(fault.seen(project, ROOT, code))
        caught += bool(seen)
        wrong = fault.seen_by not in (seen or [""])
        unlike += wrong
        print(f"{fault.name:<40} {', '.join(seen) or ONLY_COMPILER}{'   NOT AS LISTED' if wrong else ''}")
    print(f"\n{caught} of {len(FAULTS)} seeded faults are seen without a compiler or a cloud.")
    return unlike


if __name__ == "__main__":
    sys.exit(main())
