"""``GET /_mock/openapi.json``: the control API described by itself, as OpenAPI 3.1.

The paths are those that are registered, the bodies the JSON Schemas that they are validated by. What no code
can tell (summaries, statuses, examples) is in ``route_docs.toml``.
"""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from mockserver.control import requests as control
from mockserver.control.guard import TOKEN_HEADER
from mockserver.control.route_docs import route_rows
from mockserver.resources import data_folder
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import flask

    from mockserver.services import Services

_JSON = "application/json"
_ERROR = {
    "type": "object",
    "required": ["error"],
    "properties": {"error": {"type": "string", "description": "The place, what is wrong there, the remedy."}},
}
_REFUSALS = {
    "400": "The call makes no sense.",
    "401": "The server has a control token, and the call carries none, or another.",
    "403": "The caller is not on this machine, or is a page of another site.",
}


def register(app: flask.Flask, services: Services) -> None:
    """Adds ``GET /_mock/openapi.json``."""

    @cache
    def description() -> dict[str, Any]:
        return describe(app)

    def openapi() -> flask.Response:
        return control.answer(description())

    app.add_url_rule("/_mock/openapi.json", "mock_openapi", openapi, methods=["GET"])


def describe(app: flask.Flask) -> dict[str, Any]:
    """The OpenAPI document of an app's control API."""
    rows = route_rows()
    paths: dict[str, dict[str, Any]] = {}
    for call in routes(app):
        method, path = call.split()
        paths.setdefault(path, {})[method.lower()] = _operation(call, rows[call])
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Control API of audio-mockserver",
            "version": __version__,
            "description": "A call with an API key concerns that account, one without a key every account.",
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"account": []}, {"token": []}, {"account": [], "token": []}],
        "paths": paths,
        "components": {
            "schemas": _schemas() | {"error": _ERROR},
            "responses": {status: _refusal(text) for status, text in _REFUSALS.items()},
            "securitySchemes": {
                "account": {"type": "http", "scheme": "bearer", "description": "An API key: the account."},
                "token": {"type": "apiKey", "in": "header", "name": TOKEN_HEADER},
            },
        },
    }


def routes(app: flask.Flask) -> list[str]:
    """Every call that the control API knows, such as ``GET /_mock/models/{name}``."""
    return sorted(
        f"{method} {control.shown(rule.rule)}"
        for rule in app.url_map.iter_rules()
        if control.concerns(rule.rule)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    )


def _operation(call: str, row: Mapping[str, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": row["id"],
        "tags": [call.split("/")[2].partition(".")[0]],
        "summary": row["summary"],
        "parameters": [*_path_parameters(call), *_query_parameters(row)],
        "responses": _responses(row),
    }
    if "body" in row:
        content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{row['body']}"}}
        if "example" in row:
            content["example"] = row["example"]
        operation["requestBody"] = {"required": row.get("required", True), "content": {_JSON: content}}
    return operation


def _path_parameters(call: str) -> Iterator[dict[str, Any]]:
    for part in call.split("{")[1:]:
        name = part.partition("}")[0]
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, text in row.get("query", {}).items():
        yield {"name": name, "in": "query", "description": text, "schema": {"type": "string"}}


def _responses(row: Mapping[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}} if row.get("type", _JSON) == _JSON else {}
    if "answer" in row:
        content["example"] = row["answer"]
    answered = {"description": row["answers"], "content": {row.get("type", _JSON): content}}
    refusals = {status: {"$ref": f"#/components/responses/{status}"} for status in _REFUSALS}
    others = {status: _refusal(text) for status, text in row.get("refusals", {}).items()}
    return {str(row.get("status", 200)): answered} | refusals | others


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": {_JSON: {"schema": {"$ref": "#/components/schemas/error"}}}}


def _schemas() -> dict[str, Any]:
    """The schemas of ``schemas/mock``, which then refer to each other within the document."""
    files = sorted((data_folder("schemas") / "mock").glob("*.json"))
    return {file.stem: _moved(json.loads(file.read_text("utf-8")), file.stem) for file in files}


def _moved(schema: Any, name: str) -> Any:
    """A part of the schema ``name`` with its references led to where it is now."""
    if isinstance(schema, list):
        return [_moved(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value, name) for key, value in schema.items() if key not in ("$schema", "$id")}
    if isinstance(moved.get("$ref"), str):
        file, _, place = moved["$ref"].partition("#")
        moved["$ref"] = f"#/components/schemas/{file.removesuffix('.json') or name}{place}"
    return moved
