"""The members of a journal record that come from a call: who sent the request, what is in it, and what it cost."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import msgspec

from mockserver.journal import redacted
from mockserver.pipeline.audio_members import files_of, heard_of

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.responses import Reply

_TEXT = ("json", "+xml", "/xml", "/sdp", "/jsonl", "/yaml", "/x-subrip")  # ends of media types
_MAX_TEXT = 1 << 20  # bytes of a text that is examined
_MAX_JSON = 1 << 16  # bytes of an answer that is recorded as JSON


def caller_of(call: Call | None) -> dict[str, Any]:
    """Return who sent the request."""
    if call is None:
        names = ("account_id", "account", "organization", "project")
        return {"account_names": [], **dict.fromkeys(names)}
    account = call.account
    return {
        "account_names": list(account.names),
        "account_id": account.id,
        "account": account.key,
        "organization": account.organization,
        "project": account.project,
    }


def endpoint_of(operation: Operation | None, secrets: Secrets) -> dict[str, Any]:
    """Return what the request was sent to."""
    if operation is None:
        return {"endpoint": None, "operation": None, "endpoint_names": []}
    return {
        "endpoint": operation.resource or None,
        "operation": operation.name or None,
        "endpoint_names": _names(operation.names, secrets)
        if operation.name
        else _hidden(operation.names, secrets),
    }


def _hidden(names: frozenset[str], secrets: Secrets) -> list[str]:
    return list(map(secrets.hide_in_path, names))


_names = lru_cache(maxsize=1024)(_hidden)  # of the operations that are served


def content_of(call: Call | None, secrets: Secrets) -> dict[str, Any]:
    """Return the content of the request: its document, its audio, its texts."""
    if call is None:
        return {"model": None, "request": {}, "audio": [], "heard": None, "user_text": None, "prompt": None}
    facts = call.facts
    clips = call.clips if facts.clips else {}
    return {
        "model": redacted.text(facts.model, secrets) or None,
        "request": redacted.document(call.document, clips, secrets),
        "audio": files_of(call, secrets),
        "heard": heard_of(call.transcripts, secrets),
        "user_text": redacted.text(facts.user_text, secrets) or None,
        "prompt": redacted.text(facts.prompt, secrets) or None,
    }


def reply_of(call: Call | None, secrets: Secrets) -> dict[str, Any] | None:
    """Return the reply of a chat or response, with long texts shortened like those of the request."""
    reply = call.outcome.reply if call else None
    return None if reply is None else redacted.document(reply, {}, secrets)


def is_text(media_type: str) -> bool:
    """Return whether a body of a media type is text."""
    return media_type.startswith("text/") or media_type.endswith(_TEXT)


def response_of(reply: Reply, body: bytes, secrets: Secrets) -> Any:
    """Return the whole ``body`` of an answer: JSON or a text, redacted and shortened, or facts about other data."""
    if not body:
        return None
    media_type = reply.media_type
    if len(body) > _MAX_TEXT or not is_text(media_type):
        return {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
    if media_type.endswith("json"):
        try:
            value = redacted.answer(msgspec.json.decode(body), secrets)
        except (ValueError, RecursionError):  # a fault has broken it
            pass
        else:
            return value if len(body) <= _MAX_JSON else _bounded(value)
    return redacted.answer_text(body.decode("utf-8", "replace"), secrets)


def _bounded(value: Any) -> Any:
    """Return a value, or the size of its JSON if that is long."""
    size = len(msgspec.json.encode(value))
    return value if size <= _MAX_JSON else {"bytes": size}


def usage_of(call: Call | None) -> dict[str, Any]:
    """Return the usage and the cost of the answer."""
    if call is None:
        return {"usage": None, "cost_usd": None}
    return {"usage": call.outcome.usage, "cost_usd": call.outcome.cost_usd}
