"""The shapes of the Realtime API's beta, and those of the present API that they stand for.

In the beta, sessions and responses are flat, and formats, modalities and parts of content have other names.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.errors import ApiError
from mockserver.wording import cut

Members = dict[str, Any]
Given = Mapping[str, Any]

TEMPERATURE = 0.8  # of sessions that set none

_FORMATS = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}
_NAMES = {kind: name for name, kind in _FORMATS.items()}
_RATED = "audio/pcm"  # the format that shows its rate
_WRITTEN = {"output_text": "text", "output_audio": "audio"}
# Where the members of the beta's sessions are in the present API's.
_INPUT = {
    "input_audio_format": "format",
    "input_audio_transcription": "transcription",
    "input_audio_noise_reduction": "noise_reduction",
    "turn_detection": "turn_detection",
}
_OUTPUT = {"output_audio_format": "format", "voice": "voice", "speed": "speed"}
_SAME = ("instructions", "tools", "tool_choice", "tracing", "include", "model", "metadata", "conversation")
_RENAMED = {
    "max_response_output_tokens": "max_output_tokens",
    "max_output_tokens": "max_output_tokens",
}
_PLACES = {
    **{f"session.audio.input.{new}": f"session.{old}" for old, new in _INPUT.items()},
    **{
        f"{owner}.audio.output.{new}": f"{owner}.{old}"
        for old, new in _OUTPUT.items()
        for owner in ("session", "response")
    },
    "session.max_output_tokens": "session.max_response_output_tokens",
    "session.output_modalities": "session.modalities",
    "response.output_modalities": "response.modalities",
}


def place(param: str) -> str:
    """Return the place of a member in the beta, for its place in the present API."""
    for new, old in _PLACES.items():
        if param == new or param.startswith(f"{new}."):
            return old + param.removeprefix(new)
    return param


def configured(given: Given, owner: str, kind: str | None = None) -> Members:
    """Return the present API's form of a beta's session or response; ``kind`` is that of a session.

    ``owner`` is its name in refusals. Raises ``ApiError``.
    """
    new: Members = {} if kind is None else {"type": kind}
    new |= {name: given[name] for name in _SAME if name in given}
    new |= {name: given[old] for old, name in _RENAMED.items() if old in given}
    if "modalities" in given and kind != "transcription":
        new["output_modalities"] = _one_modality(given["modalities"], f"{owner}.modalities")
    if "input" in given:
        new["input"] = [item(each) for each in given["input"]]
    audio = {
        "input": {name: _part(old, given[old]) for old, name in _INPUT.items() if old in given},
        "output": {name: _part(old, given[old]) for old, name in _OUTPUT.items() if old in given},
    }
    used = {name: members for name, members in audio.items() if members}
    return new | {"audio": used} if used else new


def item(given: Given) -> Members:
    """Return the present API's form of an item that the client creates."""
    new = {name: value for name, value in given.items() if name != "object"}
    if given["type"] == "message" and given.get("role") == "assistant":
        new["content"] = [
            {**part, "type": "output_text"} if part.get("type") == "text" else part
            for part in given["content"]
        ]
    return new


def shown_item(members: Given) -> Members:
    """Return an item as the beta's events show it."""
    shown = {"id": members["id"], "object": "realtime.item", **members}
    shown["object"] = "realtime.item"
    shown.pop("phase", None)
    if "content" in members:
        shown["content"] = [
            {**part, "type": _WRITTEN.get(part["type"], part["type"])} for part in members["content"]
        ]
    return shown


def shown_response(members: Given, temperature: float) -> Members:
    """Return a response as the beta's events show it."""
    first = ("object", "id", "status", "status_details")
    output = members["audio"]["output"]
    return {
        **{name: members[name] for name in first},
        "output": [shown_item(each) for each in members["output"]],
        "conversation_id": members["conversation_id"],
        "modalities": _modalities(members["output_modalities"]),
        "voice": output["voice"],
        "output_audio_format": _NAMES[output["format"]["type"]],
        "temperature": temperature,
        "max_output_tokens": members["max_output_tokens"],
        "usage": _usage(members["usage"]),
        "metadata": members["metadata"],
    }


def shown_session(members: Given, temperature: float) -> Members:
    """Return a session as the beta's events show it (May 2025)."""
    heard = members["audio"]["input"]
    shown: Members = {
        "id": members["id"],
        "object": members["object"],
        "expires_at": members["expires_at"],
        "input_audio_noise_reduction": heard["noise_reduction"],
        "turn_detection": _detection(heard["turn_detection"]),
        "input_audio_format": _NAMES[heard["format"]["type"]],
        "input_audio_transcription": _transcription(heard["transcription"]),
        "client_secret": None,
        "include": members["include"],
    }
    if members["type"] == "transcription":
        return shown
    output = members["audio"]["output"]
    return shown | {
        "model": members["model"],
        "modalities": _modalities(members["output_modalities"]),
        "instructions": members["instructions"],
        "voice": output["voice"],
        "output_audio_format": _NAMES[output["format"]["type"]],
        "tool_choice": members["tool_choice"],
        "temperature": temperature,
        "max_response_output_tokens": members["max_output_tokens"],
        "speed": int(output["speed"]) if output["speed"] == int(output["speed"]) else output["speed"],
        "tools": [_tool(each) for each in members["tools"]],
    }


def _part(name: str, value: Any) -> Any:
    if name in ("input_audio_format", "output_audio_format"):
        kind = _FORMATS[value]
        return {"type": kind, "rate": 24_000} if kind == _RATED else {"type": kind}
    if name == "turn_detection" and value is not None:
        return {"type": "server_vad", **value}
    return value


def _one_modality(modalities: list[str], param: str) -> list[str]:
    """Return the modality that stands for those of the beta. Raises ``ApiError`` for speech without text."""
    if sorted(modalities) == ["audio", "text"]:
        return ["audio"]
    if modalities == ["text"]:
        return ["text"]
    raise ApiError("realtime_beta_modalities", modalities=cut(str(modalities)), param=param)


def _modalities(modalities: list[str]) -> list[str]:
    return ["audio", "text"] if "audio" in modalities else ["text"]


def _detection(detection: Given | None) -> Members | None:
    if detection is None:
        return None
    return {name: value for name, value in detection.items() if name != "idle_timeout_ms"}


def _transcription(transcription: Given | None) -> Members | None:
    if transcription is None:
        return None
    return {name: transcription[name] for name in ("model", "language", "prompt")}


def _tool(tool: Given) -> Members:
    return {**{name: value for name, value in tool.items() if name != "type"}, "type": tool["type"]}


def _usage(usage: Given | None) -> Members | None:
    """Return the usage without images, which the beta did not know."""
    if usage is None:
        return None
    return {
        name: _usage(value) if isinstance(value, Mapping) else value
        for name, value in usage.items()
        if name != "image_tokens"
    }
