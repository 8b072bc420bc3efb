"""The sandbox port: run one command on a copy of some files, with nothing of the host within reach.

Every adapter passes `tests/integration/sandbox`: the conformance suite and the escape suite.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

from shared.errors import InvalidInput
from shared.sandbox.commands import check_command
from shared.sandbox.paths import check_paths
from shared.types import SpaceKey, check_item_id

MIB = 1 << 20
#: Seconds a run may be given: the shortest that hosted sessions allow, with room for moving files.
MAX_SECONDS = 200.0
#: Bytes a run may be handed on its standard input.
MAX_STDIN = 4 * MIB
#: Files and bytes a run may be handed: a whole workspace.
MAX_FILES = 5_000
MAX_BYTES = 100 * MIB

#: Why a run was stopped before it ended by itself. `time`, `memory`, `output`, `disk` (bytes) and `files` (their number
#: or depth) are limits; `crash` is an end of the interpreter that no limit explains.
StopReason = Literal["time", "memory", "output", "disk", "files", "crash"]
#: `not_approved`: known to exist, but not on the deployment's list of packages. `not_here`: on the list or part of
#: Python, but this engine cannot have it. `unknown`: nothing by that name is known to exist.
MissingKind = Literal["not_approved", "not_here", "unknown"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one run; what is over one of the port's own bounds raises `InvalidInput`."""

    #: Wall time in seconds.
    seconds: float = 60.0
    #: Bytes of memory.
    memory: int = 256 * MIB
    #: Bytes kept of the standard output and of the standard error, each: the beginning and the end. A program that
    #: writes many times more is stopped.
    output: int = 200_000
    #: Bytes of one file.
    file_size: int = 16 * MIB
    #: Bytes by which all files may grow.
    disk: int = 64 * MIB
    #: Files and folders that may be added.
    files: int = 2_000

    def __post_init__(self) -> None:
        bounds = {
            "seconds": (0.1, MAX_SECONDS),
            "memory": (64 * MIB, 2_048 * MIB),
            "output": (1_000, 4 * MIB),
            "file_size": (1, 256 * MIB),
            "disk": (1, 512 * MIB),
            "files": (1, 20_000),
        }
        for name, (least, most) in bounds.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidInput(f"the run's limit {name} must be from {least:,} to {most:,}")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """One command on a copy of some files; raises `InvalidInput` for what no sandbox would take."""

    #: Whose swarm it is: runs are shared out fairly among users, and no session serves two spaces.
    space: SpaceKey
    #: Names the runs that may see each other's leftovers in a hosted session: a node, or one check of its work.
    session: str
    #: Arguments without a shell: `python`, `pytest`, `python -m NAME`, or the path of a script among the files.
    command: tuple[str, ...]
    #: Contents by relative POSIX path; the working directory is their root.
    files: Mapping[str, bytes] = field(default_factory=dict)
    stdin: bytes = b""
    limits: Limits = Limits()

    def __post_init__(self) -> None:
        check_item_id(self.session, "session")
        check_command(self.command)
        check_paths(self.files)
        if len(self.files) > MAX_FILES:
            raise InvalidInput(f"a run takes {MAX_FILES:,} files at most; there are {len(self.files):,}")
        if (size := sum(map(len, self.files.values()))) > MAX_BYTES:
            raise InvalidInput(f"a run takes {MAX_BYTES:,} bytes of files at most; there are {size:,}")
        if len(self.stdin) > MAX_STDIN:
            raise InvalidInput(f"a run takes {MAX_STDIN:,} bytes of input at most; there are {len(self.stdin):,}")


@dataclass(frozen=True, slots=True)
class Traits:
    """An engine, and the means that a program has in it: what may be told to a model or a person."""

    #: `wasm`, `native` or `sessions`.
    name: str
    #: What keeps the program in, in a few words: `WebAssembly, Landlock, seccomp`.
    isolation: str
    #: Versions of what runs it, by name: `python`, `wasmtime`.
    versions: Mapping[str, str]
    threads: bool
    #: Programs other than Python can be started by the program.
    other_programs: bool
    #: Packages with compiled parts can be imported.
    compiled_packages: bool


@dataclass(frozen=True, slots=True)
class MissingModule:
    """A module that the run could not import."""

    #: The top-level name, as imported.
    name: str
    kind: MissingKind

    @property
    def exists(self) -> bool:
        """Whether a deployment could provide it: then what needed it is open, otherwise it has failed."""
        return self.kind != "unknown"


@dataclass(frozen=True, slots=True)
class Used:
    """Resources that a run used; None where the engine cannot tell."""

    #: Wall time from the start of the program to its end.
    seconds: float
    cpu_seconds: float | None = None
    #: Bytes of memory at the peak.
    memory: int | None = None
    #: Bytes written to the standard output and error, also those that were not kept.
    output: int = 0


@dataclass(frozen=True, slots=True)
class RunResult:
    """All that is left of a run."""

    #: 0 to 255; None if the program did not end by itself.
    exit_code: int | None
    #: None if the program ended by itself.
    stopped: StopReason | None
    #: UTF-8 with replacement characters; where the middle was left out, a line in brackets says how many bytes.
    stdout: str
    stderr: str
    #: Whether something of stdout or stderr was left out.
    truncated: bool
    #: Contents of the files that are new or different.
    changed: Mapping[str, bytes]
    #: Paths of those that were handed over and are gone.
    deleted: frozenset[str]
    #: Files that were made and are not handed back, each with the reason: a name that is not portable, a link, too
    #: many. At most 20 are named.
    left_out: tuple[str, ...]
    #: Modules that were lacking, if the program did not succeed.
    missing: tuple[MissingModule, ...]
    used: Used
    traits: Traits

    @property
    def succeeded(self) -> bool:
        """Whether the program ended by itself with exit code 0."""
        return self.stopped is None and self.exit_code == 0


class Sandbox(Protocol):
    """Runs programs; it never raises for what a program does."""

    @property
    def traits(self) -> Traits:
        """The engine behind it."""
        ...

    async def run(self, request: RunRequest) -> RunResult:
        """Run one command and wait for its end; the files handed over are copied and never written to.

        A cancelled call kills the program before it returns. Raises `Unavailable` when no run can begin now.
        """
        ...

    async def close(self) -> None:
        """End every program and release processes, folders and connections."""
        ...
