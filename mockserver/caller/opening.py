"""Begins a call: the address of the server, the session, and the pacing."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

from mockserver.caller.call import Call, Tool
from mockserver.caller.line import HungUp, Line, Pacing, dial
from mockserver.caller.record import CallFailed
from mockserver.wording import shown

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from mockserver.caller.sounds import CallerVoice

MODEL = "gpt-realtime"  # of a conversation that names none
_SCHEMES = {"http": "ws", "https": "wss", "ws": "ws", "wss": "wss"}


def begin_call(
    url: str,
    api_key: str,
    voice: CallerVoice,
    *,
    model: str | None = None,
    transcription: bool = False,
    session: Mapping[str, Any] | None = None,
    tools: Mapping[str, Tool] | None = None,
    pacing: Pacing = "auto",
    ca_file: Path | None = None,
) -> Call:
    """Return a call to the server at ``url``: a base URL such as ``http://127.0.0.1:4010/v1``, or a WebSocket's.

    ``session`` is sent in ``session.update``. ``transcription`` opens a session that only transcribes. ``ca_file``
    verifies a server with TLS. Raises ``CallFailed``.
    """
    address = web_socket_url(url, model, transcription=transcription)
    context = None
    if address.startswith("wss:"):
        try:
            context = ssl.create_default_context(cafile=ca_file)
        except OSError as error:
            raise CallFailed(f"{ca_file}: cannot be read as a CA file: {error}.") from error
    socket = dial(address, {"Authorization": f"Bearer {api_key}"}, context)
    try:
        call = Call(Line(socket, pacing), voice, tools or {})
        if session:
            call.configure(session)
    except BaseException as error:
        socket.close()
        if isinstance(error, HungUp):
            raise CallFailed(str(error)) from error
        raise
    return call


def web_socket_url(url: str, model: str | None, *, transcription: bool = False) -> str:
    """Return the URL of the WebSocket for a base URL, or for one that names it already. Raises ``CallFailed``."""
    if transcription and model is not None:
        raise CallFailed(
            "model: a session that only transcribes has none. Name the model of its transcription in "
            "session.audio.input.transcription.model."
        )
    try:
        parts = urlsplit(url)
        is_url = bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_url = False
    if not is_url or parts.scheme not in _SCHEMES:
        raise CallFailed(f"{shown(url)} is no URL of a server. Give one such as http://127.0.0.1:4010/v1.")
    path = parts.path.rstrip("/")
    if not path.endswith("/realtime"):
        path = f"{path or '/v1'}/realtime"
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if transcription:
        query.setdefault("intent", "transcription")
    elif model is not None or not query:
        query["model"] = model or MODEL
    return urlunsplit((_SCHEMES[parts.scheme], parts.netloc, path, urlencode(query), ""))
