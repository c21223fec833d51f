"""Conversations that a response is being made for: no other response may begin in them."""

from __future__ import annotations

import contextlib
import threading
import time
from typing import TYPE_CHECKING

from mockserver.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mockserver.state.held_leases import HeldLeases


_PATIENCE = (
    0.5  # seconds: a client can know that a response has ended some milliseconds before other processes do
)
_LOOK = 0.01  # seconds between two attempts


class BusyConversations:
    """The conversations with an unfinished response, here or in another process. Thread-safe."""

    def __init__(self, leases: HeldLeases) -> None:
        self._leases = leases
        self._lock = threading.Lock()
        self._owners: dict[tuple[str, str], str] = {}  # by account and conversation: the response

    def take(self, account_id: str, conversation_id: str | None, owner: str) -> None:
        """Note that the response ``owner`` is being made.

        Raises ``ApiError`` if there is another, and ``StateFailed``. With several processes it waits before.
        """
        if conversation_id is None:
            return
        until = time.monotonic() + (0.0 if self._leases.is_alone else _PATIENCE)
        while not self._takes((account_id, conversation_id), owner):
            if time.monotonic() >= until:
                raise ApiError("conversation_locked")
            time.sleep(_LOOK)

    def note(self, account_id: str, conversation_id: str | None, owner: str) -> None:
        """Note that the response ``owner``, which the store has, is unfinished."""
        if conversation_id is not None:
            with self._lock:
                self._owners.setdefault((account_id, conversation_id), owner)

    def pass_on(self, account_id: str, conversation_id: str | None, owner: str, new_owner: str) -> None:
        """Let ``new_owner`` have the conversation that ``owner`` has."""
        place = account_id, conversation_id or ""
        with self._lock:
            if self._owners.get(place) == owner:
                self._owners[place] = new_owner

    def release(self, account_id: str, conversation_id: str | None, owner: str) -> None:
        """Note that the response ``owner`` has ended, or is not needed any more."""
        if conversation_id is None:
            return
        with self._lock:
            is_owner = self._owners.get((account_id, conversation_id)) == owner
            if is_owner:
                del self._owners[account_id, conversation_id]
        if is_owner:
            self._leases.give_up(_name(account_id, conversation_id))

    def _takes(self, place: tuple[str, str], owner: str) -> bool:
        """Take a conversation, unless it is busy. Return whether it is taken. Raises ``StateFailed``."""
        with self._lock:
            if self._owners.setdefault(place, owner) != owner:
                return False
        is_taken = False
        try:
            is_taken = self._leases.take(_name(*place))
        finally:
            if not is_taken:
                with self._lock:
                    del self._owners[place]
        return is_taken

    @contextlib.contextmanager
    def held(self, account_id: str, conversation_id: str | None, owner: str) -> Iterator[None]:
        """Take a conversation, and release it at the end. Raises ``ApiError``."""
        self.take(account_id, conversation_id, owner)
        try:
            yield
        finally:
            self.release(account_id, conversation_id, owner)


def _name(account_id: str, conversation_id: str) -> str:
    """Return the name of a conversation's lease."""
    return f"conversation:{account_id}/{conversation_id}"
