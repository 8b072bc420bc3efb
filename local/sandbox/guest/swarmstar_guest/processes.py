"""`subprocess` for Python programs: each runs in an instance of its own over the same folders."""

import importlib.util
import io
import json
import os
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

PYTHON = "/usr/bin/python3"
_SHELL = frozenset("|&;<>()$`*?~\n")

_run_child: Callable[[str], str]


def python_arguments(args: Any, *, shell: bool, executable: str | None) -> list[str]:
    """What follows `python` to run the command; raises `FileNotFoundError` for other programs."""
    if isinstance(args, str | bytes | os.PathLike):
        line = os.fsdecode(args)
        if shell and _SHELL.intersection(line):
            raise FileNotFoundError(2, "the sandbox has no shell", line)
        args = shlex.split(line) if shell else [line]
    arguments = [os.fsdecode(arg) for arg in args]
    program = os.path.basename(executable or arguments[0])
    if program.partition(".")[0] in ("python", "python3"):
        return arguments[1:]
    if program in ("pytest", "flask") and importlib.util.find_spec(program):
        return ["-m", program, *arguments[1:]]
    if program.endswith(".py") and os.path.isfile(arguments[0]):
        return arguments
    raise FileNotFoundError(2, "the sandbox runs Python alone", arguments[0])


class Popen:
    """A child program. It starts when it is waited for, or its output is read."""

    def __init__(
        self,
        args: str | Sequence[str],
        bufsize: int = -1,
        executable: str | None = None,
        stdin: Any = None,
        stdout: Any = None,
        stderr: Any = None,
        *_: Any,
        shell: bool = False,
        cwd: Any = None,
        env: Mapping[str, str] | None = None,
        universal_newlines: bool | None = None,
        text: bool | None = None,
        encoding: str | None = None,
        errors: str | None = None,
        **__: Any,
    ) -> None:
        self.args, self.pid, self.returncode = args, 2, None
        self._asked = {
            "arguments": python_arguments(args, shell=shell, executable=executable),
            "folder": os.path.abspath(cwd or os.getcwd()),
            "environment": dict(os.environ if env is None else env),
        }
        self._coding = (
            (encoding or "utf-8", errors or "strict") if text or universal_newlines or encoding or errors else None
        )
        self._targets = {"stdout": stdout, "stderr": stderr}
        self._read: dict[str, Any] = {"stdout": None, "stderr": None}
        self._source = stdin
        self.stdin = self._stream(b"") if stdin == subprocess.PIPE else None
        self._given: bytes | None = None

    @property
    def stdout(self) -> Any:
        """The child's output, if it is piped."""
        return self._piped("stdout")

    @property
    def stderr(self) -> Any:
        """The child's errors, if they are piped."""
        return self._piped("stderr")

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[Any, Any]:
        """Run the child with this input; what it wrote."""
        if input is not None:
            self._given = input.encode(*self._coding) if isinstance(input, str) and self._coding else bytes(input)
        self._finish(timeout)
        return tuple(stream.read() if stream else None for stream in self._read.values())

    def wait(self, timeout: float | None = None) -> int:
        """Run the child to its end."""
        self._finish(timeout)
        return self.returncode

    def poll(self) -> int:
        """The same: it cannot run meanwhile."""
        return self.wait()

    def send_signal(self, _: int) -> None:
        """Nothing is running that a signal could reach."""

    def kill(self) -> None:
        """Nothing is running."""

    terminate = kill

    def __enter__(self) -> "Popen":
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()

    def _piped(self, name: str) -> Any:
        if self._targets[name] == subprocess.PIPE:
            self._finish(None)
        return self._read[name]

    def _finish(self, timeout: float | None) -> None:
        if self.returncode is not None:
            return
        sys.stdout.flush()
        sys.stderr.flush()
        asked = self._asked | {"stdin": self._input().decode("latin-1"), "timeout": timeout}
        answer = json.loads(_run_child(json.dumps(asked)))
        if answer["timed_out"] and timeout is not None:
            self.returncode = -9
            raise subprocess.TimeoutExpired(self.args, timeout, answer["stdout"].encode("latin-1"))
        self.returncode = answer["exit_code"]
        written = {name: answer[name].encode("latin-1") for name in ("stdout", "stderr")}
        if self._targets["stderr"] == subprocess.STDOUT:
            written = {"stdout": written["stdout"] + written["stderr"], "stderr": b""}
        for name, content in written.items():
            self._deliver(name, content)

    def _input(self) -> bytes:
        if self._given is not None:
            return self._given
        if self.stdin is not None:
            buffer = self.stdin.buffer if self._coding else self.stdin
            return buffer.getvalue() if not buffer.closed else buffer.kept
        if hasattr(self._source, "read"):
            content = self._source.read()
            return content.encode() if isinstance(content, str) else content
        return b""

    def _deliver(self, name: str, content: bytes) -> None:
        target = self._targets[name]
        if target == subprocess.PIPE:
            self._read[name] = self._stream(content)
        elif target is None:
            getattr(sys, name).write(content.decode(errors="replace"))
        elif isinstance(target, int):
            if target >= 0:
                os.write(target, content)
        else:
            target.flush()
            os.write(target.fileno(), content)

    def _stream(self, content: bytes) -> Any:
        kept = _Kept(content)
        if self._coding is None:
            return kept
        return io.TextIOWrapper(kept, *self._coding, newline=None, write_through=True)


class _Kept(io.BytesIO):
    """Bytes that outlive a close."""

    kept = b""

    def close(self) -> None:
        if not self.closed:
            self.kept = self.getvalue()
        super().close()


def install(run_child: Callable[[str], str]) -> None:
    """Put it in the place of the real one."""
    global _run_child
    _run_child = run_child
    subprocess.Popen = Popen
    sys.executable = PYTHON
    os.system = lambda command: Popen(command, shell=True).wait()
