"""What the journal writes down of a request: its headers without secrets, its document without megabytes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import parse_qsl

from mockserver.accounts.accounts import HIDDEN
from mockserver.accounts.redaction import is_secret

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets
    from mockserver.audio.clip import Clip
    from mockserver.audio.uploads import AudioPlace

MAX_CHARACTERS = 4096  # characters of a text that are written down
_START = 80  # characters shown of a longer one
_MAX_VALUES = 5_000  # of a document; what is beyond is counted
_MAX_DEPTH = 50  # lists and objects within each other
_LOOKED_AT = 2 * MAX_CHARACTERS  # characters of a text in which secrets are looked for


def headers(sent: Mapping[str, str], secrets: Secrets) -> dict[str, str]:
    """Return the headers of a request, whose names are in lower case."""
    return {
        name: _shortened(secrets.hide_in_header(name, value[:_LOOKED_AT]), len(value))
        for name, value in sent.items()
        if value
    }


def query(text: str, secrets: Secrets) -> dict[str, Any]:
    """Return the arguments of a query string; of several of one name, a list."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(text, keep_blank_values=True):
        shown = _shortened(secrets.hide_in_argument(name, value[:_LOOKED_AT]), len(value))
        found[name] = [*_listed(found[name]), shown] if name in found else shown
    return found


def text(whole: str, secrets: Secrets) -> str:
    """Return the beginning of a text."""
    return secrets.hide(whole[:_LOOKED_AT])[:MAX_CHARACTERS]


def document(whole: Mapping[str, Any], clips: Mapping[AudioPlace, Clip], secrets: Secrets) -> dict[str, Any]:
    """Return a form or JSON in which facts stand for long strings. ``clips`` are its audio files."""
    redacted: dict[str, Any] = _Redacted(secrets).of(_with_sounds(whole, clips))
    return redacted


class _Sound(NamedTuple):
    """What stands for audio in base64."""

    base64_bytes: int
    sha256: str


def _with_sounds(whole: Mapping[str, Any], clips: Mapping[AudioPlace, Clip]) -> Mapping[str, Any]:
    """Return a chat in which facts stand for audio that is too long; the rest is that of ``whole``, not copied."""
    messages = whole.get("messages")
    if not clips or not isinstance(messages, list):
        return whole
    changed = list(messages)
    for (number, part), clip in clips.items():
        if number is None or part is None:
            continue
        message = changed[number]
        content = list(message["content"])
        audio = content[part]["input_audio"]
        if isinstance(audio.get("data"), str) and len(audio["data"]) > MAX_CHARACTERS:
            sound = _Sound(clip.content.size, clip.sha256)
            content[part] = {**content[part], "input_audio": {**audio, "data": sound}}
            changed[number] = {**message, "content": content}
    return {**whole, "messages": changed}


class _Redacted:
    """Walks a document once."""

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._left = _MAX_VALUES

    def of(self, value: Any, depth: int = 0) -> Any:
        """Return the value, or what stands for it."""
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, _Sound):
            return value._asdict()
        if not isinstance(value, dict | list):
            return value
        if len(value) > self._left or depth == _MAX_DEPTH:
            return {"values": len(value)}
        self._left -= len(value)
        if isinstance(value, dict):
            return {self._name(name): self._member(name, each, depth + 1) for name, each in value.items()}
        return [self.of(each, depth + 1) for each in value]

    def _member(self, name: str, value: Any, depth: int) -> Any:
        """Return the value of a member; one that is secret is a text, or several."""
        texts = value if isinstance(value, list) else [value]
        if is_secret("members", name) and all(isinstance(each, str) for each in texts):
            return [HIDDEN] * len(texts) if isinstance(value, list) else HIDDEN
        return self.of(value, depth)

    def _text(self, value: str) -> Any:
        if len(value) <= MAX_CHARACTERS:
            return self._secrets.hide_in_value(value)
        starts = self._secrets.hide_in_value(value[:_LOOKED_AT])[:_START]
        return {"length": len(value), "starts": starts}

    def _name(self, name: str) -> str:
        return _shortened(self._secrets.hide(name[:_LOOKED_AT]), len(name))


def _shortened(text: str, length: int) -> str:
    """Return the text, or the beginning of it where the whole is too long."""
    return text if length <= MAX_CHARACTERS else text[:_START] + "…"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
