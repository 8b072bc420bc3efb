"""The type of an expression, where it can be seen without a compiler."""

from typing import Final

from tree_sitter import Node

from infra.checks.language import FUNCTIONS
from infra.checks.syntax import field, parts, words
from infra.checks.template import Symbol, Template

_LITERALS: Final = {
    "string": "string",
    "number": "int",
    "boolean": "bool",
    "object": "object",
    "array": "array",
    "null": "null",
    "for_statement": "array",
}
_LOGICAL: Final = {"&&", "||", "==", "!=", "<", ">", "<=", ">=", "=~", "!~"}
_DEEP: Final = 16


def type_of(node: Node, template: Template, depth: int = 0) -> str:
    """`string`, `int`, `bool`, `array`, `object`, `null`, or "" where it cannot be told."""
    if depth > _DEEP or node.type in _LITERALS:
        return _LITERALS.get(node.type, "")
    match node.type:
        case "identifier":
            return _of_symbol(template.named(words(node)), template, depth)
        case "parenthesized_expression":
            return type_of(parts(node)[0], template, depth + 1)
        case "ternary_expression":
            sides = {type_of(field(node, side), template, depth + 1) for side in ("consequence", "alternative")}
            return sides.pop() if len(sides) == 1 else ""
        case "call_expression":
            return FUNCTIONS.get(words(field(node, "function")), (0, 0, ""))[2]
        case "binary_expression" | "unary_expression":
            return "bool" if any(part.type in (*_LOGICAL, "!") for part in node.children) else ""
        case "member_expression":
            return _of_member(node, template)
        case _:
            return ""


def declared(symbol: Symbol) -> str:
    """The type a parameter or output is declared with, as one of those above."""
    if symbol.of.endswith("[]"):
        return "array"
    return "string" if symbol.allowed and symbol.of.startswith("'") else symbol.of.rstrip("?")


def _of_symbol(symbol: Symbol | None, template: Template, depth: int) -> str:
    if symbol is None:
        return ""
    if symbol.kind == "var" and symbol.value is not None:
        return type_of(symbol.value, template, depth + 1)
    known = declared(symbol) if symbol.kind == "param" else ""
    return known if known in _LITERALS.values() else ""


def _of_member(node: Node, template: Template) -> str:
    owner, name = template.named(words(field(node, "object"))), words(field(node, "property"))
    is_text = owner is not None and owner.kind == "resource" and name in ("id", "name", "type")
    return "string" if is_text else ""
