"""Log lines on a terminal."""

import logging
import sys

from local.host.logs import LineFormatter


def test_no_text_of_a_model_steers_the_terminal_of_the_host() -> None:
    try:
        raise ValueError("\x1b[2J\u202eanswer\U000e0041")
    except ValueError:
        record = logging.LogRecord("app", logging.ERROR, "", 0, "failed: %s", ("\x9b31m\u061cbad",), sys.exc_info())

    lines = LineFormatter().format(record).splitlines()

    assert lines[0].endswith("ERROR   app: failed: 31mbad")
    assert lines[-1] == "ValueError: [2Janswer"
