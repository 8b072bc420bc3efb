"""What a run may be asked: commands, file names and limits."""

import pytest

from shared.errors import InvalidInput
from shared.sandbox import Limits, RunRequest
from shared.sandbox.commands import python_arguments, unsupported
from shared.sandbox.paths import path_fault
from shared.sandbox.port import MAX_STDIN
from shared.types import SpaceKey

SPACE = SpaceKey("u", "s")


def request(command: tuple[str, ...] = ("python", "a.py"), **fields: object) -> RunRequest:
    return RunRequest(SPACE, "node", command, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        (("python", "a.py", "-x"), ("a.py", "-x")),
        (("python3.11", "-c", "1"), ("-c", "1")),
        (("python",), ()),
        (("pytest", "-q"), ("-m", "pytest", "-q")),
        (("python", "-m", "shop"), ("-m", "shop")),
        (("tools/build.py", "all"), ("tools/build.py", "all")),
    ],
)
def test_commands_of_python_are_taken(command: tuple[str, ...], arguments: tuple[str, ...]) -> None:
    assert unsupported(command) is None
    assert python_arguments(request(command).command) == arguments


@pytest.mark.parametrize(
    "command", [(), ("",), ("npm", "test"), ("sh", "-c", "pytest"), ("/bin/python",), ("pythonx",)]
)
def test_other_commands_are_refused_by_name(command: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput, match=r"cannot be run here|name a program"):
        request(command)


@pytest.mark.parametrize("argument", ["a\0b", "\ud800"])
def test_arguments_that_cannot_be_passed_on_are_refused(argument: str) -> None:
    with pytest.raises(InvalidInput, match="cannot be passed on"):
        request(("python", argument))


def test_endless_commands_are_refused() -> None:
    with pytest.raises(InvalidInput, match="200 arguments"):
        request(("python", *["x"] * 200))
    with pytest.raises(InvalidInput, match="100,000 characters"):
        request(("python", "x" * 100_000))


@pytest.mark.parametrize(
    "path",
    ["", "/etc/passwd", "../a", "a/../b", "a//b", "a/", "./a", "a\\b", "C:a", "a\nb", "nul", "sub/COM1.txt", "a.", "a "]  # noqa: RUF005
    + ["x" * 256, "a/" * 32 + "b", "é" * 128, "x/" * 300, "\udc80"],
)
def test_paths_that_are_not_portable_are_refused(path: str) -> None:
    assert path_fault(path)
    with pytest.raises(InvalidInput, match="cannot be handed to a run"):
        request(files={path: b""})


@pytest.mark.parametrize("path", ["a", "a/b.py", ".gitignore", "a b", "ä/ö.txt", "console.py", "a/" * 31 + "b"])
def test_portable_paths_are_taken(path: str) -> None:
    assert path_fault(path) is None
    assert request(files={path: b""}).files == {path: b""}


def test_a_file_cannot_be_a_folder_too() -> None:
    with pytest.raises(InvalidInput, match="'a/b' is a file and cannot be the folder of 'a/b/c'"):
        request(files={"a/b": b"", "a/b/c": b""})


def test_runs_are_bounded_in_what_they_are_handed() -> None:
    with pytest.raises(InvalidInput, match="5,000 files at most; there are 5,001"):
        request(files={f"f{n}": b"" for n in range(5_001)})
    big = bytes(1 << 20)
    with pytest.raises(InvalidInput, match="bytes of files at most"):
        request(files={f"f{n}": big for n in range(101)})
    with pytest.raises(InvalidInput, match="bytes of input at most"):
        request(stdin=bytes(MAX_STDIN + 1))
    with pytest.raises(InvalidInput, match="session"):
        RunRequest(SPACE, "a/b", ("python",))


@pytest.mark.parametrize(
    "limits",
    [{"seconds": 201}, {"seconds": 0}, {"seconds": float("nan")}, {"memory": 1}, {"output": 0}, {"disk": 0}]  # noqa: RUF005
    + [{"file_size": 1 << 40}, {"files": 0}],
)
def test_limits_have_bounds_themselves(limits: dict[str, float]) -> None:
    with pytest.raises(InvalidInput, match=f"limit {next(iter(limits))} must be"):
        Limits(**limits)  # type: ignore[arg-type]
