"""The workflows: they call what is there, ask for no more than they need, and can be set up by the guide."""

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

ROOT = Path(__file__).parents[3]
GITHUB = ROOT / ".github"
WORKFLOWS = sorted((GITHUB / "workflows").glob("*.yml"))
SCRIPTS = sorted(GITHUB.glob("*.sh"))
GUIDE = ROOT / "docs" / "deploy.md"
#: Whose actions may run here.
TRUSTED = {"actions", "azure", "Azure"}
#: What a pull request must satisfy to reach a job that can sign in.
GUARD = "github.event.pull_request.head.repo.full_name == github.repository"

each = pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)


def read(path: Path) -> dict[str, Any]:
    document: dict[Any, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    document["on"] = document.pop(True)  # YAML 1.1 takes the word for a truth value
    return document


def steps(path: Path) -> Iterator[dict[str, Any]]:
    for job in read(path)["jobs"].values():
        yield from job["steps"]


def privileged(job: dict[str, Any]) -> bool:
    """Whether a job can sign in, knows a secret, or may write to the repository."""
    granted = job.get("permissions", {})
    return "id-token" in granted or "write" in granted.values() or "secrets." in str(job)


def commands(path: Path) -> str:
    return "\n".join(str(step["run"]) for step in steps(path) if "run" in step)


def test_there_are_workflows() -> None:
    assert {path.name for path in WORKFLOWS} == {"audit.yml", "ci.yml", "deploy.yml", "release.yml"}
    assert len(SCRIPTS) >= 3


@each
def test_it_asks_for_little(path: Path) -> None:
    document = read(path)
    assert document["permissions"] == {"contents": "read"}
    assert "group" in document["concurrency"]
    for name, job in document["jobs"].items():
        assert 0 < job["timeout-minutes"] <= 60, name
        allowed = {("contents", "read"), ("id-token", "write")}
        if (path.name, name) == ("release.yml", "publish"):
            allowed = {("contents", "write")}
        assert job.get("permissions", {}).items() <= allowed


@each
def test_what_can_sign_in_is_gated(path: Path) -> None:
    document = read(path)
    assert not {"pull_request_target", "workflow_run"} & document["on"].keys()
    for name, job in document["jobs"].items():
        if privileged(job):
            assert job["environment"], name
            condition = job.get("if", "")
            on_pull_requests = (
                "pull_request" in document["on"] and "github.event_name != 'pull_request'" not in condition
            )
            assert GUARD in condition or not on_pull_requests, name


@each
def test_what_is_privileged_runs_only_what_is_pinned(path: Path) -> None:
    """`make` installs from the lock files; anything else would bring whatever a registry has that day."""
    for name, job in read(path)["jobs"].items():
        said = "\n".join(str(step.get("run", "")) for step in job["steps"])
        if privileged(job):
            assert not re.search(r"\b(pip|pipx|npm|npx|uv|curl|wget)\b", said), name
            for step in job["steps"]:
                if "setup-azd@" in step.get("uses", ""):
                    assert re.fullmatch(r"\d+\.\d+\.\d+", str(step["with"]["version"])), name


@each
def test_actions_are_pinned_and_leave_no_credentials(path: Path) -> None:
    for step in steps(path):
        if action := step.get("uses"):
            found = re.fullmatch(r"([\w-]+)/[\w-]+@[0-9a-f]{40}", action)
            assert found is not None, f"{action} is not pinned to a commit"
            assert found[1] in TRUSTED, action
            if action.startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False


def test_an_action_is_the_same_commit_everywhere_and_its_version_is_named() -> None:
    """A tag can be moved to other code, a commit cannot; the version behind it is for people and for Dependabot."""
    used: dict[str, set[str]] = {}
    for path in WORKFLOWS:
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses:" in line:
                found = re.search(r"uses: ([\w/-]+)@([0-9a-f]{40} # v\d+\.\d+\.\d+)$", line)
                assert found is not None, line
                used.setdefault(found[1].lower(), set()).add(found[2])
    assert len(used) >= 7
    assert {action: pins for action, pins in used.items() if len(pins) > 1} == {}


def recipe(target: str) -> str:
    """What the Makefile runs for a target, and what it runs before it."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8").replace("\\\n", "")
    found = re.search(rf"^{target}:([^#\n]*).*\n((?:\t.*\n)+)", text, re.M)
    assert found is not None, target
    return found[1] + found[2]


def test_everything_locked_is_audited_on_every_change_and_every_week() -> None:
    document = read(GITHUB / "workflows" / "audit.yml")
    assert {"push", "pull_request", "schedule"} <= document["on"].keys()
    (job,) = document["jobs"].values()
    assert "continue-on-error" not in str(job)
    assert "make audit" in commands(GITHUB / "workflows" / "audit.yml")
    said = recipe("audit")
    assert "pip-audit --strict --require-hashes" in said
    assert "$(LOCKS:%=-r %)" in said
    assert "npm audit" in said
    named = re.search(r"^LOCKS := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    assert named is not None
    assert set(named[1].split()) == {path.name for path in ROOT.glob("requirements*.lock")}


def test_a_release_lists_what_is_in_it_and_is_published_by_a_job_that_builds_nothing() -> None:
    jobs = read(GITHUB / "workflows" / "release.yml")["jobs"]
    build = [str(step.get("run", "")).split(" PYTHON")[0] for step in jobs["build"]["steps"]]
    assert build.index("make audit") < build.index("make release")
    assert "sbom" in recipe("release").splitlines()[0]
    assert "cyclonedx-py environment" in recipe("sbom")
    assert "--require-hashes -r requirements.lock" in recipe("sbom")
    assert jobs["publish"]["needs"] == "build"
    used = [step["uses"].split("@")[0] for step in jobs["publish"]["steps"] if "uses" in step]
    assert used == ["actions/download-artifact"]
    said = [step["run"] for step in jobs["publish"]["steps"] if "run" in step]
    assert said[0].startswith("sha256sum --check")
    assert said[1].startswith("gh release create")
    assert len(said) == 2


@each
def test_no_text_from_outside_becomes_a_command(path: Path) -> None:
    """Secrets and what a user typed come in as variables, which the shell does not read as code."""
    for expression in re.findall(r"\$\{\{(.*?)\}\}", commands(path)):
        assert expression.strip().startswith("matrix."), expression


@each
def test_every_target_and_path_is_there(path: Path) -> None:
    said = commands(path)
    targets = set(re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M))
    called = set(re.findall(r"\bmake ([a-z0-9-]+)", said))
    assert called <= targets
    named = set(re.findall(r"(?<![\w/])(?:\.github|infra|tests)/[\w./-]+", said))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_every_variable_is_in_the_guide() -> None:
    guide = GUIDE.read_text(encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in (*WORKFLOWS, *SCRIPTS))
    named = set(re.findall(r"\b(?:secrets|vars)\.(\w+)", text)) | set(re.findall(r"\$(AZURE_\w+)", text))
    assert len(named) >= 6
    assert {name for name in named if f"`{name}`" not in guide} == set()


def test_ci_runs_what_a_developer_runs() -> None:
    said = commands(GITHUB / "workflows" / "ci.yml")
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8") if (ROOT / ".ci" / "run").exists() else "make lint test"
    assert "make lint" in said
    assert "make test" in said
    assert set(re.findall(r"^make (\w+)", script, re.M)) <= set(re.findall(r"make (\w+)", said))


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_a_script_can_be_read_by_the_shell(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("#!/usr/bin/env bash\n")
    assert "\nset -euo pipefail\n" in text
    subprocess.run(["bash", "-n", str(path)], check=True, timeout=10)


def test_dependabot_watches_every_kind_of_dependency() -> None:
    document = yaml.safe_load((GITHUB / "dependabot.yml").read_text(encoding="utf-8"))
    kinds = {update["package-ecosystem"] for update in document["updates"]}
    assert kinds == {"pip", "npm", "github-actions"}
