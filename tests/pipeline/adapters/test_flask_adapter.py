"""Flask's app is made when a request needs it, once."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import flask
import pytest

from mockserver.app import create_app, services_of
from mockserver.pipeline.adapters import flask_adapter
from mockserver.settings.model import Settings

KEY = {"Authorization": "Bearer sk-mock-tier-5-adapter"}


def test_requests_at_the_same_time_make_the_app_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def make_slowly(*parts: Any) -> flask.Flask:
        made.append(parts)
        time.sleep(0.1)
        return routing_app(*parts)

    routing_app = flask_adapter.routing_app
    monkeypatch.setattr(flask_adapter, "routing_app", make_slowly)
    app = create_app(Settings(whisper_model="none"))
    assert app.test_client().get("/v1/models", headers=KEY).status_code == 200
    assert made == []
    with ThreadPoolExecutor(8) as threads:
        answers = list(
            threads.map(lambda _: app.test_client().get("/v1/models/whisper-1", headers=KEY), range(8))
        )
    assert [answer.status_code for answer in answers] == [200] * 8
    assert len(made) == 1
    services_of(app).close()
