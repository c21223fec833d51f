"""The ids of the Realtime API: the time, and random letters and digits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.ids import Ids


class RealtimeIds:
    """Makes the ids of a session, which its clock dates."""

    def __init__(self, ids: Ids, now: float) -> None:
        self._ids = ids
        self.now = now  # seconds since 1970; the session moves it

    def event(self) -> str:
        """Return the id of an event of the server."""
        return self._ids.realtime_id("event_", self.now)

    def call_of_media(self) -> str:
        """Return the id of a call by WebRTC or telephone."""
        return self._ids.realtime_id("rtc_u0_", self.now)

    def buffer_event(self) -> str:
        """Return the id of an event of the output buffer: ``event_`` and 16 hex digits."""
        return "event_" + self._ids.hex_digits(16)

    def item(self) -> str:
        """Return the id of an item."""
        return self._ids.realtime_id("item_", self.now)

    def response(self) -> str:
        """Return the id of a response."""
        return self._ids.realtime_id("resp_", self.now)

    def session(self) -> str:
        """Return the id of a session."""
        return self._ids.realtime_id("sess_", self.now)

    def conversation(self) -> str:
        """Return the id of a conversation."""
        return self._ids.realtime_id("conv_", self.now)

    def call(self) -> str:
        """Return the id of a function call: ``call_`` and 16 letters or digits."""
        return self._ids.realtime_call_id()

    def obfuscation(self, delta: str) -> str:
        """Return letters that pad a delta to the next multiple of 16 characters."""
        return self._ids.obfuscation(-len(delta) % _PADDED)


_PADDED = 16
