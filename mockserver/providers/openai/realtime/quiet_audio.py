"""Hears a client's audio in the thread that reads it, as long as nothing else happens.

So most messages of a call wake no other thread, which would take longer than to hear them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.providers.openai.realtime.inbox import Inbox, Rest
    from mockserver.providers.openai.realtime.input_audio import InputAudio
    from mockserver.providers.openai.realtime.turns.session_log import SessionLog

_LONGEST = 1 << 14  # characters of a message: a quarter of a second
_APPEND = "input_audio_buffer.append"


class QuietAudio:
    """Hears appended audio while the session's thread has nothing to do.

    ``read`` returns the valid event of a message, or raises ``ApiError``. ``is_undisturbed`` is asked before each one.
    """

    def __init__(
        self,
        inbox: Inbox,
        audio: InputAudio,
        log: SessionLog,
        read: Callable[[str], Mapping[str, Any]],
        is_undisturbed: Callable[[], bool],
    ) -> None:
        self._inbox = inbox
        self._audio = audio
        self._log = log
        self._read = read
        self._is_undisturbed = is_undisturbed

    def hear(self, message: str | bytes) -> bool:
        """Return whether a message was heard; what follows from it is done by the session's thread."""
        if isinstance(message, bytes) or len(message) > _LONGEST or _APPEND not in message:
            return False
        if not self._inbox.borrow():
            return False
        rest: Rest | None = None
        try:
            if not self._is_undisturbed() or not self._audio.is_quiet:
                return False
            try:
                event = self._read(message)
                if event["type"] != _APPEND:
                    return False
                audio = self._audio.decoded(event)
            except Exception:  # noqa: BLE001 - the session's thread meets and answers the same
                return False
            try:
                self._log.received(event)
                rest = self._audio.hear_quietly(audio)
            except Exception as error:  # noqa: BLE001 - a lack of memory: the session's thread informs the client
                rest = _failing(error)
            return True
        finally:
            self._inbox.give_back(rest)


def _failing(error: Exception) -> Rest:
    def fail() -> None:
        raise error

    return fail
