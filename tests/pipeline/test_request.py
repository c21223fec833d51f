"""Requests that the server makes of itself."""

from __future__ import annotations

import io
import json
from typing import Any

from mockserver.app import create_app, services_of
from mockserver.pipeline.request import InnerCall
from mockserver.settings.model import Settings


def test_only_what_was_marked_is_an_inner_call() -> None:
    account = services_of(create_app(Settings(whisper_model="none"))).accounts.authenticate("sk-me")
    environ: dict[str, Any] = {"HTTP_MOCKSERVER_INNER": "anything"}
    assert InnerCall.of(environ) is None
    call = InnerCall(account, 0.5)
    call.mark(environ)
    assert InnerCall.of(environ) is call


def test_an_inner_call_needs_no_key_and_meets_no_limit() -> None:
    app = create_app(Settings(whisper_model="none", limits="requests_per_minute=1"))
    account = services_of(app).accounts.authenticate("sk-mock-tier-1-inner")
    body = json.dumps({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}).encode()
    statuses = []
    for _ in range(3):
        environ: dict[str, Any] = {
            "REQUEST_METHOD": "POST",
            "PATH_INFO": "/v1/chat/completions",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "CONTENT_TYPE": "application/json",
            "CONTENT_LENGTH": str(len(body)),
        }
        InnerCall(account, 0.5).mark(environ)
        list(app(environ, lambda status, headers, *_: statuses.append(status)))  # type: ignore[arg-type]
    assert statuses == ["200 OK"] * 3
    assert [entry.account_id for entry in services_of(app).journal.records(None)] == [account.id] * 3
