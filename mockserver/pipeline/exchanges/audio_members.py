"""The members of a journal record that describe audio: what was sent and heard, and what was said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.engines.transcription import Segment
from mockserver.journal import redacted
from mockserver.journal.audio_records import (
    AudioFile,
    SaidAudio,
    Transcript,
    TranscriptSegment,
    TranscriptWord,
)
from mockserver.pipeline import said_audio
from mockserver.wire.transcripts import text_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from mockserver.accounts.redaction import Secrets
    from mockserver.audio.clip import Clip
    from mockserver.audio.uploads import AudioPlace
    from mockserver.engines.transcription import Transcription
    from mockserver.pipeline.call import Call
    from mockserver.transport.streamed_forms import ReceivedFile

_FACTS = ("container", "codec", "duration", "channels", "sample_rate", "pcm_sha256")
_MAX_SEGMENTS = 500  # of a transcript that are recorded
_MAX_WORDS = 1_000
_MAX_CHARACTERS = 4 * redacted.MAX_CHARACTERS  # of all segments of a transcript


def files_of(call: Call, secrets: Secrets) -> list[AudioFile]:
    """Return the audio files of a request."""
    if not (call.facts.clips or call.audio.received):
        return []
    return [
        *(_clip(place, clip, call.transcripts.get(place), secrets) for place, clip in call.clips.items()),
        *(_stored_file(file, secrets) for file in call.audio.received),
    ]


def heard_of(transcripts: dict[AudioPlace, Transcription], secrets: Secrets) -> str | None:
    """Return the transcript of the upload, or of the last message with transcribed audio."""
    if not transcripts:
        return None
    last = next(reversed(transcripts)).message
    texts = (text_of(each.segments) for place, each in transcripts.items() if place.message == last)
    return secrets.hide(" ".join(texts))


def said_record(said: said_audio.SaidAudio, secrets: Secrets) -> SaidAudio:
    """Return the record of speech."""
    container, codec, extension = said_audio.FILE_TYPES[said.response_format]
    spoken = said.utterance
    return SaidAudio(
        place=said.place,
        file=f"speech.{extension}",
        size=said.size,
        sha256=said.sha256,
        container=container,
        codec=codec,
        duration=round(said.seconds, 3),
        sample_rate=said.sample_rate,
        text=redacted.text(said.text, secrets),
        voice=secrets.hide(spoken.voice.name) if spoken else None,
        speed=spoken.speed if spoken else 1.0,
        language=spoken.language if spoken else None,
        instructions=redacted.text(spoken.instructions, secrets) or None if spoken else None,
        transcript=_spoken_words(said, secrets),
        at_ms=None if said.at_ms is None else round(said.at_ms, 3),
    )


def transcript_of(heard: Transcription, secrets: Secrets) -> Transcript:
    """Return the record of a transcription. If a secret is in it, it is one segment without words."""
    segments: Sequence[Segment] = tuple(heard.segments)
    text = text_of(segments)
    shown = secrets.hide(text)
    if shown != text:
        segments = (Segment(shown, segments[0].start, segments[-1].end),)
    language = heard.languages[0] if heard.languages else None
    return _transcript(language, segments)


def _transcript(language: str | None, segments: Sequence[Segment]) -> Transcript:
    kept = list(_first(segments))
    words = [TranscriptWord(word.text, word.start, word.end) for each in kept for word in each.words or ()]
    return Transcript(
        language=language,
        segments=[TranscriptSegment(each.start, each.end, each.text, each.speaker) for each in kept],
        words=words[:_MAX_WORDS] or None,
        segments_dropped=len(segments) - len(kept),
    )


def _first(segments: Sequence[Segment]) -> Iterator[Segment]:
    """Yield the segments that are recorded."""
    left = _MAX_CHARACTERS
    for segment in segments[:_MAX_SEGMENTS]:
        left -= len(segment.text)
        if left < 0:
            return
        yield segment


def _spoken_words(said: said_audio.SaidAudio, secrets: Secrets) -> Transcript | None:
    """Return the words of speech with their times, in one segment; ``None`` if they are not known, or have a secret."""
    words = said.words[:_MAX_WORDS]
    text = " ".join(word.text for word in words)
    if not words or secrets.hide(text) != text:
        return None
    segment = TranscriptSegment(round(words[0].start, 3), round(words[-1].end, 3), text)
    times = [TranscriptWord(word.text, round(word.start, 3), round(word.end, 3)) for word in words]
    language = said.utterance.language if said.utterance else None
    return Transcript(language=language, segments=[segment], words=times)


def _clip(place: AudioPlace, clip: Clip, heard: Transcription | None, secrets: Secrets) -> AudioFile:
    facts = clip.known_facts
    known = {} if facts is None else {name: getattr(facts, name) for name in _FACTS}
    return AudioFile(
        place=str(place),
        file=secrets.hide(clip.name),
        size=clip.content.size,
        sha256=clip.sha256,
        heard=None if heard is None else secrets.hide(text_of(heard.segments)),
        transcript=None if heard is None else transcript_of(heard, secrets),
        **known,
    )


def _stored_file(file: ReceivedFile, secrets: Secrets) -> AudioFile:
    return AudioFile(place=file.place, file=secrets.hide(file.name), size=file.size, sha256=file.sha256)
