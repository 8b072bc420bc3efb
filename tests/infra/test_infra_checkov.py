"""What a report of checkov means."""

import json
from pathlib import Path
from typing import Any

import pytest

from infra.checks import checkov


def report(*ids: str, parsing_errors: int = 0, passed: int = 5) -> dict[str, Any]:
    failed = [
        {"check_id": one, "check_name": "N", "resource": "R", "file_path": "/a.bicep", "file_line_range": [3, 9]}
        for one in ids
    ]
    return {"summary": {"parsing_errors": parsing_errors, "passed": passed}, "results": {"failed_checks": failed}}


def test_rules_that_are_skipped_for_a_reason_are_not_told() -> None:
    assert list(checkov.findings(report(*checkov.SKIPPED))) == []


def test_other_rules_are_told() -> None:
    found = list(checkov.findings(report("CKV_NEW_1", *checkov.SKIPPED)))
    assert [(finding.where, finding.told) for finding in found] == [("infra/a.bicep:3", "CKV_NEW_1: N (R)")]


def test_a_rule_that_nothing_breaks_is_not_skipped() -> None:
    name, *others = checkov.SKIPPED
    assert [finding.told for finding in checkov.findings(report(*others))] == [
        f"{name} is skipped, and nothing breaks it"
    ]


@pytest.mark.parametrize("unread", [{"parsing_errors": 1}, {"passed": 0}])
def test_a_file_that_was_not_read_is_told(unread: dict[str, int]) -> None:
    found = list(checkov.findings(report(*checkov.SKIPPED, **unread)))
    assert [finding.told for finding in found] == [f"checkov could not read {unread.get('parsing_errors', 0)} files"]


def test_a_program_that_gives_no_report_is_an_error(tmp_path: Path) -> None:
    program = tmp_path / "checkov"
    program.write_text("#!/bin/sh\necho no such option >&2\nexit 2\n")
    program.chmod(0o755)
    with pytest.raises(RuntimeError, match="no such option"):
        checkov.run(program, tmp_path)
    program.write_text(f"#!/bin/sh\necho '{json.dumps(report())}'\nexit 1\n")
    assert checkov.run(program, tmp_path) == report()
