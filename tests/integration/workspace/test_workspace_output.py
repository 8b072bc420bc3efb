"""Files that come out of a workspace: as a patch that git applies, and as a zip file."""

import io
import os
import shutil
import subprocess
import zipfile
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from shared.errors import TooLarge
from shared.workspace.model import FileContent
from shared.workspace.state_diff import differences, patch_pieces
from shared.workspace.workspace import Workspace
from shared.workspace.zip_intake import ZipIntake
from shared.workspace.zip_output import zip_pieces
from tests.integration.workspace.workspace_world import Worker, WorkspaceWorld

PROJECT = {
    "shop/stock.py": b"one\r\ntwo\r\nthree\r\n",
    "shop/old.py": b"print('old')\n",
    "shop/name": b"a file that becomes a folder\n",
    "Readme": b"no newline",
    "logo.png": b"\x89PNG\0\1\2" * 50,
}
CHANGES = [
    ("edit", "shop/stock.py", "two", "2"),
    ("move", "shop/old.py", "shop/new.py"),
    ("delete", "shop/name"),
    ("write", "shop/name/inner.py", "inner\n"),
    ("move", "Readme", "README"),
    ("append", "README", " now\n"),
    ("write_bytes", "logo.png", b"\x89PNG\0\3" * 40),
    ("write", "an empty file.txt", "x"),
    ("write", "an empty file.txt", ""),
]


async def joined(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


def apply(folder: Path, patch: bytes) -> None:
    command = ["git", "apply", "--whitespace=nowarn", "-"]
    done = subprocess.run(command, cwd=folder, input=patch, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()


async def states(world: WorkspaceWorld) -> tuple[Workspace, Mapping[str, FileContent], Mapping[str, FileContent]]:
    """What was handed over, and what a node made of it."""
    handed = await world.hand_over(PROJECT)
    (node,) = await world.create_nodes(1, workspace=handed.seq)
    await Worker(world, node, CHANGES).run()
    workspace = world.workspace
    current = await workspace.current()
    trees = [await workspace.tree(snapshot) for snapshot in (current.handed_over, current.snapshot)]
    return workspace, trees[0].files, trees[1].files


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
async def test_git_applies_the_patch_to_what_was_handed_over(local_world: WorkspaceWorld, tmp_path: Path) -> None:
    workspace, before, after = await states(local_world)
    folder = tmp_path / "project"
    for path, content in PROJECT.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    patch = await joined(patch_pieces(before, after, workspace.contents))
    apply(folder, patch)
    found = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert found == await local_world.files()
    assert found["README"] == b"no newline now\n"
    assert [difference.path for difference in differences(before, after)] == [
        "README",
        "Readme",
        "an empty file.txt",
        "logo.png",
        "shop/name",
        "shop/name/inner.py",
        "shop/new.py",
        "shop/old.py",
        "shop/stock.py",
    ]


async def test_a_zip_file_of_a_state_holds_it_and_comes_back_in(any_world: WorkspaceWorld) -> None:
    handed = await any_world.hand_over(PROJECT)
    workspace = any_world.workspace
    files = workspace.files(await workspace.draft(handed.snapshot))
    await files.apply(await files.write_bytes("run.sh", b"#!/bin/sh\n", executable=True))
    listed = dict(files.files())
    zipped = await joined(zip_pieces(listed, workspace.contents))
    assert zipped == await joined(zip_pieces(listed, workspace.contents))
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        assert archive.testzip() is None
    taken = {file.path: (file.content, file.executable) for file in ZipIntake(io.BytesIO(zipped))}
    assert taken == {**{path: (content, False) for path, content in PROJECT.items()}, "run.sh": (b"#!/bin/sh\n", True)}


async def test_output_over_its_bound_is_refused(local_world: WorkspaceWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    handed = await local_world.hand_over({f"{n}.bin": b"\0" + os.urandom(500_000) for n in range(3)})
    workspace = local_world.workspace
    tree = await workspace.tree(handed.snapshot)
    monkeypatch.setattr("shared.workspace.zip_output.MAX_ZIP", 1_200_000)
    monkeypatch.setattr("shared.workspace.state_diff.MAX_PATCH", 1_200_000)
    for pieces in (zip_pieces(tree.files, workspace.contents), patch_pieces({}, tree.files, workspace.contents)):
        given: list[int] = []
        with pytest.raises(TooLarge):
            await gather_sizes(pieces, given)
        assert 500_000 < sum(given) < 1_200_000


async def gather_sizes(pieces: AsyncIterator[bytes], sizes: list[int]) -> None:
    async for piece in pieces:
        sizes.append(len(piece))
