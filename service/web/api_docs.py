"""`/docs` renders the service's own OpenAPI document on the server: no script, no asset from anywhere else."""

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

router = APIRouter(include_in_schema=False)

_STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#1b1f24;background:#fff}
h2{margin-top:2.5rem;text-transform:capitalize}h3{margin:1.5rem 0 .25rem;font:600 1rem ui-monospace,monospace}
h3 b{display:inline-block;min-width:4.5rem}table{border-collapse:collapse;width:100%;margin:.5rem 0}
td,th{text-align:left;vertical-align:top;padding:.25rem .75rem .25rem 0;border-bottom:1px solid #d5dae0}
code{font:.9em ui-monospace,monospace;overflow-wrap:anywhere}p{margin:.25rem 0}
@media(prefers-color-scheme:dark){body{color:#e4e7eb;background:#15181c}td,th{border-color:#3a414a}a{color:#8ab4f8}}
"""


@router.get("/docs", response_class=HTMLResponse)
async def docs(request: Request) -> HTMLResponse:
    """Show every route with its fields and answers."""
    return HTMLResponse(page(request.app.openapi()))


def page(document: Mapping[str, Any]) -> str:
    """Give the page that shows an OpenAPI document."""
    info = document["info"]
    sections = "".join(f"<h2>{escape(tag)}</h2>{''.join(parts)}" for tag, parts in _by_tag(document).items())
    records = "".join(_record(name, schema) for name, schema in _schemas(document).items())
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>"
        f"<h1>{escape(info['title'])} {escape(info['version'])}</h1>{_paragraphs(info.get('description', ''))}"
        f'<p>The document itself: <a href="openapi.json">openapi.json</a></p>{sections}'
        f"<h2>Records</h2>{records}</body></html>"
    )


def _by_tag(document: Mapping[str, Any]) -> dict[str, list[str]]:
    schemas = _schemas(document)
    found: dict[str, list[str]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            tag = operation.get("tags", ["other"])[0]
            found.setdefault(tag, []).append(_operation(method, path, operation, schemas))
    return found


def _schemas(document: Mapping[str, Any]) -> Mapping[str, Any]:
    schemas: Mapping[str, Any] = document.get("components", {}).get("schemas", {})
    return schemas


def _operation(method: str, path: str, operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> str:
    rows = [*_parameters(operation), *_body(operation, schemas)]
    answers = "".join(
        f"<tr><td><code>{escape(status)}</code></td><td>{escape(answer.get('description', ''))}</td></tr>"
        for status, answer in operation.get("responses", {}).items()
    )
    summary = operation.get("summary", "")
    return (
        f"<h3><b>{method.upper()}</b> {escape(path)}</h3><p>{escape(summary)}</p>"
        f"{_paragraphs(operation.get('description', ''))}{_table(rows)}<table>{answers}</table>"
    )


def _record(name: str, schema: Mapping[str, Any]) -> str:
    rows = list(_fields(schema, ""))
    return f'<h3 id="{escape(name)}">{escape(name)}</h3>{_paragraphs(schema.get("description", ""))}{_table(rows)}'


def _table(rows: Sequence[str]) -> str:
    return f"<table><tr><th>Field</th><th>Type</th><th></th></tr>{''.join(rows)}</table>" if rows else ""


def _parameters(operation: Mapping[str, Any]) -> Iterator[str]:
    for parameter in operation.get("parameters", ()):
        note = f"in {parameter['in']}{', required' if parameter.get('required') else ''}"
        yield _row(parameter["name"], parameter.get("schema", {}), note, parameter.get("description", ""))


def _body(operation: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    for content in operation.get("requestBody", {}).get("content", {}).values():
        yield from _fields(_resolved(content.get("schema", {}), schemas), "in body")


def _fields(schema: Mapping[str, Any], place: str) -> Iterator[str]:
    required = set(schema.get("required", ()))
    for name, inner in schema.get("properties", {}).items():
        notes = [note for note in (place, "required" if name in required else "") if note]
        yield _row(name, inner, ", ".join(notes), inner.get("description", ""))


def _row(name: str, schema: Mapping[str, Any], note: str, description: str) -> str:
    return (
        f"<tr><td><code>{escape(name)}</code></td><td>{_type(schema)}</td>"
        f"<td>{escape(note)}{'. ' if note and description else ''}{escape(description)}</td></tr>"
    )


def _type(schema: Mapping[str, Any]) -> str:
    """Give the type in words, as HTML: a record's name leads to its fields."""
    if "$ref" in schema:
        name = escape(str(schema["$ref"]).rpartition("/")[2])
        return f'<a href="#{name}">{name}</a>'
    choices = schema.get("anyOf") or schema.get("oneOf")
    if choices:
        return " or ".join(map(_type, choices))
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    words = schema.get("enum")
    return escape(" | ".join(map(str, words)) if words else str(schema.get("format") or schema.get("type") or "any"))


def _resolved(schema: Mapping[str, Any], schemas: Mapping[str, Any]) -> Mapping[str, Any]:
    reference = schema.get("$ref")
    found: Mapping[str, Any] = schema if reference is None else schemas.get(reference.rpartition("/")[2], {})
    return found


def _paragraphs(text: str) -> str:
    return "".join(f"<p>{escape(part)}</p>" for part in text.split("\n\n") if part.strip())
