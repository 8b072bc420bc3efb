"""What the app reads from its environment when it runs on one's own machine."""

from collections.abc import Mapping
from pathlib import Path

from local.dev.endpoint import Endpoint

#: Tokens of the offline model's answers, and what is kept free for the chat format around a prompt.
_ANSWER = 1_024
_MARGIN = 96


def app_environment(endpoint: Endpoint, spaces: Path, present: Mapping[str, str]) -> dict[str, str]:
    """The variables to set; bounds that the user has set already stay."""
    told = {
        "SWARMSTAR_MODEL_BASE_URL": endpoint.base_url,
        "SWARMSTAR_MODEL_API_KEY": endpoint.api_key,
        "SWARMSTAR_MODEL": endpoint.model,
        "SWARMSTAR_MODEL_OFFLINE": "1" if endpoint.offline else "0",
    }
    wished = {"SWARMSTAR_LOCAL_USER": "local", "SWARMSTAR_SPACES_DIR": str(spaces)} | _bounds(endpoint)
    return told | {name: value for name, value in wished.items() if name not in present}


def _bounds(endpoint: Endpoint) -> dict[str, str]:
    """Prompts that fit a small context, and no more calls at once than get through before they time out."""
    bounds: dict[str, str] = {}
    if endpoint.context:
        bounds["SWARMSTAR_PROMPT_TOKENS"] = str(endpoint.context - _ANSWER - _MARGIN)
        bounds["SWARMSTAR_OUTPUT_TOKENS"] = str(_ANSWER)
    if endpoint.slots:
        bounds["SWARMSTAR_USER_CALLS"] = bounds["SWARMSTAR_ALL_CALLS"] = str(endpoint.slots)
        bounds["SWARMSTAR_MODEL_TIMEOUT"] = "600"
    return bounds
