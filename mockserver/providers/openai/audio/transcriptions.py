"""``POST /v1/audio/transcriptions``: what is said in an audio file, in the language it is said in."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mockserver.audio.uploads import FORM_FILE, AudioPlace
from mockserver.engines.speakers import KnownSpeaker, with_speakers
from mockserver.engines.transcription import TranscriptionOptions, VadOptions
from mockserver.pipeline.call import Answer, Call
from mockserver.providers.openai.audio import known_speakers as speakers
from mockserver.providers.openai.audio.formats import Transcript, format_of
from mockserver.providers.openai.audio.listening import check_file, listen, refusals
from mockserver.providers.openai.audio.rules import check_transcription, temperature_of
from mockserver.wire import sse, tokens, transcripts, usage

if TYPE_CHECKING:
    from mockserver.catalog.records import TranscriptionRules
    from mockserver.catalog.tables import Catalog
    from mockserver.engines.transcription import Segment, Transcription
    from mockserver.providers.openai.contexts import AudioContext


@dataclass(frozen=True, slots=True)
class TranscriptionRequest:
    """The form of a request, typed and with its defaults."""

    rules: TranscriptionRules
    options: TranscriptionOptions
    response_format: str
    granularities: tuple[str, ...]
    logprobs: bool
    stream: bool
    vocabulary: tokens.Vocabulary
    known_speakers: tuple[KnownSpeaker, ...] = ()
    hints: tuple[str, ...] = ()  # codes of languages, as they were sent

    @property
    def diarizes(self) -> bool:
        """Whether the answer says who spoke."""
        return self.rules.speakers or self.response_format == "diarized_json"


def check_request(context: AudioContext, call: Call) -> None:
    """Raises ``ApiError`` for what the model cannot do."""
    assert call.model is not None
    assert call.model.transcription is not None
    check_transcription(context.catalog, call.model.transcription, call.document)
    check_file(context.catalog, call.model.transcription, call)


def create_transcription(context: AudioContext, call: Call) -> Answer:
    """Transcribes the uploaded file."""
    request = _request(context.catalog, call)
    clip = call.audio.uploaded()
    heard = listen(call, clip, request.options)
    if request.diarizes:
        heard = with_speakers(heard, clip, request.known_speakers)
    if request.stream:
        events = _events(request, heard, call.settle, call.audio.transcripts)
        return Answer(events, sse.CONTENT_TYPE, heard.answered_by)
    with refusals(call):
        segments = tuple(heard.segments)
    call.audio.transcripts[FORM_FILE] = transcripts.text_of(segments)
    return render(context.catalog, request, heard, segments)


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
    catalog: Catalog, request: TranscriptionRequest, heard: Transcription, segments: tuple[Segment, ...]
) -> Answer:
    """Return the answer in the format that was asked for; ``segments`` are those of ``heard``."""
    used = _usage(request, heard, segments)
    languages = heard.languages or request.options.languages or ("en",)
    transcript = Transcript(
        segments,
        heard.duration,
        request.options.task,
        catalog.language_name(languages[0]),
        request.options.temperature,
        request.granularities,
        languages=_languages(request, heard) if request.rules.languages else None,
        logprobs_in=request.vocabulary if request.logprobs else None,
        usage=used,
    )
    response_format = format_of(request.response_format, "transcribe")
    body = response_format.render(transcript)
    return Answer(body, response_format.content_type, heard.answered_by, usage=used)


def _languages(request: TranscriptionRequest, heard: Transcription) -> list[dict[str, str]]:
    """The languages of the speech, if there is any: the hinted ones are taken at their word."""
    return [{"code": code} for code in heard.languages and (request.hints or heard.languages)]


def _usage(
    request: TranscriptionRequest, heard: Transcription, segments: Iterable[Segment]
) -> dict[str, object]:
    if request.rules.usage == "duration":
        return usage.duration(heard.duration)
    segments = tuple(segments)
    return usage.transcription(
        seconds=heard.duration,
        text=transcripts.text_of(segments),
        prompt=request.options.prompt,
        known_speakers=[(known.name, known.seconds) for known in request.known_speakers],
        diarized=request.diarizes,
        vocabulary=request.vocabulary,
    )


def _events(
    request: TranscriptionRequest,
    heard: Transcription,
    settle: Callable[[dict[str, Any]], None],
    texts: dict[AudioPlace, str],
) -> Iterator[bytes]:
    """The stream: an event as soon as there is something to say.

    ``settle`` is told the usage, ``texts`` what was heard.
    """
    segments: list[Segment] = []

    def remembered() -> Iterator[Segment]:
        for segment in heard.segments:
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
        used = _usage(request, heard, segments)
        texts[FORM_FILE] = transcripts.text_of(segments)
        settle(used)
    yield transcripts.done_event(
        transcripts.text_of(segments),
        languages=_languages(request, heard) if request.rules.languages else None,
        logprobs=logprobs if request.logprobs else None,
        usage=used,
    )
    yield sse.DONE
