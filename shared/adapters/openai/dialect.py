"""How an endpoint wants a model to be asked, learned from what it refuses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from shared.adapters.openai.told import Told
from shared.llm.profiles import ModelProfile, Structured, Tools

Feature = Literal["structured", "effort", "temperature", "limit", "tools"]

#: The next weaker way to ask for a shape, and for tools.
_WEAKER_SHAPE: dict[Structured, Structured] = {"schema": "object", "object": "text"}
_WEAKER_TOOLS: dict[Tools, Tools] = {"native": "json"}
_OTHER_LIMIT = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
#: The parameters of each feature, and the words an error has for it. In this order a refusal that names nothing is
#: put down to them, too.
_PARAMETERS: dict[Feature, tuple[str, ...]] = {
    "structured": ("response_format",),
    "effort": ("reasoning_effort",),
    "temperature": ("temperature",),
    "limit": ("max_tokens", "max_completion_tokens"),
    "tools": ("tools",),
}
_WORDS: dict[Feature, re.Pattern[str]] = {
    "structured": re.compile(r"response.?format|json.?schema|json.?object|json.?mode|structured.?output|grammar"),
    "effort": re.compile(r"reasoning.?effort|reasoning\.effort"),
    "temperature": re.compile(r"temperature"),
    "limit": re.compile(r"max_tokens|max_completion_tokens"),
    "tools": re.compile(r"\btools?\b|tool.?(?:choice|use|call)|function.?call"),
}
_CONTEXT = re.compile(r"maximum context length (?:is|of) (\d{3,8})|context (?:window|length|size)\D{0,30}(\d{3,8})")
_MOST = re.compile(
    r"(?:at most|no more than|less than or equal to|<=|≤|maximum (?:value )?(?:is|of|allowed is)|cannot exceed|up to)"
    r"\D{0,12}(\d{2,8})"
)
#: Faults of what is asked, and not of how.
_OF_CONTENT = re.compile(
    r"content.?(?:filter|policy|management)|moderation|api.?key|authenticat|billing|"
    r"model.?not.?found|does not exist|unknown model"
)
#: Statuses of refusals that name what they refuse, and of those that may name nothing.
_NAMING = frozenset({400, 404, 415, 422, 500, 501})
_UNNAMED = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one model of an endpoint is asked."""

    structured: Structured
    tools: Tools
    #: The name of the answer's limit; both were tried when it was `swapped`.
    limit: str = "max_tokens"
    swapped: bool = False
    temperature: bool = True
    #: Whether it is told how much to think.
    effort: bool = False
    #: The most tokens of an answer, and of prompt and answer together, that the endpoint takes; None: not told yet.
    most: int | None = None
    window: int | None = None

    @classmethod
    def of(cls, profile: ModelProfile) -> "Dialect":
        """What a model's profile promises; models that are told how much to think take the newer parameters alone."""
        newer = profile.effort == "reasoning_effort"
        return cls(
            structured=profile.structured,
            tools=profile.tools,
            limit="max_completion_tokens" if newer else "max_tokens",
            temperature=not newer,
            effort=newer,
        )

    def taught(self, status: int, told: Told, body: Mapping[str, Any]) -> "Dialect | None":
        """The dialect after a refusal that says what it refuses; None if nothing else can be tried for that."""
        if status not in _NAMING or _OF_CONTENT.search(told.words):
            return None
        if (bounded := self._bounded(told, body)) is not None:
            return bounded
        named = _named(told, body)
        return self.without(named) if named else None

    def guesses(self, status: int, told: Told, body: Mapping[str, Any]) -> "list[Feature]":
        """What a refusal that names nothing may be about, the likeliest first."""
        named = told.param or any(words.search(told.words) for words in _WORDS.values())
        if status not in _UNNAMED or named or _OF_CONTENT.search(told.words):
            return []
        return list(sent_features(body))

    def without(self, feature: Feature) -> "Dialect | None":
        """The dialect that asks for a feature in the next weaker way; None if there is none."""
        if feature == "structured":
            weaker = _WEAKER_SHAPE.get(self.structured)
            return replace(self, structured=weaker) if weaker else None
        if feature == "tools":
            fallback = _WEAKER_TOOLS.get(self.tools)
            return replace(self, tools=fallback) if fallback else None
        if feature == "limit":
            return None if self.swapped else replace(self, limit=_OTHER_LIMIT[self.limit], swapped=True)
        return replace(self, effort=False) if feature == "effort" else replace(self, temperature=False)

    def _bounded(self, told: Told, body: Mapping[str, Any]) -> "Dialect | None":
        """The dialect after a limit was refused as too large, with the bound that the endpoint named."""
        asked = body.get(self.limit)
        if not isinstance(asked, int):
            return None
        if (context := _CONTEXT.search(told.words)) is not None:
            window = int(context[1] or context[2])
            return replace(self, window=window) if self.window is None or window < self.window else None
        if self.limit not in told.words and "completion tokens" not in told.words:
            return None
        most = _MOST.search(told.words)
        return replace(self, most=int(most[1])) if most and 0 < int(most[1]) < asked else None


def _named(told: Told, body: Mapping[str, Any]) -> Feature | None:
    """The feature that a refusal names, among those that were sent."""
    sent = sent_features(body)
    for feature in sent:
        if told.param and told.param.split(".")[0].split("[")[0] in (*_PARAMETERS[feature], "tool_choice"):
            return feature
    return next((feature for feature in sent if _WORDS[feature].search(told.words)), None)


def sent_features(body: Mapping[str, Any]) -> list[Feature]:
    """The features that a request uses."""
    return [feature for feature, names in _PARAMETERS.items() if any(name in body for name in names)]
