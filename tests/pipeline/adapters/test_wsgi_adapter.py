"""A request is read from the WSGI environ, also after middleware has changed it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import httpx

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


def test_headers_that_middleware_changes_are_those_of_the_request() -> None:
    with MockServer(Settings(port=0, whisper_model="none")) as server:
        inner = server.app.wsgi_app

        def middleware(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            environ["HTTP_AUTHORIZATION"] = "Bearer sk-mock-tier-5-changed"
            environ["HTTP_X_ADDED"] = "added"
            del environ["HTTP_X_REMOVED"]
            return inner(environ, start_response)

        server.app.wsgi_app = middleware  # type: ignore[method-assign]
        sent = {"Authorization": "Bearer sk-mock-tier-5-sent", "X-Removed": "removed", "X-Kept": "kept"}
        assert httpx.get(f"{server.url}/v1/models", headers=sent).status_code == 200
        (entry,) = server.account("sk-mock-tier-5-changed").journal
        headers = entry["headers"]
        assert headers["x-added"] == "added"
        assert headers["x-kept"] == "kept"
        assert "x-removed" not in headers
