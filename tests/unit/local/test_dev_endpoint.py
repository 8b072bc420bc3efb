"""Which model a deployment on this machine works with, and what its app is told."""

from pathlib import Path

import pytest

from local.dev.endpoint import Endpoint, configured
from local.dev.environment import app_environment
from shared.config import Settings


def test_without_a_key_or_an_address_nothing_is_configured() -> None:
    assert configured({"SWARMSTAR_MODEL": "big", "OPENAI_API_KEY": ""}) is None


@pytest.mark.parametrize(
    ("env", "base_url", "key", "model"),
    [
        ({"OPENAI_API_KEY": "k"}, "https://api.openai.com/v1", "k", "gpt-5-mini"),
        ({"OPENAI_BASE_URL": "http://localhost:11434/v1"}, "http://localhost:11434/v1", "none", "gpt-5-mini"),
        ({"OPENAI_BASE_URL": "http://a/v1", "OPENAI_API_KEY": "k", "SWARMSTAR_MODEL": "m"}, "http://a/v1", "k", "m"),
        (
            {
                "OPENAI_BASE_URL": "http://a/v1",
                "SWARMSTAR_MODEL_BASE_URL": "http://b/v1",
                "SWARMSTAR_MODEL_API_KEY": "s",
            },
            "http://b/v1",
            "s",
            "gpt-5-mini",
        ),
    ],
)
def test_the_environment_names_the_endpoint(env: dict[str, str], base_url: str, key: str, model: str) -> None:
    endpoint = configured(env)

    assert endpoint is not None
    assert (endpoint.base_url, endpoint.api_key, endpoint.model, endpoint.offline) == (base_url, key, model, False)
    assert key not in endpoint.notice.split()


def test_an_option_goes_before_the_environment() -> None:
    endpoint = configured({"OPENAI_API_KEY": "k", "SWARMSTAR_MODEL": "m"}, "mine")

    assert endpoint is not None
    assert endpoint.model == "mine"


def test_the_app_reads_what_it_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    offline = Endpoint("http://127.0.0.1:9/v1", "secret", "small", True, "weak", slots=4, context=4_096)

    for name, value in app_environment(offline, Path("/spaces"), {}).items():
        monkeypatch.setenv(name, value)
    settings = Settings()

    assert settings.model_base_url == "http://127.0.0.1:9/v1"
    assert settings.api_key == "secret"
    assert settings.model == "small"
    assert settings.model_offline
    assert settings.local_user == "local"
    assert settings.spaces_dir == Path("/spaces")
    assert settings.prompt_tokens + settings.output_tokens < 4_096
    assert settings.user_calls == settings.all_calls == 4


def test_what_the_user_set_stays() -> None:
    offline = Endpoint("http://127.0.0.1:9/v1", "secret", "small", True, "weak", slots=4, context=4_096)
    present = {"SWARMSTAR_LOCAL_USER": "amina", "SWARMSTAR_SPACES_DIR": "/mine", "SWARMSTAR_OUTPUT_TOKENS": "300"}

    told = app_environment(offline, Path("/spaces"), present)

    assert not told.keys() & present.keys()
    assert told["SWARMSTAR_MODEL"] == "small"


def test_a_large_model_has_the_apps_own_bounds() -> None:
    endpoint = Endpoint("https://a/v1", "k", "m", False, "")

    assert "SWARMSTAR_PROMPT_TOKENS" not in app_environment(endpoint, Path("/spaces"), {})
