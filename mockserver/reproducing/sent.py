"""The request of a journal entry, with what is needed to send it again."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote, urlencode

from msgspec import Struct

from mockserver.accounts.accounts import HIDDEN
from mockserver.accounts.redaction import is_secret
from mockserver.journal.redacted import MAX_CHARACTERS
from mockserver.reproducing.reasons import CannotReproduce

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Kind = Literal["none", "json", "form", "multipart"]  # of a body

_FILE_FIELDS = ("file", "recording", "audio_sample", "data", "image")  # of forms
_PATH_SAFE = "/:@!$&'()*+,;=~"  # characters that paths have as they are
_UNSAFE_IN_NAMES = re.compile(r"[^\w. -]")
_MAX_NAME = 100  # characters
# Headers that clients add to every request; those that make sense for one connection only.
_OF_CLIENTS = frozenset(
    (
        *("host", "user-agent", "accept-encoding", "accept-language", "cache-control", "pragma", "dnt", "te"),
        *("connection", "keep-alive", "upgrade", "expect", "transfer-encoding", "content-length", "trailer"),
        *("content-type", "origin", "referer", "priority", "idempotency-key"),
        *("traceparent", "tracestate", "baggage"),
    )
)
_OF_CLIENTS_PREFIXES = ("x-stainless-", "sec-", "proxy-", "x-forwarded-")
_ORDINARY_TYPES = ("*/*", "application/json", "application/octet-stream")  # in ``Accept``


class Upload(NamedTuple):
    """A file of a form: its ``field``, its ``name`` as it was uploaded, and the ``file`` in the folder to send."""

    field: str
    name: str
    file: str


class FileInBase64(NamedTuple):
    """The place of a ``file`` that is sent in base64, in JSON."""

    file: str


class Credentials(NamedTuple):
    """The header with the API key, and what precedes the key in it."""

    header: str
    scheme: str


class SentRequest(Struct, frozen=True):
    """A request as the journal has it.

    ``path`` and ``query`` are percent-encoded. ``headers`` are those that matter, without secrets: ``credentials`` is
    the header with the API key, ``None`` if there was none; ``left_out`` names further headers and arguments that
    are secret. ``document`` is the form or JSON; in JSON, a ``FileInBase64`` stands for each file. ``files`` are the
    names of the files that are needed, with the SHA-256 of each.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    credentials: Credentials | None
    left_out: tuple[str, ...]
    kind: Kind
    document: Mapping[str, Any]
    uploads: tuple[Upload, ...]
    files: Mapping[str, str]

    @property
    def url(self) -> str:
        """Return path and query."""
        return f"{self.path}?{self.query}" if self.query else self.path


def sent_request(entry: Mapping[str, Any]) -> SentRequest:
    """Return the request of an entry. Raises ``CannotReproduce``."""
    if entry.get("realtime") or entry["headers"].get("upgrade", "").lower() == "websocket":
        raise CannotReproduce(
            "It opened a WebSocket or a call, which is more than one request. docs/realtime.md has a scripted caller."
        )
    if HIDDEN in entry["path"]:
        raise CannotReproduce("Its path has a secret, which the journal does not keep.")
    query, hidden_arguments = _query(entry["query"])
    headers, credentials, hidden_headers = _headers(entry["headers"])
    kind = _kind(entry)
    body = _without_arguments(entry) if kind != "none" else {}
    names = _file_names(entry["audio"])
    uploads = tuple(_uploads(body, entry["audio"], names)) if kind == "multipart" else ()
    fields = {each.field for each in uploads}
    document = {name: _whole(value, name, names) for name, value in body.items() if name not in fields}
    return SentRequest(
        method=entry["method"],
        path=quote(entry["path"], safe=_PATH_SAFE, errors="surrogateescape"),
        query=query,
        headers=headers,
        credentials=credentials,
        left_out=(*hidden_headers, *hidden_arguments),
        kind=kind,
        document=document,
        uploads=uploads,
        files={file: sha256 for sha256, file in names.items() if file in _used(document, uploads)},
    )


def local_name(name: str) -> str:
    """Return the name of a file in the current folder for a file that was uploaded as ``name``."""
    return _UNSAFE_IN_NAMES.sub("_", name)[-_MAX_NAME:].strip(" .-") or "file"


def _query(arguments: Mapping[str, Any]) -> tuple[str, list[str]]:
    """Return the arguments, encoded, and the names of those that are secret."""
    pairs = [(name, each) for name, value in arguments.items() for each in _listed(value)]
    hidden = [f"the argument {name}" for name, value in pairs if HIDDEN in value]
    shown = [(name, value) for name, value in pairs if HIDDEN not in value]
    for name, value in shown:
        _check_length(name, value)
    return urlencode(shown, errors="surrogatepass"), hidden


def _headers(sent: Mapping[str, str]) -> tuple[dict[str, str], Credentials | None, list[str]]:
    """Return the headers that matter, that of the API key, and the names of others that are secret."""
    shown, hidden = {}, []
    credentials = None
    for name, value in sent.items():
        if name in _OF_CLIENTS or name.startswith(_OF_CLIENTS_PREFIXES):
            continue
        if name == "authorization" and value.lower().startswith("bearer "):
            credentials = Credentials(name, "Bearer ")
        elif name == "api-key":
            credentials = credentials or Credentials(name, "")
        elif is_secret("headers", name) or HIDDEN in value:
            hidden.append(f"the header {name}")
        elif name != "accept" or value not in _ORDINARY_TYPES:
            _check_length(name, value)
            shown[name] = value
    return shown, credentials, hidden


def _kind(entry: Mapping[str, Any]) -> Kind:
    """Return the kind of the body. Raises ``CannotReproduce`` for one that the journal does not have."""
    headers = entry["headers"]
    length = "0" if entry["method"] == "GET" else headers.get("content-length", "0")
    is_sent = length != "0" or "transfer-encoding" in headers or entry["connection"] is not None
    if not is_sent:
        return "none"
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if entry["request"] or (media_type == "application/json" and length == "2"):
        if media_type == "multipart/form-data":
            return "multipart"
        return "form" if media_type == "application/x-www-form-urlencoded" else "json"
    raise CannotReproduce(
        "The journal does not have the body of this request: it was refused before it was read, or is neither a form "
        "nor a JSON object."
    )


def _without_arguments(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the body. In the entries of calls that are not served, it is mixed with the query."""
    query = entry["query"] if entry["operation"] is None else {}
    return {name: value for name, value in entry["request"].items() if query.get(name, ...) != value}


def _file_names(audio: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the names of the files to send, by their SHA-256; different files have different names."""
    names: dict[str, str] = {}
    for file in audio:
        if file["sha256"] not in names:
            name = local_name(file["file"])
            number = len(names)
            names[file["sha256"]] = f"{number}-{name}" if name in names.values() else name
    return names


def _uploads(
    body: Mapping[str, Any], audio: Sequence[Mapping[str, Any]], names: Mapping[str, str]
) -> Iterator[Upload]:
    """Yield the files of a form, whose fields are empty in the journal."""
    empty = [name for name, value in body.items() if value == ""]
    likely = sorted(empty, key=lambda name: name not in _FILE_FIELDS)
    for field, file in zip(likely, audio, strict=False):
        yield Upload(field, file["file"], names[file["sha256"]])


def _whole(value: Any, place: str, names: Mapping[str, str]) -> Any:
    """Return a value with its files replaced. Raises ``CannotReproduce`` if the journal has only a part of it."""
    if isinstance(value, str):
        if HIDDEN in value:
            raise CannotReproduce(f"{place}: is secret, or has a secret, which the journal does not keep.")
        return value
    if isinstance(value, Mapping):
        if value.keys() == {"base64_bytes", "sha256"}:
            return FileInBase64(names.get(value["sha256"], "audio"))
        if value.keys() in ({"length", "starts"}, {"values"}):
            raise CannotReproduce(f"{place}: is too large for the journal, which keeps only its beginning.")
        return {name: _whole(each, f"{place}.{name}", names) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each, f"{place}[{number}]", names) for number, each in enumerate(value)]
    return value


def _used(value: Any, uploads: Iterable[Upload] = ()) -> set[str]:
    """Return the names of the files in a JSON value, and of the uploads."""
    if isinstance(value, FileInBase64):
        return {value.file}
    parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return {each.file for each in uploads}.union(*map(_used, parts))


def _check_length(name: str, value: str) -> None:
    if len(value) > MAX_CHARACTERS or (value.endswith("…") and len(value) > 80):
        raise CannotReproduce(f"{name}: is too long for the journal, which keeps only its beginning.")


def _listed(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
