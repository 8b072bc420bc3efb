"""A canned deployment and the command line that talks to it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from canned_api import CannedApi, Cli, Ran

from cli.main import run


@pytest.fixture
def api() -> Iterator[CannedApi]:
    server = CannedApi()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def cli(api: CannedApi, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Cli:
    """Runs the command in this process against the canned server, from a folder that holds no key."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SWARMSTAR_URL", api.url)
    monkeypatch.delenv("SWARMSTAR_API_KEY", raising=False)

    def call(*arguments: str) -> Ran:
        monkeypatch.setattr("sys.argv", ["swarmstar", *arguments])
        with pytest.raises(SystemExit) as ended:
            run()
        out, err = capsys.readouterr()
        code = ended.value.code
        return Ran(code if isinstance(code, int) else 0, out, err)

    return call
