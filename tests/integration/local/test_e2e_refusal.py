"""`make e2e BASE_URL=...` where there is no deployment: one line and a code, not a failure a test."""

import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def run(base_url: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/e2e/test_e2e_smoke.py"],
        cwd=ROOT,
        env=os.environ | {"BASE_URL": base_url},
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.parametrize(
    ("base_url", "told"),
    [
        ("http://127.0.0.1:9", "nothing answers at http://127.0.0.1:9: "),
        ("localhost:7071", "BASE_URL is localhost:7071; it must begin with http:// or https://"),
    ],
)
def test_where_nothing_answers(base_url: str, told: str) -> None:
    ended = run(base_url)

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"Exit: {told}" in ended.stderr
    assert "FAILED" not in ended.stdout
    assert "Traceback" not in ended.stdout


class Other(BaseHTTPRequestHandler):
    """A server that is no deployment."""

    def do_GET(self) -> None:
        self.send_error(404)

    def log_message(self, *_words: object) -> None:
        pass


def test_where_something_else_answers() -> None:
    with HTTPServer(("127.0.0.1", 0), Other) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}"
        ended = run(url)
        server.shutdown()

    assert ended.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"Exit: {url}/api/health answers 404: no deployment" in ended.stderr
