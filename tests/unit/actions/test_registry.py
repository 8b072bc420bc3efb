"""The registry: every action's file is collected, and one that would be missed or misnamed is refused."""

from pathlib import Path

import pytest

import shared.actions
from shared.actions.folders import FOLDERS, ROOT
from shared.actions.registry import ACTIONS, REVIEW, action_of, collect
from shared.errors import NotFound
from shared.spaces.space import BuiltinSpace

DECLARES = """
from shared.actions.action import Action
from shared.swarm.outcomes import Terminate

async def perform(ctx) -> Terminate:
    return Terminate(report="Done.")

ACTION = Action(id={action_id!r}, name="rhyme", description="Rhyme.", perform=perform)
"""


def test_every_file_in_a_folder_of_actions_is_collected() -> None:
    root = Path(str(shared.actions.__file__)).parent
    files = {path.relative_to(root) for path in root.rglob("*.py") if path.name != "__init__.py"}
    in_folders = {".".join(path.with_suffix("").parts) for path in files if len(path.parts) > 1}
    missed = in_folders - {*ACTIONS, REVIEW.id}
    assert not missed, (
        f"no registry collects {', '.join(sorted(missed))}: declare the folder in shared/actions/folders.py, "
        "give its package an __init__.py, and put the file directly into it"
    )


def test_the_actions_and_their_folders_make_one_tree() -> None:
    space = BuiltinSpace((*FOLDERS, *(action.metadata for action in ACTIONS.values())))
    assert space.root_id == ROOT
    assert all(space.listed(entry.id) for entry in FOLDERS)


def test_what_is_not_offered_is_found_by_no_id() -> None:
    assert action_of("writing.write_document").name == "write document"
    for action_id in ("nothing.like_it", REVIEW.id):
        with pytest.raises(NotFound):
            action_of(action_id)


def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, **files: str) -> None:
    """Make the package `name`, whose folder `writing` holds the given modules."""
    folder = tmp_path / name / "writing"
    folder.mkdir(parents=True)
    for path in (tmp_path / name / "__init__.py", folder / "__init__.py"):
        path.touch()
    for module, text in files.items():
        (folder / f"{module}.py").write_text(text)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_a_new_file_needs_no_other_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package(tmp_path, monkeypatch, "more_actions", rhyme=DECLARES.format(action_id="writing.rhyme"))
    assert [action.id for action in collect("more_actions", "writing")] == ["writing.rhyme"]


@pytest.mark.parametrize(
    ("name", "text"),
    [("bare_actions", ""), ("misnamed_actions", DECLARES.format(action_id="writing.verse"))],
)
def test_a_file_that_declares_no_action_or_another_one_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    package(tmp_path, monkeypatch, name, rhyme=text)
    with pytest.raises(ValueError, match=r"end the module with ACTION = Action\(id='writing.rhyme'"):
        list(collect(name, "writing"))
