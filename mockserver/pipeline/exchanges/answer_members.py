"""The members of a journal record that come from the answer: its headers, and its body if it is whole."""

from __future__ import annotations

import contextlib
import hashlib
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.journal import redacted
from mockserver.journal.pieces import hidden

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.accounts.redaction import Secrets
    from mockserver.pipeline.call import Call

_REFUSED = 400
_LIMITS = ("x-ratelimit-", "retry-after")  # headers about limits
_TEXT = ("json", "+xml", "/xml", "/sdp", "/jsonl", "/yaml", "/x-subrip")  # ends of media types
_MAX_TEXT = 1 << 20  # bytes of a text that is examined
_MAX_JSON = 1 << 16  # bytes of an answer that is recorded as JSON
_VECTOR = re.compile(rb'"embedding": ?(\[)\s*[-0-9]')


def is_text(media_type: str) -> bool:
    """Return whether a body of a media type is text."""
    return media_type.startswith("text/") or media_type.endswith(_TEXT)


def is_own(call: Call | None, status: int | None, request: Mapping[str, Any]) -> bool:
    """Return whether an answer has no secrets but those of the request, wherever these are.

    So it is if the server has made it of a ``request`` in which nothing had to be hidden, without a stub, a fault or a
    stored value.
    """
    return (
        call is not None
        and call.operation.from_request
        and call.scripted is None
        and call.fault is None
        and status is not None
        and status < _REFUSED
        and request == call.document
    )


def answer_of(
    body: bytes | None, headers: Mapping[str, str], secrets: Secrets, *, own: bool
) -> dict[str, Any]:
    """Return the headers, those about limits, and the body of an answer that is whole. ``own`` is by ``is_own``."""
    return {
        "response_headers": dict(headers if own else redacted.response_headers(headers, secrets)),
        "response": _shown(body, headers.get("content-type", ""), secrets, own=own) if body else None,
        "limits": {name: headers[name] for name in _limits_in(tuple(headers))},
    }


@lru_cache(maxsize=256)
def _limits_in(names: tuple[str, ...]) -> tuple[str, ...]:
    """Return which of the names of headers are about limits."""
    return tuple(name for name in names if name.startswith(_LIMITS))


def _shown(body: bytes, content_type: str, secrets: Secrets, *, own: bool) -> Any:
    """Return a body: JSON or a text, redacted and shortened, or facts about other data."""
    media_type = content_type.partition(";")[0].strip().lower()
    if len(body) > _MAX_TEXT or not is_text(media_type):
        return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    if media_type.endswith("json"):
        if own and len(body) <= redacted.MAX_CHARACTERS and not secrets.may_be_in(body.decode()):
            return msgspec.Raw(body)  # it takes no time to read it
        with contextlib.suppress(ValueError, RecursionError):  # a fault has broken it
            return _json(body, secrets)
    text = body.decode("utf-8", "replace")
    if media_type == "text/event-stream":  # of a stub
        text = "".join(hidden([text], secrets))
    return redacted.answer_text(text, secrets)


def _json(body: bytes, secrets: Secrets) -> Any:
    """Return the JSON in a body; if it is long, its size. Raises ``ValueError`` and ``RecursionError``."""
    value = redacted.answer(msgspec.json.decode(_without_vectors(body)), secrets)
    if len(body) <= _MAX_JSON:
        return value
    size = len(msgspec.json.encode(value))
    return value if size <= _MAX_JSON else {"bytes": size}


def _without_vectors(body: bytes) -> bytes:
    """Return JSON with the vectors of embeddings replaced by their sizes: to parse them would take long."""
    parts, end = [], 0
    for found in _VECTOR.finditer(body) if len(body) > redacted.MAX_CHARACTERS else ():
        begin, close = found.start(1), body.find(b"]", found.end())
        if close < 0:
            break
        parts += [body[end:begin], b'{"values":%d}' % (body.count(b",", begin, close) + 1)]
        end = close + 1
    return b"".join([*parts, body[end:]])
