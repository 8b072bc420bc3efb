"""The examples of `docs/extending.md`, and a copy of the repository in which they are carried out."""

import re
import shlex
import shutil
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
GUIDE = ROOT / "docs" / "extending.md"
#: What a copy needs to run tests and checks.
_COPIED = (
    "bench",
    "cli",
    "functions",
    "infra",
    "local",
    "shared",
    "tests",
    "function_app.py",
    "host.json",
    "pyproject.toml",
)
_CACHES = shutil.ignore_patterns("__pycache__", ".*_cache")
#: A section's title, or a fenced block with its kind, its path and its text.
_PART = re.compile(r'^## ([^\n]+)$|^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One fenced block of an example."""

    kind: str
    path: str
    text: str


def examples(text: str) -> dict[str, list[Block]]:
    """The blocks of each section in their order; sections without any are left out."""
    found: dict[str, list[Block]] = defaultdict(list)
    title = ""
    for part in _PART.finditer(text):
        if part[1]:
            title = part[1]
        else:
            found[title].append(Block(part[2], part[3] or "", part[4]))
    return dict(found)


def copy_repository(folder: Path) -> None:
    """Copy what is needed of the repository."""
    for name in (*_COPIED, ".importlinter"):
        place = ROOT / name
        if place.is_dir():
            shutil.copytree(place, folder / name, ignore=_CACHES)
        else:
            shutil.copy2(place, folder / name)


def apply(block: Block, folder: Path) -> None:
    """Write a new file, or make a change. Raises `ValueError` if that cannot be done exactly as it is written."""
    place = folder / block.path
    if block.kind == "python":
        if place.exists():
            raise ValueError(f"{block.path} is there already; show the change as a diff")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(block.text, encoding="utf-8")
    elif block.kind == "diff":
        place.write_text(changed(place.read_text(encoding="utf-8"), block), encoding="utf-8")
    elif block.kind != "sh":
        raise ValueError(f"a block of kind {block.kind!r} is neither a file, a diff nor a command")


def changed(text: str, block: Block) -> str:
    """A file's text after a diff, whose lines without a plus stand in it once, one after the other."""
    lines = block.text.splitlines(keepends=True)
    if not all(line[0] in " +-\n" for line in lines):
        raise ValueError(f"{block.path}: a line of a diff begins with a space, a plus or a minus")
    before, after = ("".join(line[1:] or "\n" for line in lines if line[0] != sign) for sign in "+-")
    if text.count(before) != 1:
        raise ValueError(f"{block.path}: these lines are in it {text.count(before)} times, not once:\n{before}")
    return text.replace(before, after)


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run one line of the guide in a copy, with the programs of the environment that this runs in."""
    program, *rest = shlex.split(command)
    if not program.startswith(".venv/bin/"):
        raise ValueError(f"{command}: begin with a program in .venv/bin/")
    there = Path(sys.executable).with_name(program.removeprefix(".venv/bin/"))
    return subprocess.run([there, *rest], cwd=folder, capture_output=True, text=True, timeout=300, check=False)
