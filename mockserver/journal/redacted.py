"""Redacts requests and answers for the journal: hides secrets in headers and documents, and shortens long texts."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from mockserver.accounts.accounts import HIDDEN
from mockserver.accounts.redaction import is_secret
from mockserver.journal.plain import is_plain
from mockserver.matching.comparisons import listed

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets
    from mockserver.audio.clip import Clip
    from mockserver.audio.uploads import AudioPlace

MAX_CHARACTERS = 4096  # characters of a text that is recorded as a whole
_START = 80  # characters recorded of a longer text
_MAX_VALUES = 5_000  # of a document; larger lists and objects are replaced by their size
_MAX_DEPTH = 50  # nested lists and objects
_MAX_NUMBERS = 256  # of a list in an answer: vectors have more
_SEARCHED = 2 * MAX_CHARACTERS  # characters of a text that are searched for secrets


def headers(sent: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
    """Return the headers of a request, names in lower case."""
    return {
        name: _shortened(secrets.hide_in_header(name, value[:_SEARCHED]), len(value))
        for name, value in sent.items()
        if value
    }


def response_headers(sent: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
    """Return the headers of a response, names in lower case."""
    if max(map(len, sent.values()), default=0) > MAX_CHARACTERS:
        return headers(sent, secrets)
    return dict(secrets.hide_in_headers(sent))


def query(text: str, secrets: Secrets) -> dict[str, Any]:
    """Return the arguments of a query string; a list for a repeated name."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True) if text else ():
        shown = _shortened(secrets.hide_in_argument(name, value[:_SEARCHED]), len(value))
        found[name] = [*listed(found[name]), shown] if name in found else shown
    return found


def text(whole: str, secrets: Secrets) -> str:
    """Return the beginning of a text."""
    return secrets.hide(whole[:_SEARCHED])[:MAX_CHARACTERS]


def document(whole: Mapping[str, Any], clips: Mapping[AudioPlace, Clip], secrets: Secrets) -> dict[str, Any]:
    """Return a form or JSON with long strings replaced by facts about them. ``clips`` are its audio files."""
    if not clips and _is_plain(whole, secrets):
        return dict(whole)
    redacted: dict[str, Any] = _Redactor(secrets).redacted(_with_audio_facts(whole, clips))
    return redacted


def answer(whole: Any, secrets: Secrets) -> Any:
    """Return the JSON of an answer, redacted as a request is; long lists of numbers are replaced by their size."""
    if _is_plain(whole, secrets, items=_MAX_NUMBERS):
        return whole
    return _AnswerRedactor(secrets).redacted(whole)


def answer_text(whole: str, secrets: Secrets) -> Any:
    """Return the text of an answer, or facts about a long one."""
    return _Redactor(secrets).redacted(whole)


def _is_plain(whole: Any, secrets: Secrets, items: int = _MAX_VALUES) -> bool:
    return is_plain(
        whole, secrets, characters=MAX_CHARACTERS, values=_MAX_VALUES, depth=_MAX_DEPTH, items=items
    )


class _AudioFacts(NamedTuple):
    """The facts that replace audio in base64."""

    base64_bytes: int
    sha256: str


def _with_audio_facts(whole: Mapping[str, Any], clips: Mapping[AudioPlace, Clip]) -> Mapping[str, Any]:
    """Return a chat with long base64 audio replaced by facts; everything else is shared with ``whole``."""
    changed = dict(whole)
    for place, clip in clips.items():
        messages = changed.get(place.messages)
        if place.message is None or place.part is None or not isinstance(messages, list):
            continue
        message = messages[place.message]
        part = message["content"][place.part]
        audio = part["input_audio"]
        if isinstance(audio.get("data"), str) and len(audio["data"]) > MAX_CHARACTERS:
            facts = _AudioFacts(clip.content.size, clip.sha256)
            content = _replaced(
                message["content"], place.part, {**part, "input_audio": {**audio, "data": facts}}
            )
            changed[place.messages] = _replaced(messages, place.message, {**message, "content": content})
    return changed


def _replaced(values: list[Any], place: int, value: Any) -> list[Any]:
    return [*values[:place], value, *values[place + 1 :]]


class _Redactor:
    """Redacts one document."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._left = _MAX_VALUES

    def redacted(self, value: Any, depth: int = 0) -> Any:
        """Return the value, or its replacement."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, _AudioFacts):
            return value._asdict()
        if not isinstance(value, (dict, list)):
            return value
        if len(value) > self._left or depth == _MAX_DEPTH:
            return {"values": len(value)}
        self._left -= len(value)
        if isinstance(value, dict):
            return {self._name(name): self._member(name, each, depth + 1) for name, each in value.items()}
        return [self.redacted(each, depth + 1) for each in value]

    def _member(self, name: str, value: Any, depth: int) -> Any:
        """Return the redacted value of a member; secret texts, alone or in a list, are hidden."""
        if is_secret("members", name):
            texts = value if isinstance(value, list) else [value]
            if all(isinstance(each, str) for each in texts):
                return [HIDDEN] * len(texts) if isinstance(value, list) else HIDDEN
        return self.redacted(value, depth)

    def _text(self, value: str) -> Any:
        if len(value) <= MAX_CHARACTERS:
            return self._secrets.hide_in_value(value)
        starts = self._secrets.hide_in_value(value[:_SEARCHED])[:_START]
        return {"length": len(value), "starts": starts}

    def _name(self, name: str) -> str:
        if len(name) <= MAX_CHARACTERS:
            return self._secrets.hide(name)
        return _shortened(self._secrets.hide(name[:_SEARCHED]), len(name))


class _AnswerRedactor(_Redactor):
    """Redacts the document of an answer, with its audio and its vectors."""

    def redacted(self, value: Any, depth: int = 0) -> Any:
        """Return the value, or its replacement."""
        if isinstance(value, list) and len(value) > _MAX_NUMBERS and isinstance(value[0], float | int):
            return {"values": len(value)}
        shown = super().redacted(value, depth)
        if isinstance(value, dict) and "logprob" in value and isinstance(value.get("token"), str):
            shown["token"] = self._text(value["token"])  # no secret: a piece of the text
        return shown

    def _member(self, name: str, value: Any, depth: int) -> Any:
        """Return the redacted value of a member; facts about audio."""
        if name == "data" and isinstance(value, str) and len(value) > MAX_CHARACTERS:
            return _facts_of_audio(value) or self.redacted(value, depth)
        return super()._member(name, value, depth)


def _facts_of_audio(data: str) -> dict[str, Any] | None:
    """Return facts about audio in base64; ``None`` if it is no base64."""
    import pybase64

    try:
        audio = pybase64.b64decode(data, validate=True)
    except ValueError:
        return None
    return _AudioFacts(len(audio), hashlib.sha256(audio).hexdigest())._asdict()


def _shortened(text: str, length: int) -> str:
    """Return the text, or only its beginning if ``length``, that of the original, is too long."""
    return text if length <= MAX_CHARACTERS else text[:_START] + "…"
