"""The part of the Python API that is about telephone calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.telephone import ANSWERED

if TYPE_CHECKING:
    from mockserver.telephone import IncomingCall, Status
    from mockserver.testing.context import ApiContext


class TelephoneCall:
    """A telephone call of a scripted caller, which the code under test accepts or rejects.

    Its methods raise ``TelephoneError`` if nobody is on the line.
    """

    def __init__(self, context: ApiContext, call: IncomingCall) -> None:
        self._context = context
        self._call = call

    @property
    def id(self) -> str:
        """Return the id of the call, ``rtc_…``."""
        return self._call.id

    @property
    def status(self) -> Status:
        """Return ``ringing``, ``answered``, ``rejected``, ``referred`` or ``ended``."""
        return self._call.status

    @property
    def status_code(self) -> int | None:
        """Return the SIP response code of a rejection, such as 603; ``None`` unless it was rejected."""
        return self._call.status_code

    @property
    def target_uri(self) -> str:
        """Return where the caller was sent; empty if nowhere."""
        return self._call.target_uri

    @property
    def heard(self) -> bytes:
        """Return what the caller has heard: 16-bit samples of one channel at 24 kHz. What was cut off is missing."""
        return self._call.heard

    def wait(self, timeout: float = 10.0) -> Status:
        """Wait until the call no longer rings, for ``timeout`` seconds at most. Return its status."""
        return self._call.wait(timeout, self._context.closing.is_set)

    def say(self, text: str, *, voice: str = "nova", silence: float = 1.0, timeout: float = 10.0) -> None:
        """Say a sentence, then be silent for some seconds, so that turn detection finds its end.

        While the call rings, wait. Raises ``ValueError`` for an unknown voice.
        """
        from mockserver.caller.sounds import CallerVoice

        chosen = self._context.catalog.voice(voice)
        if chosen is None:
            raise ValueError(f"voice: unknown voice {voice!r}.")
        sound = CallerVoice(self._context.speaker, chosen, self._context.spoken).say(text)
        if self._call.status != ANSWERED:
            self.wait(timeout)
        self._call.say(sound.pcm + bytes(2 * int(silence * self._call.rate)))

    def press(self, digits: str) -> None:
        """Press keys."""
        self._call.press(digits)

    def hang_up(self) -> None:
        """End the call."""
        self._call.hang_up()
