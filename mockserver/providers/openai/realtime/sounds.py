"""The audio of the items of a session: the first of it in memory, the rest in a temporary file."""

from __future__ import annotations

import base64
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from mockserver.audio.content import LARGE, Content, ContentWriter, Spool, has_disk
from mockserver.audio.telephony import encode_g711
from mockserver.errors import ApiError

_SAMPLE_BYTES = 2
_MOST_HEARD = 1 << 30  # bytes of the client's audio in a session, six hours of PCM

Encoding = Literal["pcm16", "g711_ulaw", "g711_alaw"]
ENCODINGS: dict[str, Encoding] = {  # by the type of a session's format
    "audio/pcm": "pcm16",
    "audio/pcmu": "g711_ulaw",
    "audio/pcma": "g711_alaw",
}


class Sound(Struct, frozen=True):
    """Audio: 16-bit samples of one channel. ``encoding`` is that in which the client sent or got it."""

    content: Content
    rate: int  # samples per second
    samples: int
    encoding: Encoding = "pcm16"

    @property
    def ms(self) -> int:
        """Return the duration in whole milliseconds."""
        return self.samples * 1000 // self.rate

    def data(self) -> bytes:
        """Return the samples, little-endian."""
        return self.content.part(0, self.samples * _SAMPLE_BYTES)

    def cut(self, end_ms: int) -> Sound:
        """Return the sound up to a time, all of it if it is shorter."""
        return replace(self, samples=min(self.samples, end_ms * self.rate // 1000))

    def base64(self) -> str:
        """Return the audio in its encoding, in Base64."""
        data = self.data()
        if self.encoding != "pcm16":
            data = encode_g711(data, "mu" if self.encoding == "g711_ulaw" else "a")
        return base64.b64encode(data).decode()


class Sounds:
    """The sounds of a session."""

    def __init__(self) -> None:
        self._spool: Spool | None = None
        self._bytes = 0
        self._heard = 0  # bytes of the client's audio

    def keep_heard(self, data: bytes, rate: int, encoding: Encoding) -> Sound:
        """Keep samples that the client has sent. Raises ``ApiError`` if there are too many."""
        if self._heard + len(data) > _MOST_HEARD:
            raise ApiError("realtime_session_full", most=_MOST_HEARD, what="audio")
        self._heard += len(data)
        return self.keep(data, rate, encoding)

    def keep(self, data: bytes, rate: int, encoding: Encoding = "pcm16") -> Sound:
        """Keep samples, which are 16-bit and of one channel."""
        content = self._content(data)
        return Sound(content, rate, len(data) // _SAMPLE_BYTES, encoding)

    def _content(self, data: bytes) -> Content:
        self._bytes += len(data)
        if self._bytes <= LARGE or not has_disk():
            return Content(data)
        try:
            self._spool = self._spool or Spool()
            writer = ContentWriter(self._spool)
            writer.write(data)
            return writer.content()
        except OSError:  # the disk is full
            return Content(data)
