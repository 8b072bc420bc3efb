"""Runs a program as `python ARGUMENTS` does."""

import atexit
import importlib
import os
import random
import runpy
import sys
import tempfile
import types
import warnings
from contextlib import suppress
from dataclasses import dataclass

from swarmstar_guest import event_loop, threads
from swarmstar_guest.preload import forget_shadowed

_INTERRUPTED = 130
_USAGE = 2


@dataclass
class Program:
    """What is asked of the interpreter."""

    arguments: list[str]
    environment: dict[str, str]
    folder: str
    #: Folders of packages and of the standard library.
    path: list[str]


def run_program(program: Program) -> int:
    """Run it to its end; its exit code."""
    _prepare(program)
    code = _guarded(_launch, program.arguments)
    ended = _guarded(_finish)
    return (code or ended) & 0xFF


def _prepare(program: Program) -> None:
    os.environ.clear()
    os.environ.update(program.environment)
    sys.stdout.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    sys.stderr.reconfigure(line_buffering=True, encoding="utf-8", errors="backslashreplace")
    sys.stdin.reconfigure(encoding="utf-8", errors="surrogateescape")
    extra = [folder for folder in program.environment.get("PYTHONPATH", "").split(":") if folder]
    sys.path[:] = [*extra, *program.path]
    sys.dont_write_bytecode = True
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    random.seed()
    tempfile.tempdir = tempfile._name_sequence = None
    event_loop.install()
    sys.modules["__main__"] = types.ModuleType("__main__")
    os.chdir(program.folder)


def _guarded(step, *arguments) -> int:
    try:
        step(*arguments)
    except SystemExit as ended:
        return _exit_code(ended.code)
    except KeyboardInterrupt:
        return _INTERRUPTED
    except BaseException as error:
        _report(error)
        return 1
    return 0


def _exit_code(code: object) -> int:
    if code is None:
        return 0
    if isinstance(code, int):
        return code & 0xFF
    print(code, file=sys.stderr)
    return 1


def _report(error: BaseException) -> None:
    shown = error.__traceback__
    while shown and shown.tb_frame.f_globals.get("__name__", "").startswith(("swarmstar_", "runpy")):
        shown = shown.tb_next
    try:
        sys.excepthook(type(error), error.with_traceback(shown), shown)
    except BaseException:
        with suppress(BaseException):
            sys.__stderr__.write(f"{type(error).__name__}, of which no traceback can be shown\n")


def _finish() -> None:
    threads.finish()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()


def _launch(arguments: list[str]) -> None:
    waiting = list(arguments)
    while waiting and waiting[0].startswith("-") and waiting[0] != "-":
        if _option(waiting.pop(0), waiting):
            return
    if waiting and waiting[0] != "-":
        _run_file(waiting)
    else:
        _enter(["-", *waiting[1:]], "")
        _execute(sys.stdin.read(), "<stdin>")


def _option(option: str, rest: list[str]) -> bool:
    """Follow one option, which may be several in one; whether it named the program, which has then run."""
    if option in ("--version", "--help"):
        print(f"Python {sys.version.split()[0]}")
        return True
    for at, letter in enumerate(option[1:], start=2):
        if letter in "cmWX":
            value = option[at:] or (rest.pop(0) if rest else "")
            return _valued(letter, value, rest)
        if letter == "V":
            return _option("--version", rest)
        if letter not in "bBdEhIiOPqsSuvx":
            print(f"Unknown option: -{letter}", file=sys.stderr)
            sys.exit(_USAGE)
    return False


def _valued(letter: str, value: str, rest: list[str]) -> bool:
    if letter == "c":
        _enter(["-c", *rest], "")
        _execute(value, "<string>")
    elif letter == "m":
        _enter(["-m", *rest], os.getcwd())
        runpy._run_module_as_main(value)
    elif letter == "W":
        sys.warnoptions.append(value)
        warnings._processoptions([value])
        return False
    else:
        return False
    return True


def _run_file(arguments: list[str]) -> None:
    script = arguments[0]
    if os.path.isdir(script):
        _enter(arguments, script)
        runpy.run_path(script, run_name="__main__")
        return
    try:
        with open(script, "rb") as file:
            source = file.read()
    except OSError as error:
        print(f"python: can't open file {script!r}: [Errno {error.errno}] {error.strerror}", file=sys.stderr)
        sys.exit(_USAGE)
    _enter(arguments, os.path.dirname(os.path.abspath(script)))
    sys.modules["__main__"].__file__ = script
    _execute(source, script)


def _enter(argv: list[str], first: str) -> None:
    """Set what the program sees of its command line, and from where it imports first."""
    sys.argv = argv
    sys.path.insert(0, first)
    forget_shadowed({first or os.getcwd(), os.path.join(os.getcwd(), "src"), os.getcwd()})


def _execute(source: str | bytes, name: str) -> None:
    module = sys.modules["__main__"].__dict__
    module["__builtins__"] = __builtins__
    exec(compile(source, name, "exec", dont_inherit=True), module)
