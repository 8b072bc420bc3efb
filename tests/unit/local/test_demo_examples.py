"""The examples are whole, and the demo sees whether their promises were kept."""

from pathlib import Path

import pytest

from cli.context import read_context
from cli.failures import CliError
from cli.wire import SwarmView
from local.demo import EXAMPLES, Example, artifact_problems, ending_problems
from shared.swarm.budget import Limits


@pytest.mark.parametrize("name", [path.parent.name for path in EXAMPLES.glob("*/expects.json")])
def test_an_example_is_whole(name: str) -> None:
    example = Example.load(name)

    assert len(read_context(example.folder / context for context in example.expects.context)) >= 1
    assert Limits.model_validate(example.expects.limits, strict=True)
    for artifact in example.expects.artifacts:
        assert artifact in example.directive
    files = {path.name for path in example.folder.iterdir()}
    assert files == {"directive.txt", "expects.json", *example.expects.context}


def test_there_are_examples() -> None:
    assert (EXAMPLES / "late-fees" / "expects.json").is_file()
    with pytest.raises(CliError, match="there are: late-fees"):
        Example.load("nothing")


def test_a_promised_artifact_must_be_there_and_compile(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.py", tmp_path / "bad.py"
    good.write_text("raise SystemExit('run')\n", encoding="utf-8")
    bad.write_text("def f(:\n", encoding="utf-8")

    assert artifact_problems(["good.py"], {"good.py": good}) == []
    (problem,) = artifact_problems(["bad.py"], {"bad.py": bad})
    assert problem.startswith("bad.py does not compile")
    assert artifact_problems(["a.md"], {"good.py": good}) == ["there is no a.md"]


@pytest.mark.parametrize(
    ("status", "report", "problems"),
    [
        ("completed", "Done.", 0),
        ("incomplete", "Half done.", 0),
        ("incomplete", None, 1),
        ("failed", "Broke.", 1),
        ("cancelled", "Stopped.", 1),
    ],
)
def test_a_swarm_must_end_with_a_report(status: str, report: str | None, problems: int) -> None:
    swarm = SwarmView.model_validate(
        {"swarm_id": "s", "directive": "d", "status": status, "created": "2026-11-22T10:00:00Z", "report": report}
    )

    assert len(ending_problems(swarm)) == problems
