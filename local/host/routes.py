"""Matches request paths to ASP.NET route templates: `{x}`, `{x:int}`, `{x?}`, `{*rest}`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import unquote

_PARAMETER = re.compile(r"\{(?P<rest>\*{0,2})(?P<name>\w+)(?P<constraints>(?::[^{}:?]+)*)(?P<optional>\??)\}")
_TEXT = r"[^/]+?"
#: Constraint -> the pattern a value must match. With arguments in brackets: see `_sized`.
_CONSTRAINTS = {
    "alpha": r"[A-Za-z]+",
    "int": r"-?\d{1,10}",
    "long": r"-?\d{1,19}",
    "guid": r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}",
    "bool": r"(?i:true|false)",
    "required": _TEXT,
}
_SIZED = re.compile(r"(length|minlength|maxlength)\((\d+)(?:,(\d+))?\)")


class RouteError(ValueError):
    """The template uses something this host does not know."""


@dataclass(frozen=True, slots=True)
class Route:
    """One compiled template."""

    template: str
    pattern: re.Pattern[str]
    #: Sorts routes as ASP.NET does: literal segments first, then constrained, free and catch-all parameters.
    rank: tuple[int, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The route's values for a still quoted path without its leading slash; None if it does not fit."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {name: unquote(value) for name, value in found.groupdict().items() if value}


def compile_route(template: str) -> Route:
    """Compile a template; raise `RouteError` if it is malformed."""
    pattern, rank = "", []
    for index, segment in enumerate(filter(None, template.strip("/").split("/"))):
        text, weight = _segment(segment)
        slash = "/" if index else ""
        optional = segment.endswith("?}") or segment.startswith("{*")
        pattern += f"(?:{slash}{text})?" if optional else slash + text
        rank.append(weight)
    return Route(template, re.compile(pattern + "/?", re.IGNORECASE), tuple(rank))


def ordered(routes: Iterable[Route]) -> list[Route]:
    """The routes, most particular first."""
    return sorted(routes, key=lambda route: route.rank)


def _segment(segment: str) -> tuple[str, int]:
    """The pattern of one segment and its rank."""
    pattern, position, weight = "", 0, 0
    for match in _PARAMETER.finditer(segment):
        text, rank = _parameter(match)
        pattern += re.escape(segment[position : match.start()]) + f"(?P<{match['name']}>{text})"
        weight = max(weight, rank)
        position = match.end()
    literal = segment[position:]
    if "{" in literal or "}" in literal:
        raise RouteError(f"cannot read the route segment {segment!r}")
    return pattern + re.escape(literal), weight


def _parameter(match: re.Match[str]) -> tuple[str, int]:
    if match["rest"]:
        return r".*", 3
    constraints = [part for part in match["constraints"].split(":") if part]
    if not constraints:
        return _TEXT, 2
    *others, last = (_constraint(part) for part in constraints)
    return "".join(f"(?={other}(?:/|$))" for other in others) + last, 1


def _constraint(text: str) -> str:
    if text in _CONSTRAINTS:
        return _CONSTRAINTS[text]
    sized = _SIZED.fullmatch(text)
    if sized is None:
        raise RouteError(f"the route constraint {text!r} is not supported here")
    kind, first, second = sized.groups()
    low, high = {"minlength": (first, ""), "maxlength": ("0", first)}.get(kind, (first, second or first))
    return rf"[^/]{{{low},{high}}}"
