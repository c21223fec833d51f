"""The known speakers of a request: names with samples of their voices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.audio.clip import Clip
from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.engines.speakers import KnownSpeaker
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call

_MIN_SECONDS, _MAX_SECONDS = 2.0, 10.0  # seconds (API reference, known_speaker_references)
_ROUNDING = 0.3  # seconds: references of 1.75 s have been accepted


def known_speakers(call: Call, max_seconds: float) -> tuple[KnownSpeaker, ...]:
    """Return the speakers of ``known_speaker_names`` and ``known_speaker_references``.

    Raises ``ApiError`` if the lists differ in length, or a reference is not audio of 2 to 10 seconds.
    """
    names = call.document.get("known_speaker_names", ())
    references = call.document.get("known_speaker_references", ())
    if len(names) != len(references) and call.strict:
        raise ApiError("known_speakers_unpaired")
    known = []
    for index, (name, reference) in enumerate(zip(names, references, strict=False)):
        clip = Clip(_data(reference), f"reference-{index}", max_seconds, keep_samples=True)
        try:
            seconds = clip.duration
        except (UndecodableAudio, AudioTooLong) as error:
            if not call.strict:
                continue
            raise ApiError("known_speaker_undecodable", index=index) from error
        if call.strict and not _MIN_SECONDS - _ROUNDING <= seconds <= _MAX_SECONDS + _ROUNDING:
            raise ApiError("known_speaker_duration", index=index, duration=round(seconds, 2))
        known.append(KnownSpeaker(name, clip, seconds))
    return tuple(known)


def _data(reference: str) -> bytes:
    """Return the bytes of a ``data:`` URL in base64, empty for any other text."""
    import pybase64

    head, _, encoded = reference.partition(",")
    if not head.startswith("data:") or not head.endswith(";base64"):
        return b""
    try:
        return pybase64.b64decode(encoded, validate=True)
    except ValueError:
        return b""
