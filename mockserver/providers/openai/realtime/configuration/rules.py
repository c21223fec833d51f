"""Refuses updates of a session that satisfy their schema: what its model cannot do, and what can no longer change."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.errors import ApiError
from mockserver.wire import tokens
from mockserver.wording import cut, enumeration

if TYPE_CHECKING:
    from mockserver.catalog.records import LiveTranscriptionRules, ModelCard, RealtimeRules

Given = Mapping[str, Any]

_MODALITIES = (["text"], ["audio"])
_CONVERSATIONS = ("auto", "none")
_MAX_INSTRUCTIONS = 16_384  # tokens of instructions and tools (guide Realtime)
_MAX_OUTPUT = 4096  # tokens, if the model's limit is not known (API reference, Realtime)
_TRANSCRIPTION = "session.audio.input.transcription"
_TURN_DETECTION = "session.audio.input.turn_detection"
_REDUCTION = "session.audio.input.noise_reduction"
_VOICE = "session.audio.output.voice"


class Basis(Struct, frozen=True):
    """What the configurations of an account's sessions are based on.

    ``find_model`` returns the model with a name; ``transcriber`` transcribes if a name is unknown. ``instructions`` are
    those of sessions that set none. ``languages`` are the codes that a ``language`` can be, ``accepts_hint`` returns
    whether a code can be one of ``languages``. ``check_voice`` raises ``ApiError`` for a custom voice, and its place,
    that cannot speak. ``strict``: what the service refuses is refused; otherwise only what makes no sense.
    """

    find_model: Callable[[str], ModelCard | None]
    transcriber: ModelCard
    instructions: str
    languages: Sequence[str]
    accepts_hint: Callable[[str], bool]
    check_voice: Callable[[object, str], None]
    strict: bool


class State(Struct, frozen=True):
    """The session that is to be updated, as far as the rules need it. ``members`` are those that events show."""

    members: Mapping[str, Any]
    model: ModelCard | None
    has_spoken: bool
    is_responding: bool


def check_changes(given: Given, state: State, basis: Basis) -> None:
    """Raise ``ApiError`` for the ``session`` of an update that is refused."""
    kind = state.members["type"]
    if given.get("type", kind) != kind:
        raise ApiError(f"realtime_not_{kind}")
    if not basis.strict:
        return
    if state.model is not None and state.model.realtime is not None:
        _check_conversation(given, state, state.model, state.model.realtime, basis)
    _check_noise_reduction(given, state)


def check_transcription(given: Given, transcription: Given | None, kind: str, basis: Basis) -> None:
    """Raise ``ApiError`` for a ``transcription`` that the model cannot do, or with which turns are not detected.

    ``given`` is the ``session`` of the update, ``transcription`` what results from it, ``kind`` that of the session.
    """
    if transcription is None or not basis.strict:
        return
    name = transcription.get("model")
    if name is None:
        raise _missing(f"{_TRANSCRIPTION}.model")
    rules = _rules_of(basis.find_model(name))
    if rules is None:
        raise ApiError("realtime_no_transcription_model", model=name)
    for parameter in ("prompt", "languages", "keywords", "delay"):
        if transcription.get(parameter) and not getattr(rules, parameter):
            raise ApiError("realtime_unsupported", parameter=parameter, param=f"{_TRANSCRIPTION}.{parameter}")
    _check_languages(transcription, basis)
    detection = given.get("audio", {}).get("input", {}).get("turn_detection")
    if kind == "transcription" and detection is not None and not rules.turn_detection:
        raise ApiError("realtime_no_turn_detection", param=_TURN_DETECTION)


def check_response(given: Given, model: ModelCard, basis: Basis) -> None:
    """Raise ``ApiError`` for the ``response`` of a ``response.create`` that the model cannot make."""
    if not basis.strict or model.realtime is None:
        return
    conversation = given.get("conversation")
    if conversation is not None and conversation not in _CONVERSATIONS:
        raise _unlisted(conversation, _CONVERSATIONS, "response.conversation")
    check_modalities(given.get("output_modalities"), "response.output_modalities")
    check_max_tokens(given.get("max_output_tokens"), model, "response.max_output_tokens")
    check_reasoning(given, model.realtime, "response")
    voice = given.get("audio", {}).get("output", {}).get("voice")
    if voice is not None:
        check_voice(voice, model.realtime, basis, "response.audio.output.voice")


def transcription_model(name: object, basis: Basis) -> ModelCard:
    """Return the model of a ``transcription``, another one for a name that is not of such a model."""
    model = basis.find_model(name) if isinstance(name, str) else None
    return basis.transcriber if model is None or model.live_transcription is None else model


def detects_turns(transcription: Given | None, kind: str, basis: Basis) -> bool:
    """Return whether a session with this ``transcription`` can detect turns."""
    if transcription is None or kind != "transcription":
        return True
    rules = transcription_model(transcription.get("model"), basis).live_transcription
    return rules is None or rules.turn_detection


def check_modalities(modalities: object, param: str) -> None:
    """Raise ``ApiError`` for modalities that are not supported together; ``param`` is their place."""
    if modalities is not None and modalities not in _MODALITIES:
        raise ApiError("realtime_modalities", modalities=cut(str(modalities)), param=param)


def check_max_tokens(given: object, model: ModelCard, param: str) -> None:
    """Raise ``ApiError`` for a ``max_output_tokens`` above the limit of the model; ``param`` is its place."""
    most = model.max_output_tokens or _MAX_OUTPUT
    if isinstance(given, int) and given > most:
        raise ApiError("realtime_max_tokens", most=most, given=given, param=param)


def check_reasoning(given: Given, rules: RealtimeRules, place: str) -> None:
    """Raise ``ApiError`` for parameters that only models which reason have; ``place`` is that of their object."""
    if "reasoning" in given and not rules.efforts:
        raise ApiError("realtime_unsupported", parameter="reasoning", param=f"{place}.reasoning")
    if "parallel_tool_calls" in given and not rules.parallel_tool_calls:
        raise ApiError(
            "realtime_unsupported", parameter="parallel_tool_calls", param=f"{place}.parallel_tool_calls"
        )
    effort = (given.get("reasoning") or {}).get("effort")
    if effort is not None and effort not in rules.efforts:
        raise _unlisted(effort, rules.efforts, f"{place}.reasoning.effort")


def check_voice(voice: object, rules: RealtimeRules, basis: Basis, param: str) -> None:
    """Raise ``ApiError`` for a voice that the model does not have; ``param`` is its place."""
    if isinstance(voice, str) and voice not in rules.voices:
        raise _unlisted(voice, rules.voices, param)
    basis.check_voice(voice, param)


def _check_conversation(
    given: Given, state: State, model: ModelCard, rules: RealtimeRules, basis: Basis
) -> None:
    members = state.members
    if given.get("model", members["model"]) != members["model"]:
        named = basis.find_model(given["model"])
        if named is None or named.snapshot != model.snapshot:
            raise ApiError("realtime_model_fixed", param="session.model")
    check_modalities(given.get("output_modalities"), "session.output_modalities")
    check_max_tokens(given.get("max_output_tokens"), model, "session.max_output_tokens")
    check_reasoning(given, rules, "session")
    _check_output(given.get("audio", {}).get("output", {}), state, rules, basis)
    if members["tracing"] is not None and given.get("tracing", members["tracing"]) != members["tracing"]:
        raise ApiError("realtime_tracing_fixed", param="session.tracing")
    if "instructions" in given or "tools" in given:
        _check_length({**members, **given})


def _check_output(given: Given, state: State, rules: RealtimeRules, basis: Basis) -> None:
    output = state.members["audio"]["output"]
    if "voice" in given:
        check_voice(given["voice"], rules, basis, _VOICE)
        if state.has_spoken and given["voice"] != output["voice"]:
            raise ApiError("realtime_voice_fixed")
    if state.is_responding and given.get("speed", output["speed"]) != output["speed"]:
        raise ApiError("realtime_speed_fixed", param="session.audio.output.speed")


def _check_noise_reduction(given: Given, state: State) -> None:
    reduction = given.get("audio", {}).get("input", {}).get("noise_reduction")
    before = state.members["audio"]["input"]["noise_reduction"]
    if reduction is not None and before is None and "type" not in reduction:
        raise _missing(f"{_REDUCTION}.type")


def _check_length(members: Given) -> None:
    tools = json.dumps(members["tools"], ensure_ascii=False) if members["tools"] else ""
    written = members["instructions"] + tools
    if len(written) <= _MAX_INSTRUCTIONS // 4:  # a character has at most four tokens, one for each byte
        return
    count = tokens.count(written)
    if count > _MAX_INSTRUCTIONS:
        raise ApiError("realtime_long_instructions", most=_MAX_INSTRUCTIONS, count=count)


def _check_languages(transcription: Given, basis: Basis) -> None:
    language, hints = transcription.get("language"), transcription.get("languages", ())
    if language is not None and language not in basis.languages:
        raise _unlisted(language, basis.languages, f"{_TRANSCRIPTION}.language")
    for place, code in enumerate(hints):
        if not basis.accepts_hint(code):
            param = f"{_TRANSCRIPTION}.languages[{place}]"
            raise ApiError("unrecognized_language", language=cut(code), param=param)
    if language and hints:
        raise ApiError("realtime_two_languages", param=_TRANSCRIPTION)


def _rules_of(model: ModelCard | None) -> LiveTranscriptionRules | None:
    return model.live_transcription if model is not None else None


def _missing(param: str) -> ApiError:
    message = f"Missing required parameter: '{param}'."
    return ApiError("invalid_request", message=message, param=param, code="missing_required_parameter")


def _unlisted(given: str, known: Sequence[str], param: str) -> ApiError:
    message = f"Invalid value: '{cut(given)}'. Supported values are: {enumeration(known, 'and')}."
    return ApiError("invalid_request", message=message, param=param, code="invalid_value")
