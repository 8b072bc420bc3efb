"""Which paths a workspace takes, and which it takes for the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import InvalidInput
from shared.store.port import Category
from shared.store.rules import document_key
from shared.workspace.paths import PathIndex, check_kept, check_path, fold, head_id, never_kept


@pytest.mark.parametrize(
    "path",
    [
        "a",
        "stockroom/templates/list.html",
        "pkg/__init__.py",
        ".github/workflows/ci.yml",
        "Dockerfile",
        "a b/c d.txt",
        ".env.example",
        "straße/Ünïcode 文.md",
        "console.log",
        "com10",
        "nullable.py",
        "a/" * 39 + "b",
        "x" * 255,
    ],
)
def test_a_path_that_every_system_can_have_is_taken(path: str) -> None:
    assert check_kept(path) == path


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("", "is empty"),
        ("/etc/passwd", "absolute"),
        ("~/x", "absolute"),
        ("C:/x", "absolute"),
        ("c:\\x", "absolute"),
        ("c:x", "Windows"),
        ("../x", "climbs"),
        ("a/../../x", "climbs"),
        ("a//b", "empty segment"),
        ("a/", "empty segment"),
        ("./a", "empty segment"),
        ("a/./b", "empty segment"),
        ("a\\b", "Windows"),
        ("a:b", "Windows"),
        ("what?", "Windows"),
        ("a|b", "Windows"),
        ("nul", "reserved"),
        ("src/Con.txt", "reserved"),
        ("src/aux .tar.gz", "reserved"),
        ("LPT1", "reserved"),
        ("com¹", "reserved"),
        ("a./b", "dot or a space"),
        ("a /b", "dot or a space"),
        ("a\0b", "control"),
        ("a\nb", "control"),
        ("a\u2028b", "control"),
        ("a\x85b", "control"),
        ("\ud800", "Unicode"),
        ("x" * 256, "255 bytes"),
        ("é" * 200, "255 bytes"),
        ("ab/" * 170 + "abc", "too long"),
        ("a/" * 40 + "b", "too long"),
    ],
)
def test_any_other_is_refused_by_name(path: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why) as refused:
        check_path(path)
    assert repr(path[:200]) in str(refused.value)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("pkg/__pycache__/a.cpython-311.pyc", "__pycache__"),
        ("a/.GIT/config", ".GIT"),
        ("node_modules/x/index.js", "node_modules"),
        ("old.pyc", "old.pyc"),
        (".venv/bin/python", ".venv"),
        ("a/.DS_Store", ".DS_Store"),
    ],
)
def test_caches_repositories_and_installed_code_never_enter(path: str, found: str) -> None:
    assert never_kept(path) == found
    with pytest.raises(InvalidInput, match="is not kept"):
        check_kept(path)


@pytest.mark.parametrize("path", [".gitignore", ".github/x", "pycache/x.py", "venv.py", "my_node_modules/x"])
def test_what_only_looks_like_it_enters(path: str) -> None:
    assert never_kept(path) is None


@pytest.mark.parametrize(("one", "other"), [("A/b.TXT", "a/B.txt"), ("caf\u00e9", "cafe\u0301"), ("STRASSE", "straße")])
def test_case_and_composition_make_no_other_head(one: str, other: str) -> None:
    assert fold(one) == fold(other)
    assert head_id(one) == head_id(other)


def test_a_head_has_a_key_of_its_own() -> None:
    assert document_key(Category.WORKSPACE, head_id("a.py")) == "workspace_" + head_id("a.py")
    assert len(head_id("a.py")) == 32
    assert head_id("a.py") != head_id("b.py")


@pytest.mark.parametrize(
    ("there", "new", "named"),
    [
        ("src/a.py", "src/A.py", "src/a.py"),
        ("src/a.py", "SRC/b.py", "src/"),
        ("src", "src/a.py", "src"),
        ("a/b/c", "a/b", "a/b/"),
        ("a/b/c", "A", "a/"),
        ("caf\u00e9/x", "cafe\u0301/y", "caf\u00e9/"),
    ],
)
def test_paths_that_cannot_lie_side_by_side_are_refused_by_name(there: str, new: str, named: str) -> None:
    index = PathIndex([there])
    assert index.clash(new) == named
    with pytest.raises(InvalidInput, match="clashes with"):
        index.add(new)
    index.remove(there)
    index.add(new)


def test_a_copy_of_an_index_changes_alone() -> None:
    index = PathIndex(["a/b", "a/c"])
    copied = index.copy()
    copied.remove("a/b")
    copied.remove("a/c")
    copied.add("a")
    assert index.clash("a") == "a/"
    assert index.clash("a/d") is None


SEGMENTS = st.lists(st.sampled_from(["a", "A", "b", "é", "e\u0301"]), min_size=1, max_size=3)
PATHS = st.lists(SEGMENTS.map("/".join), max_size=8)


@given(PATHS, PATHS)
def test_what_an_index_holds_lies_side_by_side_whatever_came_and_went(added: list[str], removed: list[str]) -> None:
    index = PathIndex()
    there: set[str] = set()
    for path in added:
        if index.clash(path) is None:
            index.add(path)
            there.add(path)
    for path in removed:
        index.remove(path)
        there.discard(path)
    fresh = PathIndex(sorted(there))  # raises if two of them clash
    for path in added + removed:
        assert (index.clash(path) is None) == (fresh.clash(path) is None)
