"""The page at ``/docs``: the description, readable, in one file that loads nothing from anywhere."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import escape
from typing import Any

_METHODS = ("get", "post", "delete")
_NO_KEY = "no key"

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; padding: 1rem 1.25rem 4rem; max-width: 62rem }
h1 { margin: .5rem 0 } h2 { margin: 2.5rem 0 .5rem }
code, pre { font: 13px/1.5 ui-monospace, monospace }
pre { background: var(--soft); padding: .75rem; border-radius: 6px; overflow: auto; margin: .25rem 0 1rem }
details { border: 1px solid var(--line); border-radius: 8px; margin: .5rem 0; padding: .5rem .75rem }
summary { cursor: pointer } summary code { font-size: 14px }
summary b { display: inline-block; min-width: 4.5rem }
table { border-collapse: collapse; width: 100%; margin: .25rem 0 1rem }
th, td { text-align: left; vertical-align: top; padding: .25rem .5rem; border-bottom: 1px solid var(--line) }
h4 { margin: .75rem 0 .25rem }
td:last-child code, summary code { overflow-wrap: anywhere }
.quiet { opacity: .75 }
""".strip()


def page(document: dict[str, Any]) -> bytes:
    """The description as HTML; a ``details`` element per operation and per schema, no script at all.

    What is linked to is within such an element, not the element: so that a browser opens it.
    """
    info = document["info"]
    parts = [
        "<!doctype html><html lang=en><head><meta charset=utf-8>",
        "<meta name=viewport content='width=device-width, initial-scale=1'>",
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style></head><body>",
        "<p><a href='/campaigns'>Openrate</a></p>",
        f"<h1>{escape(info['title'])} API <small class=quiet>{escape(info['version'])}</small></h1>",
        f"<p>{_prose(info['description'])}</p>",
        "<p>For programs: <a href='/openapi.json'>openapi.json</a></p>",
        *_tags(document),
        "<h2>Keys and tokens</h2>",
        *_security(document["components"]["securitySchemes"]),
        "<h2>Errors</h2>",
        *_catalogue(document["components"]["responses"]),
        "<h2>Shapes</h2>",
        *_schemas(document["components"]["schemas"]),
        "</body></html>",
    ]
    return "".join(parts).encode()


def _tags(document: dict[str, Any]) -> Iterator[str]:
    for tag in document["tags"]:
        yield f"<h2>{escape(tag['name'])}</h2><p>{_prose(tag['description'])}</p>"
        for path, item in document["paths"].items():
            for method in _METHODS:
                if method in item and tag["name"] in item[method]["tags"]:
                    yield from _operation(path, method, item)


def _operation(path: str, method: str, item: dict[str, Any]) -> Iterator[str]:
    operation = item[method]
    yield f"<details><summary><b>{method.upper()}</b>"
    yield f" <code>{escape(path)}</code> — {escape(operation['summary'])}</summary>"
    yield f"<div id='{escape(operation['operationId'])}'>"
    if "description" in operation:
        yield f"<p>{_prose(operation['description'])}</p>"
    yield f"<p>Opened by: {_openers(operation['security'])}</p>"
    yield from _parameters([*item.get("parameters", ()), *operation.get("parameters", ())])
    if "requestBody" in operation:
        yield "<h4>Body</h4>"
        if "description" in operation["requestBody"]:
            yield f"<p>{_prose(operation['requestBody']['description'])}</p>"
        yield from _contents(operation["requestBody"]["content"])
    yield "<h4>Answers</h4>"
    for status, response in operation["responses"].items():
        yield from _response(status, response)
    yield "</div></details>"


def _openers(security: list[dict[str, Any]]) -> str:
    names = [" and ".join(escape(n) for n in one) or _NO_KEY for one in security]
    return ", or ".join(names) or _NO_KEY


def _parameters(parameters: list[dict[str, Any]]) -> Iterator[str]:
    if not parameters:
        return
    yield "<h4>Parameters</h4><table>"
    for one in parameters:
        yield f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}"
        yield f"<td>{_prose(one.get('description', ''))}<td><code>{escape(_brief(one['schema']))}</code>"
    yield "</table>"


def _response(status: str, response: dict[str, Any]) -> Iterator[str]:
    if "$ref" in response:
        name = response["$ref"].rsplit("/", 1)[-1]
        yield f"<p><b>{status}</b> <a href='#{escape(name)}'>{escape(name)}</a></p>"
        return
    yield f"<p><b>{status}</b> {_prose(response['description'])}</p>"
    yield from _contents(response["content"])


def _contents(contents: dict[str, Any]) -> Iterator[str]:
    for media_type, content in contents.items():
        yield f"<p class=quiet><code>{escape(media_type)}</code> {_link(content['schema'])}</p>"
        if "example" in content:
            yield _json(content["example"])
        for name, example in content.get("examples", {}).items():
            yield f"<p class=quiet>{escape(name)}</p>{_json(example['value'])}"


def _security(schemes: dict[str, Any]) -> Iterator[str]:
    yield "<table>"
    for name, scheme in schemes.items():
        where = "Authorization: Bearer" if scheme["type"] == "http" else scheme["name"]
        yield f"<tr><td><code>{escape(name)}</code><br><code>{escape(where)}</code>"
        yield f"<td>{_prose(scheme['description'])}"
    yield "</table>"


def _catalogue(responses: dict[str, Any]) -> Iterator[str]:
    for name, response in responses.items():
        yield f"<details><summary><b>{escape(name)}</b> {_prose(response['description'])}</summary>"
        yield f"<div id='{escape(name)}'>"
        yield from _contents(response["content"])
        yield "</div></details>"


def _schemas(schemas: dict[str, Any]) -> Iterator[str]:
    for name, schema in schemas.items():
        yield f"<details><summary><code>{escape(name)}</code> {_prose(schema.get('description', ''))}</summary>"
        yield f"<div id='{escape(name)}'>{_json(schema)}</div></details>"


def _link(schema: dict[str, Any]) -> str:
    if "$ref" not in schema:
        return f"<code>{escape(_brief(schema))}</code>"
    name = escape(schema["$ref"].rsplit("/", 1)[-1])
    return f"<a href='#{name}'>{name}</a>"


def _brief(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    said = [str(schema.get("type", ""))]
    if "enum" in schema:
        said = [" | ".join(map(str, schema["enum"]))]
    if "pattern" in schema:
        said.append(schema["pattern"])
    if "minimum" in schema:
        said.append(f"{schema['minimum']} to {schema.get('maximum', '…')}")
    if "default" in schema:
        said.append(f"default {schema['default']}")
    return " ".join(part for part in said if part)


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _prose(text: str) -> str:
    """Text with its `code` marked as such."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
