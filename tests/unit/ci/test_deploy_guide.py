"""The guides: their commands can be read by the shell, set what they use, and name endpoints and commands there are."""

import re
import subprocess
from pathlib import Path

import pytest
import typer

import function_app  # noqa: F401 - it fills the table of endpoints
from cli.main import app
from functions._endpoints import ENDPOINTS

ROOT = Path(__file__).parents[3]
GUIDE = (ROOT / "docs" / "deploy.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
#: Set in every shell, or by make.
GIVEN = {"PWD", "PATH"}

each = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)


def script() -> str:
    """What the deployment guide has a newcomer type, from top to bottom; the formula of the costs is none of it."""
    blocks = re.findall(r"(?:^ {4}.*\n|^\n(?= {4}))+", GUIDE, re.MULTILINE)
    return "\n".join(re.sub("^ {4}", "", block, flags=re.MULTILINE) for block in blocks if "×" not in block)


def test_the_shell_can_read_the_guide() -> None:
    text = script()
    assert text.count("\n") > 50
    subprocess.run(["bash", "-n"], input=text, text=True, check=True, timeout=10)


def test_every_variable_is_set_before_it_is_used() -> None:
    text = script()
    used = {found[1]: found.start() for found in reversed([*re.finditer(r"\$\{?([A-Z][A-Z_]+)", text)])}
    assert len(used) > 10
    for name, first in used.items():
        assert name in GIVEN or re.search(rf"(?<![\w$]){name}=", text[:first]), name


def test_no_failed_request_goes_unseen() -> None:
    calls = re.findall(r"\bcurl .*", script())
    assert calls
    assert [call for call in calls if "--fail" not in call] == []


def anonymous(path: str) -> str:
    return re.sub(r"\{\w+\}", "{}", path)


# The endpoints of docs/extending.md are examples of new ones, which a test of its own adds to a copy.
@pytest.mark.parametrize("page", [one for one in PAGES if one.name != "extending.md"], ids=lambda page: page.name)
def test_endpoints_that_are_named_are_there(page: Path) -> None:
    there = {anonymous(f"/{route.path}") for route in ENDPOINTS.values()} | {"/api/v1"}
    named = re.findall(r"/api/(?:v1/)?[a-z][\w/{}]*(?![\w/{}$])", page.read_text(encoding="utf-8"))
    assert {name for name in named if anonymous(name) not in there} == set()


@each
def test_commands_that_are_named_are_there(page: Path) -> None:
    commands = typer.main.get_group(app).commands
    assert set(re.findall(r"\bswarmstar ([a-z]+)\b", page.read_text(encoding="utf-8"))) <= commands.keys()
