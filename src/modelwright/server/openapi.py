"""The OpenAPI document and the reference page, both made from the operation table."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from inspect import getdoc
from typing import Any

import msgspec

from modelwright.core.failure import Failed
from modelwright.core.operation import Download, Operation, Upload
from modelwright.server.answers import BYTES, JSON
from modelwright.server.blobs import PREFIX
from modelwright.server.rest import API

_SCHEMAS = "#/components/schemas/{name}"


def document(table: Iterable[Operation]) -> dict[str, Any]:
    """OpenAPI 3.1 for every operation and for bytes."""
    operations = list(table)
    kinds = [kind for one in operations for kind in (one.request, one.response)]
    written, components = msgspec.json.schema_components([*kinds, Failed, Upload], ref_template=_SCHEMAS)
    schemas = iter(written)
    paths: dict[str, Any] = {
        f"{API}/{one.name}": {"post": _operation(one, next(schemas), next(schemas))} for one in operations
    }
    failed, upload = schemas
    paths[PREFIX + "{digest}"] = _bytes(upload)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Modelwright", "version": "1"},
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer", "description": "Not asked for in a home without users."}
            },
            "schemas": components,
            "responses": {"Error": _answer("It did not work.", {JSON: {"schema": failed}})},
        },
    }


def _operation(one: Operation, request: Any, response: Any) -> dict[str, Any]:
    content = {JSON: {"schema": response}}
    if one.response is Download:
        content[BYTES] = {}
    described: dict[str, Any] = {
        "operationId": one.name,
        "tags": [one.noun],
        "summary": one.summary,
        "description": getdoc(one.function) or "",
        "x-permission": one.permission,
        "x-kind": one.kind,
        "requestBody": {"required": True, "content": {JSON: {"schema": request}}},
        "responses": {"200": _answer("It worked.", content), "default": {"$ref": "#/components/responses/Error"}},
    }
    if one.kind == "command" and not one.idempotent:
        described["parameters"] = [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "description": "Sent again under its key, it is not done again: the first answer comes back.",
                "schema": {"type": "string", "minLength": 1, "maxLength": 200},
            }
        ]
    return described


def _bytes(upload: Any) -> dict[str, Any]:
    refused = {"$ref": "#/components/responses/Error"}
    return {
        "parameters": [
            {
                "name": "digest",
                "in": "path",
                "required": True,
                "description": "SHA-256 of the bytes.",
                "schema": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            }
        ],
        "head": {
            "operationId": "blobs.known",
            "summary": "Whether these bytes are stored: 200, or 404.",
            "responses": {"200": {"description": "They are."}, "default": refused},
        },
        "put": {
            "operationId": "blobs.put",
            "summary": "Send bytes ahead of the operation that names them.",
            "requestBody": {"required": True, "content": {BYTES: {}}},
            "responses": {"200": _answer("They are stored.", {JSON: {"schema": upload}}), "default": refused},
        },
    }


def _answer(description: str, content: dict[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": content}


def reference(table: Iterable[Operation]) -> str:
    """The reference as one page of plain HTML: no script, no style of its own."""
    operations = list(table)
    nouns = dict.fromkeys(one.noun for one in operations)
    sections = "".join(
        f'<section id="{escape(noun)}"><h2>{escape(noun)}</h2>'
        + "".join(_described(one) for one in operations if one.noun == noun)
        + "</section>"
        for noun in nouns
    )
    contents = "".join(f'<li><a href="#{escape(noun)}">{escape(noun)}</a></li>' for noun in nouns)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Modelwright API</title>'
        '<meta name="viewport" content="width=device-width"></head><body><main><h1>Modelwright API</h1>'
        f"<p>Every operation is <code>POST {API}/&lt;noun&gt;.&lt;verb&gt;</code> with a JSON object. Commands take an "
        "<code>Idempotency-Key</code>: sent again under its key, a command is not done again. "
        f'<a href="{API}/openapi.json">OpenAPI document</a>.</p>'
        f"<nav><ul>{contents}</ul></nav>{sections}</main></body></html>"
    )


def _described(one: Operation) -> str:
    words = (getdoc(one.function) or "").replace("    unit: The unit of work.\n", "")
    return (
        f'<article id="{escape(one.name)}"><h3>{escape(one.name)}</h3>'
        f"<p><code>POST {API}/{escape(one.name)}</code> · {escape(one.kind)} · "
        f"needs <code>{escape(one.permission)}</code></p><pre>{escape(words)}</pre>"
        f"<p>Takes <code>{escape(str(one.signature))}</code></p></article>"
    )
