"""The demo's part between a host that is up and the exit code, against a canned deployment."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from canned_api import HISTORY, CannedApi, swarm

from cli.api import Api
from local.demo import Example, conclude, run_example


@pytest.fixture
def host() -> Iterator["subprocess.Popen[bytes]"]:
    """A process that stands for the host."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as child:
        yield child
        child.kill()


@pytest.mark.parametrize(
    ("made", "missing"),
    [
        ({"a1": ("late_fee.py", b"x = 1\n"), "a2": ("late_fee_notice.md", b"# Fees\n")}, []),
        ({"a1": ("late_fee.py", b"x = 1\n")}, ["there is no late_fee_notice.md"]),
    ],
)
def test_the_example_is_sent_shown_and_its_work_kept(
    api: CannedApi,
    host: "subprocess.Popen[bytes]",
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    made: dict[str, tuple[str, bytes]],
    missing: list[str],
) -> None:
    api.artifacts = made
    example = Example.load("late-fees")

    with Api(api.url) as client:
        ended, tree = run_example(client, example, 60, host)
        problems = conclude(client, example, tmp_path, ended, tree)

    out = capsys.readouterr().out
    sent = api.received[0][2]
    assert problems == missing
    assert sent["directive"] == example.directive
    assert [document["name"] for document in sent["context"]] == ["late-fees.md"]
    assert (tmp_path / "artifacts" / "late_fee.py").read_bytes() == b"x = 1\n"
    assert "└─ ✓ 0.0.0 write python" in out
    assert "All is written." in out
    assert "7 model calls" in out
    assert f"Work   {tmp_path / 'artifacts' / 'late_fee.py'}" in out


def test_of_a_file_written_twice_the_last_counts(
    api: CannedApi, host: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    api.artifacts = {
        "a1": ("late_fee.py", b"x = 1\n"),
        "a2": ("late_fee_notice.md", b"# Fees\n"),
        "a3": ("late_fee.py", b"def f(:\n"),
    }
    example = Example.load("late-fees")

    with Api(api.url) as client:
        (problem,) = conclude(client, example, tmp_path, *run_example(client, example, 60, host))

    assert problem.startswith("late_fee.py does not compile")


def test_a_file_that_cannot_be_had_is_a_problem_and_the_others_are_kept(
    api: CannedApi, host: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    api.artifacts = {"a1": ("late_fee.py", b"x = 1\n"), "a2": ("late_fee_notice.md", b"# Fees\n")}
    api.gone = {"a1"}
    example = Example.load("late-fees")

    with Api(api.url) as client:
        problems = conclude(client, example, tmp_path, *run_example(client, example, 60, host))

    assert problems == ["late_fee.py: the content of this artifact is gone", "there is no late_fee.py"]
    assert (tmp_path / "artifacts" / "late_fee_notice.md").exists()


def test_a_swarm_that_takes_too_long_is_cancelled(
    api: CannedApi, host: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    api.swarm, api.events, api.ended = swarm("running"), HISTORY[:4], False
    example = Example.load("late-fees")

    with Api(api.url) as client:
        ended, tree = run_example(client, example, 0.5, host)
        problems = conclude(client, example, tmp_path, ended, tree)

    assert ended.status == "cancelled"
    assert problems[0] == "the swarm ended cancelled"
    assert host.poll() is None
