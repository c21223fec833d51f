"""Generates the OpenAPI 3.1 document of the control API, ``GET /_mock/openapi.json``.

The paths come from the table of operations, the bodies from the JSON Schemas that validate them. Summaries, examples
and refusals are in ``operations.toml``.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.catalog.reading import read_table
from mockserver.control.guard import TOKEN_HEADER
from mockserver.resources import data_folder
from mockserver.version import __version__

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mockserver.control.operation import ControlOperation

_DOCUMENTATION = Path(__file__).with_name("operations.toml")
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


@cache
def documentation() -> Mapping[str, Mapping[str, Any]]:
    """Return the rows of ``operations.toml`` by name of the operation, such as ``GET /_mock/models/{name}``."""
    return read_table(_DOCUMENTATION)


def describe(operations: Sequence[ControlOperation]) -> dict[str, Any]:
    """Return the OpenAPI document of the operations."""
    paths: dict[str, dict[str, Any]] = {}
    for operation in sorted(operations, key=lambda each: each.name):
        described = _operation(operation, documentation()[operation.name])
        paths.setdefault(operation.path, {})[operation.method.lower()] = described
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


def _operation(operation: ControlOperation, row: Mapping[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": row["id"],
        "tags": [operation.path.split("/")[2].partition(".")[0]],
        "summary": row["summary"],
        "parameters": [*_path_parameters(operation.path), *_query_parameters(operation, row)],
        "responses": _responses(operation, row),
    }
    if operation.schema:
        content: dict[str, Any] = {"schema": {"$ref": f"#/components/schemas/{operation.schema}"}}
        if "example" in row:
            content["example"] = row["example"]
        described["requestBody"] = {
            "required": not operation.body_is_optional,
            "content": {_JSON: content},
        }
    return described


def _path_parameters(path: str) -> Iterator[dict[str, Any]]:
    for part in path.split("{")[1:]:
        name = part.partition("}")[0]
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _query_parameters(operation: ControlOperation, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name in operation.query:
        yield {"name": name, "in": "query", "description": row["query"][name], "schema": {"type": "string"}}


def _responses(operation: ControlOperation, row: Mapping[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"schema": {"type": "object"}} if row.get("type", _JSON) == _JSON else {}
    if "answer" in row:
        content["example"] = row["answer"]
    answered = {"description": row["answers"], "content": {row.get("type", _JSON): content}}
    refusals = {status: {"$ref": f"#/components/responses/{status}"} for status in _REFUSALS}
    others = {status: _refusal(text) for status, text in row.get("refusals", {}).items()}
    return {str(operation.status): answered} | refusals | others


def _refusal(text: str) -> dict[str, Any]:
    return {"description": text, "content": {_JSON: {"schema": {"$ref": "#/components/schemas/error"}}}}


def _schemas() -> dict[str, Any]:
    """Return the schemas of ``schemas/mock``, with references to each other within the document.

    Their definitions are schemas of their own, such as ``when_names``: generators of clients would make them members.
    """
    schemas: dict[str, Any] = {}
    for file in sorted((data_folder("schemas") / "mock").glob("*.json")):
        schema = json.loads(file.read_text("utf-8"))
        definitions = schema.pop("$defs", {})
        schemas[file.stem] = _moved(schema, file.stem)
        for name, definition in definitions.items():
            schemas[f"{file.stem}_{name}"] = _moved(definition, file.stem)
    return schemas


def _moved(schema: Any, name: str) -> Any:
    """Return a part of the schema ``name`` with its references changed to the new places."""
    if isinstance(schema, list):
        return [_moved(each, name) for each in schema]
    if not isinstance(schema, dict):
        return schema
    moved = {key: _moved(value, name) for key, value in schema.items() if key not in ("$schema", "$id")}
    if isinstance(moved.get("$ref"), str):
        file, _, place = moved["$ref"].partition("#")
        place = place.replace("/$defs/", "_", 1)
        moved["$ref"] = f"#/components/schemas/{file.removesuffix('.json') or name}{place}"
    return moved
