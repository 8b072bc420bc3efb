"""The guide for extending the product, carried out word for word on a copy of the repository."""

import re
from pathlib import Path

import pytest
from extending_guide import GUIDE, Block, apply, changed, copy_repository, examples, run

EXAMPLES = examples(GUIDE.read_text(encoding="utf-8"))
#: Sections, and how many tests their commands run at least.
TESTS = {"An action": 20, "An HTTP resource": 100, "A store adapter": 100}
CHECKS = (
    ".venv/bin/ruff check .",
    ".venv/bin/ruff format --check .",
    ".venv/bin/mypy",
    ".venv/bin/lint-imports --no-logo",
)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the repository with every example in it."""
    folder = tmp_path_factory.mktemp("repository")
    copy_repository(folder)
    for blocks in EXAMPLES.values():
        for block in blocks:
            apply(block, folder)
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("section", EXAMPLES)
def test_an_examples_commands_succeed(copy: Path, section: str) -> None:
    passed = 0
    commands = [line for block in EXAMPLES[section] if block.kind == "sh" for line in block.text.splitlines()]
    for command in commands:
        ran = run(command, copy)
        assert ran.returncode == 0, f"{command}\n{ran.stdout[-6_000:]}{ran.stderr[-2_000:]}"
        passed += int(re.findall(r"(\d+) passed", ran.stdout)[-1])
    assert passed >= TESTS[section]


@pytest.mark.slow
@pytest.mark.parametrize("command", CHECKS)
def test_the_repository_with_the_examples_passes_the_checks(copy: Path, command: str) -> None:
    ran = run(command, copy)
    assert ran.returncode == 0, f"{command}\n{ran.stdout[-6_000:]}{ran.stderr[-2_000:]}"


def test_every_section_has_files_and_a_command() -> None:
    assert EXAMPLES.keys() == TESTS.keys()
    for section, blocks in EXAMPLES.items():
        assert {"python", "sh"} <= {block.kind for block in blocks}, section


@pytest.mark.parametrize(
    ("text", "told"),
    [("a\nb\n", "0 times"), ("a\nc\na\nc\n", "2 times")],
)
def test_a_change_that_does_not_fit_its_file_is_refused(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=f"x.py: these lines are in it {told}"):
        changed(text, Block("diff", "x.py", " a\n-c\n+d\n"))


def test_a_change_is_made_where_its_lines_are() -> None:
    assert changed("z\n\na\nc\nz\n", Block("diff", "x.py", " a\n-c\n+d\n+e\n")) == "z\n\na\nd\ne\nz\n"


def test_a_file_that_is_there_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("old")
    with pytest.raises(ValueError, match="show the change as a diff"):
        apply(Block("python", "x.py", "new"), tmp_path)
    with pytest.raises(ValueError, match="neither a file, a diff nor a command"):
        apply(Block("toml", "y.toml", "new"), tmp_path)
