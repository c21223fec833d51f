"""``POST /v1/audio/speech``: speech from text, sent while it is spoken."""

from __future__ import annotations

from collections.abc import Generator
from typing import TYPE_CHECKING

from mockserver.audio.encode import CONTENT_TYPES
from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.speech import Utterance
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.audio.speaking import (
    Speech,
    failures_answered,
    started,
    stub_sound,
    voice_of,
)
from mockserver.providers.openai.audio.voices import check_speaks, speaking_voices
from mockserver.validation.violations import Violation
from mockserver.wire import sse, tokens, usage

if TYPE_CHECKING:
    from mockserver.catalog.records import SpeechRules
    from mockserver.catalog.tables import Catalog
    from mockserver.providers.openai.contexts import AudioContext


_PLACE = "body"  # of the speech in the answer
_EVENT_BYTES = 4096  # bytes of encoded audio in one `speech.audio.delta`


def create_speech(context: AudioContext, call: Call) -> Answer:
    """Speak the text."""
    form = call.document
    utterance = _utterance(context.catalog, call)
    settle, vocabulary, outcome = call.settle, call.vocabulary, call.outcome

    def note(spoken: Speech) -> None:
        settle(_usage(spoken, vocabulary))
        outcome.said = (spoken.said(_PLACE),)

    sound = stub_sound(call)
    with failures_answered():
        speech = Speech(
            context.speaker,
            context.spoken,
            utterance,
            form.get("response_format", "mp3"),
            sound,
            on_spoken=note,
            is_stub=sound is not None,
            keep_bytes=call.settings.keep_audio,
        )
    answered_by = AnsweredBy("pyttsx3").with_detail("voice", utterance.voice.name)
    if call.scripted is not None:
        answered_by = call.scripted.answered_by
    if form.get("stream_format") == "sse":
        return Answer(started(_events(speech, vocabulary)), sse.CONTENT_TYPE, answered_by)
    return Answer(started(speech.audio()), CONTENT_TYPES[speech.response_format], answered_by)


def check_request(context: AudioContext, call: Call) -> None:
    """Raise ``ApiError`` for what the model's service refuses in addition to the schema."""
    form = call.document
    assert call.model is not None
    assert call.model.speech is not None
    rules = call.model.speech
    violations = []
    if not form["input"]:
        violations.append(Violation(("input",), "minLength", 1, ""))
    named = form["voice"] if isinstance(form["voice"], str) else None
    if named is not None and named not in rules.voices and named not in speaking_voices(context.store, call):
        violations.append(Violation(("voice",), "enum", list(rules.voices), form["voice"]))
    if violations:
        from mockserver.validation import explanations as explain

        raise ApiError("invalid_request", message=explain.pydantic(violations), param=None, code=None)
    _check_tokens(rules, form["input"], call.vocabulary)
    check_speaks(context.store, call, form["voice"], param="voice")
    if form.get("stream_format", "audio") not in rules.stream_formats:
        raise ApiError("sse_not_supported", model=call.model.id)


def _check_tokens(rules: SpeechRules, text: str, vocabulary: tokens.Vocabulary) -> None:
    """Raise ``ApiError`` for a text with more tokens than the model accepts."""
    if rules.max_input_tokens is None:
        return
    found = tokens.count(text, vocabulary)
    if found > rules.max_input_tokens:
        raise ApiError("speech_input_too_long", tokens=found, most=rules.max_input_tokens)


def _utterance(catalog: Catalog, call: Call) -> Utterance:
    form = call.document
    accepts_instructions = call.model is None or call.model.speech is None or call.model.speech.instructions
    text = form.get("input", "")
    if call.scripted is not None and call.scripted.says_something:
        text = call.scripted.words
    return Utterance(
        text,
        voice_of(catalog, form.get("voice", "alloy")),
        form.get("speed", 1.0),
        call.settings.speech_language or None,
        form.get("instructions", "") if accepts_instructions else "",
    )


def _usage(speech: Speech, vocabulary: tokens.Vocabulary) -> dict[str, object]:
    return usage.speech(speech.utterance.text, speech.seconds, vocabulary)


def _events(speech: Speech, vocabulary: tokens.Vocabulary) -> Generator[bytes]:
    """Yield the speech as server-sent events of 4096 bytes of audio each."""
    import pybase64

    waiting = bytearray()
    for encoded in speech.audio():
        waiting += encoded
        while len(waiting) > _EVENT_BYTES:
            yield _delta(pybase64.b64encode(waiting[:_EVENT_BYTES]))
            del waiting[:_EVENT_BYTES]
    if waiting:
        yield _delta(pybase64.b64encode(waiting))
    yield sse.event({"type": "speech.audio.done", "usage": _usage(speech, vocabulary)})
    yield sse.DONE


def _delta(encoded: bytes) -> bytes:
    return sse.event({"type": "speech.audio.delta", "audio": encoded.decode()})
