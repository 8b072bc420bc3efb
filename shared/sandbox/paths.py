"""Rules for file names that go into a sandbox or come out of it."""

from collections.abc import Iterable

from shared.errors import InvalidInput

MAX_PATH = 512
MAX_NAME = 255
MAX_DEPTH = 32
#: Not allowed in names on Windows; `/` separates names and is not among them.
_FORBIDDEN = frozenset('\\:*?"<>|\x7f')
_RESERVED = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))})


def path_fault(path: str) -> str | None:
    """Say why a path is not a portable relative POSIX path; None if it is one."""
    if not path or len(path) > MAX_PATH:
        return f"the path must have 1 to {MAX_PATH} characters"
    names = path.split("/")
    if len(names) > MAX_DEPTH:
        return f"the path is more than {MAX_DEPTH} folders deep"
    return next((fault for name in names if (fault := _name_fault(name))), None)


def _name_fault(name: str) -> str | None:
    if name in ("", ".", ".."):
        return "the path is absolute, climbs, or has an empty part"
    if len(name.encode("utf-8", "surrogateescape")) > MAX_NAME:
        return f"a name is longer than {MAX_NAME} bytes"
    if any(char in _FORBIDDEN or char < " " or "\ud800" <= char <= "\udfff" for char in name):
        return "a name has a character that is not portable"
    if name[-1] in " ." or name.partition(".")[0].rstrip().lower() in _RESERVED:
        return "a name is reserved on Windows"
    return None


def check_paths(paths: Iterable[str]) -> None:
    """Raise `InvalidInput` unless all paths are portable and no file stands in the place of another's folder."""
    known = set(paths)
    for path in known:
        if fault := path_fault(path):
            raise InvalidInput(f"{path[:120]!r} cannot be handed to a run: {fault}")
        if above := next((folder for folder in _folders(path) if folder in known), None):
            raise InvalidInput(f"{above!r} is a file and cannot be the folder of {path!r}")


def _folders(path: str) -> Iterable[str]:
    at = path.find("/")
    while at >= 0:
        yield path[:at]
        at = path.find("/", at + 1)
