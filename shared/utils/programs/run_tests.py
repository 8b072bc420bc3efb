"""`programs.run_tests`: run the workspace's tests with pytest in the sandbox."""

from typing import Annotated

from pydantic import Field

from shared.errors import InvalidInput
from shared.llm.prompting import clip
from shared.sandbox import RunResult
from shared.sandbox.test_report import PLUGIN, PLUGIN_PATH, PLUGIN_SOURCE, REPORT_PATH, TestReport, read_test_report
from shared.utils.programs.run import MAX_SECONDS, run_command
from shared.utils.util import Arguments, Result, Util
from shared.utils.workbench import Workbench


class RunTestsArguments(Arguments):
    """Which tests."""

    paths: list[Annotated[str, Field(min_length=1, max_length=600, pattern=r"^[^-]")]] = Field(
        default=[],
        max_length=50,
        description="Test files, folders or ids such as tests/test_a.py::test_b; empty for all.",
    )
    seconds: float = Field(default=120.0, ge=1, le=MAX_SECONDS, description="After so many seconds they are stopped.")


class TestsOutcome(Result):
    """How the tests ended."""

    passed: bool
    summary: str
    failing: tuple[str, ...]
    output: str
    missing: tuple[str, ...]

    def text(self) -> str:
        """Return the verdict, the failing tests and what pytest printed."""
        head = f"{'PASSED' if self.passed else 'NOT PASSED'}: {self.summary}"
        lines = [head, *(f"module not available: {name}" for name in self.missing)]
        lines += [f"failing: {', '.join(self.failing)}"] if self.failing else []
        return "\n".join([*lines, self.output])


def pytest_command(paths: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return the command that runs tests quietly and leaves a report of every case."""
    return ("python", "-m", "pytest", "-p", PLUGIN, "-q", "--tb=short", "--", *paths)


def report_of(result: RunResult) -> TestReport | None:
    """Return the cases of a run of pytest; None where it left no report that can be read."""
    content = result.changed.get(REPORT_PATH)
    try:
        return None if content is None else read_test_report(content)
    except InvalidInput:
        return None


async def _run_tests(bench: Workbench, arguments: RunTestsArguments) -> TestsOutcome:
    plugin = {PLUGIN_PATH: PLUGIN_SOURCE}
    command = pytest_command(tuple(arguments.paths))
    result = await run_command(bench, command, seconds=arguments.seconds, extra=plugin)
    report = report_of(result)
    stopped = f"stopped: over its limit of {result.stopped}" if result.stopped else "no test report was written"
    return TestsOutcome(
        passed=report is not None and report.passed and result.succeeded,
        summary=stopped if report is None else report.summary(),
        failing=() if report is None else report.failing[:20],
        output=clip(f"{result.stdout}\n{result.stderr}".strip(), bench.shown_tokens),
        missing=tuple(f"{module.name} ({module.kind})" for module in result.missing),
    )


UTIL = Util(
    id="programs.run_tests",
    description="Run the tests of the workspace with pytest and see which pass and how the others fail.",
    arguments=RunTestsArguments,
    result=TestsOutcome,
    effect="reads",
    call=_run_tests,
)
