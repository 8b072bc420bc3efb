"""host.json, local.settings.json and the environment."""

import json
import os
from datetime import timedelta

import pytest

from local.host.settings import HostSettings, SettingsError, apply_local_settings, expand, parse_timespan


def write(folder, **content):
    (folder / "host.json").write_text(json.dumps(content))


def test_without_host_json_the_defaults_are_those_of_azure(tmp_path):
    settings = HostSettings.load(tmp_path)
    assert settings.route_prefix == "api"
    assert settings.function_timeout == timedelta(minutes=30)
    assert settings.body_limit == 100 * 1024 * 1024


def test_host_json_is_read(tmp_path):
    durable = {"hubName": "H", "maxConcurrentActivityFunctions": 7, "maxConcurrentOrchestratorFunctions": 3}
    http = {"routePrefix": ""}
    write(tmp_path, version="2.0", functionTimeout="-1", extensions={"durableTask": durable, "http": http})
    settings = HostSettings.load(tmp_path)
    assert (settings.hub_name, settings.max_activities, settings.max_orchestrators) == ("H", 7, 3)
    assert settings.route_prefix == ""
    assert settings.function_timeout is None


def test_the_environment_sets_what_is_the_host_s_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SWARMSTAR_HOST_BODY_LIMIT", "10")
    monkeypatch.setenv("SWARMSTAR_HOST_KEEP_SECONDS", "3600")
    settings = HostSettings.load(tmp_path)
    assert settings.body_limit == 10
    assert settings.keep_seconds == 3600


def test_every_process_has_a_key_of_its_own(tmp_path):
    assert HostSettings.load(tmp_path).key != HostSettings.load(tmp_path).key


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[]",
        '{"functionTimeout": "soon"}',
        '{"extensions": {"durableTask": {"maxConcurrentActivityFunctions": 0}}}',
    ],
)
def test_a_host_json_that_cannot_be_used_is_refused(tmp_path, content):
    (tmp_path / "host.json").write_text(content)
    with pytest.raises(SettingsError):
        HostSettings.load(tmp_path)


def test_local_settings_do_not_override_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SET_BEFORE", "outer")
    monkeypatch.delenv("SET_BY_FILE", raising=False)
    (tmp_path / "local.settings.json").write_text(json.dumps({"Values": {"SET_BEFORE": "inner", "SET_BY_FILE": "1"}}))
    apply_local_settings(tmp_path)
    assert (os.environ["SET_BEFORE"], os.environ.pop("SET_BY_FILE")) == ("outer", "1")


def test_expand(monkeypatch):
    monkeypatch.setenv("HOUR", "3")
    assert expand("0 0 %HOUR% * * *") == "0 0 3 * * *"
    with pytest.raises(SettingsError, match="'UNSET_NAME'"):
        expand("%UNSET_NAME%")


@pytest.mark.parametrize(
    ("text", "seconds"), [("00:05:00", 300), ("1.00:00:01", 86401), ("* * * * * *", None), ("5", None)]
)
def test_parse_timespan(text, seconds):
    assert parse_timespan(text) == (None if seconds is None else timedelta(seconds=seconds))


@pytest.mark.parametrize(("value", "expected"), [("Mine", "Mine"), (None, "LocalHub")])
def test_the_hub_may_be_named_by_an_app_setting(tmp_path, monkeypatch, value, expected):
    monkeypatch.delenv("HUB", raising=False)
    if value:
        monkeypatch.setenv("HUB", value)
    write(tmp_path, extensions={"durableTask": {"hubName": "%HUB%"}})
    assert HostSettings.load(tmp_path).hub_name == expected
