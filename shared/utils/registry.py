"""The built-in utils, collected from the files below the folders of the util space."""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

from shared.errors import NotFound
from shared.utils.folders import FOLDERS, ROOT
from shared.utils.util import Util


def collect(package: str, folder_id: str) -> Iterator[Util[Any]]:
    """Yield the utils of one folder's package, in the order of their files' names.

    Raises `ValueError` for a module without a `UTIL`, or with one whose id is not made of folder and file name.
    """
    where = importlib.import_module(f"{package}.{folder_id}")
    for info in pkgutil.iter_modules(where.__path__):
        util = getattr(importlib.import_module(f"{where.__name__}.{info.name}"), "UTIL", None)
        expected = f"{folder_id}.{info.name}"
        if not isinstance(util, Util) or util.id != expected:
            raise ValueError(f"{where.__name__}.{info.name}: end the module with UTIL = Util(id={expected!r}, ...)")
        yield util


#: By id, in the order that models see them.
UTILS: dict[str, Util[Any]] = {
    util.id: util for entry in FOLDERS if entry.id != ROOT for util in collect("shared.utils", entry.id)
}


def util_of(util_id: str) -> Util[Any]:
    """Return a built-in util; raises `NotFound`."""
    if util_id not in UTILS:
        raise NotFound(f"there is no util {util_id!r}")
    return UTILS[util_id]
