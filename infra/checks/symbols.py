"""Names: undefined, declared twice, never used, going in circles; functions and decorators that exist."""

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Final

from tree_sitter import Node

from infra.checks.infer import type_of
from infra.checks.language import DECORATED, DECORATORS, DEFAULT_ONLY, FUNCTIONS, NAMESPACES
from infra.checks.project import Finding
from infra.checks.syntax import at, body, condition, field, literal, loop, members, parts, walk, words
from infra.checks.template import Symbol, Template

CHECK: Final = "symbols"
_PRIMITIVES: Final = {"string", "int", "bool", "array", "object", "any", "null"}


def check(template: Template) -> list[Finding]:
    """What is wrong with a template's names."""
    found = [*_duplicates(template), *_undefined(template), *_unused(template), *_cycles(template)]
    for symbol in template.symbols:
        found += [*_calls(template, symbol), *_decorators(template, symbol), *_late(template, symbol)]
    return [Finding(CHECK, at(template.path, node), told) for node, told in found]


def references(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[tuple[Node, str]]:
    """The identifiers in an expression that refer to a declaration: not keys, functions or variables of its own."""
    if node.type == "identifier":
        if words(node) not in bound:
            yield node, words(node)
        return
    if node.type == "call_expression":
        yield from _of_call(node, bound)
        return
    if node.type == "object_property":
        name = parts(node)[0]
        for part in parts(node)[0 if name.type == "string" else 1 :]:
            yield from references(part, bound)
        return
    yield from _of_block(node, bound)


def _of_call(node: Node, bound: frozenset[str]) -> Iterator[tuple[Node, str]]:
    function = field(node, "function")
    if function.type == "member_expression" and words(field(function, "object")) not in NAMESPACES:
        yield from references(field(function, "object"), bound)
    yield from references(field(node, "arguments"), bound)


def _of_block(node: Node, bound: frozenset[str]) -> Iterator[tuple[Node, str]]:
    below, inner = parts(node), bound
    if (head := loop(node)) is not None:
        names, through = head
        yield from references(through, bound)
        inner, below = bound | set(names), [field(node, "body")]
    elif node.type == "lambda_expression":
        inner, below = bound | {words(part) for part in walk(below[0]) if part.type == "identifier"}, below[1:]
    elif node.type == "resource_expression":
        below = [field(node, "object")]
    for part in below:
        yield from references(part, inner)


def used(symbol: Symbol) -> Iterator[tuple[Node, str]]:
    """What a declaration refers to, in its value, its decorators and its type."""
    if symbol.value is not None and symbol.kind not in ("func", "type"):
        yield from references(symbol.value)
    for arguments in symbol.decorators.values():
        yield from references(arguments)
    for node in symbol.node.named_children:
        if node.type == "type":
            yield from _types(node)


def _types(node: Node) -> Iterator[tuple[Node, str]]:
    for part in walk(node):
        is_key = part.parent is not None and part.parent.type == "object_property" and parts(part.parent)[0] == part
        if part.type == "identifier" and not is_key and words(part) not in _PRIMITIVES:
            yield part, words(part)


def _duplicates(template: Template) -> Iterator[tuple[Node, str]]:
    seen: set[tuple[bool, str]] = set()
    for symbol in template.symbols:
        name = (symbol.kind == "output", symbol.name)  # outputs have names of their own
        if name in seen:
            yield symbol.node, f"{symbol.name} is declared twice"
        seen.add(name)


def _undefined(template: Template) -> Iterator[tuple[Node, str]]:
    known = {symbol.name for symbol in template.symbols if symbol.kind != "output"}
    for symbol in template.symbols:
        for node, name in used(symbol):
            if name not in known:
                yield node, f"{name} is not declared"


def _unused(template: Template) -> Iterator[tuple[Node, str]]:
    names = {name for symbol in template.symbols for _, name in used(symbol)}
    called = {words(field(node, "function")) for node in walk(template.root) if node.type == "call_expression"}
    for symbol in template.symbols:
        matters = symbol.kind in ("param", "var", "type", "func") or symbol.existing
        if matters and symbol.name not in names | called and "export" not in symbol.decorators:
            yield symbol.node, f"{symbol.kind} {symbol.name} is never used"


def _cycles(template: Template) -> Iterator[tuple[Node, str]]:
    graph = {symbol.name: {name for _, name in used(symbol)} for symbol in template.symbols if symbol.kind != "output"}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        around = error.args[1]
        symbol = template.named(around[0])
        yield symbol.node if symbol else template.root, "these need each other: " + " > ".join(around)


def _calls(template: Template, symbol: Symbol) -> Iterator[tuple[Node, str]]:
    for node in walk(symbol.node):
        if node.type == "call_expression" and (told := _wrong_call(template, symbol, node)):
            yield node, told


def _wrong_call(template: Template, symbol: Symbol, node: Node) -> str:
    function = field(node, "function")
    name = words(function)
    if function.type == "member_expression":
        owner, name = words(field(function, "object")), words(field(function, "property"))
        if owner not in NAMESPACES:
            return f"{name} is no method that templates here may call"
    given = len(parts(field(node, "arguments")))
    own = template.named(name)
    if own is not None and own.kind == "func":
        takes = len([part for part in walk(own.node) if part.type == "parameter"])
        return "" if given == takes else f"{name} takes {takes} arguments, not {given}"
    if own is not None and function.type == "identifier":
        return f"{name} is a {own.kind} here; say az.{name} for the function"
    if name not in FUNCTIONS:
        return f"there is no function {name}"
    fewest, most, _ = FUNCTIONS[name]
    if name in DEFAULT_ONLY and symbol.kind != "param":
        return f"{name} can only be the default of a parameter"
    return "" if fewest <= given <= most else f"{name} takes {fewest} to {most} arguments, not {given}"


def _decorators(template: Template, symbol: Symbol) -> Iterator[tuple[Node, str]]:
    for name, node in symbol.decorators.items():
        if name not in DECORATORS:
            yield node, f"there is no decorator {name}"
        elif symbol.kind not in DECORATORS[name]:
            yield node, f"@{name} cannot stand before a {symbol.kind}"
        elif name in DECORATED and symbol.of in _PRIMITIVES and symbol.of not in DECORATED[name]:
            yield node, f"@{name} says nothing of a {symbol.of}"
    if symbol.kind in ("param", "output") and symbol.of in _PRIMITIVES and symbol.value is not None:
        kind = type_of(symbol.value, template)
        if kind not in ("", "null", symbol.of) and symbol.of != "any":
            yield symbol.node, f"{symbol.name} is declared {symbol.of} and given {kind}"


def _late(template: Template, symbol: Symbol) -> Iterator[tuple[Node, str]]:
    """Values that must be known when the deployment starts, and are not: names, conditions, bounds of loops."""
    if symbol.kind not in ("resource", "module") or symbol.existing:
        return
    given = members(body(symbol.kept))
    early = [given.get("name"), condition(symbol.kept), (loop(symbol.kept) or ([], None))[1]]
    for node in [part for part in early if part is not None and literal(part) is None]:
        for late in _runtime(template, node):
            yield late, f"{words(late)} is not known when the deployment starts"


def _runtime(template: Template, node: Node, depth: int = 0) -> Iterator[Node]:
    for part in walk(node):
        if part.type == "member_expression" and words(field(part, "property")) in ("properties", "outputs"):
            owner = template.named(words(field(part, "object")).removesuffix("!").split("[")[0])
            if owner is not None and owner.kind in ("resource", "module"):
                yield part
    for _, name in references(node):
        owner = template.named(name)
        if depth < 8 and owner is not None and owner.kind == "var" and owner.value is not None:
            yield from _runtime(template, owner.value, depth + 1)
