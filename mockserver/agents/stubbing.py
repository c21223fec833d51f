"""Makes a stub of an exchange in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.accounts.accounts import HIDDEN
from mockserver.journal.redacted import MAX_CHARACTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPEECH = "speech"


class CannotStub(Exception):
    """The journal does not know enough for a stub. The message says what to give."""


def stub_of(
    entry: Mapping[str, Any], *, reply: Mapping[str, Any] | None = None, turn: int | None = None
) -> dict[str, Any]:
    """Return a stub that answers requests like that of a journal entry, with the same answer or with ``reply``.

    ``turn`` is the number of a turn of a Realtime session, by default its last response. Raises ``CannotStub``.
    """
    session = entry.get("realtime")
    part = entry if session is None else _turn(session["turns"], turn)
    when: dict[str, Any] = {"endpoint": entry["endpoint"] or entry["path"]}
    if entry["operation"] is None and session is None:
        when |= {"endpoint": entry["path"], "method": entry["method"]}
    if entry["model"]:
        when["model"] = entry["model"]
    when |= _audio(entry["audio"]) or _words(part)
    return {"when": when, "reply": dict(reply) if reply else _reply(entry, part)}


def _turn(turns: Sequence[Mapping[str, Any]], number: int | None) -> Mapping[str, Any]:
    """Return a turn of a session, or its last response. Raises ``CannotStub``."""
    found = [each for each in turns if number in (None, each["turn"]) and each["status"] != "unanswered"]
    if not found:
        numbers = ", ".join(str(each["turn"]) for each in turns) or "none"
        raise CannotStub(f"turn: the session has no such turn. Its turns are: {numbers}.")
    return found[-1]


def _audio(files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the condition that finds the audio of a request by its content; empty without audio."""
    if not files:
        return {}
    file = files[-1]
    return {"pcm_sha256": file["pcm_sha256"]} if file["pcm_sha256"] else {"sha256": file["sha256"]}


def _words(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition on what the user has written or said; empty if that is not known as a whole."""
    for name in ("user_text", "heard"):
        text = part.get(name)
        if text and len(text) < MAX_CHARACTERS and HIDDEN not in text:
            return {name: {"equals": text}}
    return {}


def _reply(entry: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    """Return the reply of a stub that gives the answer of an exchange. Raises ``CannotStub``."""
    if entry["error"]:
        return {"error": entry["error"]}
    if entry["endpoint"] == _SPEECH and entry["user_text"]:
        return {"say": entry["user_text"]}
    said = part["said"] if "said" in part else (entry["reply"] or {}).get("text")
    calls = part["tools"] if "tools" in part else (entry["reply"] or {}).get("tool_calls")
    reply: dict[str, Any] = {}
    if said:
        reply["text"] = said
    elif entry["heard"] and entry["reply"] is None:
        reply["text"] = entry["heard"]
    if calls:
        reply["tool_calls"] = [{"name": call["name"], "arguments": call["arguments"]} for call in calls]
    if not reply:
        raise CannotStub("The journal does not keep the body of this answer. Give the `reply` of the stub.")
    if not _is_whole(reply):
        raise CannotStub("The journal keeps only the beginning of this answer. Give the `reply` of the stub.")
    return reply


def _is_whole(reply: Mapping[str, Any]) -> bool:
    """Return whether the journal has the texts of a reply as a whole, and shows all of them."""
    texts = [reply.get("text", ""), *(call["arguments"] for call in reply.get("tool_calls", ()))]
    return all(isinstance(text, str) and len(text) < MAX_CHARACTERS and HIDDEN not in text for text in texts)
