"""Requests of fixed paths skip Flask's routing, and get the answers that Flask would send."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from mockserver.app import create_app, services_of
from mockserver.settings.model import Settings

KEY = {"Authorization": "Bearer sk-mock-tier-5-adapter"}
CHAT = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]}


def same_in_both(response: TestResponse) -> tuple[str, list[str]]:
    """Return the status line, and the names of the headers except for those of pages."""
    names = [name for name, _ in response.headers if not name.lower().startswith(("access-control-", "vary"))]
    return response.status, names


@pytest.mark.parametrize("status", [200, 299, 404, 418, 500, 599])
def test_a_stub_is_answered_alike_with_and_without_flask(status: int) -> None:
    app = create_app(Settings(whisper_model="none", seed="adapter", frozen_time=1_800_000_000.0))
    stub = {"when": {"endpoint": "chat"}, "reply": {"json": {"a": 1}, "status": status}}
    with app.test_client() as client:
        assert client.post("/_mock/stubs", json=stub, headers=KEY).status_code == 201
        direct = client.post("/v1/chat/completions", json=CHAT, headers=KEY)
        by_flask = client.post(
            "/v1/chat/completions", json=CHAT, headers={**KEY, "Origin": "http://localhost"}
        )
        assert direct.status_code == status
        assert same_in_both(direct) == same_in_both(by_flask)
        assert direct.data == by_flask.data
    services_of(app).close()
