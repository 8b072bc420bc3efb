"""Resources: types and versions that exist, properties that they have, values that they take."""

from collections.abc import Iterator
from typing import Any, Final

from tree_sitter import Node

from infra.checks.infer import type_of
from infra.checks.project import Finding
from infra.checks.shapes import PRIMITIVES, Kind, ResourceType, props, resource_types
from infra.checks.syntax import at, body, field, key, literal, members, parts, walk, words
from infra.checks.template import Symbol, Template

CHECK: Final = "schema"
#: What the language adds to every resource.
_ADDED: Final = frozenset({"scope", "parent", "dependsOn"})

Trouble = Iterator[tuple[Node, str]]


def check(template: Template) -> list[Finding]:
    """What is wrong with a template's resources, and with what is read of them."""
    found: list[tuple[Node, str]] = []
    for symbol in template.of("resource"):
        known = resource_types().get(symbol.of)
        if known is None:
            found.append((symbol.node, f"{symbol.of} is not known: {_versions(symbol.of)}"))
        else:
            found += [*_placed(template, symbol, known), *_resource(template, symbol, known)]
    found += _reads(template)
    return [Finding(CHECK, at(template.path, node), told) for node, told in found]


def _versions(of: str) -> str:
    name = of.split("@")[0].lower()
    alike = [known for known in resource_types() if known.split("@")[0].lower() == name]
    return "there is " + ", ".join(alike) if alike else "add it with make_schema.py or to by_hand.json"


def _resource(template: Template, symbol: Symbol, known: ResourceType) -> Trouble:
    node = body(symbol.kept)
    if symbol.existing:
        for name in sorted(members(node).keys() - {"name", "scope", "parent"}):
            yield node, f"what exists is found by its name: {name} says nothing"
    else:
        yield from _Check(template, known).shape(node, known.body, _ADDED)


def _placed(template: Template, symbol: Symbol, known: ResourceType) -> Trouble:
    """Whether the resource can be where it is: its scope, its parent, the segments of its name."""
    given = members(body(symbol.kept))
    fits = known.scopes.startswith(("AllExcept", "Extension")) or template.scope.lower() in known.scopes.lower()
    if not fits and not (symbol.existing and "scope" in given):
        yield symbol.node, f"{symbol.of} belongs to a {known.scopes}, and this file is for a {template.scope}"
    if known.scopes == "Extension" and "scope" not in given:
        yield symbol.node, f"{symbol.of} belongs to another resource: name its scope"
    depth = symbol.of.count("/") - 1
    name = literal(given["name"]) if "name" in given else None
    if "parent" in given:
        parent = template.named(words(given["parent"]).split("[")[0])
        expected = symbol.of.split("@")[0].rpartition("/")[0]
        if parent is not None and parent.of.split("@")[0] != expected:
            yield given["parent"], f"the parent of {symbol.of} is a {expected}"
        depth = 0
    if name is not None and name.count("/") != depth:
        yield given["name"], f"the name has {name.count('/') + 1} segments and needs {depth + 1}"


class _Check:
    """Values against shapes, of one resource."""

    def __init__(self, template: Template, known: ResourceType) -> None:
        self._template = template
        self._known = known

    def shape(self, node: Node, shape: dict[str, Any], added: frozenset[str] = frozenset()) -> Trouble:
        """What is wrong with an object."""
        given, chosen = members(node), None
        if by := shape.get("by"):
            chosen = literal(given[by]) if by in given else None
            if by not in given or (chosen is not None and chosen not in shape["cases"]):
                yield node, f"{by} must be one of {', '.join(shape['cases'])}"
                return
        known = props(shape, chosen)
        for name, value in given.items():
            if name in known:
                yield from self._given(name, value, known[name])
            elif "more" in shape:
                yield from self._given(name, value, Kind((shape["more"],)))
            elif name not in added and not _open(shape):
                yield value, f"there is no property {name}{_alike(name, known)}"
        yield from self._missing(node, given, known)

    def _missing(self, node: Node, given: dict[str, Node], known: dict[str, Kind]) -> Trouble:
        if any(key(prop) is None for prop in parts(node) if prop.type == "object_property"):
            return  # a computed name may be any of them
        for name, kind in known.items():
            if kind.required and name not in given:
                yield node, f"{name} is required"

    def _given(self, name: str, value: Node, kind: Kind) -> Trouble:
        if kind.read_only:
            yield value, f"{name} is read-only"
        else:
            yield from self.value(name, value, kind)

    def value(self, name: str, node: Node, kind: Kind) -> Trouble:
        """What is wrong with a value, however it is come by."""
        match node.type:
            case "parenthesized_expression":
                yield from self.value(name, parts(node)[0], kind)
            case "ternary_expression":
                for side in ("consequence", "alternative"):
                    yield from self.value(name, field(node, side), kind)
            case "identifier" if (var := self._template.named(words(node))) is not None and var.kind == "var":
                yield from self.value(name, var.kept, kind)
            case "for_statement" if kind.arrays:
                yield from self.value(name, field(node, "body"), kind.item)
            case "array" if kind.arrays:
                for item in parts(node):
                    yield from self.value(name, item, kind.item)
            case _:
                yield from self._single(name, node, kind)

    def _single(self, name: str, node: Node, kind: Kind) -> Trouble:
        below = self._known.below(kind)
        wanted, is_type = _type(kind, below), type_of(node, self._template)
        if wanted and is_type not in ("", "null", wanted):
            yield node, f"{name} takes {wanted}, not {is_type}"
        elif below is not None and node.type == "object" and not kind.arrays:
            yield from self.shape(node, below)
        elif told := _literal(node, kind) if wanted in ("string", "int") else "":
            yield node, f"{name}: {told}"


def _open(shape: dict[str, Any]) -> bool:
    """Whether nothing is known of a shape, so that it takes anything."""
    return not shape["props"] and not shape.get("cases")


def _type(kind: Kind, below: dict[str, Any] | None) -> str:
    if kind.arrays:
        return "array"
    if below is not None:
        return "object"
    first = kind.names[0]
    if len(kind.names) == 1 and first in PRIMITIVES:
        return "" if first in ("any", "null") else first
    return "string"


def _literal(node: Node, kind: Kind) -> str:
    """Why a literal is not one that a property takes. What else an open list takes is rarely what was meant."""
    value = literal(node)
    if node.type == "number":
        low, high, number = kind.low, kind.high, int(words(node))
        outside = (low is not None and number < low) or (high is not None and number > high)
        return f"{number} is not within {low} and {high}" if outside else ""
    if value is None or kind.names == ("string",) or value in kind.names:
        return ""
    return f"{value} is none of {', '.join(name for name in kind.names if name != 'string')}"


def _alike(name: str, known: dict[str, Kind]) -> str:
    alike = next((other for other in known if other.lower() == name.lower()), None)
    return f", only {alike}" if alike else ""


def _reads(template: Template) -> Trouble:
    """Properties read of resources that have no such property."""
    for node in walk(template.root):
        if node.type == "member_expression" and (node.parent is None or node.parent.type != "member_expression"):
            owner, path = _chain(node)
            symbol = template.named(owner)
            known = resource_types().get(symbol.of) if symbol is not None and symbol.kind == "resource" else None
            if known is not None and (name := _lost(known, path)):
                yield node, f"{owner} has no {name}"


def _chain(node: Node) -> tuple[str, list[str]]:
    """`a.b.c` or `a[0].b.c` as its owner and the names below it."""
    path: list[str] = []
    while node.type in ("member_expression", "subscript_expression"):
        if node.type == "member_expression":
            path.insert(0, words(field(node, "property")))
        node = field(node, "object")
    return words(node), path


def _lost(known: ResourceType, path: list[str]) -> str:
    """The first name of a path that leads nowhere."""
    shape: dict[str, Any] | None = known.body
    for name in path:
        if shape is None or _open(shape):
            return ""
        kinds = props(shape)
        if name not in kinds and "more" not in shape:
            return name
        kind = kinds[name] if name in kinds else Kind((shape["more"],))
        shape = None if kind.arrays else known.below(kind)
    return ""
