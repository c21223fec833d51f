"""Transcribes what the user says: the events of the transcription, and the words for responses, stubs and journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.inbox import Inbox
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.session_config import SessionConfig
    from mockserver.providers.openai.realtime.timeline import Timeline

Cut = Callable[[float, float], bytes]


class InputTranscription:
    """The transcriptions of a session's spoken items."""

    def __init__(
        self,
        context: RealtimeContext,
        call: Call,
        config: SessionConfig,
        timeline: Timeline,
        outlet: Outlet,
        inbox: Inbox,
    ) -> None:
        self._context = context
        self._call = call
        self._config = config
        self._timeline = timeline
        self._outlet = outlet
        self._inbox = inbox

    def hear(self, item_id: str, start_ms: float, end_ms: float, cut: Cut, rate: int) -> None:
        """Note that the speech of an item that is not yet committed goes on.

        To be called after each window, with what a commit would now commit: from ``speech_started``, or, without turn
        detection, from the first sample after the last commit; the item gets its id then. Models that stream send
        deltas. ``cut(start_ms, end_ms)`` returns samples, s16le mono at ``rate``.
        """

    def committed(self, item_id: str, start_ms: float, end_ms: float, pcm: bytes, rate: int) -> None:
        """Begin the transcription of a committed item, after the events of the commit were sent.

        ``pcm`` is s16le mono. Without transcription in the configuration no events follow, and ``text_of`` transcribes
        when it is asked.
        """

    def forget(self, item_id: str) -> None:
        """Drop an item that was deleted, or whose audio was cleared before it was committed."""

    def text_of(self, item_id: str) -> str:
        """Return what the user said in a committed item, empty for silence and for items that are not spoken.

        May take the time of Whisper. Raises ``ApiError`` if it cannot be transcribed, ``OSError`` if the client has
        left.
        """
        return ""
