"""The built-in actions, collected from the files below the folders of the action space."""

import importlib
import pkgutil
from collections.abc import Iterator

from shared.actions.action import Action
from shared.actions.folders import FOLDERS, ROOT
from shared.actions.reasoning import review_reports
from shared.errors import NotFound


def collect(package: str, folder_id: str) -> Iterator[Action]:
    """The actions of one folder's package, in the order of their files' names.

    Raises `ValueError` for a module without an `ACTION`, or with one whose id is not made of folder and file name.
    """
    where = importlib.import_module(f"{package}.{folder_id}")
    for info in pkgutil.iter_modules(where.__path__):
        action = getattr(importlib.import_module(f"{where.__name__}.{info.name}"), "ACTION", None)
        expected = f"{folder_id}.{info.name}"
        if not isinstance(action, Action) or action.id != expected:
            raise ValueError(f"{where.__name__}.{info.name}: end the module with ACTION = Action(id={expected!r}, ...)")
        yield action


_COLLECTED = {
    action.id: action for entry in FOLDERS if entry.id != ROOT for action in collect("shared.actions", entry.id)
}

#: By id, those that the action space offers, in the order that routers see them.
ACTIONS: dict[str, Action] = {action_id: action for action_id, action in _COLLECTED.items() if action.offered}

#: What a manager performs when its children have ended.
REVIEW = review_reports.ACTION


def action_of(action_id: str) -> Action:
    """A built-in action; raises `NotFound`."""
    if action_id not in ACTIONS:
        raise NotFound(f"there is no action {action_id!r}")
    return ACTIONS[action_id]
