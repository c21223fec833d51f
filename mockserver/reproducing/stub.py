"""Makes a stub of an exchange in the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.accounts.accounts import HIDDEN
from mockserver.journal.redacted import MAX_CHARACTERS
from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.transcripts import segments_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_SPEECH = "speech"
_TRANSCRIBING = ("transcriptions", "translations", "stt")
_SHORTENED = ({"length", "starts"}, {"values"}, {"base64_bytes", "sha256"}, {"bytes", "sha256"})  # members
_NO_BODY = "The journal does not keep the body of this answer. Give the `reply` of the stub."
_ONLY_A_PART = "The journal keeps only the beginning of this answer. Give the `reply` of the stub."


def stub_of(
    entry: Mapping[str, Any], *, reply: Mapping[str, Any] | None = None, turn: int | None = None
) -> dict[str, Any]:
    """Return a stub that answers requests like that of a journal entry, with the same answer or with ``reply``.

    ``turn`` is the number of a turn of a Realtime session, by default its last response. Raises ``CannotReproduce``.
    """
    part = _part(entry, turn)
    return {"when": _when(entry, part), "reply": dict(reply) if reply else _reply(entry, part)}


def when_of(entry: Mapping[str, Any], *, turn: int | None = None) -> dict[str, Any]:
    """Return a pattern of requests like that of a journal entry. Raises ``CannotReproduce`` for an unknown ``turn``."""
    return _when(entry, _part(entry, turn))


def _part(entry: Mapping[str, Any], turn: int | None) -> Mapping[str, Any]:
    """Return the entry, or the turn of its session."""
    session = entry.get("realtime")
    return entry if session is None else _turn(session["turns"], turn)


def _when(entry: Mapping[str, Any], part: Mapping[str, Any]) -> dict[str, Any]:
    is_named = entry["operation"] is not None and entry["endpoint"] != entry["operation"]
    when: dict[str, Any] = {"endpoint": entry["endpoint"]}
    if not is_named and entry.get("realtime") is None:
        when = {"endpoint": entry["path"], "method": entry["method"]}
        if HIDDEN in entry["path"]:
            raise CannotReproduce("Its path has a secret, which the journal does not keep.")
    if entry["model"]:
        when["model"] = entry["model"]
    return when | ((part is entry and _audio(entry["audio"])) or _words(part))


def _turn(turns: Sequence[Mapping[str, Any]], number: int | None) -> Mapping[str, Any]:
    """Return a turn of a session, or its last response. Raises ``CannotReproduce``."""
    found = [each for each in turns if number in (None, each["turn"]) and each["status"] != "unanswered"]
    if not found:
        numbers = ", ".join(str(each["turn"]) for each in turns) or "none"
        raise CannotReproduce(f"turn: the session has no such turn. Its turns are: {numbers}.")
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
    """Return the reply of a stub that gives the answer of an exchange. Raises ``CannotReproduce``."""
    if entry["error"]:
        return {"error": entry["error"]}
    if entry["endpoint"] == _SPEECH and entry["user_text"]:
        return _checked({"say": entry["user_text"]})
    said = part["said"] if "said" in part else (entry["reply"] or {}).get("text")
    calls = part["tools"] if "tools" in part else (entry["reply"] or {}).get("tool_calls")
    reply: dict[str, Any] = {}
    if said:
        reply["text"] = said
    elif entry["heard"] and entry["endpoint"] in _TRANSCRIBING:
        reply = _transcript(entry)
    if calls:
        if not isinstance(calls, list):
            raise CannotReproduce(_ONLY_A_PART)
        reply["tool_calls"] = [{"name": call["name"], "arguments": call["arguments"]} for call in calls]
    return _checked(reply) if reply else _body(entry)


def _transcript(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the transcript of an exchange, in segments if the journal has them."""
    file = entry["audio"][-1] if entry["audio"] else {"transcript": None}
    segments = segments_of(file)
    language = (file["transcript"] or {}).get("language")
    if segments and " ".join(each["text"] for each in segments) == entry["heard"]:
        return {"segments": segments} | ({"language": language} if language else {})
    return {"text": entry["heard"]}


def _body(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return a reply with the whole body of an answer. Raises ``CannotReproduce``."""
    body = entry["response"]
    if body is None or entry["status"] is None:
        raise CannotReproduce(_NO_BODY)
    if not _is_kept(body):
        raise CannotReproduce(_ONLY_A_PART)
    status = {} if entry["status"] == 200 else {"status": entry["status"]}
    if isinstance(body, str):
        kind = entry["response_headers"].get("content-type", "text/plain; charset=utf-8")
        return {"body": body, "content_type": kind, **status}
    return {"json": body, **status}


def _is_kept(value: Any) -> bool:
    """Return whether the journal has a JSON value as a whole, and shows all of it."""
    if isinstance(value, Mapping):
        return value.keys() not in _SHORTENED and all(map(_is_kept, value.values()))
    if isinstance(value, list):
        return all(map(_is_kept, value))
    return not isinstance(value, str) or HIDDEN not in value


def _checked(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply. Raises ``CannotReproduce`` unless the journal has its texts as a whole, and shows all of them."""
    texts = [reply.get("text", ""), reply.get("say", "")]
    texts += [call["arguments"] for call in reply.get("tool_calls", ())]
    texts += [each["text"] for each in reply.get("segments", ())]
    if all(isinstance(text, str) and len(text) < MAX_CHARACTERS and HIDDEN not in text for text in texts):
        return reply
    raise CannotReproduce(_ONLY_A_PART)
