"""The command that sends the request of an exchange again, for bash."""

from __future__ import annotations

import json
import re
import secrets
import shlex
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.sent import FileInBase64

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.reproducing.sent import SentRequest

_BREAK = " \\\n  "
_MAX_ARGUMENT = 100_000  # bytes; Linux accepts 131,072
_FIELD = re.compile(r"[^=\"\\\x00-\x1f\x7f]+")  # names of form fields that curl sends unchanged
_FILE_NAME = re.compile(r"[^\"\\\x00-\x1f\x7f]*")


def command(sent: SentRequest, base_url: str, *, answer_file: str = "", is_stream: bool = False) -> str:
    """Return the command. The API key comes from the environment variable ``OPENAI_API_KEY``.

    ``answer_file`` is the name of the file for an answer that is no text. Raises ``CannotReproduce``.
    """
    options = [*_method(sent), *_headers(sent), *_body(sent)]
    if is_stream:
        options.append("--no-buffer")
    if answer_file:
        options.append(f"--output {quoted(answer_file)}")
    curl = _BREAK.join([f"curl -sS {quoted(base_url + sent.url)}", *options])
    lines = [*comments(sent), f"{_piped(sent)}{curl}"]
    return "\n".join(lines) + "\n"


def comments(sent: SentRequest) -> Iterator[str]:
    """Yield comments, for bash or Python, that name the files that are needed and what was left out."""
    for file, sha256 in sent.files.items():
        yield f"# Reads {file} from the current folder: its SHA-256 is {sha256}."
    if sent.left_out:
        named = ", ".join(each.encode("ascii", "backslashreplace").decode() for each in sent.left_out)
        yield f"# Left out, because secret: {' '.join(named.split())}."


def quoted(text: str) -> str:
    """Return a text as one word of bash, of any characters but NUL. Raises ``CannotReproduce``."""
    if all(character.isprintable() or character == "\n" for character in text):
        return shlex.quote(text)
    return _escaped(text.encode("utf-8", "surrogateescape" if _has_bytes(text) else "surrogatepass"))


def _has_bytes(text: str) -> bool:
    """Return whether all surrogates of a text stand for bytes that are not UTF-8."""
    return all("\udc80" <= each <= "\udcff" for each in text if "\ud800" <= each <= "\udfff")


def _escaped(data: bytes) -> str:
    """Return bytes as a word in bash's ANSI-C quotes."""
    if b"\0" in data:
        raise CannotReproduce("A text of the request contains a NUL character, which no command can have.")
    plain = (chr(each) if 32 <= each < 127 and each not in b"'\\!" else f"\\x{each:02x}" for each in data)
    return f"$'{''.join(plain)}'"


def _method(sent: SentRequest) -> Iterator[str]:
    implied = "GET" if sent.kind == "none" else "POST"
    if sent.method == "HEAD":
        yield "--head"
    elif sent.method != implied:
        yield f"-X {quoted(sent.method)}"
    if any(segment in (".", "..") for segment in sent.path.split("/")):
        yield "--path-as-is"


def _headers(sent: SentRequest) -> Iterator[str]:
    if sent.credentials is not None:
        yield f'-H "{sent.credentials.header}: {sent.credentials.scheme}$OPENAI_API_KEY"'
    if sent.kind == "json":
        yield "-H 'content-type: application/json'"
    for name, value in sent.headers.items():
        header = f"{name}: {value}"
        yield f"-H {quoted(header) if header.isascii() else _escaped(_header_bytes(header))}"


def _header_bytes(header: str) -> bytes:
    try:
        return header.encode("latin-1")
    except UnicodeEncodeError:
        return header.encode("utf-8", "surrogateescape")


def _body(sent: SentRequest) -> Iterator[str]:
    if sent.kind == "multipart":
        yield from _parts(sent)
    elif sent.kind == "form":
        yield f"--data-raw {quoted(urlencode(form_fields(sent.document), errors='surrogatepass'))}"
    elif sent.kind == "json":
        yield "--data-binary @-" if _is_piped(sent) else f"--data-raw {quoted(_json(sent.document))}"


def _parts(sent: SentRequest) -> Iterator[str]:
    for name, value in form_fields(sent.document):
        _check_field(name)
        yield f"--form-string {quoted(f'{name}={value}')}"
    for upload in sent.uploads:
        _check_field(upload.field)
        if not _FILE_NAME.fullmatch(upload.name):
            raise CannotReproduce(
                "The name of the file has characters that curl changes. The Python code sends them."
            )
        named = "" if upload.name == upload.file else f';filename="{upload.name}"'
        yield f"-F {quoted(f'{upload.field}=@{upload.file}{named}')}"


def _check_field(name: str) -> None:
    if not _FIELD.fullmatch(name):
        raise CannotReproduce("The name of a field has characters that curl changes.")


def form_fields(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the fields of a form: lists as ``name[]``, members of objects as ``name[member]``."""
    return [field for name, value in document.items() for field in _fields(name, value)]


def _fields(name: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for member, each in value.items():
            yield from _fields(f"{name}[{member}]", each)
    elif isinstance(value, list):
        for each in value:
            yield from _fields(f"{name}[]", each)
    else:
        yield name, value if isinstance(value, str) else json.dumps(value)


def _json(document: Any) -> str:
    """Return a document as JSON."""
    text = json.dumps(document, ensure_ascii=False, indent=2)
    return text if text.isascii() or _is_plain(text) else json.dumps(document, indent=2)


def _is_plain(text: str) -> bool:
    return all(character.isprintable() or character == "\n" for character in text)


def _is_piped(sent: SentRequest) -> bool:
    """Return whether the body is written by commands: it has files, or is too long for an argument."""
    return sent.kind == "json" and (
        bool(sent.files) or len(_json(sent.document).encode("utf-8", "replace")) > _MAX_ARGUMENT
    )


def _piped(sent: SentRequest) -> str:
    """Return the commands that write the body, with a pipe at their end; empty if curl has the body."""
    if not _is_piped(sent):
        return ""
    mark, files = secrets.token_hex(16), list[str]()
    text, *texts = _json(_marked(sent.document, mark, files)).split(f'"{mark}"')
    commands = [f"printf %s {quoted(text)}"]
    for file, text in zip(files, texts, strict=True):
        commands.append(f"printf '\"'; base64 < {quoted(file)} | tr -d '\\n'; printf '\"'")
        commands.append(f"printf %s {quoted(text)}")
    return "{ " + "\n  ".join(commands) + "\n} | "


def _marked(value: Any, mark: str, files: list[str]) -> Any:
    """Return a JSON value in which the ``mark`` stands for each file; add their names to ``files``."""
    if isinstance(value, FileInBase64):
        files.append(value.file)
        return mark
    if isinstance(value, Mapping):
        return {name: _marked(each, mark, files) for name, each in value.items()}
    return [_marked(each, mark, files) for each in value] if isinstance(value, list) else value
