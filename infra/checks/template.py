"""What a template declares."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from tree_sitter import Node

from infra.checks import syntax
from infra.checks.project import Finding, Project
from infra.checks.syntax import at, literal, parts, words

CHECK: Final = "syntax"

_KINDS: Final = {
    "parameter_declaration": "param",
    "variable_declaration": "var",
    "resource_declaration": "resource",
    "module_declaration": "module",
    "output_declaration": "output",
    "type_declaration": "type",
    "user_defined_function": "func",
}
_PASSED: Final = {"comment", "decorators", "target_scope_assignment", "metadata_declaration"}


@dataclass(frozen=True, slots=True)
class Symbol:
    """A declaration: `value` is its expression or body, `of` a resource's type, a module's path or a declared type."""

    kind: str
    name: str
    node: Node
    value: Node | None
    of: str = ""
    existing: bool = False
    decorators: dict[str, Node] = field(default_factory=dict)

    @property
    def kept(self) -> Node:
        """The value of a declaration that always has one."""
        if self.value is None:
            raise ValueError(f"{self.name} has no value")
        return self.value

    @property
    def allowed(self) -> list[str]:
        """The strings that `@allowed` or a union of literals names; none if anything is."""
        named = self.decorators.get("allowed")
        below = parts(parts(named)[0]) if named is not None and parts(named) else self._union()
        return [value for part in below if (value := literal(part)) is not None]

    def _union(self) -> list[Node]:
        unions = [part for part in syntax.walk(self.node) if part.type == "union_type"] if self.kind == "param" else []
        return parts(unions[0]) if unions else []


@dataclass(frozen=True, slots=True)
class Template:
    """A Bicep file: its scope and its symbols, in the order they are written."""

    path: str
    scope: str
    symbols: tuple[Symbol, ...]
    root: Node

    def of(self, *kinds: str) -> list[Symbol]:
        """The symbols of these kinds."""
        return [symbol for symbol in self.symbols if symbol.kind in kinds]

    def named(self, name: str) -> Symbol | None:
        """What an identifier refers to; outputs cannot be referred to."""
        return next((symbol for symbol in self.symbols if symbol.name == name and symbol.kind != "output"), None)

    def output(self, name: str) -> Symbol | None:
        """An output."""
        return next((symbol for symbol in self.of("output") if symbol.name == name), None)


def read_templates(project: Project) -> tuple[dict[str, Template], list[Finding]]:
    """Every template by its path, and what cannot be parsed; a file with errors is left out."""
    templates: dict[str, Template] = {}
    found: list[Finding] = []
    for path, text in project.templates().items():
        tree, trouble = syntax.parse(path, text)
        trouble = trouble or list(_unknown(path, tree.root_node))
        found += trouble
        if not trouble:
            templates[path] = read_template(path, tree.root_node)
    return templates, found


def read_template(path: str, root: Node) -> Template:
    """The declarations of a tree without errors."""
    scope, symbols = "resourceGroup", []
    decorators: dict[str, Node] = {}
    for node in root.named_children:
        if node.type == "decorators":
            decorators = dict(_decorators(node))
        elif node.type == "target_scope_assignment":
            scope = literal(parts(node)[0]) or ""
        elif node.type in _KINDS:
            symbols.append(_symbol(node, decorators))
        if node.type not in ("decorators", "comment"):
            decorators = {}
    return Template(path, scope, tuple(symbols), root)


def _decorators(node: Node) -> Iterator[tuple[str, Node]]:
    for decorator in parts(node):
        call = parts(decorator)[0]
        if call.type == "call_expression":
            yield words(syntax.field(call, "function")).removeprefix("sys."), syntax.field(call, "arguments")


def _symbol(node: Node, decorators: dict[str, Node]) -> Symbol:
    kind, below = _KINDS[node.type], parts(node)
    name, rest = words(below[0]), below[1:]
    if kind in ("resource", "module"):
        existing = any(child.type == "existing" for child in node.children)
        return Symbol(kind, name, node, rest[-1], literal(rest[0]) or "", existing, decorators)
    typed = next((words(part) for part in rest if part.type == "type"), "")
    value = next((part for part in rest if part.type != "type"), None)
    return Symbol(kind, name, node, value, typed, decorators=decorators)


def _unknown(path: str, root: Node) -> Iterator[Finding]:
    """Declarations that the other checks would pass over unseen."""
    for node in root.named_children:
        if node.type not in _KINDS and node.type not in _PASSED:
            yield Finding(CHECK, at(path, node), f"no check covers {node.type}: {words(node)[:40]}")
    for node in syntax.walk(root):
        if node.type == "resource_declaration" and node.parent != root:
            yield Finding(CHECK, at(path, node), "no check covers nested resources: use `parent`")
