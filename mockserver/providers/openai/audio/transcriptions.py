"""``POST /v1/audio/transcriptions``: the transcript of an audio file in its own language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from mockserver.audio.uploads import FORM_FILE, AudioPlace
from mockserver.engines.speakers import KnownSpeaker, with_speakers
from mockserver.engines.transcription import TranscriptionOptions, VadOptions
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.responses import storage_error
from mockserver.providers.openai.audio import known_speakers as speakers
from mockserver.providers.openai.audio.formats import Transcript, format_of
from mockserver.providers.openai.audio.listening import check_file, listen, refusals
from mockserver.providers.openai.audio.rules import check_transcription, temperature_of
from mockserver.state.disk import StateFailed
from mockserver.wire import sse, tokens, transcripts, usage

if TYPE_CHECKING:
    from mockserver.catalog.records import TranscriptionRules
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.transcription import Segment, Transcription
    from mockserver.providers.openai.contexts import AudioContext


class TranscriptionRequest(Struct, frozen=True):
    """The form of a transcription request, typed and with defaults."""

    rules: TranscriptionRules
    options: TranscriptionOptions
    response_format: str
    granularities: tuple[str, ...]
    logprobs: bool
    stream: bool
    vocabulary: tokens.Vocabulary
    known_speakers: tuple[KnownSpeaker, ...] = ()
    hints: tuple[str, ...] = ()  # language codes as they were sent

    @property
    def diarizes(self) -> bool:
        """Return whether the answer names the speakers."""
        return self.rules.speakers or self.response_format == "diarized_json"


def check_request(context: AudioContext, call: Call) -> None:
    """Raise ``ApiError`` for what the model cannot do."""
    assert call.model is not None
    assert call.model.transcription is not None
    check_transcription(context.catalog, call.model.transcription, call.document)
    check_file(context.catalog, call.model.transcription, call)


def create_transcription(context: AudioContext, call: Call) -> Answer:
    """Transcribe the uploaded file."""
    request = _request(context.catalog, call)
    clip = call.audio.uploaded()
    transcription = listen(call, clip, request.options)
    if request.diarizes:
        transcription = with_speakers(transcription, clip, request.known_speakers)
    if request.stream:
        events = _events(request, transcription, call.settle, call.audio.transcripts)
        events = _ended_by_errors(context, call, events)
        return Answer(events, sse.CONTENT_TYPE, transcription.answered_by)
    with refusals(call):
        segments = tuple(transcription.segments)
    call.audio.transcripts[FORM_FILE] = replace(transcription, segments=segments)
    return render(context.catalog, request, transcription, segments)


def _request(catalog: Catalog, call: Call) -> TranscriptionRequest:
    form = call.document
    assert call.model is not None
    assert call.model.transcription is not None
    rules = call.model.transcription
    response_format = form.get("response_format", "json")
    granularities = tuple(form.get("timestamp_granularities") or ("segment",))
    logprobs = "logprobs" in form.get("include", ()) and (rules.logprobs == "supported" or not call.strict)
    hints = tuple(form.get("languages", ())) if rules.languages else ()
    if form.get("language"):
        hints = (form["language"],)
    options = TranscriptionOptions(
        languages=tuple(catalog.language_code(hint) or hint for hint in hints),
        prompt=form.get("prompt", ""),
        keywords=tuple(form.get("keywords", ())) if rules.keywords else (),
        temperature=temperature_of(form),
        words=logprobs or (response_format == "verbose_json" and "word" in granularities),
        vad=_vad(form.get("chunking_strategy")),
    )
    known = speakers.known_speakers(call, call.settings.max_audio_seconds) if rules.speakers else ()
    stream = bool(form.get("stream")) and (rules.streams or not call.strict)
    return TranscriptionRequest(
        rules, options, response_format, granularities, logprobs, stream, call.vocabulary, known, hints
    )


def _vad(strategy: str | dict[str, Any] | None) -> VadOptions | None:
    if strategy is None:
        return None
    if isinstance(strategy, str):
        return VadOptions()
    return VadOptions(**{name: value for name, value in strategy.items() if name != "type"})


def render(
    catalog: Catalog,
    request: TranscriptionRequest,
    transcription: Transcription,
    segments: tuple[Segment, ...],
) -> Answer:
    """Return the answer in the requested format; ``segments`` are those of ``transcription``."""
    used = _usage(request, transcription, segments)
    languages = transcription.languages or request.options.languages or ("en",)
    transcript = Transcript(
        segments,
        transcription.duration,
        request.options.task,
        catalog.language_name(languages[0]),
        request.options.temperature,
        request.granularities,
        languages=_languages(request, transcription) if request.rules.languages else None,
        logprobs_in=request.vocabulary if request.logprobs else None,
        usage=used,
    )
    response_format = format_of(request.response_format, "transcribe")
    body = response_format.render(transcript)
    return Answer(body, response_format.content_type, transcription.answered_by, usage=used)


def _languages(request: TranscriptionRequest, transcription: Transcription) -> list[dict[str, str]]:
    """Return the languages of the speech, if there is any: those of the request, else the detected ones."""
    detected = transcription.languages
    return [{"code": code} for code in detected and (request.hints or detected)]


def _usage(
    request: TranscriptionRequest, transcription: Transcription, segments: Iterable[Segment]
) -> dict[str, object]:
    if request.rules.usage == "duration":
        return usage.duration(transcription.duration)
    segments = tuple(segments)
    return usage.transcription(
        seconds=transcription.duration,
        text=transcripts.text_of(segments),
        prompt=request.options.prompt,
        known_speakers=[(known.name, known.seconds) for known in request.known_speakers],
        diarized=request.diarizes,
        vocabulary=request.vocabulary,
    )


def _ended_by_errors(context: AudioContext, call: Call, events: Iterator[bytes]) -> Iterator[bytes]:
    """Yield the events. The status is sent already, so an error is the last event, without DONE."""
    try:
        with refusals(call):
            yield from events
            return
    except StateFailed as error:
        refused = storage_error(error)
    except ApiError as error:
        refused = error
    yield sse.event(msgspec.json.decode(context.errors.refusal(refused).body))


def _events(
    request: TranscriptionRequest,
    transcription: Transcription,
    settle: Callable[[dict[str, Any]], None],
    heard: dict[AudioPlace, Transcription],
) -> Iterator[bytes]:
    """Yield the events of a stream as soon as there is something to send.

    At the end ``settle`` is called with the usage, and the transcription is put into ``heard``.
    """
    segments: list[Segment] = []

    def remembered() -> Iterator[Segment]:
        for segment in transcription.segments:
            segments.append(segment)
            yield segment

    logprobs: list[transcripts.Logprob] = []
    try:
        if request.response_format == "diarized_json":
            for number, segment in enumerate(remembered()):
                yield sse.event(transcripts.diarized_segment(number, segment))
        else:
            for token, each in transcripts.deltas(remembered(), request.vocabulary):
                logprobs.extend(each)
                yield transcripts.delta_event(token, each if request.logprobs else None)
    finally:  # also when the client has left
        used = _usage(request, transcription, segments)
        heard[FORM_FILE] = replace(transcription, segments=tuple(segments))
        settle(used)
    yield transcripts.done_event(
        transcripts.text_of(segments),
        languages=_languages(request, transcription) if request.rules.languages else None,
        logprobs=logprobs if request.logprobs else None,
        usage=used,
    )
    yield sse.DONE
