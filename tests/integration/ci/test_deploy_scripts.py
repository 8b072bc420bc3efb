"""The scripts of the deploy workflow, run for real."""

import json
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parents[3] / ".github"


class Closed(BaseHTTPRequestHandler):
    """A deployment that refuses everybody."""

    #: What is open although it must not be.
    hole = ""

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        forged = "x-ms-client-principal" in self.headers
        is_open = self.path == "/api/health" or self.hole in {self.path, self.command, forged and "forged"}
        self.send_response(200 if is_open else 401)
        self.end_headers()

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, format: str, *words: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Closed.hole = ""
    with ThreadingHTTPServer(("127.0.0.1", 0), Closed) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def bash(script: str, *words: str, **env: str) -> "subprocess.CompletedProcess[str]":
    command = ["bash", str(SCRIPTS / script), *words]
    return subprocess.run(command, env={"PATH": "/usr/bin:/bin"} | env, capture_output=True, text=True, timeout=60)


def test_a_deployment_that_refuses_everybody_passes(url: str) -> None:
    done = bash("smoke.sh", url, "5")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("401  ") == 5


@pytest.mark.parametrize("hole", ["/api/v1/swarms", "/api/v1/admin/users", "forged", "POST"])
def test_a_hole_is_found(url: str, hole: str) -> None:
    Closed.hole = hole
    done = bash("smoke.sh", url, "5")
    assert done.returncode == 1
    assert "must be refused" in done.stderr


def test_a_deployment_that_does_not_answer_fails() -> None:
    done = bash("smoke.sh", "http://127.0.0.1:9", "1")
    assert done.returncode == 1
    assert "did not answer" in done.stderr


def test_variables_are_handed_on(tmp_path: Path) -> None:
    given = {"AZURE_LOCATION": "westeurope", "DEPLOY_MODEL": "a b", "OTHER": "x", "XAZURE_A": "x"}
    done = bash("deploy-variables.sh", VARIABLES=json.dumps(given), GITHUB_ENV=str(tmp_path / "env"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "env").read_text() == "AZURE_LOCATION=westeurope\nDEPLOY_MODEL=a b\n"


def test_a_variable_cannot_set_another(tmp_path: Path) -> None:
    given = {"DEPLOY_MODEL": "x\nPATH=/tmp"}
    done = bash("deploy-variables.sh", VARIABLES=json.dumps(given), GITHUB_ENV=str(tmp_path / "env"))
    assert done.returncode != 0
    assert "PATH" not in (tmp_path / "env").read_text()
