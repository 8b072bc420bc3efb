"""How a command fails, and the exit codes it can end with.

CliError               the command could not do what was asked                  (exit 1)
├── Unreachable        nothing answers at the address, or the connection broke
└── Problem            the server answered with an error
"""

COMPLETED = 0
ERROR = 1
USAGE = 2
#: The swarm ended, and its directive was not completed.
NOT_COMPLETED = 3
#: Ctrl-C: what a shell gives a process that SIGINT ended.
INTERRUPTED = 130


class CliError(Exception):
    """What the user reads when a command cannot do what was asked."""


class Unreachable(CliError):
    """Nothing answers at the address, or the connection broke."""


class Problem(CliError):
    """The server answered with an error; `status` is its HTTP status, `retry_after` its wish in seconds."""

    def __init__(self, message: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.retry_after = retry_after

    @property
    def passes(self) -> bool:
        """Whether the same request may succeed a little later."""
        return self.status == 429 or self.status >= 500
