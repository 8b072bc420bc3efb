"""`local.settings.json.example` names what a local run needs, and nothing that the app does not read."""

import json
from pathlib import Path

import pytest

from shared.config import Settings

ROOT = Path(__file__).parents[3]
#: What the Functions host itself reads, and host.json refers to.
PLATFORM = {"AzureWebJobsStorage", "AzureWebJobsDisableHomepage", "FUNCTIONS_WORKER_RUNTIME", "TASKHUB_NAME"}
#: Who is let in, where state lies, and the model. What else there is has a default that works on one's own machine.
NEEDED = {"LOCAL_USER", "LOCAL_KEY_SHA256", "STORE", "MODEL_API_KEY", "MODEL"}


def values() -> dict[str, str]:
    document = json.loads((ROOT / "local.settings.json.example").read_text(encoding="utf-8"))
    assert document["IsEncrypted"] is False
    found: dict[str, str] = document["Values"]
    return found


def test_it_names_what_a_local_run_needs() -> None:
    assert values().keys() == PLATFORM | {f"SWARMSTAR_{name}" for name in NEEDED}
    assert {name.lower() for name in NEEDED} <= Settings.model_fields.keys()


def test_host_json_refers_to_nothing_else() -> None:
    text = (ROOT / "host.json").read_text(encoding="utf-8")
    assert set(text.split("%")[1::2]) <= values().keys()


def test_the_app_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in values().items():
        monkeypatch.setenv(name, value)
    settings = Settings()
    assert (settings.local_user, settings.local_key_sha256, settings.store) == ("local", None, "sqlite")
    assert settings.model_api_key is None
