"""Commands that a sandbox takes: Python, as an argument list without a shell."""

import re

from shared.errors import InvalidInput

MAX_ARGUMENTS = 200
#: Characters of all arguments; Linux takes 128 KiB in one.
MAX_LENGTH = 100_000

_PYTHON = re.compile(r"python(3(\.\d+)?)?")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Programs of packages that are modules as well.
_MODULES = ("pytest", "flask", "unittest")


def unsupported(command: tuple[str, ...]) -> str | None:
    """Say why no engine can run the command; None if one can. A check of such a command stays open."""
    if not command or not command[0]:
        return "the command is empty: name a program"
    program = command[0]
    if _PYTHON.fullmatch(program) or program in _MODULES or program.endswith(".py"):
        return None
    return f"{program[:80]!r} cannot be run here: use python, pytest, python -m NAME, or the path of a .py file"


def check_command(command: tuple[str, ...]) -> None:
    """Raise `InvalidInput` for a command that cannot be run."""
    if fault := unsupported(command):
        raise InvalidInput(fault)
    if len(command) > MAX_ARGUMENTS or sum(map(len, command)) > MAX_LENGTH:
        raise InvalidInput(f"a command has {MAX_ARGUMENTS} arguments and {MAX_LENGTH:,} characters at most")
    if any("\0" in argument or _SURROGATE.search(argument) for argument in command):
        raise InvalidInput("an argument of the command has a character that cannot be passed on")


def python_arguments(command: tuple[str, ...]) -> tuple[str, ...]:
    """What follows `python` to run the command."""
    program, *rest = command
    if _PYTHON.fullmatch(program):
        return tuple(rest)
    if program in _MODULES:
        return ("-m", program, *rest)
    return command
