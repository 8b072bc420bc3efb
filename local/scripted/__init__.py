"""A scripted OpenAI-compatible endpoint: tests and benchmarks say what the model answers, over real HTTP."""

from local.scripted.rules import Call, Reply, Rule
from local.scripted.server import ScriptedModel

__all__ = ["Call", "Reply", "Rule", "ScriptedModel"]
