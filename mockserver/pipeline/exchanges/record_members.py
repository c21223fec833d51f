"""The members of a journal record that come from a call: who sent the request, what is in it, and what it cost."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.journal import redacted
from mockserver.pipeline.exchanges.audio_members import files_of, heard_of, said_record

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.operation import Operation


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
    """Return the content of the request: its document, its texts."""
    if call is None:
        return {"model": None, "request": {}, "user_text": None, "prompt": None}
    facts = call.facts
    return {
        "model": redacted.text(facts.model, secrets) or None,
        "request": redacted.document(call.document, call.clips if facts.clips else {}, secrets),
        "user_text": redacted.text(facts.user_text, secrets) or None,
        "prompt": redacted.text(facts.prompt, secrets) or None,
    }


def audio_of(call: Call | None, secrets: Secrets) -> dict[str, Any]:
    """Return the audio: what was sent and heard, and what was said."""
    if call is None:
        return {"audio": [], "heard": None, "said_audio": []}
    return {
        "audio": files_of(call, secrets),
        "heard": heard_of(call.transcripts, secrets),
        "said_audio": [said_record(each, secrets) for each in call.outcome.said],
    }


def reply_of(call: Call | None, secrets: Secrets) -> dict[str, Any] | None:
    """Return the reply of a chat or response, with long texts shortened like those of the request."""
    reply = call.outcome.reply if call else None
    return None if reply is None else redacted.document(reply, {}, secrets)


def usage_of(call: Call | None) -> dict[str, Any]:
    """Return the usage and the cost of the answer."""
    if call is None:
        return {"usage": None, "cost_usd": None}
    return {"usage": call.outcome.usage, "cost_usd": call.outcome.cost_usd}
