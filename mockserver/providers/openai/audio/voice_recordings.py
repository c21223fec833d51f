"""Checks the recordings that are uploaded to ``/v1/audio/voices`` and ``/v1/audio/voice_consents``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog
    from mockserver.pipeline.call import Call

_UNTYPED = ("", "application/octet-stream")  # what clients send that do not know the type


def check_recording(catalog: Catalog, call: Call, *, most_seconds: float | None = None) -> None:
    """Raises ``ApiError`` for a recording that is not as documented, once it has been decoded.

    That is for another file type (a client that names none leaves it to the bytes), for too many bytes, for what is
    no audio, and for more than ``most_seconds``.
    """
    documented, field = catalog.custom_voices, call.operation.audio_field
    supported = ", ".join(documented.content_types)
    file = call.files.get(field)
    if file is None:  # JSON has no place for it
        given = call.request.content_type
        raise ApiError("unsupported_content_type", accepted="multipart/form-data", given=given)
    given = file.content_type.partition(";")[0].strip().lower()
    if given not in (*documented.content_types, *_UNTYPED):
        raise ApiError("voice_recording_type", param=field, given=given, supported=supported)
    if file.content.size > documented.recording_bytes:
        size, most = file.content.size, documented.recording_bytes
        raise ApiError("voice_recording_too_large", param=field, size=size, most=most)
    try:
        seconds = call.audio.uploaded().duration
    except AudioTooLong as error:  # longer than the setting max_audio_seconds
        seconds = error.max_seconds
    except UndecodableAudio as error:
        raise ApiError("voice_recording_undecodable", param=field, supported=supported) from error
    if most_seconds is not None and seconds > most_seconds:
        raise ApiError("voice_sample_too_long", duration=f"{seconds:.1f}", most=f"{most_seconds:g}")
