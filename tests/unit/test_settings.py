"""Settings from the environment."""

import re
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from shared.config import Settings


def test_an_empty_variable_is_one_that_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ADMIN_KEY_SHA256", "MODEL_API_KEY", "ENTRA_TENANTS", "FAN_OUT", "MODEL_IDENTITY", "AZURE_CLIENT_ID"):
        monkeypatch.setenv(f"SWARMSTAR_{name}", "")

    assert Settings().model_api_key is None
    assert Settings().admin_key_sha256 is None
    assert Settings().azure_client_id is None
    assert Settings().fan_out == 12


def test_a_model_is_called_with_a_key_or_as_an_identity() -> None:
    with pytest.raises(ValueError, match="not both"):
        Settings(model_identity=True, model_api_key="k")


def test_the_table_of_settings_is_whole_and_right() -> None:
    """docs/settings.md names every setting with its default, and none that there is not."""
    text = Path(__file__).parents[2].joinpath("docs", "settings.md").read_text(encoding="utf-8")
    section = text.partition("\n## The app\n")[2].partition("\n## ")[0]
    table = dict(re.findall(r"^\| `([A-Z0-9_]+)` \| (\S+) \|", section, re.M))
    prefix = Settings.model_config["env_prefix"]
    fields = {str(f.validation_alias or f"{prefix}{name}".upper()): f for name, f in Settings.model_fields.items()}

    assert table.keys() == fields.keys()
    for name, field in fields.items():
        told = table[name].strip("`")
        assert (
            told == "none"
            if field.default in (None, "", ())
            else TypeAdapter(field.rebuild_annotation()).validate_python(told) == field.default
        ), name
