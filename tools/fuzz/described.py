"""Runs schemathesis with the OpenAPI documents of a running server."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.catalog.paths import WEBSOCKET
from tools.fuzz.calls import Call, variables
from tools.fuzz.exchange import KEY
from tools.fuzz.values import joined

if TYPE_CHECKING:
    from benchmarks.processes import Server

_SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
# 503: no engine can transcribe a clip, or the queue is full. Any other 5xx is a finding.
_CONFIGURATION = '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "3xx", "4xx", "503"]\n'
_PATIENCE = 20  # seconds for an answer
_MAX_CONDITIONS = 8  # of a schema
# Faults and stubs may ask for a 5xx; the clock and `wait` delay other calls.
_STEERS = "/_mock/(faults|stubs|clock|wait|snapshot|settings|limits)"


def api_document(calls: list[Call]) -> dict[str, Any]:
    """Return an OpenAPI 3.1 document of the calls of the API that are served."""
    paths: dict[str, dict[str, Any]] = {}
    for call in calls:
        if not call.is_control and call.body != "any" and call.method != WEBSOCKET:
            paths.setdefault(call.path, {})[call.method.lower()] = _operation(call)
    return {"openapi": "3.1.0", "info": {"title": "API", "version": "1"}, "paths": paths}


def _operation(call: Call) -> dict[str, Any]:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in variables(call.path)
    ]
    parameters += [{"name": name, "in": "query", "schema": {"type": "string"}} for name in call.query]
    operation: dict[str, Any] = {"parameters": parameters, "responses": {"default": {"description": "Any."}}}
    kinds = {
        "json": ("application/json",),
        "form": ("multipart/form-data",),
        "either": ("application/json", "multipart/form-data"),
    }.get(call.body, ())
    content = {kind: {"schema": _plain(call.schema, call.files, call.models)} for kind in kinds}
    return operation | ({"requestBody": {"required": True, "content": content}} if content else {})


def _plain(schema: Mapping[str, Any], files: tuple[str, ...], models: tuple[str, ...]) -> dict[str, Any]:
    """Return ``schema`` with files as bytes, and with models that are served."""
    properties = dict(schema.get("properties", {}))
    for name in files:
        properties[name] = {"type": "string", "format": "binary"}
    if models and "model" in properties:
        properties["model"] = {"type": "string", "enum": list(models)}
    # The generator cannot judge files by conditions.
    left_out = ("$schema", "$id", *(("if", "then", "else") if files else ()))
    kept = {key: value for key, value in schema.items() if key not in left_out}
    plain: dict[str, Any] = _by_kind(kept | {"properties": properties})
    return plain


def _by_kind(schema: Any) -> Any:
    """Return ``schema`` with ``anyOf`` in place of many conditions: the generator gives up on their combinations."""
    if isinstance(schema, list):
        return [_by_kind(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _by_kind(value) for key, value in schema.items()}
    kinds = [part for part in plain.get("allOf", ()) if part.keys() == {"if", "then"}]
    if len(kinds) <= _MAX_CONDITIONS:
        return plain
    common = {key: value for key, value in plain.items() if key != "allOf"}
    return {"anyOf": [joined(joined(common, part["if"]), part["then"]) for part in kinds]}


def documents(server: Server, calls: list[Call], folder: Path) -> dict[str, tuple[Path, tuple[str, ...]]]:
    """Write the documents into ``folder``. Return each with the options of schemathesis that go with it."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "schemathesis.toml").write_text(_CONFIGURATION, "utf-8")
    url = f"http://127.0.0.1:{server.port}/_mock/openapi.json"
    with urllib.request.urlopen(url) as answer:
        (folder / "control.json").write_bytes(answer.read())
    (folder / "api.json").write_text(json.dumps(api_document(calls)), "utf-8")
    found: dict[str, tuple[Path, tuple[str, ...]]] = {
        "the control API": (folder / "control.json", ("--exclude-path-regex", _STEERS)),
        "what steers the server": (folder / "control.json", ("--include-path-regex", _STEERS)),
    }
    for strictness in ("real", "schema", "off"):
        options = ("-H", f"Authorization: Bearer {KEY}", "-H", f"x-mock-strictness: {strictness}")
        found[f"the API, strictness {strictness}"] = (folder / "api.json", options)
    return found


def try_document(server: Server, document: Path, options: tuple[str, ...], seed: int, seconds: float) -> str:
    """Return the report of schemathesis if it finds an error; otherwise an empty text."""
    command = [
        *(
            str(_SCHEMATHESIS),
            "--config-file",
            str(document.with_name("schemathesis.toml")),
            "run",
            str(document),
        ),
        *("--url", f"http://127.0.0.1:{server.port}", "--checks", "not_a_server_error", "--no-color"),
        *("--seed", str(seed), "--max-time", str(max(int(seconds), 1)), "--generation-database", "none"),
        *(
            "--request-timeout",
            str(_PATIENCE),
            "--suppress-health-check",
            "all",
            "--warnings",
            "off",
            *options,
        ),
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=document.parent)
    return "" if done.returncode == 0 else f"{' '.join(command)}\n{done.stdout[-8000:]}{done.stderr[-2000:]}"
