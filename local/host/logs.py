"""Log lines a person can read: one line each, on stderr, never a body, never a header."""

import logging
import sys
import time

from cli.text import clean

#: The host's own logger.
log = logging.getLogger("swarmstar.host")


class LineFormatter(logging.Formatter):
    """`time level logger: message`, with a traceback behind it where there is one."""

    default_time_format = "%H:%M:%S"
    default_msec_format = "%s.%03d"

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """The line, without what an exception's text could steer the terminal with."""
        return clean(super().format(record))


def configure(level: str) -> None:
    """Send every logger's lines to stderr; for the command line, where the host owns the process."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(LineFormatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger().setLevel(max(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
    log.setLevel(level.upper())
    # Says on INFO, once per process, what an app cannot change.
    logging.getLogger("azure.functions.DurableFunctions").setLevel(logging.ERROR)


def milliseconds(since: float) -> str:
    """The time passed since `since`, a reading of `time.monotonic()`."""
    return f"{(time.monotonic() - since) * 1000:.1f} ms"
