"""The model port on any OpenAI-compatible endpoint, OpenAI and Azure OpenAI among them."""

from shared.adapters.openai.client import KeyProvider, OpenAIChatModel

__all__ = ["KeyProvider", "OpenAIChatModel"]
