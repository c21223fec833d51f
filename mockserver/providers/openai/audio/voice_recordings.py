"""Checks the recordings that are uploaded to ``/v1/audio/voices`` and ``/v1/audio/voice_consents``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.audio.decode import AudioTooLong, UndecodableAudio
from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.catalog.tables import Catalog
    from mockserver.pipeline.call import Call

_UNTYPED = ("", "application/octet-stream")  # content types of clients that do not know the type


def check_recording(catalog: Catalog, call: Call, *, max_seconds: float | None = None) -> None:
    """Raise ``ApiError`` for a recording that is not as documented.

    That is one with another content type (without one, the bytes decide), with too many bytes, that is not audio, or
    longer than ``max_seconds``. The recording is decoded.
    """
    documented, field = catalog.custom_voices, call.operation.audio_field
    supported = ", ".join(documented.content_types)
    file = call.files.get(field)
    if file is None:  # the body is JSON
        given = call.request.content_type
        raise ApiError("unsupported_content_type", accepted="multipart/form-data", given=given)
    given = file.content_type.partition(";")[0].strip().lower()
    if given not in (*documented.content_types, *_UNTYPED):
        raise ApiError("voice_recording_type", param=field, given=given, supported=supported)
    if file.content.size > documented.recording_bytes:
        size, maximum = file.content.size, documented.recording_bytes
        raise ApiError("voice_recording_too_large", param=field, size=size, most=maximum)
    try:
        seconds = call.audio.uploaded().duration
    except AudioTooLong as error:  # longer than the setting max_audio_seconds
        seconds = error.max_seconds
    except UndecodableAudio as error:
        raise ApiError("voice_recording_undecodable", param=field, supported=supported) from error
    if max_seconds is not None and seconds > max_seconds:
        raise ApiError("voice_sample_too_long", duration=f"{seconds:.1f}", most=f"{max_seconds:g}")
