"""Applies an update to the members of a session: what is left out stays, and what is given is shown in full."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

Members = dict[str, Any]
Given = Mapping[str, Any]

PCM: Members = {"type": "audio/pcm", "rate": 24_000}

_APART = ("type", "model", "audio")  # members that do not change, or not as a whole
_HIDDEN = "authorization"  # the member of a tool that no event shows
_OF_RESPONSES = ("idle_timeout_ms", "create_response", "interrupt_response")


class Defaults(Struct, frozen=True):
    """What members have if they are cleared or not given: ``instructions``, and the silence that ends a turn."""

    instructions: str
    silence_duration_ms: int


def changed(members: Members, given: Given, transcription: Members | None, defaults: Defaults) -> Members:
    """Return the members of a session after an update; ``transcription`` is that of its input after it."""
    shown = {*members, "reasoning"} - set(_APART)
    new = {**members, **{name: value for name, value in given.items() if name in shown}}
    if "instructions" in new:
        new["instructions"] = new["instructions"] or defaults.instructions
    if "tools" in new:
        new["tools"] = [_tool(each) for each in new["tools"]]
    if new.get("prompt"):
        new["prompt"] = {"version": None, "variables": None, **new["prompt"]}
        new["prompt"] = {name: new["prompt"][name] for name in ("id", "version", "variables")}
    audio, before = given.get("audio", {}), members["audio"]
    new["audio"] = dict(before)
    new["audio"]["input"] = _input(before["input"], audio.get("input", {}), transcription, defaults)
    if members["type"] == "transcription":
        new["audio"]["input"]["turn_detection"] = _without_responses(new["audio"]["input"]["turn_detection"])
    elif "output" in audio:
        new["audio"]["output"] = _output(before["output"], audio["output"])
    return new


def changed_transcription(transcription: Members | None, given: Given | None) -> Members | None:
    """Return the ``transcription`` after an update that gives it. Another model begins without the others' members."""
    if given is None:
        return None
    kept = transcription or {}
    is_other = given.get("model", kept.get("model")) != kept.get("model")
    return {**({} if is_other else kept), **given}


def _tool(given: Given) -> Members:
    if given.get("type", "function") != "function":
        return {name: value for name, value in given.items() if name != _HIDDEN}
    members = {"type": "function", "name": given.get("name"), "description": given.get("description")}
    return members | {"parameters": given.get("parameters")}


def _input(members: Members, given: Given, transcription: Members | None, defaults: Defaults) -> Members:
    new = dict(members)
    if "format" in given:
        new["format"] = _format(given["format"])
    new["transcription"] = _shown_transcription(transcription)
    if "noise_reduction" in given:
        reduction = given["noise_reduction"]
        new["noise_reduction"] = reduction if reduction is None else _reduction(members, reduction)
    if "turn_detection" in given:
        detection = given["turn_detection"]
        new["turn_detection"] = detection if detection is None else _detection(members, detection, defaults)
    return new


def _format(given: Given) -> Members:
    kind = given.get("type", PCM["type"])
    return dict(PCM) if kind == PCM["type"] else {"type": kind}


def _shown_transcription(transcription: Members | None) -> Members | None:
    """Return the ``transcription`` as events show it: without keywords and delay."""
    if transcription is None:
        return None
    languages = {"languages": transcription["languages"]} if "languages" in transcription else {}
    shown = {"model": transcription.get("model"), "language": transcription.get("language"), **languages}
    return shown | {"prompt": transcription.get("prompt")}


def _reduction(members: Members, given: Given) -> Members:
    both = {**(members["noise_reduction"] or {}), **given}
    return {name: both[name] for name in ("type", "strength") if name in both}


def _detection(members: Members, given: Given, defaults: Defaults) -> Members:
    """Return the turn detection after an update. The other type begins with its defaults."""
    before = members["turn_detection"] or {}
    kind = given.get("type") or before.get("type", "server_vad")
    new: Members = {"type": kind}
    if kind == "semantic_vad":
        new["eagerness"] = "auto"
    else:
        new |= {"threshold": 0.5, "prefix_padding_ms": 300}
        new |= {"silence_duration_ms": defaults.silence_duration_ms, "idle_timeout_ms": None}
    new |= {"create_response": True, "interrupt_response": True}
    given = {**(before if before.get("type") == kind else {}), **given}
    new |= {name: value for name, value in given.items() if name in new}
    if "threshold" in new:
        new["threshold"] = float(new["threshold"])
    return new


def _without_responses(detection: Members | None) -> Members | None:
    """Return the turn detection as transcription sessions show it."""
    if detection is None:
        return None
    return {name: value for name, value in detection.items() if name not in _OF_RESPONSES}


def _output(members: Members, given: Given) -> Members:
    new = dict(members)
    if "format" in given:
        new["format"] = _format(given["format"])
    if "voice" in given:
        new["voice"] = given["voice"]
    if "speed" in given:
        new["speed"] = float(given["speed"])
    return new
