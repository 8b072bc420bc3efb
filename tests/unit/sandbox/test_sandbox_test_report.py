"""Reports of test runs, as programs that nobody vouches for write them."""

import json

import pytest

from shared.errors import InvalidInput
from shared.sandbox.test_report import MAX_REPORT, PLUGIN_SOURCE, read_test_report


def test_counts_and_failing_cases_are_told() -> None:
    cases = {"a.py::x": "passed", "a.py::y": "failed", "b.py": "error", "b.py::z": "skipped"}
    report = read_test_report(json.dumps(cases).encode())
    assert report.summary() == "1 passed, 1 failed, 1 error, 1 skipped"
    assert report.failing == ("a.py::y", "b.py")
    assert not report.passed


@pytest.mark.parametrize("cases", [{}, {"a": "skipped"}, {"a": "passed", "b": "error"}])
def test_nothing_that_passed_or_something_that_did_not_is_not_passed(cases: dict[str, str]) -> None:
    assert not read_test_report(json.dumps(cases).encode()).passed


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"\xff",
        b'{"a": "fine"}',
        b'{"a": 1}',
        json.dumps({"a" * 3_000: "passed"}).encode(),
        json.dumps({str(number): "passed" for number in range(20_001)}).encode(),
        b" " * (MAX_REPORT + 1),
        b"[" * 100_000,
    ],
)
def test_what_is_no_report_is_refused(content: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_test_report(content)


def test_the_plugin_compiles() -> None:
    compile(PLUGIN_SOURCE, "plugin", "exec")
