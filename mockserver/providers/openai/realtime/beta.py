"""Speaks the beta of the Realtime API: changes events on their way in and out, so that sessions know nothing of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.providers.openai.realtime import beta_shapes as shapes
from mockserver.providers.openai.realtime.configuration.client_events import EVENT_OF_BETA, valid_document

if TYPE_CHECKING:
    from mockserver.providers.openai.realtime.identifiers import RealtimeIds
    from mockserver.validation.schemas import RequestSchemas

Event = Mapping[str, Any]

_RENAMED = {
    "response.output_audio.delta": "response.audio.delta",
    "response.output_audio.done": "response.audio.done",
    "response.output_audio_transcript.delta": "response.audio_transcript.delta",
    "response.output_audio_transcript.done": "response.audio_transcript.done",
    "response.output_text.delta": "response.text.delta",
    "response.output_text.done": "response.text.done",
    "conversation.item.added": "conversation.item.created",
}
_DROPPED = ("conversation.item.done", "rate_limits.updated")
_UNKNOWN = "unknown_parameter"
_TRANSCRIBED = "conversation.item.input_audio_transcription.completed"


class Beta:
    """The beta's form of the events of a session.

    ``conversation_id`` is announced after ``session.created``; empty for none. ``rate_limits`` returns those that
    follow ``response.created``, for the id of the response.
    """

    def __init__(
        self,
        ids: RealtimeIds,
        conversation_id: str,
        rate_limits: Callable[[str], Sequence[Mapping[str, Any]]],
        *,
        is_conversation: bool,
    ) -> None:
        self._ids = ids
        self._conversation_id = conversation_id
        self._rate_limits = rate_limits
        self._is_conversation = is_conversation
        self._temperature = shapes.TEMPERATURE
        self._temperatures: dict[str, float] = {}  # of responses in progress, by id
        self._asked: dict[str, float] = {}  # the temperatures of the client's event, until it is accepted

    def received(self, event: dict[str, Any], schemas: RequestSchemas, strictness: str) -> dict[str, Any]:
        """Return the event that a client of the present API would have sent. Raises ``ApiError``."""
        if "type" not in event:
            raise ApiError("realtime_no_type")
        given = valid_document(event, EVENT_OF_BETA, schemas, strictness)
        kind = given["type"]
        if kind.endswith("session.update"):
            self._ask("session", given["session"])
            session_kind = "realtime" if kind == "session.update" else "transcription"
            session = shapes.configured(given["session"], "session", session_kind)
            return {**given, "type": "session.update", "session": session}
        if kind == "conversation.item.create":
            return {**given, "item": shapes.item(given["item"])}
        if kind == "response.create":
            response = given.get("response") or {}
            self._ask("response", response)
            return {**given, "response": shapes.configured(response, "response")}
        return given

    def _ask(self, owner: str, given: Event) -> None:
        self._asked.pop(owner, None)
        if "temperature" in given:
            self._asked[owner] = given["temperature"]

    def sent(self, event: Event) -> Iterator[Event]:
        """Yield the events that a client of the beta gets in place of one."""
        kind = event["type"]
        if kind in _DROPPED:
            return
        yield self._shown(event)
        if kind == "session.created" and self._conversation_id:
            conversation = {"id": self._conversation_id, "object": "realtime.conversation"}
            yield self._event("conversation.created", conversation=conversation)
        if kind == "response.created":
            yield self._event("rate_limits.updated", rate_limits=self._rate_limits(event["response"]["id"]))

    def _event(self, kind: str, **members: Any) -> Event:
        return {"type": kind, "event_id": self._ids.event(), **members}

    def _shown(self, event: Event) -> Event:
        kind = event["type"]
        shown = {**event, "type": _RENAMED.get(kind, kind)}
        shown.pop("obfuscation", None)
        if kind == _TRANSCRIBED:
            shown.pop("usage", None)
        if kind in ("session.created", "session.updated"):
            self._temperature = self._asked.pop("session", self._temperature)
            shown["type"] = kind if self._is_conversation else f"transcription_{kind}"
            shown["session"] = shapes.shown_session(event["session"], self._temperature)
        if "item" in event:
            shown["item"] = shapes.shown_item(event["item"])
        if "response" in event:
            shown["response"] = self._response(event["response"])
        if kind == "error":
            self._asked = {}
            shown["error"] = _renamed(event["error"])
        return shown

    def _response(self, response: Event) -> Event:
        """Return a response with the temperature that it was created with."""
        response_id = response["id"]
        if response["status"] == "in_progress":
            self._temperatures[response_id] = self._asked.pop("response", self._temperature)
            return shapes.shown_response(response, self._temperatures[response_id])
        return shapes.shown_response(response, self._temperatures.pop(response_id, self._temperature))


def _renamed(error: Event) -> Event:
    """Return an error with the beta's name of its place, but for an unknown one, which is as the client wrote it."""
    param = error["param"]
    if not param or error["code"] == _UNKNOWN:
        return error
    named = shapes.place(param)
    return {**error, "message": error["message"].replace(f"'{param}'", f"'{named}'"), "param": named}
