"""The responses of a session: ``response.create``, the replies to turns, ``response.cancel`` and interruption."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.pipeline.call import Call
    from mockserver.providers.openai.contexts import RealtimeContext
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.providers.openai.realtime.outlet import Outlet
    from mockserver.providers.openai.realtime.session_config import SessionConfig
    from mockserver.providers.openai.realtime.timeline import Timeline


class ResponseParts(Struct, frozen=True):
    """The parts of a session that its responses use. ``call`` is the handshake."""

    context: RealtimeContext
    call: Call
    config: SessionConfig
    ids: RealtimeIds
    timeline: Timeline
    outlet: Outlet


class Responses:
    """Makes the responses of a session, one at a time in its conversation.

    ``active`` is the id of the response in progress; empty if there is none. ``has_spoken`` is whether audio was sent,
    after which the voice cannot change.
    """

    def __init__(self, parts: ResponseParts) -> None:
        self._parts = parts
        self.active = ""
        self.has_spoken = False

    def create(self, event: Mapping[str, Any]) -> None:
        """Begin the response that ``response.create`` asks for. Raises ``ApiError``."""

    def create_for_turn(self) -> None:
        """Begin the response to a turn that voice activity detection committed, unless one is in progress."""

    def interrupt(self) -> None:
        """Cancel the response in progress, because the user speaks; its status details say ``turn_detected``."""

    def cancel(self, event: Mapping[str, Any]) -> None:
        """Cancel a response, as ``response.cancel`` demands. Raises ``ApiError`` if none is in progress."""

    def close(self) -> None:
        """End what is in progress without sending anything: the connection has ended."""
