"""Patches that git applies."""

import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.workspace.git_patch import PatchSide, file_patch

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")

Side = PatchSide | None


def put(folder: Path, path: str, side: Side) -> None:
    target = folder / path
    if side is None:
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(side.content)
    target.chmod(0o755 if side.executable else 0o644)


def git(folder: Path, *arguments: str, stdin: bytes = b"") -> None:
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


def there(folder: Path, path: str) -> Side:
    target = folder / path
    return PatchSide(target.read_bytes(), bool(target.stat().st_mode & 0o100)) if target.exists() else None


def check(folder: Path, path: str, before: Side, after: Side) -> None:
    """Git makes of one side the other, and back."""
    put(folder, path, before)
    patch = file_patch(path, before, after)
    git(folder, "apply", "--whitespace=nowarn", "-", stdin=patch)
    assert there(folder, path) == after
    git(folder, "apply", "--whitespace=nowarn", "-R", "-", stdin=patch)
    assert there(folder, path) == before


TEXT = b"".join(b"line %d\n" % number for number in range(40))
BINARY = bytes(range(256)) * 3


@pytest.mark.parametrize("path", ["a.txt", "deep/in a folder/stra\u00dfe.txt"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        (None, PatchSide(b"new\n")),
        (None, PatchSide(b"no newline")),
        (None, PatchSide(b"")),
        (None, PatchSide(BINARY, True)),
        (PatchSide(b"old\n"), None),
        (PatchSide(b""), None),
        (PatchSide(BINARY), None),
        (PatchSide(b"a\n"), PatchSide(b"a\n", True)),
        (PatchSide(b"a\n", True), PatchSide(b"b\n")),
        (PatchSide(b"a"), PatchSide(b"a\n")),
        (PatchSide(b"a\n"), PatchSide(b"a")),
        (PatchSide(b"a"), PatchSide(b"b")),
        (PatchSide(b"a\n"), PatchSide(b"")),
        (PatchSide(b""), PatchSide(b"a\n")),
        (PatchSide(TEXT), PatchSide(TEXT.replace(b"line 3\n", b"x\ny\n").replace(b"line 30\n", b""))),
        (PatchSide(TEXT), PatchSide(TEXT.replace(b"line 3\n", b"x\n").replace(b"line 9\n", b""))),
        (PatchSide(TEXT), PatchSide(b"first\n" + TEXT + b"last")),
        (PatchSide(TEXT.replace(b"\n", b"\r\n")), PatchSide(TEXT.replace(b"\n", b"\r\n").replace(b"20", b"2\r0"))),
        (PatchSide("größe\n".encode("cp1252")), PatchSide("große\n".encode("cp1252"))),
        (PatchSide(BINARY), PatchSide(BINARY[1:])),
        (PatchSide(b"text\n"), PatchSide(BINARY * 40, True)),
        (PatchSide(b"-- a\n++ b\n"), PatchSide(b"-- c\n++ b\n")),
    ],
)
def test_git_applies_a_patch_and_takes_it_back(path: str, before: Side, after: Side, tmp_path: Path) -> None:
    check(tmp_path, path, before, after)


def test_what_did_not_change_makes_no_patch() -> None:
    assert file_patch("a", PatchSide(b"a"), PatchSide(b"a")) == b""
    assert file_patch("a", None, None) == b""


CONTENT = st.lists(st.sampled_from([b"a", b"b", b"c", b"\r"]), max_size=25).map(b"\n".join)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(CONTENT, CONTENT)
def test_git_applies_whatever_changed(tmp_path: Path, before: bytes, after: bytes) -> None:
    if before != after:
        check(tmp_path, "file", PatchSide(before), PatchSide(after))
