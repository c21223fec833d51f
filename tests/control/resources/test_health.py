"""``/_mock/health`` is answered without Flask as Flask answers it."""

from __future__ import annotations

from functools import partial

import pytest

from mockserver.app import context_of, create_app, services_of
from mockserver.control.app import create_control_app
from mockserver.settings.model import Settings


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer none"},
        {"Host": "elsewhere.example"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
    ],
)
def test_the_answer_is_the_one_of_the_control_api(headers: dict[str, str]) -> None:
    app = create_app(Settings(whisper_model="none", control_token="secret"))
    control = create_control_app(partial(context_of, services_of(app)))
    direct = app.test_client().get("/_mock/health", headers=headers)
    by_flask = control.test_client().get("/_mock/health", headers=headers)
    assert direct.status_code == by_flask.status_code == 200
    assert list(direct.headers) == list(by_flask.headers)
    assert direct.data == by_flask.data
    services_of(app).close()


def test_arguments_pages_and_other_methods_get_the_answers_of_the_control_api() -> None:
    app = create_app(Settings(whisper_model="none"))
    client = app.test_client()
    assert client.get("/_mock/health?verbose=1").json == {
        "error": "Unknown query argument 'verbose'. Known: none."
    }
    assert client.post("/_mock/health").status_code == 405
    page = {"Origin": "http://localhost:3000"}
    assert client.get("/_mock/health", headers=page).headers["access-control-allow-origin"] == page["Origin"]
    services_of(app).close()
