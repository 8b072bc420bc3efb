"""The files that are checked, held in memory so that a fault can be tried without touching the disk."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

#: What is read: templates, their parameters, what azd and the host read, and what tells people about them.
PATTERNS: Final = (
    "azure.yaml",
    "host*.json",
    "infra/**/*.bicep",
    "infra/**/*.json",
    "infra/**/*.md",
    ".github/*.sh",
    ".github/workflows/*.yml",
    "docs/**/*.md",
    "README.md",
)
MAIN: Final = "infra/main.bicep"


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One thing that is wrong: which check saw it, where, and what it is."""

    check: str
    where: str
    told: str


@dataclass(frozen=True, slots=True)
class Project:
    """Texts by their path from the repository's top, with `/` between folders."""

    files: Mapping[str, str]

    def templates(self) -> dict[str, str]:
        """The Bicep files."""
        return {path: text for path, text in self.files.items() if path.endswith(".bicep")}

    def edited(self, path: str, old: str, new: str) -> "Project":
        """The project with one text put in place of another that occurs; raises `ValueError` if it does not."""
        if old not in self.files[path]:
            raise ValueError(f"{path} does not hold {old!r}")
        return replace(self, files={**self.files, path: self.files[path].replace(old, new, 1)})


def read_project(root: Path) -> Project:
    """Read what `PATTERNS` names below the repository's top."""
    found = sorted({path for pattern in PATTERNS for path in root.glob(pattern) if path.is_file()})
    return Project({path.relative_to(root).as_posix(): path.read_text("utf-8") for path in found})
