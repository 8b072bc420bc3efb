"""The OpenAPI document as one page of HTML: no script, nothing from elsewhere.

What a link names lies inside of a closed `<details>`, not on it: a browser opens those around the target of a link.
"""

import base64
import hashlib
from html import escape
from typing import Any

from functions._docs_examples import curl
from functions._docs_words import prose, words

_STYLE = """
:root { color-scheme: light dark; --line: color-mix(in srgb, currentColor 20%, transparent) }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
code, pre { font: 0.875em/1.5 ui-monospace, monospace }
code { overflow-wrap: anywhere }
pre { overflow: auto; padding: 0.75rem; border: 1px solid var(--line); border-radius: 6px }
details { border: 1px solid var(--line); border-radius: 6px; padding: 0.5rem 0.75rem; margin: 0.5rem 0 }
summary { cursor: pointer } summary b { display: inline-block; min-width: 4.5rem }
h4 { margin: 1rem 0 0.25rem } details > div { scroll-margin-top: 4rem }
table { border-collapse: collapse; width: 100% }
td { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid var(--line) }
td:first-child { white-space: nowrap } td p { margin: 0 } td p + p { opacity: 0.75; font-size: 0.875em }
@media (max-width: 40rem) { td { display: block; border: 0; padding: 0 } td:last-child { margin-bottom: 0.75rem } }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
#: The page may load nothing and run nothing; the one style is named by its hash.
HEADERS = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
}
_SIGN_IN = (
    "Send an API key with each request, as `Authorization: Bearer KEY` or as `x-api-key: KEY`; where Entra ID is set "
    "up, an access token as `Authorization: Bearer TOKEN`. A deployment on your own machine that has been given no key "
    "lets its one user in without any. The administrator makes a user's first key with "
    "`POST /api/v1/admin/users/{user_id}/keys`, and each user more of them with `POST /api/v1/keys`. The examples "
    "below want two variables: `export URL=https://... KEY=...`."
)


def page(document: dict[str, Any]) -> str:
    """The page of an OpenAPI document."""
    info, schemas = document["info"], document["components"]["schemas"]
    about = "".join(f"<p>{prose(part)}</p>" for part in info["description"].split("\n\n"))
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} API <small>{escape(info['version'])}</small></h1>{about}"
        f'<p><a href="/api/openapi.json">The OpenAPI document</a></p><h2>Signing in</h2><p>{prose(_SIGN_IN)}</p>'
        f"{_by_tag(document['paths'], schemas)}"
        f"<h2>Schemas</h2>{''.join(_schema(name, schemas[name]) for name in sorted(schemas))}</body></html>"
    )


def _by_tag(paths: dict[str, Any], schemas: dict[str, Any]) -> str:
    groups: dict[str, list[str]] = {}
    for path, operations in paths.items():
        for method, operation in operations.items():
            groups.setdefault(operation["tags"][0], []).append(_operation(method, path, operation, schemas))
    return "".join(f"<h2>{escape(tag)}</h2>{''.join(found)}" for tag, found in sorted(groups.items()))


def _operation(method: str, path: str, operation: dict[str, Any], schemas: dict[str, Any]) -> str:
    head = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {prose(operation['summary'])}"
    rows = [
        _row(f"{one['name']} ({one['in']})", one["required"], one["schema"], one.get("description", ""))
        for one in operation["parameters"]
    ]
    if "requestBody" in operation:
        body = operation["requestBody"]
        rows += [_row("body", body["required"], _only(body["content"]), "")]
    answers = "".join(_answer(status, one) for status, one in operation["responses"].items())
    return _folded(
        operation["operationId"],
        head,
        f"<p>{prose(operation.get('description', 'Open to anybody.'))}</p>"
        f"<table>{''.join(rows)}</table><pre>{escape(curl(method, path, operation, schemas))}</pre>"
        f"<h4>Answers</h4><table>{answers}</table>",
    )


def _folded(name: str, head: str, content: str) -> str:
    return f'<details><summary>{head}</summary><div id="{escape(name)}">{content}</div></details>'


def _row(name: str, required: bool, schema: dict[str, Any], about: str) -> str:
    needed = "required" if required else "optional"
    told = (f"<p>{prose(about)}</p>" if about else "") + f"<p>{words(schema)}</p>"
    return f"<tr><td><code>{escape(name)}</code></td><td>{needed}</td><td>{told}</td></tr>"


def _answer(status: str, answer: dict[str, Any]) -> str:
    schema = _only(answer["content"]) if "content" in answer else None
    content = "" if schema is None else words(schema) if schema else "content"
    return f"<tr><td>{escape(status)}</td><td>{prose(answer['description'])}</td><td>{content}</td></tr>"


def _only(content: dict[str, Any]) -> dict[str, Any]:
    (media,) = content.values()
    return dict(media["schema"])


def _schema(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", ())
    rows = [
        _row(field, field in required, shape, shape.get("description", ""))
        for field, shape in schema.get("properties", {}).items()
    ]
    about = f"<p>{prose(schema.get('description', ''))}</p>"
    content = f"<table>{''.join(rows)}</table>" if rows else f"<p>{words(schema)}</p>"
    return _folded(f"schema-{name}", f"<code>{escape(name)}</code>", about + content)
