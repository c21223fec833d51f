"""Forms of answers that recordings of the real API have, row by row, over a socket.

The rows are the ``[[form]]`` tables of ``tests/data/recorded/*.toml``:

``name``
    The recorded case; unique in its file.
``seen``
    The year of the newest recording or report.
``certainty``
    ``high``, ``medium`` or ``low``, as ``docs/fidelity.md`` grades evidence.
``request``
    ``method`` (``POST`` unless given), ``path``, ``headers``, ``key`` (an account of its own unless given; ``""``
    sends none), and one of ``json``, ``form`` or ``body`` (a text, sent as it is). The values of ``form`` are texts
    or lists of texts, which are sent once for each; the names are sent as written. ``file`` is a clip of
    ``fixtures/``, or ``"name.ext:text"`` for a file with that text.
``before``
    Requests that are sent first, from the same account. ``{/id}``, a JSON pointer in braces, is replaced by
    that value of the last answer in ``path``, ``json``, ``form`` and the next of them.
``status``, ``reason``
    The status of the answer and, if given, its reason phrase.
``headers``, ``absent``
    Patterns that whole values of headers match; names of headers that are not sent.
``style``
    The spacing of JSON: ``compact``, ``two_spaces`` or ``four_spaces``, with ``+newline`` where a final line feed
    follows.
``keys``
    Pointer → the keys of that object, in order, separated by spaces. For server-sent events the document is the
    list of the events' data, JSON parsed, ``[DONE]`` as a text.
``equals``, ``null``
    Pointer → the value there; pointers to nulls.
``lacks``
    Pointers that lead nowhere.
``matches``
    Patterns, each found somewhere in the body.
``length``
    Bytes of the body.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mockserver import json_styles
from tests.conftest import FIXTURES, RawResponse

Sender = Callable[..., RawResponse]

TABLES = Path(__file__).parents[1] / "data" / "recorded"
ABOUT, ANSWER = ("name", "seen", "certainty", "request", "before"), ("status", "reason", "headers", "absent")
DOCUMENT = ("style", "keys", "equals", "null", "lacks")
KNOWN = frozenset((*ABOUT, *ANSWER, *DOCUMENT, "matches", "length"))


def rows() -> Iterator[Any]:
    for table in sorted(TABLES.glob("*.toml")):
        for row in tomllib.loads(table.read_text("utf-8"))["form"]:
            yield pytest.param(row, id=f"{table.stem}-{row['name']}")


@pytest.mark.parametrize("row", list(rows()))
def test_the_answer_has_the_form_that_was_recorded(row: dict[str, Any], send: Sender) -> None:
    assert set(row) <= KNOWN, "a row has unknown keys"
    assert row["certainty"] in ("high", "medium", "low")
    assert 2023 <= row["seen"] <= 2026
    key = f"sk-mock-tier-5-recorded-{row['name']}"
    answer = None
    for earlier in row.get("before", ()):
        answer = ask(send, filled(earlier, answer), key)
        assert answer.status == 200, answer.body
    check(row, ask(send, filled(row["request"], answer), key))


def ask(send: Sender, request: dict[str, Any], key: str) -> RawResponse:
    """Send a row's request."""
    headers, body = dict(request.get("headers", {})), request.get("body", "").encode()
    if "json" in request:
        body = json.dumps(request["json"]).encode()
        headers.setdefault("Content-Type", "application/json")
    if "form" in request or "file" in request:
        body = form(request.get("form", {}), request.get("file"))
        headers.setdefault("Content-Type", "multipart/form-data; boundary=edge")
    chosen = request.get("key", key) or None
    return send(request.get("method", "POST"), request["path"], body, headers, chosen)


def form(fields: dict[str, str | list[str]], file: str | None) -> bytes:
    """Return a multipart body with the boundary ``edge``."""
    parts = [
        f'--edge\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, values in fields.items()
        for value in (values if isinstance(values, list) else [values])
    ]
    if file is not None:
        name, colon, text = file.partition(":")
        data = text.encode() if colon else (FIXTURES / name).read_bytes()
        head = f'--edge\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        parts.append(head.encode() + b"Content-Type: application/octet-stream\r\n\r\n" + data + b"\r\n")
    return b"".join(parts) + b"--edge--\r\n"


def filled(request: dict[str, Any], answer: RawResponse | None) -> dict[str, Any]:
    """Fill ``{/pointer}`` with what the last answer has there."""
    if answer is None:
        return request
    document = answer.json()

    def fill(value: Any) -> Any:
        if isinstance(value, str):
            return re.sub(r"\{(/[^{}]*)\}", lambda found: str(at(document, found[1])), value)
        if isinstance(value, list):
            return [fill(each) for each in value]
        return {name: fill(each) for name, each in value.items()} if isinstance(value, dict) else value

    return {name: fill(value) for name, value in request.items()}


def check(row: dict[str, Any], answer: RawResponse) -> None:
    """Assert that the answer is as the row says."""
    text = answer.body.decode("utf-8", "replace")
    assert answer.status == row["status"], text
    if "reason" in row:
        assert answer.reason == row["reason"]
    for name, pattern in row.get("headers", {}).items():
        assert re.fullmatch(pattern, answer.headers.get(name, "(absent)")), (
            f"{name}: {answer.headers.get(name)}"
        )
    present = [name for name in row.get("absent", ()) if name in answer.headers]
    assert not present, f"sent nevertheless: {present}"
    if "length" in row:
        assert len(answer.body) == row["length"], text
    for pattern in row.get("matches", ()):
        assert re.search(pattern, text), f"{pattern!r} is not in {text}"
    if any(name in row for name in DOCUMENT):
        check_document(row, document_of(answer), text)


def check_document(row: dict[str, Any], document: Any, text: str) -> None:
    """Assert what a row says of the JSON in the answer."""
    if "style" in row:
        style, _, newline = row["style"].partition("+")
        spaced = getattr(json_styles, style)(document).decode().removesuffix("\n")
        assert text == spaced + ("\n" if newline else "")
    for pointer, keys in row.get("keys", {}).items():
        assert list(at(document, pointer)) == keys.split(), pointer
    for pointer, value in row.get("equals", {}).items():
        assert at(document, pointer) == value, pointer
    for pointer in row.get("null", ()):
        assert at(document, pointer) is None, pointer
    for pointer in row.get("lacks", ()):
        with pytest.raises((KeyError, IndexError)):
            at(document, pointer)


def document_of(answer: RawResponse) -> Any:
    """Return the JSON of the answer, or the list of its events."""
    if not answer.headers["content-type"].startswith("text/event-stream"):
        return json.loads(answer.body)
    data = [line[6:] for line in answer.body.decode().splitlines() if line.startswith("data: ")]
    return [each if each == "[DONE]" else json.loads(each) for each in data]


def at(document: Any, pointer: str) -> Any:
    """Return what a JSON pointer leads to; ``-1`` is the last item of a list."""
    for step in pointer.split("/")[1:]:
        document = document[int(step)] if isinstance(document, list) else document[step]
    return document
