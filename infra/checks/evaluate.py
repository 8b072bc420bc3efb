"""What a deployment makes, as far as it can be said before it runs: every resource with its values filled in.

Parameters take what they are given or their defaults. What only Azure knows is a `Later`, a text: a resource is
`Type#file:name`, so that `Microsoft.Storage/storageAccounts#infra/modules/storage.bicep:host.properties.x` says whose
property a setting holds.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tree_sitter import Node

from infra.checks.modules import file_of
from infra.checks.project import MAIN
from infra.checks.syntax import body, condition, field, key, literal, loop, parts, words
from infra.checks.template import Symbol, Template

_DEEP: Final = 60


class Later(str):
    """A value that only the deployment knows, by the expression it comes from."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{self}>"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A resource as it is deployed; `by` is how other values refer to it, `parent` and `scope` whose it is."""

    by: str
    of: str
    where: str
    values: dict[str, Any]

    @property
    def type(self) -> str:
        """The type without its version."""
        return self.of.split("@")[0]

    def get(self, path: str) -> Any:
        """A value below the resource, by names with dots between; None if there is none."""
        value: Any = self.values
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value


class Scope:
    """One use of a template: its parameters as given, and what its names stand for."""

    def __init__(self, templates: Mapping[str, Template], path: str, given: Mapping[str, Any]) -> None:
        self.template = templates[path]
        self._templates = templates
        self._known: dict[str, Any] = dict(given)
        self._modules: dict[str, Scope] = {}

    def resources(self) -> Iterator[Deployed]:
        """Every resource here and in the modules below, whether its condition holds or not."""
        for symbol in self.template.of("resource"):
            if not symbol.existing:
                for values in self._bodies(symbol):
                    yield Deployed(self._reference(symbol), symbol.of, self.template.path, values)
        for symbol in self.template.of("module"):
            if file_of(self.template, symbol) in self._templates:
                yield from self._module(symbol).resources()

    def named(self, name: str) -> Any:
        """The value of a name."""
        if name not in self._known:
            symbol = self.template.named(name)
            self._known[name] = Later(name)  # should it go in a circle, which another check tells of
            self._known[name] = self._symbol(symbol) if symbol is not None else Later(name)
        return self._known[name]

    def output(self, name: str) -> Any:
        """The value of an output."""
        symbol = self.template.output(name)
        return Later(name) if symbol is None else self.value(symbol.kept, {})

    def value(self, node: Node, local: Mapping[str, Any], depth: int = 0) -> Any:
        """The value of an expression; `local` has the variables of loops around it."""
        if depth > _DEEP:
            return Later(words(node))
        return _Reader(self, local, depth).read(node)

    def _symbol(self, symbol: Symbol) -> Any:
        if symbol.kind == "resource":
            return Later(self._reference(symbol))
        if symbol.kind == "module":
            path = file_of(self.template, symbol)
            return self._module(symbol) if path in self._templates else Later(symbol.name)
        return Later(symbol.name) if symbol.value is None else self.value(symbol.value, {})

    def _reference(self, symbol: Symbol) -> str:
        return f"{symbol.of.split('@')[0]}#{self.template.path}:{symbol.name}"

    def _module(self, symbol: Symbol) -> "Scope":
        if symbol.name not in self._modules:
            params = self.value(body(symbol.kept), {}).get("params", {})
            self._modules[symbol.name] = Scope(self._templates, file_of(self.template, symbol), params)
        return self._modules[symbol.name]

    def _bodies(self, symbol: Symbol) -> Iterator[dict[str, Any]]:
        node = symbol.kept
        for local in self.rounds(node, {}):
            values = self.value(body(node), local)
            when = condition(node)
            yield {**values, "if": True if when is None else self.value(when, local)}

    def rounds(self, node: Node, local: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """The variables of each round of a loop; one round with texts if it goes through what is not known."""
        head = loop(node)
        if head is None:
            yield local
            return
        names, through = head
        items = self.value(through, local)
        for index, item in enumerate(items if isinstance(items, list) else [Later(names[0])]):
            yield {**local, **dict(zip(names, (item, index), strict=False))}


class _Reader:
    """Reads one expression."""

    def __init__(self, scope: Scope, local: Mapping[str, Any], depth: int) -> None:
        self._scope, self._local, self._depth = scope, local, depth

    def read(self, node: Node) -> Any:
        """The value, or the expression itself."""
        reader = getattr(self, f"_{node.type}", None)
        return Later(words(node)) if reader is None else reader(node)

    def _below(self, node: Node) -> Any:
        return self._scope.value(node, self._local, self._depth + 1)

    def _identifier(self, node: Node) -> Any:
        name = words(node)
        return self._local[name] if name in self._local else self._scope.named(name)

    def _number(self, node: Node) -> int:
        return int(words(node))

    def _boolean(self, node: Node) -> bool:
        return words(node) == "true"

    def _null(self, _node: Node) -> None:
        return None

    def _parenthesized_expression(self, node: Node) -> Any:
        return self._below(parts(node)[0])

    def _array(self, node: Node) -> list[Any]:
        return [self._below(part) for part in parts(node)]

    def _object(self, node: Node) -> dict[str, Any]:
        pairs = [parts(prop) for prop in parts(node) if len(parts(prop)) == 2]
        names = [key(prop) for prop in parts(node) if len(parts(prop)) == 2]
        return {
            name or str(self._below(pair[0])): self._below(pair[1]) for name, pair in zip(names, pairs, strict=True)
        }

    def _string(self, node: Node) -> str:
        known = literal(node)
        if known is not None:
            return known
        pieces = [self._below(parts(p)[0]) if p.type == "interpolation" else words(p) for p in parts(node)]
        text = "".join(f"{{{piece}}}" if isinstance(piece, Later) else str(piece) for piece in pieces)
        return Later(text) if any(isinstance(piece, Later) for piece in pieces) else text

    def _for_statement(self, node: Node) -> list[Any]:
        inner = field(node, "body")
        return [self._scope.value(inner, local, self._depth + 1) for local in self._scope.rounds(node, self._local)]

    def _ternary_expression(self, node: Node) -> Any:
        chosen = self._below(field(node, "condition"))
        if isinstance(chosen, bool):
            return self._below(field(node, "consequence" if chosen else "alternative"))
        return Later(words(node))

    def _unary_expression(self, node: Node) -> Any:
        value = self._below(parts(node)[0])
        return not value if isinstance(value, bool) and words(node).startswith("!") else Later(words(node))

    def _binary_expression(self, node: Node) -> Any:
        sign = next(child.type for child in node.children if not child.is_named)
        left, right = (self._below(part) for part in parts(node)[:2])
        if sign == "??":
            return right if left is None else left
        if isinstance(left, Later) or isinstance(right, Later):
            return Later(words(node))
        known = {"==": left == right, "!=": left != right, "&&": left and right, "||": left or right}
        return known.get(sign, Later(words(node)))

    def _call_expression(self, node: Node) -> Any:
        name = words(field(node, "function")).removeprefix("az.").removeprefix("sys.")
        given = [self._below(part) for part in parts(field(node, "arguments"))]
        if name == "union" and all(isinstance(part, dict) for part in given):
            return {key_: value for part in given for key_, value in part.items()}
        if name == "concat" and all(isinstance(part, list) for part in given):
            return [item for part in given for item in part]
        if name == "empty" and given and (not isinstance(given[0], Later) or "#" in given[0]):
            return not given[0]  # what is read of a resource is not empty
        return Later(f"{name}({', '.join(map(str, given))})")

    def _member_expression(self, node: Node) -> Any:
        name = words(field(node, "property"))
        owner = self._below(field(node, "object"))
        if isinstance(owner, Scope):
            return owner if name == "outputs" else owner.output(name)
        if isinstance(owner, dict) and name in owner:
            return owner[name]
        return Later(f"{owner}.{name}")

    def _subscript_expression(self, node: Node) -> Any:
        owner, index = self._below(field(node, "object")), self._below(field(node, "index"))
        try:
            return owner if isinstance(owner, Later) else owner[index]
        except (KeyError, IndexError, TypeError):
            return Later(words(node))


def deployed(templates: Mapping[str, Template], given: Mapping[str, Any] | None = None) -> list[Deployed]:
    """Every resource of a deployment with these parameters, and defaults for the others."""
    return list(Scope(templates, MAIN, given or {}).resources())
