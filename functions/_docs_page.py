"""The OpenAPI document as one page of HTML: no script, nothing from elsewhere."""

import base64
import hashlib
import json
from html import escape
from typing import Any

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 0.875em/1.5 ui-monospace, monospace }
pre { overflow: auto; padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px }
details { border: 1px solid var(--line); border-radius: 6px; padding: 0.5rem 0.75rem; margin: 0.5rem 0 }
summary { cursor: pointer } summary b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100% }
td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line) }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: The page may load nothing and run nothing; the one style is named by its hash.
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}


def page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info = document["info"]
    about = "".join(f"<p>{escape(part)}</p>" for part in info["description"].split("\n\n"))
    schemas = document["components"]["schemas"]
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>{about}"
        f'<p><a href="/api/openapi.json">The OpenAPI document</a></p>{_by_tag(document["paths"])}'
        f"<h2>Schemas</h2>{''.join(_schema(name, schemas[name]) for name in sorted(schemas))}</body></html>"
    )


def _by_tag(paths: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    return "".join(f"<h2>{escape(tag)}</h2>{''.join(found)}" for tag, found in sorted(groups.items()))


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    head = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation['summary'])}"
    rows = [_row(f"{one['name']} ({one['in']})", one["schema"], one["required"]) for one in operation["parameters"]]
    if "requestBody" in operation:
        rows += [_row("body", _only(operation["requestBody"]["content"]), True)]
    answers = "".join(_answer(status, one) for status, one in operation["responses"].items())
    return (
        f'<details id="{escape(operation["operationId"])}"><summary>{head}</summary>'
        f"<p>{escape(operation.get('description', 'Open to anybody.'))}</p>"
        f"<table>{''.join(rows)}</table><h4>Answers</h4><table>{answers}</table></details>"
    )


def _row(name: str, schema: dict[str, Any], required: bool) -> str:
    needed = "required" if required else "optional"
    return f"<tr><td><code>{escape(name)}</code></td><td>{needed}</td><td>{_shape(schema)}</td></tr>"


def _answer(status: str, answer: dict[str, Any]) -> str:
    content = _shape(_only(answer["content"])) if "content" in answer else ""
    return f"<tr><td>{escape(status)}</td><td>{escape(answer['description'])}</td><td>{content}</td></tr>"


def _only(content: dict[str, Any]) -> dict[str, Any]:
    (media,) = content.values()
    return dict(media["schema"])


def _shape(schema: dict[str, Any]) -> str:
    """A schema in brief: a link to its name, or what it says."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f'<a href="#schema-{name}">{name}</a>'
    return f"<code>{escape(json.dumps(schema, ensure_ascii=False))}</code>" if schema else "content"


def _schema(name: str, schema: dict[str, Any]) -> str:
    text = escape(json.dumps(schema, indent=2, ensure_ascii=False))
    return (
        f'<details id="schema-{escape(name)}"><summary><code>{escape(name)}</code></summary><pre>{text}</pre></details>'
    )
