"""The threat model: each test that it names is there, each line names one, and its bounds are those of the code."""

import ast
import re
from collections import defaultdict
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
UNITS = {"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "s": 1}


@cache
def known_tests() -> dict[str, set[str]]:
    """The tests in each file, by the file's name."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in (ROOT / "tests").rglob("test_*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
        found[path.stem] |= {node.name for node in functions if node.name.startswith("test_")}
    return found


def tables() -> list[list[list[str]]]:
    """The cells of every table, without its heading."""
    blocks = re.findall(r"(?:^\|.*\n)+", PAGE, re.MULTILINE)
    return [
        [[cell.strip() for cell in row.strip("|").split("|")] for row in block.splitlines()[2:]] for block in blocks
    ]


def value(name: str) -> object:
    """A constant, or the default of a setting, by its dotted name."""
    module, _, rest = name.rpartition(".")
    try:
        return getattr(import_module(module), rest)
    except ModuleNotFoundError:
        module, _, owner = module.rpartition(".")
        return getattr(import_module(module), owner).model_fields[rest].default


def number(text: str) -> float:
    """What `100 MiB` or `1,200` says."""
    found = re.fullmatch(r"([\d,.]+)\s?(\w*)", text)
    assert found is not None, text
    return float(found[1].replace(",", "")) * UNITS[found[2]]


def test_every_test_that_is_named_is_there() -> None:
    named = re.findall(r"`(test_\w+)::(\w+)`", PAGE)
    assert len(named) > 50
    assert [f"{file}::{test}" for file, test in named if test not in known_tests()[file]] == []


def test_every_line_names_a_test() -> None:
    rows = [row for table in tables() for row in table]
    assert len(rows) > 25
    assert [row[0] for row in rows if not re.search(r"`test_\w+::\w+`", row[-1])] == []


#: What each bound is said to be, by the name it is set under; a line may have several, with semicolons between them.
BOUNDS = [
    (name.strip().strip("`"), said.strip())
    for table in tables()
    for row in table
    if len(row) == 4 and re.match(r"`[\w.]+`", row[2])
    for name, said in zip(row[2].split(";"), row[1].split(";"), strict=True)
]


@pytest.mark.parametrize(("name", "said"), BOUNDS)
def test_a_bound_is_what_the_code_has(name: str, said: str) -> None:
    assert value(name) == number(said)


def test_there_are_bounds() -> None:
    assert len(BOUNDS) > 15


def test_the_page_is_two_pages_at_most() -> None:
    assert len(PAGE.split()) < 1_300


def test_it_says_how_to_report() -> None:
    assert "(../SECURITY.md)" in PAGE
    assert "Report a vulnerability" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
