"""Compares the calls in the SDK's source with the table of OpenAI's calls."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from mockserver.catalog.paths import WEBSOCKET, known_calls, shape
from mockserver.drift.findings import Finding

_METHODS = {
    "_get": "GET",
    "_get_api_list": "GET",
    "_post": "POST",
    "_put": "PUT",
    "_patch": "PATCH",
    "_delete": "DELETE",
}

Made = tuple[str, str]  # a call: method and path


@cache
def calls_of_the_sdk(resources: Path) -> frozenset[Made]:
    """Return the calls that the modules in the folder ``resources`` make."""
    files = (file.read_text("utf-8") for file in resources.rglob("*.py"))
    return frozenset(call for text in files for call in _made_in(ast.parse(text)))


def compare_endpoints(resources: Path, served: Iterable[Made]) -> Iterator[Finding]:
    """Yield the differences between the SDK's calls, the table, and the calls that this server ``served``."""
    theirs, ours = calls_of_the_sdk(resources), {(call.method, call.path) for call in known_calls()}
    for method, path in sorted(theirs - ours):
        yield Finding("missing_endpoint", f"{method} {path}", "the SDK calls it, openai_paths.toml lacks it.")
    for method, path in sorted(ours - theirs):
        yield Finding(
            "extra_endpoint", f"{method} {path}", "openai_paths.toml has it, the SDK does not call it."
        )
    known = {(method, shape(path)) for method, path in ours}
    for method, path in sorted(served):
        if (method, shape(path)) not in known:
            yield Finding("extra_endpoint", f"{method} {path}", "it is served, the SDK does not call it.")


def _made_in(tree: ast.Module) -> Iterator[Made]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            if node.func.attr in _METHODS and isinstance(node.func.value, ast.Name):
                yield _method(node), _path(node.args[0])
            elif node.func.attr == "encode" and _path(node.func.value).startswith("/"):
                yield WEBSOCKET, _path(node.func.value)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bytes):
            appended = node.value.decode()  # appended to the base URL of a WebSocket
            if re.fullmatch("/[a-z_/]+", appended):
                yield WEBSOCKET, appended


def _method(node: ast.Call) -> str:
    given = (each.value for each in node.keywords if each.arg == "method")
    named = next((str(each.value) for each in given if isinstance(each, ast.Constant)), None)
    assert isinstance(node.func, ast.Attribute)
    return (named or _METHODS[node.func.attr]).upper()


def _path(node: ast.expr) -> str:
    """Return a literal path, or the template of ``path_template("/files/{file_id}", …)``."""
    if isinstance(node, ast.Call) and node.args:
        return _path(node.args[0])
    return str(node.value).partition("?")[0] if isinstance(node, ast.Constant) else ""
