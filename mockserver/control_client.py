"""Calls the control API of a running server over HTTP."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

_TOKEN_HEADER = "x-mock-control-token"  # noqa: S105 - the header's name
_TIMEOUT = 30.0  # seconds
_MAX_ANSWER = 1 << 28  # bytes


class ControlFailed(Exception):
    """A call that failed. The message says why, and what to do.

    ``status`` is that of the answer, and ``document`` its JSON; 0 and ``{}`` if there was none.
    """

    def __init__(self, message: str, status: int = 0, document: Mapping[str, Any] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.document = document or {}


class ControlClient:
    """The control API of the server at ``url``. It follows no redirects and uses no proxy.

    ``token`` is the server's setting ``control_token``. Calls concern the account of ``api_key``, without one every
    account. ``ca_file`` verifies a server with TLS (PEM). Raises ``ControlFailed`` for an invalid ``url`` or file.
    """

    def __init__(self, url: str, *, token: str = "", api_key: str = "", ca_file: str | None = None) -> None:
        try:
            parts = urlsplit(url.rstrip("/").removesuffix("/v1"))
            self._port = parts.port
        except ValueError as error:
            raise ControlFailed(f"{url}: {error}. Give a URL such as http://127.0.0.1:4010.") from error
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ControlFailed(
                f"{url!r} is not an http: or https: URL. Give one such as http://127.0.0.1:4010."
            )
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path}"
        self._host, self._path = parts.hostname, parts.path
        self._headers = {"content-type": "application/json"}
        if token:
            self._headers[_TOKEN_HEADER] = _sendable(token)
        if api_key:
            self._headers["authorization"] = _sendable(f"Bearer {api_key}")
        try:
            self._tls = ssl.create_default_context(cafile=ca_file) if parts.scheme == "https" else None
        except OSError as error:
            raise ControlFailed(
                f"{ca_file}: cannot be read: {error}. Name a file of certificates."
            ) from error

    def call(
        self,
        method: str,
        path: str,
        body: Mapping[str, Any] | None = None,
        query: Mapping[str, str] | None = None,
        timeout: float = _TIMEOUT,
    ) -> Any:
        """Return the JSON of the answer to a call, such as ``GET /_mock/stubs``; ``timeout`` is in seconds.

        Raises ``ControlFailed``.
        """
        target = f"{path}?{urlencode(query)}" if query else path
        data = None if body is None else json.dumps(body).encode()
        status, answer = self._exchanged(method, target, data, timeout)
        try:
            document = json.loads(answer)
        except ValueError as error:
            raise self._not_ours() from error
        if status >= 300:
            message = document.get("error") if isinstance(document, dict) else None
            if not isinstance(message, str):
                raise self._not_ours()
            raise ControlFailed(message, status, document)
        return document

    def _exchanged(self, method: str, target: str, data: bytes | None, timeout: float) -> tuple[int, bytes]:
        """Return the status and the body of the answer. Raises ``ControlFailed``."""
        connection = (
            http.client.HTTPConnection(self._host, self._port, timeout=timeout)
            if self._tls is None
            else http.client.HTTPSConnection(self._host, self._port, timeout=timeout, context=self._tls)
        )
        try:
            connection.request(method, self._path + target, data, self._headers)
            response = connection.getresponse()
            answer = response.read(_MAX_ANSWER + 1)
            if len(answer) > _MAX_ANSWER:
                raise ControlFailed(f"The answer has more than {_MAX_ANSWER:,} bytes. Ask for less.")
            return response.status, answer
        except (OSError, ValueError, http.client.HTTPException) as error:
            remedy = "Start a server with `mockserver serve`, or name a running one with --url."
            raise ControlFailed(f"{self.url}: {error or type(error).__name__}. {remedy}") from error
        finally:
            connection.close()

    def _not_ours(self) -> ControlFailed:
        return ControlFailed(
            f"{self.url}: the server there is not an audio-mockserver of this version. Name one with --url."
        )


def _sendable(value: str) -> str:
    """Return a header's value with its bytes of UTF-8 as characters, as ``http.client`` sends them."""
    return value.encode("utf-8", "surrogateescape").decode("latin-1")
