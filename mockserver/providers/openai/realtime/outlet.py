"""Sends the events of a session: what every event passes on its way to the client."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver import json_styles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from mockserver.errors import ApiError, ErrorTable
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds

Emit = "Callable[[str], None]"


class Outlet:
    """The way of the events to the client. ``emit`` sends a text, and raises ``OSError`` if the client has left.

    ``listeners`` get every event of the session's parts when it is made, ``record`` gets what leaves: faults can change
    the events in between, and those of stubs can have any form.
    """

    def __init__(self, emit: Callable[[str], None], ids: RealtimeIds, errors: ErrorTable) -> None:
        self._emit = emit
        self._ids = ids
        self._errors = errors
        self.listeners: list[Callable[[Mapping[str, Any]], None]] = []
        self.record: Callable[[Mapping[str, Any]], None] = lambda event: None
        self.reshape: Callable[[Mapping[str, Any]], Iterable[Mapping[str, Any]]] | None = None  # by the beta
        self.deliver: Callable[[Mapping[str, Any]], None] = self.transmit  # faults replace it

    def send(self, kind: str, **members: Any) -> None:
        """Send an event: its type, an id, and its members in this order."""
        self._make({"type": kind, "event_id": self._ids.event(), **members})

    def send_of_buffer(self, change: str, response_id: str) -> None:
        """Send a change of the buffer with the audio that a call plays. Its events have ids of their own form."""
        kind, event_id = f"output_audio_buffer.{change}", self._ids.buffer_event()
        self._make({"type": kind, "event_id": event_id, "response_id": response_id})

    def forward(self, given: Mapping[str, Any] | str) -> None:
        """Send an event of a stub, with an id if it has none, or a text as it is, which need not be JSON."""
        if isinstance(given, str):
            self.transmit({"type": "", "text": given}, given)
        else:
            self.deliver({"type": given["type"], "event_id": self._ids.event(), **given})

    def _make(self, event: Mapping[str, Any]) -> None:
        """Pass an event to the parts of the session, and send it."""
        for listener in self.listeners:
            listener(event)
        for each in (event,) if self.reshape is None else self.reshape(event):
            self.deliver(each)

    def transmit(self, event: Mapping[str, Any], text: str | None = None) -> None:
        """Have an event leave now, as ``text`` if it is given."""
        self.record(event)
        self._emit(json_styles.streamed(event).decode("utf-8", "replace") if text is None else text)

    def refuse(self, error: ApiError, event_id: str | None = None) -> None:
        """Send an ``error`` that refuses the event of the client with an id."""
        fields = self._errors.fields(error)
        if self._errors.rows[error.name].get("anonymous"):
            event_id = None
        self.send("error", error=error_object(fields, event_id))


def error_object(fields: Mapping[str, object], event_id: str | None) -> dict[str, object]:
    """Return the ``error`` of an event, with its members in the order of the API."""
    return {
        "type": fields["type"],
        "code": fields["code"],
        "message": fields["message"],
        "param": fields["param"],
        "event_id": event_id,
    }
