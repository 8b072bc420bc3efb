"""Settings from the environment."""

import pytest

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
