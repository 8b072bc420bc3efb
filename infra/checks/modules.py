"""Modules: their files, parameters, outputs and scopes."""

from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from posixpath import dirname, join, normpath
from typing import Final

from tree_sitter import Node

from infra.checks.infer import declared, type_of
from infra.checks.project import MAIN, Finding
from infra.checks.syntax import at, body, condition, field, literal, members, walk, words
from infra.checks.template import Symbol, Template

CHECK: Final = "modules"
#: The check that an output counts for which nobody reads: the templates fit together all the same.
UNUSED: Final = "symbols"
_OWN: Final = {"name", "params", "scope", "dependsOn", "identity"}


def check(templates: Mapping[str, Template]) -> list[Finding]:
    """What is wrong between a template and those it is composed of."""
    found = [*_cycle(templates), *_orphans(templates)]
    for template in templates.values():
        for module in template.of("module"):
            found += [
                Finding(CHECK, at(template.path, node), told) for node, told in _module(templates, template, module)
            ]
        found += [Finding(CHECK, at(template.path, node), told) for node, told in _reads(templates, template)]
    return found


def file_of(template: Template, module: Symbol) -> str:
    """The path of a module's file from the repository's top."""
    return normpath(join(dirname(template.path), module.of))


def _module(templates: Mapping[str, Template], template: Template, module: Symbol) -> Iterator[tuple[Node, str]]:
    if module.of.startswith(("br:", "br/", "ts:", "ts/")):
        yield module.node, f"{module.of} is fetched when it is deployed; only local modules can be checked"
        return
    path = file_of(template, module)
    if path not in templates:
        alike = next((other for other in templates if other.lower() == path.lower()), None)
        yield module.node, f"there is no {path}" + (f", only {alike}" if alike else "")
        return
    given = members(body(module.kept))
    for name in sorted(given.keys() - _OWN):
        yield given[name], f"a module has no {name}"
    target = templates[path]
    if target.scope != template.scope and "scope" not in given:
        yield module.node, f"{module.of} is for a {target.scope}, and no scope is named"
    params = members(given["params"]) if "params" in given else {}
    yield from _params(template, module, target, params)


def _params(
    template: Template, module: Symbol, target: Template, given: Mapping[str, Node]
) -> Iterator[tuple[Node, str]]:
    known = {param.name: param for param in target.of("param")}
    for name in sorted(given.keys() - known.keys()):
        yield given[name], f"{module.of} has no parameter {name}"
    for name, param in known.items():
        if name not in given:
            if param.value is None and not param.of.endswith("?"):
                yield module.node, f"{module.of} needs the parameter {name}"
        elif told := _misfit(template, param, given[name]):
            yield given[name], f"{name}: {told}"


def _misfit(template: Template, param: Symbol, given: Node) -> str:
    """Why a parameter cannot take what it is given."""
    wanted, kind = declared(param), type_of(given, template)
    if wanted in ("string", "int", "bool", "array", "object") and kind not in ("", "null", wanted):
        return f"it is {wanted}, and is given {kind}"
    value = literal(given)
    if value is not None and param.allowed and value not in param.allowed:
        return f"{value} is none of {', '.join(param.allowed)}"
    source = template.named(words(given))
    if source is not None and "secure" in source.decorators and "secure" not in param.decorators:
        return "a secure value is given to a parameter that is not"
    return ""


def _reads(templates: Mapping[str, Template], template: Template) -> Iterator[tuple[Node, str]]:
    """What is read of modules: outputs that exist, and those of a conditional module only where it may be missing."""
    for node in walk(template.root):
        if node.type != "member_expression":
            continue
        module = template.named(_owner(field(node, "object")))
        if module is not None and module.kind == "module" and not _is_owner(node):
            yield from _read(templates, template, module, node)


def _read(
    templates: Mapping[str, Template], template: Template, module: Symbol, node: Node
) -> Iterator[tuple[Node, str]]:
    name = words(field(node, "property"))
    if name != "outputs":
        if name != "name":
            yield node, f"a module has outputs and a name, but no {name}"
        return
    target = templates.get(file_of(template, module))
    read = words(field(node.parent, "property")) if node.parent and node.parent.type == "member_expression" else ""
    if target is not None and target.output(read) is None:
        yield node, f"{module.of} has no output {read}"
    if condition(module.kept) is not None and not _guarded(node):
        yield node, f"{module.name} may not be there: read it under its condition"


def _owner(node: Node) -> str:
    return words(node).rstrip("!").split("[")[0]


def _is_owner(node: Node) -> bool:
    """Whether a member's left side is itself a member, as in `a.outputs.b`."""
    return field(node, "object").type == "member_expression"


def _guarded(node: Node) -> bool:
    """Whether an expression is read only under some condition, or says what holds if there is nothing to read."""
    above: Node | None = node
    while above is not None:
        if above.type in ("ternary_expression", "if_statement") or any(part.type == ".?" for part in above.children):
            return True
        above = above.parent
    return False


def _cycle(templates: Mapping[str, Template]) -> Iterator[Finding]:
    graph = {path: {file_of(one, module) for module in one.of("module")} for path, one in templates.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        yield Finding(CHECK, error.args[1][0], "these modules need each other: " + " > ".join(error.args[1]))


def _orphans(templates: Mapping[str, Template]) -> Iterator[Finding]:
    """Files that nothing composes, and outputs that nobody reads."""
    read: dict[str, set[str]] = {}
    for template in templates.values():
        for module in template.of("module"):
            read.setdefault(file_of(template, module), set()).update(_outputs_read(template, module.name))
    for path, template in templates.items():
        if path == MAIN:
            continue
        if path not in read:
            yield Finding(CHECK, path, "no template uses this file")
        for output in template.of("output"):
            if output.name not in read.get(path, set()):
                yield Finding(UNUSED, at(path, output.node), f"output {output.name} is never read")


def _outputs_read(template: Template, module: str) -> Iterator[str]:
    for node in walk(template.root):
        if node.type == "member_expression" and field(node, "object").type == "member_expression":
            owner = field(node, "object")
            if words(field(owner, "property")) == "outputs" and _owner(field(owner, "object")) == module:
                yield words(field(node, "property"))
