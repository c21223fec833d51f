"""Python that sends the request of an exchange again: with the official SDK where it has a method, else with httpx."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from mockserver.reproducing.literals import Expression, call, quoted
from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.sdk import arguments, sdk_call
from mockserver.reproducing.sent import FileInBase64
from mockserver.reproducing.shell import comments, form_fields

if TYPE_CHECKING:
    from mockserver.reproducing.sdk import SdkCall
    from mockserver.reproducing.sent import SentRequest, Upload

_BASE64_OF = """\
def base64_of(file):
    return base64.b64encode(Path(file).read_bytes()).decode()
"""
_TIMEOUT = 600  # seconds
_TEXTS = ("text", "srt", "vtt")  # values of ``response_format`` for which the SDK returns a text
_BINARY = ("create_speech", "download_file")  # operations


class Target(NamedTuple):
    """What the code of a call uses, as expressions: the SDK's client, the URL of the server, and the API key.

    ``content`` returns the bytes of an uploaded file, ``in_base64`` the text of a file in JSON.
    """

    client: str
    url: Callable[[str], str]
    key: str
    content: Callable[[Upload], str]
    in_base64: Callable[[str], str]


class PythonCall(NamedTuple):
    """The code of a call: an expression, which needs a ``library`` and the modules ``imports``.

    ``gives`` is what it returns: a ``model`` of the SDK, a ``stream`` of them, a ``text``, ``binary`` content, or the
    ``response`` of httpx.
    """

    code: str
    library: str
    gives: str
    imports: tuple[str, ...] = ()


def script(sent: SentRequest, operation: str | None, base_url: str) -> str:
    """Return a program. The API key comes from the environment variable ``OPENAI_API_KEY``.

    Raises ``CannotReproduce``.
    """
    target = Target(
        client="client",
        url=lambda path: quoted(base_url + path),
        key='os.environ["OPENAI_API_KEY"]',
        content=lambda upload: f"Path({quoted(upload.file)}).read_bytes()",
        in_base64=lambda file: f"base64_of({quoted(file)})",
    )
    sending = python_call(sent, operation, target, taken=len("answer = "))
    imports = list(sending.imports)
    if sending.library == "httpx" and sent.credentials:
        imports.append("os")
    helper = ""
    if sent.kind == "json" and sent.files:
        imports, helper = ["base64", *imports], f"\n\n{_BASE64_OF}\n"
    lines = [*comments(sent), *(f"import {name}" for name in sorted(imports))]
    if sent.files:
        lines.append("from pathlib import Path")
    lines += [*([""] if imports or sent.files else []), f"import {sending.library}", helper]
    if sending.library == "openai":
        lines.append(f"client = openai.OpenAI(base_url={quoted(f'{base_url}/v1')})  # reads OPENAI_API_KEY\n")
    lines += [f"answer = {sending.code}", *_shown(sending, sent)]
    return "\n".join(lines) + "\n"


def python_call(
    sent: SentRequest, operation: str | None, target: Target, *, indent: int = 0, taken: int = 0
) -> PythonCall:
    """Return the code that sends a request. Raises ``CannotReproduce``."""
    row = sdk_call(operation, sent) if _fits_sdk(sent) else None
    if row is None:
        code = call("httpx.request", list(_httpx_arguments(sent, target)), indent, taken)
        has_json = sent.kind == "json" and not _is_unicode(sent.document)
        return PythonCall(code, "httpx", "response", ("json",) if has_json else ())
    code = call(f"{target.client}.{row.method}", _sdk_arguments(row, sent, target), indent, taken)
    return PythonCall(code, "openai", _gives(operation or "", sent.document))


def _fits_sdk(sent: SentRequest) -> bool:
    """Return whether the SDK can send such a request: no repeated arguments, no texts that it cannot encode."""
    arguments_given = [name for name, _ in parse_qsl(sent.query, keep_blank_values=True)]
    is_plain = len(set(arguments_given)) == len(arguments_given) and "%5B" not in sent.query
    return is_plain and all(each.isascii() for each in sent.headers.values()) and _is_unicode(sent.document)


def _is_unicode(document: Mapping[str, Any]) -> bool:
    """Return whether a document has no unpaired surrogates."""
    try:
        json.dumps(document, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _gives(operation: str, document: Mapping[str, Any]) -> str:
    if operation in _BINARY:
        return "binary"
    if document.get("stream") is True:
        return "stream"
    return "text" if document.get("response_format") in _TEXTS else "model"


def _sdk_arguments(row: SdkCall, sent: SentRequest, target: Target) -> list[tuple[str, Any]]:
    body = _filled(sent.document, target)
    body |= {each.field: _file(each, target) for each in sent.uploads}
    named, others = arguments(row, body)
    given: list[tuple[str, Any]] = [("", each) for each in row.variables(sent.path) or ()]
    given += named
    for name, value in (
        ("extra_headers", dict(sent.headers)),
        ("extra_query", dict(parse_qsl(sent.query, keep_blank_values=True))),
        ("extra_body", others),
    ):
        if value:
            given.append((name, value))
    return given


def _httpx_arguments(sent: SentRequest, target: Target) -> Iterator[tuple[str, Any]]:
    yield "", sent.method
    yield "", Expression(target.url(sent.url))
    headers: dict[str, Any] = {name: _header(value) for name, value in sent.headers.items()}
    if sent.credentials is not None:
        name, scheme = sent.credentials
        key = Expression(f"f'{scheme}{{{target.key}}}'" if scheme else target.key)
        headers = {name: key, **headers}
    if sent.kind == "json":
        headers["content-type"] = "application/json"
    if headers:
        yield "headers", headers
    yield from _httpx_body(sent, target)
    yield "timeout", _TIMEOUT


def _httpx_body(sent: SentRequest, target: Target) -> Iterator[tuple[str, Any]]:
    if sent.kind == "json":
        document = _filled(sent.document, target)
        yield (
            ("json", document)
            if _is_unicode(sent.document)
            else (
                "content",
                Expression(call("json.dumps", [("", document)])),
            )
        )
    if sent.kind in ("form", "multipart"):
        if not _is_unicode(sent.document):
            raise CannotReproduce("A field of the form is not UTF-8.")
        fields = form_fields(sent.document)
    if sent.kind == "form":
        by_name: dict[str, list[str]] = {}
        for name, value in fields:
            by_name.setdefault(name, []).append(value)
        yield "data", by_name
    elif sent.kind == "multipart":
        parts = [f"({quoted(name)}, (None, {quoted(value)}))" for name, value in fields]
        parts += [f"({quoted(each.field)}, {_file(each, target)})" for each in sent.uploads]
        yield "files", list(map(Expression, parts))


def _file(upload: Upload, target: Target) -> Expression:
    return Expression(f"({quoted(upload.name)}, {target.content(upload)})")


def _header(value: str) -> Any:
    return value if value.isascii() else Expression(repr(value.encode("latin-1", "replace")))


def _filled(value: Any, target: Target) -> Any:
    """Return a JSON value with expressions in place of its files."""
    if isinstance(value, FileInBase64):
        return Expression(target.in_base64(value.file))
    if isinstance(value, Mapping):
        return {name: _filled(each, target) for name, each in value.items()}
    return [_filled(each, target) for each in value] if isinstance(value, list) else value


def _shown(sending: PythonCall, sent: SentRequest) -> list[str]:
    """Return the lines that show the answer."""
    if sending.gives == "stream":
        return ["for event in answer:", "    print(event.to_json(indent=None))"]
    if sending.gives == "binary":
        return [f"answer.write_to_file({quoted(answer_file(sent))})"]
    shown = {"model": "answer.to_json()", "text": "answer", "response": "answer.text"}[sending.gives]
    return [f"print({shown})"]


def answer_file(sent: SentRequest) -> str:
    """Return the name of a file for an answer that is no text."""
    given = sent.document.get("response_format", "mp3") if "input" in sent.document else "bin"
    return (
        f"answer.{given}" if isinstance(given, str) and given.isalnum() and given.isascii() else "answer.bin"
    )
