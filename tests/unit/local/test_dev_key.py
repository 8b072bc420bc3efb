"""The key that a deployment on this machine leaves for its user, and who is sent it."""

import stat
from pathlib import Path

import pytest

from cli import options
from local.dev.key import local_key
from shared.tenancy.api_keys import parse


def test_a_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "state" / "api-key"
    key = local_key(path)
    assert parse(key)
    assert local_key(path) == key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_could_read_is_closed_to_them(tmp_path: Path) -> None:
    path = tmp_path / "api-key"
    path.write_text("mine\n")
    path.chmod(0o644)
    assert local_key(path) == "mine"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_empty_file_gets_a_key(tmp_path: Path) -> None:
    path = tmp_path / "api-key"
    path.touch()
    assert local_key(path) == path.read_text().strip()


def test_the_key_of_this_machine_is_sent_to_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(options, "KEY_FILE", tmp_path / "api-key")
    assert options.local_key("http://127.0.0.1:7071") is None
    key = local_key(tmp_path / "api-key")
    for url in ("http://127.0.0.1:7071", "http://localhost", "http://[::1]:7071"):
        assert options.local_key(url) == key
    for url in ("https://swarm.example", "http://127.0.0.1.swarm.example", "http://10.0.0.1", "nonsense"):
        assert options.local_key(url) is None
