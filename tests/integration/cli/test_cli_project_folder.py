"""Which files of a folder are sent, beside what git itself would choose."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cli import project_folder
from cli.failures import CliError
from cli.project_folder import read_folder
from cli.secret_files import secret_content, secret_name
from shared.workspace.intake import IncomingFile

PRIVATE_KEY = "-----BEGIN OPENSSH " + "PRIVATE KEY-----\nabc\n"


def make(folder: Path, files: dict[str, str | bytes]) -> Path:
    for path, content in files.items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content if isinstance(content, bytes) else content.encode())
    return folder


def chosen(folder: Path) -> list[str]:
    return [file.path for file in read_folder(folder).files]


IGNORING = {
    ".gitignore": "*.log\n!keep.log\n/build/\ndocs/*.tmp\n**/deep/*.x\nsp\\ ace\n# a comment\ntrailing \n",
    "a.log": "",
    "keep.log": "",
    "build/out.js": "",
    "src/build/kept.js": "",
    "docs/a.tmp": "",
    "docs/inner/b.tmp": "",
    "x/deep/a.x": "",
    "sp ace": "",
    "trailing": "",
    "src/.gitignore": "*.py\n!main.py\nlocal/\n",
    "src/main.py": "",
    "src/other.py": "",
    "src/local/x.md": "",
    "src/inner/.gitignore": "!other.py\n",
    "src/inner/other.py": "",
    "src/inner/more.py": "",
    "src/keep.log": "",
}


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_files_are_those_that_git_would_add(tmp_path: Path) -> None:
    folder = make(tmp_path / "repo", IGNORING)
    without_repository = chosen(folder)
    subprocess.run(["git", "init", "-q"], cwd=folder, check=True)
    listed = subprocess.run(
        ["git", "ls-files", "--others", "--exclude-standard"], cwd=folder, check=True, capture_output=True, text=True
    )
    assert chosen(folder) == without_repository == sorted(listed.stdout.splitlines())
    make(folder, {".git/info/exclude": "kept.js\nkeep.log\n"})
    assert set(without_repository) - set(chosen(folder)) == {"src/build/kept.js"}  # a .gitignore has the last word
    # The rules of the repository hold in a folder of it.
    assert chosen(folder / "src" / "inner") == [".gitignore", "other.py"]


def test_what_is_left_out_is_named_with_its_reason(tmp_path: Path) -> None:
    folder = make(
        tmp_path,
        {
            ".gitignore": "ignored/\n",
            "ignored/a": "",
            ".git/HEAD": "x",
            "node_modules/x/index.js": "",
            "pkg/__pycache__/a.pyc": "",
            "stray.pyc": "",
            "env/pyvenv.cfg": "",
            "env/bin/python": "",
            ".env": "PASSWORD=x",
            ".env.example": "PASSWORD=",
            "config/key.txt": PRIVATE_KEY,
            "main.py": "print()",
            "logo.png": b"\0\1",
            "empty": "",
        },
    )
    (folder / "link").symlink_to("/etc/passwd")
    os.mkfifo(folder / "pipe")
    (folder / "run.sh").write_text("#!/bin/sh\n")
    (folder / "run.sh").chmod(0o755)
    found = read_folder(folder)
    assert [(file.path, file.executable) for file in found.files] == [
        (".env.example", False),
        (".gitignore", False),
        ("empty", False),
        ("logo.png", False),
        ("main.py", False),
        ("run.sh", True),
    ]
    assert {left.path: left.reason for left in found.left_out} == {
        ".env": "its name is that of a file with secrets",
        ".git": "it is a cache, a repository or installed code",
        "config/key.txt": "it seems to hold a private key",
        "env": "it is a virtual environment",
        "ignored": "it is ignored by .gitignore",
        "link": "it is a symbolic link",
        "node_modules": "it is a cache, a repository or installed code",
        "pipe": "it is no regular file",
        "pkg/__pycache__": "it is a cache, a repository or installed code",
        "stray.pyc": "it is a cache, a repository or installed code",
    }
    assert IncomingFile("logo.png", b"\0\1") in list(found.contents())
    allowed = read_folder(folder, allowed={".env", "config/key.txt"})
    assert {".env", "config/key.txt"} < {file.path for file in allowed.files}


@pytest.mark.parametrize(
    ("files", "why"),
    [
        ({"a:b.txt": ""}, "Windows"),
        ({"src/A.py": "", "src/a.py": ""}, "differ only in case"),
        ({"nul": ""}, "reserved"),
    ],
)
def test_a_path_that_a_workspace_cannot_have_is_named(files: dict[str, str | bytes], why: str, tmp_path: Path) -> None:
    with pytest.raises(CliError, match=why):
        read_folder(make(tmp_path, files))


def test_bounds_are_told_before_anything_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make(tmp_path, {f"{n}.txt": "12345" for n in range(5)})
    monkeypatch.setattr("shared.workspace.tree.MAX_FILES", 4)
    with pytest.raises(CliError, match="at most 4 files"):
        read_folder(folder)
    monkeypatch.setattr("shared.workspace.tree.MAX_FILES", 5)
    monkeypatch.setattr("shared.workspace.tree.MAX_BYTES", 24)
    with pytest.raises(CliError, match="at most 24 bytes"):
        read_folder(folder)
    monkeypatch.setattr(project_folder, "MAX_LOOKED_AT", 4)
    with pytest.raises(CliError, match="more than 4 files and folders"):
        read_folder(folder)
    with pytest.raises(CliError, match="is no folder"):
        read_folder(folder / "0.txt")


def test_a_file_that_changes_while_it_is_sent_is_told(tmp_path: Path) -> None:
    found = read_folder(make(tmp_path, {"a": "1", "b": "2"}))
    (tmp_path / "b").write_text("longer")
    contents = found.contents()
    assert next(contents).path == "a"
    with pytest.raises(CliError, match="changed while"):
        next(contents)
    (tmp_path / "b").unlink()
    with pytest.raises(CliError, match="cannot be read"):
        list(found.contents())


@pytest.mark.parametrize("name", ["id_rsa", "deploy/id_ed25519", ".aws/credentials", "x.tfstate", ".env.production"])
def test_names_of_secrets(name: str) -> None:
    assert secret_name(name)


@pytest.mark.parametrize("name", ["id_rsa.pub", "env.py", "keys.py", "monkey.py", ".env.sample", "secrets.py"])
def test_names_that_only_look_like_it(name: str) -> None:
    assert not secret_name(name)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PRIVATE_KEY, "a private key"),
        ("key = '" + "AKIA" + "ABCDEFGHIJKLMNOP'", "an AWS access key"),
        ("token: gh" + "p_" + "a1" * 18, "a GitHub token"),
        ("OPENAI_API_KEY=sk" + "-proj-" + "x9" * 20, "a model provider's key"),
        ("AccountKey" + "=" + "A" * 86 + "==", "an Azure storage key"),
        ("-----BEGIN CERTIFICATE-----", None),
        ("the sk-learn way of doing it, task-oriented-and-hyphenated-beyond-reason", None),
        ("AKIA is a prefix", None),
    ],
)
def test_contents_of_secrets(content: str, kind: str | None) -> None:
    assert secret_content(content.encode()) == kind
