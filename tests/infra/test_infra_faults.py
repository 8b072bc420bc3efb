"""The table of seeded faults is true: each is seen by the check it names, or by none."""

import pytest
from infra_snippets import ROOT, real

from infra.checks.faults import FAULTS, Fault


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_a_seeded_fault_is_seen_as_listed(fault: Fault) -> None:
    project, code = real()
    seen = list(fault.seen(project, ROOT, code))
    assert fault.seen_by in seen if fault.seen_by else not seen


def test_most_faults_are_seen() -> None:
    assert len(FAULTS) >= 60
    assert sum(bool(fault.seen_by) for fault in FAULTS) / len(FAULTS) > 0.85
