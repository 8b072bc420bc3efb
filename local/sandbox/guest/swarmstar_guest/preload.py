"""Modules that are part of the component's memory image; all others are imported from mounted folders when needed."""

import importlib
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_STANDARD = """
abc argparse array ast asyncio base64 binascii bisect calendar cmath codecs collections.abc configparser contextlib
contextvars copy csv dataclasses datetime _strptime decimal difflib dis doctest email.message email.parser
email.policy email.utils encodings.ascii encodings.idna encodings.latin_1 encodings.utf_16 enum errno filecmp fnmatch
fractions functools gc getpass gettext glob gzip hashlib heapq hmac html html.entities html.parser http http.client
http.cookies http.server importlib.metadata importlib.resources inspect io ipaddress itertools json keyword linecache
locale logging logging.handlers math mimetypes numbers opcode operator pathlib pdb pickle pkgutil platform pprint
queue random re runpy secrets select selectors shlex shutil signal socket socketserver sqlite3 sqlite3.dbapi2 ssl stat
statistics string stringprep struct subprocess sysconfig tarfile tempfile textwrap threading timeit token tokenize
tomllib traceback types typing unicodedata unittest unittest.mock urllib.parse urllib.request uuid warnings weakref
xml.etree.ElementTree zipfile zlib zoneinfo concurrent.futures concurrent.futures.thread
"""
#: Of the deployment's packages, those that most runs use.
_PACKAGES = "pytest _pytest.pytester_assertions flask flask.testing werkzeug.serving click.testing jinja2.ext"


def load() -> None:
    """Import what there is of them."""
    for name in f"{_STANDARD} {_PACKAGES}".split():
        with suppress(ImportError):
            importlib.import_module(name)


def forget_shadowed(folders: Iterable[str]) -> None:
    """Have a program's own modules stand before those of the same name in the image, as they do for `python`."""
    for name in {name for folder in folders for name in _modules_in(Path(folder))} - {"__main__", "sys", "builtins"}:
        if getattr(sys.modules.get(name), "__file__", None):
            for loaded in [known for known in sys.modules if known == name or known.startswith(f"{name}.")]:
                del sys.modules[loaded]


def _modules_in(folder: Path) -> Iterable[str]:
    with suppress(OSError):
        for entry in folder.iterdir():
            if entry.suffix == ".py" or "." not in entry.name:
                yield entry.stem
