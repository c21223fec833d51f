"""Reads the audio in the client's events."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from mockserver.errors import ApiError

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.configuration.parts import AudioFormat

_MAX_BYTES = 15 << 20  # of audio in an event (reference, input_audio_buffer.append)
_EXPECTED = {
    "audio/pcm": "mono PCM16 at 24kHz",
    "audio/pcmu": "mono G.711 mu-law at 8kHz",
    "audio/pcma": "mono G.711 A-law at 8kHz",
}


def decoded(audio: str, format_: AudioFormat, param: str = "audio") -> bytes:
    """Return the bytes of Base64. Raises ``ApiError``."""
    try:
        data = base64.b64decode(audio, validate=True)
    except (binascii.Error, ValueError) as error:
        expected = _EXPECTED[format_.type]
        raise ApiError("realtime_audio_invalid", param=param, expected=expected) from error
    if len(data) > _MAX_BYTES:
        raise ApiError("realtime_audio_too_long", param=param, size=len(data), most=_MAX_BYTES)
    return data
