"""``GET /v1/responses`` as a WebSocket: each event ``response.create`` is answered by the events of a stream.

Requests with the same ``stream_id`` are answered one after another, others at the same time.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver import json_styles, strict_json
from mockserver.errors import ApiError
from mockserver.pipeline.call import Answer, Call
from mockserver.pipeline.responses import SWITCHING, close
from mockserver.pipeline.web_socket_adapter import data_of
from mockserver.providers.openai.response_work.connection_memory import ConnectionMemory, Turn
from mockserver.providers.openai.responses.lanes import Lanes
from mockserver.providers.openai.responses.refusals import wording
from mockserver.providers.openai.responses.steering import Sending, Steering, successor
from mockserver.wire import responses, sse

if TYPE_CHECKING:
    from mockserver.pipeline.responses import Reply
    from mockserver.pipeline.web_socket_adapter import WebSocketAdapter
    from mockserver.providers.openai.contexts import ResponsesContext
    from mockserver.transport.web_sockets import WebSocket

log = logging.getLogger(__name__)

_EVENT = "openai/responses_client_event.request"
_CREATE, _STEER = "response.create", "response.steer"
_MAX_RUNNING = 16  # responses at the same time (guide WebSocket mode)
_COPIES = 2  # of a request in memory: its bytes and the strings parsed from it
_MAX_LANES = 32  # with a name
_MAX_SECONDS = 3600.0
_STREAM_ID = re.compile(r"[A-Za-z0-9_.-]{1,256}")
_NOT_STEERED = {"conversation", "context_management"}  # members of requests whose responses cannot be steered
_LIMITS = ("x-ratelimit-", "retry-after")  # headers of a refusal that its event has
_GOING_AWAY, _FAILED = 1001, 1011  # close codes


def connect_responses(context: ResponsesContext, call: Call) -> Answer:
    """Accept the WebSocket."""
    adapter = call.web_socket
    assert adapter is not None
    ends_at = context.clock.now() + _MAX_SECONDS

    def serve(web_socket: WebSocket) -> None:
        ResponseSocket(context, adapter, web_socket, ends_at).run()

    return Answer(b"", "", headers=adapter.accept(serve), status=SWITCHING)


class ResponseSocket:
    """A WebSocket for responses, which ends at a time by the clock."""

    def __init__(
        self, context: ResponsesContext, adapter: WebSocketAdapter, web_socket: WebSocket, ends_at: float
    ) -> None:
        self._context = context
        self._adapter = adapter
        self._web_socket = web_socket
        self._lanes = Lanes(_MAX_RUNNING, adapter.slot)
        self._named: set[str] = set()
        self._memory = ConnectionMemory()
        self._steering = Steering(context.ids)
        self._ends_at = ends_at

    def run(self) -> None:
        """Answer the events of the client until the connection ends."""
        try:
            for message in self._web_socket.messages(self._check_age):
                if self._check_age():
                    self._receive(message)
                del message  # it can be large, and the client silent
        finally:
            self._lanes.close()

    def _check_age(self) -> bool:
        """Return whether the connection may be used; end it if it is too old."""
        if self._context.clock.now() < self._ends_at:
            return True
        self._refuse(ApiError("websocket_connection_limit"))
        self._web_socket.close(_GOING_AWAY)
        return False

    def _receive(self, message: str | bytes) -> None:
        """Have an event of the client answered in its lane."""
        lane = None
        try:
            event = self._event(message)
            if event["type"] == _STEER:
                self._steer(event)
                return
            lane = _lane(event)
            self._count(lane)
            self._create(event, lane)
        except ApiError as error:
            self._refuse(error, lane)
        except Exception as error:  # noqa: BLE001 - such as a lack of threads; the connection continues
            self._refuse(self._adapter.failed(error), lane)

    def _event(self, message: str | bytes) -> dict[str, Any]:
        """Return an event of the client. Raises ``ApiError``."""
        if isinstance(message, bytes):
            raise ApiError("websocket_binary")
        try:
            event = strict_json.parse(message.encode(), self._adapter.max_json_values)
        except strict_json.TooManyValues as error:
            raise ApiError("too_many_values", most=self._adapter.max_json_values) from error
        except ValueError as error:
            raise ApiError("invalid_json") from error
        if not isinstance(event, dict):
            raise ApiError("invalid_json")
        schemas = self._context.request_schemas.documented
        if not schemas.is_valid(_EVENT, event):
            raise wording.refusal(schemas.violations(_EVENT, event))
        return event

    def _steer(self, event: dict[str, Any]) -> None:
        """Have an event of the client steer the response that it names."""
        with suppress(OSError):
            refused = self._steering.steer(event)
            if refused is not None:
                self._send(json_styles.streamed(refused), None)

    def _count(self, lane: str | None) -> None:
        """Count a lane if it has a new name. Raises ``ApiError`` if there are too many."""
        if lane is None or lane in self._named:
            return
        if len(self._named) >= _MAX_LANES:
            raise ApiError("websocket_stream_limit", most=_MAX_LANES)
        self._named.add(lane)

    def _create(self, event: dict[str, Any], lane: str | None) -> None:
        """Have a response created. Its request waits as JSON, which takes less memory. Raises ``ApiError``."""
        if event.get("background"):
            raise ApiError("websocket_no_background")
        generates = event.get("generate") is not False
        own = ("type", "stream_id", "generate", "background")
        body = {name: value for name, value in event.items() if name not in own} | {"stream": True}
        written = json_styles.streamed(body)
        turn = Turn(self._memory, lane, generates)
        self._lanes.put(lane, partial(self._answer, written, turn), _COPIES * len(written))

    def _answer(self, written: bytes, turn: Turn) -> None:
        """Answer a request, in the thread of its lane, and continue the response with what steers it."""
        with self._web_socket.answering():
            try:
                sending = self._request(self._steering.with_waiting(json.loads(written)), turn)
                while sending is not None and sending.steers:
                    if sending.tell_pending():
                        self._steering.wait(sending)
                        return
                    steered, sending = sending, self._request(successor(sending), turn)
                    if sending is None:
                        for steer in steered.steers:
                            steered.fail(steer, "successor_creation_failed")
            except OSError:  # the client has left, or a fault has ended the connection
                self._web_socket.abort()
            except Exception:
                log.exception("The events of a response could not be sent.")
                self._web_socket.close(_FAILED)

    def _request(self, body: dict[str, Any], turn: Turn) -> Sending | None:
        """Send the answer to a request. Return what was sent if it is a response."""
        written = json_styles.streamed(body)
        reply = self._adapter.answer(self._web_socket, written, turn, is_scriptable=turn.generates)
        try:
            if reply.media_type == sse.CONTENT_TYPE.partition(";")[0]:
                return self._send_events(reply, body, turn)
            self._send_whole(reply, turn, body.get("previous_response_id"))
            return None
        finally:
            close(reply)

    def _send_events(self, reply: Reply, body: Mapping[str, Any], turn: Turn) -> Sending:
        """Send the events of a stream."""
        sending = Sending(body, self._is_steerable(body), partial(self._send, lane=turn.lane))
        for data in data_of(reply):
            begun = sending.event(data)
            if begun is not None:
                self._steering.begin(begun, sending)
        if not sending.steers:
            sending.body = {}  # which can be large
        return sending

    def _is_steerable(self, body: Mapping[str, Any]) -> bool:
        """Return whether a response to a request can be steered (reference, Responses client events)."""
        model = self._context.catalog.model(str(body.get("model")))
        rules = model.responses if model else None
        return rules is not None and rules.steerable and not (body.keys() & _NOT_STEERED)

    def _send(self, data: bytes, lane: str | None) -> None:
        self._web_socket.send(_in_lane(data, lane).decode("utf-8", "replace"))

    def _send_whole(self, reply: Reply, turn: Turn, previous: object) -> None:
        """Send a reply that is no stream: a refusal as an event, the body of a stub as it is."""
        body = reply.body if isinstance(reply.body, bytes) else b"".join(reply.body)
        if reply.status < 400:
            self._web_socket.send(body.decode("utf-8", "replace"))
            return
        if isinstance(previous, str):
            self._memory.forget(previous)
        headers = {name: value for name, value in reply.headers if name.lower().startswith(_LIMITS)}
        self._send_error(reply.status, _error_in(body), turn.lane, headers)

    def _refuse(self, error: ApiError, lane: str | None = None) -> None:
        """Send a refusal that no request is behind."""
        error.values.setdefault("request_id", self._adapter.identifier)
        status = self._context.errors.rows[error.name]["status"]
        with suppress(OSError):
            self._send_error(status, self._context.errors.fields(error), lane, {})

    def _send_error(
        self, status: int, fields: Mapping[str, Any], lane: str | None, headers: Mapping[str, str]
    ) -> None:
        event = responses.refusal(status, fields, lane, headers)
        self._web_socket.send(json_styles.streamed(event).decode())


def _lane(event: Mapping[str, Any]) -> str | None:
    """Return the ``stream_id`` of an event, ``None`` if it has none. Raises ``ApiError`` for an invalid one."""
    lane: str | None = event.get("stream_id")
    if lane is not None and not _STREAM_ID.fullmatch(lane):
        raise ApiError("websocket_stream_id")
    return lane


def _error_in(body: bytes) -> Mapping[str, Any]:
    """Return the ``error`` object in the body of a refusal; what a stub has written in its place is the message."""
    with suppress(ValueError):
        error = json.loads(body).get("error")
        if isinstance(error, dict):
            return error
    return {"message": body.decode("utf-8", "replace")}


def _in_lane(data: bytes, lane: str | None) -> bytes:
    """Return the data of an event with its lane as ``stream_id``."""
    if lane is None or not data.endswith(b"}"):  # a fault can break the JSON
        return data
    return data[:-1] + b',"stream_id":"%b"}' % lane.encode()
