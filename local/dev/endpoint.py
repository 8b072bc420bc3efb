"""Which model a deployment on this machine works with."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console

from local.models.table import find

OPENAI_URL = "https://api.openai.com/v1"
DEFAULT_MODEL = "gpt-5-mini"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An OpenAI-compatible endpoint, and what the user should know about it."""

    base_url: str
    api_key: str
    model: str
    offline: bool
    notice: str
    #: Answers it writes at the same time, and tokens that a question and its answer have together; None: plenty.
    slots: int | None = None
    context: int | None = None


def configured(env: Mapping[str, str], model: str | None = None) -> Endpoint | None:
    """The endpoint that the environment names, or None.

    SWARMSTAR_MODEL_BASE_URL and SWARMSTAR_MODEL_API_KEY go before OPENAI_BASE_URL and OPENAI_API_KEY.
    """
    key = env.get("SWARMSTAR_MODEL_API_KEY") or env.get("OPENAI_API_KEY")
    url = env.get("SWARMSTAR_MODEL_BASE_URL") or env.get("OPENAI_BASE_URL")
    if not key and not url:
        return None
    name = model or env.get("SWARMSTAR_MODEL") or DEFAULT_MODEL
    url = url or OPENAI_URL
    notice = f"Model: {name} at {url}. What it costs is on your account; `--offline` runs without."
    # A server on one's own machine mostly wants no key, but the client sends one in any case.
    return Endpoint(url, key or "none", name, offline=False, notice=notice)


@contextmanager
def offline(model: str | None = None) -> Iterator[Endpoint]:
    """The small model that comes with the product, served while the context lasts; fetched if it is not here yet."""
    from local.models.__main__ import fetch_shown  # these load what only this path needs
    from local.models.server import CONTEXT, SLOTS, OfflineModel

    file = find(model)
    path = fetch_shown(file, Console(stderr=True))
    with OfflineModel(file, path, slots=SLOTS, context=CONTEXT) as served:
        yield Endpoint(
            base_url=served.base_url,
            api_key=served.api_key,
            model=served.model,
            offline=True,
            notice=served.banner(),
            slots=SLOTS,
            context=CONTEXT,
        )
