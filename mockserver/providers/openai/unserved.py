"""Refuses requests without a route: calls of OpenAI's API that are not served, unknown paths, wrong methods.

They go through the pipeline as all requests do (account, body, faults, stubs, journal). The refusal of a call that is
not served says what to do.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from mockserver.catalog.paths import VERSION, WEBSOCKET, KnownCall, calls_of, has_double_slash
from mockserver.errors import ApiError
from mockserver.journal.findings import remedy
from mockserver.pipeline.operation import Operation
from mockserver.pipeline.provider import Route
from mockserver.pipeline.scripted.answers import nearly_answered
from mockserver.providers.openai import refusals, routes
from mockserver.providers.openai.chat.document import ChatDocument
from mockserver.wire import sse

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.logs import Notices
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.request import Request
    from mockserver.providers.openai.contexts import UnservedContext
    from mockserver.scripting.stubs.stubs import Stubs

log = logging.getLogger(__name__)

Placed = Callable[[KnownCall], KnownCall | None]

_TRANSCRIPTION_SESSIONS = "/realtime/transcription_sessions"
_IMPLIED_METHODS = frozenset({"HEAD", "OPTIONS"})


def route(
    context: UnservedContext, request: Request, served: Iterable[str], placed: Placed | None = None
) -> Route:
    """Return the route of a request that matches no other: an operation without a name, and a refusal as its handler.

    ``served`` are the methods with a route of the same path. ``placed`` returns a call of OpenAI's as the call of
    another service, or ``None`` if that does not have it.
    """
    method, path = request.method, request.route_path
    refuse_unknown = partial(_refuse_unknown, context.notices)
    if has_double_slash(request.path):
        return Route(_operation(method, path, is_versioned=False), refuse_unknown)
    calls = calls_of(path) if placed is None else tuple(filter(None, map(placed, calls_of(path))))
    called = _called(calls, request)
    if called is not None:
        operation = _operation(
            method,
            called.path,
            refuses=refusals.BEARER if called.asks_for_bearer else "",
            resource=called.resource,
            is_versioned=called.service == "OpenAI",
        )
        is_served = called.method == WEBSOCKET and called.path in _web_socket_paths()
        return Route(operation, _refuse_plain if is_served else partial(_refuse_unserved, context, called))
    operation = _operation(method, path, is_versioned=bool(calls))
    if path == _TRANSCRIPTION_SESSIONS and _upgrades(request):
        return Route(operation, _refuse_transcription_socket)
    allowed = _allowed(calls, served)
    if allowed:
        return Route(
            operation, partial(_refuse_method, allowed), partial(_check_method, context.stubs, allowed)
        )
    return Route(operation, refuse_unknown)


def _operation(method: str, path: str, *, refuses: str = "", **more: Any) -> Operation:
    """Return the operation of a call that is not served, in the form of the audio endpoints if it is one of them."""
    is_audio = path.startswith("/audio/")
    return Operation(
        "",
        method,
        path,
        body="any",
        reads=ChatDocument,
        refuses=refusals.AUDIO if is_audio else refuses,
        event=sse.scripted_of_audio if is_audio else sse.scripted,
        **more,
    )


def stub_for(method: str, path: str) -> str:
    """Return a stub that answers a call, in one line of YAML."""
    quoted = f"'{path}'" if set(path) & set("{}<>*,#") else path
    return f"{{when: {{endpoint: {quoted}, method: {method}}}, reply: {{json: {{}}}}}}"


def _called(calls: tuple[KnownCall, ...], request: Request) -> KnownCall | None:
    """Return the call that the request makes. On a path for WebSockets only, any GET is that call."""
    by_method = {call.method: call for call in calls}
    method = request.method
    if method == "GET" and WEBSOCKET in by_method:
        upgrades = _upgrades(request)
        if upgrades or len(by_method) == 1:
            return by_method[WEBSOCKET]
    return by_method.get(method)


def _allowed(calls: tuple[KnownCall, ...], served: Iterable[str]) -> list[str]:
    """Return the methods of a path in alphabetical order; none for an unknown path."""
    known = {call.method for call in calls} - {WEBSOCKET}
    return sorted((known | set(served)) - _IMPLIED_METHODS)


@cache
def _web_socket_paths() -> frozenset[str]:
    """Return the paths on which WebSockets are served."""
    return frozenset(each.path for each in routes.OPERATIONS if each.method == WEBSOCKET)


def _upgrades(request: Request) -> bool:
    upgrade: str = request.headers.get("upgrade", "")
    return upgrade.lower() == "websocket"


def _refuse_transcription_socket(call: Call) -> NoReturn:
    raise ApiError("realtime_transcription_socket")


def _refuse_plain(call: Call) -> NoReturn:
    """Refuse a GET that asks for no WebSocket."""
    headers = (("upgrade", "websocket"),)
    raise ApiError("upgrade_required", reason="the request has no Upgrade header", headers=headers)


def _refuse_unserved(context: UnservedContext, called: KnownCall, call: Call) -> NoReturn:
    path = VERSION + called.path if called.service == "OpenAI" else called.path
    method = "GET" if called.method == WEBSOCKET else call.operation.method
    written = f"{method} {path}" + (" (a WebSocket)" if called.method == WEBSOCKET else "")
    hint = called.hint.replace("{base_url}", f"{call.request.host_url}v1")
    remedies = [hint] if hint else []
    nearest = nearly_answered(context.stubs, context.accounts, call)
    if nearest:
        remedies.append(f"No stub matches it. {nearest}")
    elif called.method != WEBSOCKET:
        remedies.append(
            f"{'Or script' if hint else 'Script'} the answer with a stub: {stub_for(method, path)}."
        )
    if context.notices.is_new(written):
        log.warning("%s is not served by this mock server: answered 404. %s", quote(written, " /{}()"), hint)
    remedies.append("See docs/clients.md.")
    raise ApiError("endpoint_not_served", service=called.service, call=written, remedy=" ".join(remedies))


def _refuse_unknown(notices: Notices, call: Call) -> NoReturn:
    method, path = call.operation.method, call.request.path
    if notices.is_new(f"{method} {path}"):
        log.warning(
            "%s %s: the API has no such path: answered 404. %s",
            method,
            call.request.logged_path,
            call.request.logged(remedy(path)),
        )
    raise ApiError("unknown_url", method=method, path=path)


def _check_method(stubs: Stubs, allowed: list[str], call: Call) -> None:
    """Raise ``ApiError`` for a wrong method, before a stub answers it, unless the stub names the method."""
    if not stubs.names_method(call.facts, call.account.id):
        _refuse_method(allowed, call)


def _refuse_method(allowed: list[str], _call: Call) -> NoReturn:
    methods = ", ".join(allowed)
    raise ApiError("method_not_supported", allowed=methods, headers=(("allow", methods),))
