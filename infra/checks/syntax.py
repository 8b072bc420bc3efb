"""The parse gate, and how the other checks read a syntax tree.

The grammar lacks a few constructs of the language (`resourceInput<>`, `$'''`, `?key:`): a template that uses one does
not pass, so templates stay in the subset that can be checked.
"""

from collections.abc import Iterator
from functools import cache
from typing import Final

import tree_sitter_bicep
from tree_sitter import Language, Node, Parser, Tree

from infra.checks.project import Finding

CHECK: Final = "syntax"


@cache
def _parser() -> Parser:
    return Parser(Language(tree_sitter_bicep.language()))


def parse(path: str, text: str) -> tuple[Tree, list[Finding]]:
    """A file's tree, and what in it is no Bicep; the parser goes on after errors, so all of it is looked at."""
    tree = _parser().parse(text.encode())
    found = [Finding(CHECK, at(path, node), _trouble(node)) for node in walk(tree.root_node) if _is_trouble(node)]
    return tree, found


def _is_trouble(node: Node) -> bool:
    return node.is_error or node.is_missing


def _trouble(node: Node) -> str:
    if node.is_missing:
        return f"{node.type} is missing"
    shown = words(node).strip().splitlines() or [""]
    return f"this is no Bicep that can be checked: {shown[0][:60]}"


def walk(node: Node) -> Iterator[Node]:
    """A node and all below it, in the order of the text."""
    waiting = [node]
    while waiting:
        node = waiting.pop()
        yield node
        waiting += reversed(node.children)


def at(path: str, node: Node) -> str:
    """A place as editors understand it."""
    return f"{path}:{node.start_point.row + 1}"


def words(node: Node) -> str:
    """The text of a node."""
    return (node.text or b"").decode()


def parts(node: Node) -> list[Node]:
    """The named children, without comments."""
    return [child for child in node.named_children if child.type != "comment"]


def field(node: Node, name: str) -> Node:
    """The child in a place that the grammar always fills."""
    child = node.child_by_field_name(name)
    if child is None:
        raise ValueError(f"{node.type} without {name}")
    return child


def literal(node: Node) -> str | None:
    """The value of a string in which nothing is interpolated."""
    if node.type != "string" or any(child.type == "interpolation" for child in node.children):
        return None
    text = words(node)
    return text[3:-3].lstrip("\n") if text.startswith("'''") else "".join(words(part) for part in parts(node))


def key(prop: Node) -> str | None:
    """The name of an object's property; None for one that is computed."""
    name = parts(prop)[0]
    return literal(name) if name.type == "string" else words(name)


def members(node: Node) -> dict[str, Node]:
    """The values of an object by their names."""
    pairs = [prop for prop in parts(node) if prop.type == "object_property" and len(parts(prop)) == 2]
    return {name: parts(prop)[1] for prop in pairs if (name := key(prop)) is not None}


def body(node: Node) -> Node:
    """The object of a resource or module, below its condition and loop."""
    if node.type == "for_statement":
        return body(field(node, "body"))
    return body(parts(node)[-1]) if node.type == "if_statement" else node


def condition(node: Node) -> Node | None:
    """The condition of a resource or module."""
    if node.type == "for_statement":
        return condition(field(node, "body"))
    return parts(node)[0] if node.type == "if_statement" else None


def loop(node: Node) -> tuple[list[str], Node] | None:
    """The variables of a `for` and what it goes through."""
    if node.type != "for_statement":
        return None
    inner = [part for part in parts(node) if part != field(node, "body")]
    head = inner[0]
    names = [words(part) for part in parts(head)] if head.type == "for_loop_parameters" else [words(head)]
    return names, inner[1]
