"""Names that a model chose."""

import resource
import signal
from pathlib import Path

import pytest

from cli.failures import CliError
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
        ("報" * 300 + ".json", "報" * 31 + ".json"),
        ("é" * 300, "é" * 50),
        ("x." + "報" * 300, "x." + "報" * 29 + "." + "報" * 3),
        ("/".join("abcdefgh"), "c/d/e/f/g/h"),
    ],
)
def test_a_name_cannot_leave_hide_or_harm(name: str, safe: str) -> None:
    assert str(safe_name(name)) == safe


@pytest.mark.parametrize("name", ["報" * 300 + ".md", "👩" * 255, "/".join(["報" * 100] * 9), "x" * 300, "." * 300])
def test_a_name_of_any_length_can_be_saved(tmp_path: Path, name: str) -> None:
    first, second = save(tmp_path, name, b"one"), save(tmp_path, name, b"two")

    assert first.path.read_bytes() == b"one"
    assert second.path.read_bytes() == b"two"


def test_only_the_user_can_read_what_is_saved(tmp_path: Path) -> None:
    saved = save(tmp_path / "made", "a/b.txt", b"one")

    assert saved.path.stat().st_mode & 0o777 == 0o600
    assert [folder.stat().st_mode & 0o777 for folder in (saved.path.parent, tmp_path / "made")] == [0o700, 0o700]


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


def test_a_file_that_cannot_be_written_whole_is_not_left(tmp_path: Path) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handled = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000, before[1]))
    try:
        with pytest.raises(CliError, match=r"large\.bin cannot be saved"):
            save(tmp_path, "large.bin", bytes(10_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handled)
    assert list(tmp_path.iterdir()) == []
