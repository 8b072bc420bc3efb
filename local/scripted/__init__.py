"""A scripted OpenAI-compatible endpoint: tests and benchmarks say what the model answers, over real HTTP."""

from local.scripted.dialects import DIALECTS, speaking
from local.scripted.rules import Call, Calling, Reply, Rule
from local.scripted.server import ScriptedModel
from local.scripted.thinking import thinking

__all__ = ["DIALECTS", "Call", "Calling", "Reply", "Rule", "ScriptedModel", "speaking", "thinking"]
