"""What a run of pytest came to, case by case, as a plugin that is handed to the run writes it down."""

from collections import Counter
from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter, ValidationError

from shared.errors import InvalidInput

#: The plugin's module, which is put beside the files of the run, and the file that it writes.
PLUGIN = "swarmstar_pytest_report"
PLUGIN_PATH = f"{PLUGIN}.py"
REPORT_PATH = ".swarmstar-test-report.json"
#: Bytes of a report that is read, and cases in it.
MAX_REPORT = 8 * 1024 * 1024
MAX_CASES = 20_000

PLUGIN_SOURCE = f"""\
import json

_cases = {{}}


def pytest_runtest_logreport(report):
    if report.when == "call" or report.outcome != "passed":
        failed = report.outcome == "failed"
        _cases[report.nodeid] = "error" if failed and report.when != "call" else report.outcome


def pytest_collectreport(report):
    if report.failed:
        _cases[report.nodeid] = "error"


def pytest_sessionfinish():
    with open({REPORT_PATH!r}, "w") as file:
        json.dump(_cases, file)
""".encode()

Verdict = Literal["passed", "failed", "error", "skipped"]
_CASES = TypeAdapter(Annotated[dict[Annotated[str, Field(max_length=2_000)], Verdict], Field(max_length=MAX_CASES)])


@dataclass(frozen=True, slots=True)
class TestReport:
    """Every test of one run, by its id such as `tests/test_a.py::test_b`."""

    cases: dict[str, Verdict]

    def count(self, verdict: Verdict) -> int:
        """Return how many tests ended so."""
        return Counter(self.cases.values())[verdict]

    @property
    def failing(self) -> tuple[str, ...]:
        """The ids of those that failed or could not be run."""
        return tuple(case for case, verdict in self.cases.items() if verdict in {"failed", "error"})

    @property
    def passed(self) -> bool:
        """Whether at least one test passed, and none failed."""
        return self.count("passed") > 0 and not self.failing

    def summary(self) -> str:
        """Return the counts in a line: `3 passed, 1 failed`."""
        counts: tuple[Verdict, ...] = ("passed", "failed", "error", "skipped")
        told = [f"{self.count(verdict)} {verdict}" for verdict in counts if self.count(verdict)]
        return ", ".join(told) or "no tests ran"


def read_test_report(content: bytes) -> TestReport:
    """Parse a report that an untrusted program wrote; raises `InvalidInput` for what is none."""
    if len(content) > MAX_REPORT:
        raise InvalidInput(f"the test report has over {MAX_REPORT:,} bytes")
    try:
        return TestReport(_CASES.validate_json(content))
    except ValidationError:
        raise InvalidInput("the test report cannot be read") from None
