"""Names that a model chose."""

from pathlib import Path

import pytest

from cli.save_artifact import safe_name, save


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("report.md", "report.md"),
        ("src/app/main.py", "src/app/main.py"),
        ("../../etc/passwd", "etc/passwd"),
        ("/etc/passwd", "etc/passwd"),
        ("C:\\Windows\\evil.dll", "C/Windows/evil.dll"),
        ("..\\evil", "evil"),
        (".git/hooks/pre-commit", "git/hooks/pre-commit"),
        ("a/./b/../c.txt", "a/b/c.txt"),
        ("nul", "nul_"),
        ("con.txt", "con.txt_"),
        ("  spaced  name .md", "spaced_name_.md"),
        ("bell\x07\x1b[0m\x00.txt", "bell[0m.txt"),
        ("what?.txt:stream", "what_.txt_stream"),
        ("", "artifact"),
        ("../..", "artifact"),
        ("x" * 300 + ".json", "x" * 95 + ".json"),
        ("/".join("abcdefgh"), "c/d/e/f/g/h"),
    ],
)
def test_a_name_cannot_leave_hide_or_harm(name: str, safe: str) -> None:
    assert str(safe_name(name)) == safe


def test_the_same_content_is_written_once_and_another_beside_it(tmp_path: Path) -> None:
    folder = tmp_path / "made" / "here"

    first = save(folder, "a/b.txt", b"one")
    same = save(folder, "a/b.txt", b"one")
    other = save(folder, "a/b.txt", b"two")

    assert (first.path, first.renamed) == (folder / "a" / "b.txt", False)
    assert same == first
    assert (other.path, other.renamed) == (folder / "a" / "b-2.txt", True)
    assert first.path.read_bytes() == b"one"
    assert other.path.read_bytes() == b"two"


def test_a_link_is_never_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside.txt"
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a.txt").symlink_to(outside)

    saved = save(folder, "a.txt", b"x")

    assert not outside.exists()
    assert saved.path == folder / "a-2.txt"
