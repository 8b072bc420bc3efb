"""Small templates for one rule each, and the real infrastructure."""

from pathlib import Path

from infra.checks.expected import Expected, expected
from infra.checks.project import MAIN, Project, read_project
from infra.checks.template import Template, read_templates

ROOT = Path(__file__).resolve().parents[2]
OTHER = "infra/modules/other.bicep"


def templates(main: str, other: str | None = None) -> dict[str, Template]:
    """Templates of these texts, which must be ones that can be parsed."""
    files = {MAIN: main} if other is None else {MAIN: main, OTHER: other}
    read, found = read_templates(Project(files))
    assert not found
    return read


def template(text: str) -> Template:
    """One template."""
    return templates(text)[MAIN]


def real() -> tuple[Project, Expected]:
    """What is in the repository: the infrastructure and what the code expects of it."""
    return read_project(ROOT), expected(ROOT)
