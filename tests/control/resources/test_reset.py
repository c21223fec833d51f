"""`POST /_mock/reset` restores the state at the start."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

NOON = 1_800_000_000
PARTS = ["settings", "models", "limits", "costs", "store", "stubs", "faults", "journal"]


@pytest.fixture
def server() -> Iterator[MockServer]:
    """Yield a server of this test, as a reset may concern all accounts."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=NOON)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def post(send: Send) -> Callable[..., Any]:
    def call(path: str, body: object = None, *, key: str | None) -> Any:
        data = b"" if body is None else json.dumps(body).encode()
        return send("POST", f"/_mock/{path}", data, key=key).json()

    return call


@pytest.fixture
def state(send: Send) -> Callable[[str | None], Any]:
    """Return the state of an account, or of the whole server."""
    return lambda key: send("GET", "/_mock/snapshot", key=key).json()["state"]  # type: ignore[index]


def busy(server: MockServer, send: Send, key: str) -> None:
    """Leave state in every part of an account."""
    with openai.OpenAI(base_url=server.base_url, api_key=key, max_retries=0) as client:
        message = [{"role": "user", "content": "Hello."}]
        client.chat.completions.create(model="gpt-4o-mini", messages=message, store=True)  # type: ignore[arg-type]
    for method, path, body in (
        ("PATCH", "settings", {"strictness": "schema"}),
        ("POST", "models", {"id": "mine", "like": "gpt-4o"}),
        ("POST", "stubs", {"when": {"endpoint": "chat"}, "reply": {"text": "Hi."}}),
        ("POST", "faults", {"error": "server_error", "times": 1}),
    ):
        assert send(method, f"/_mock/{path}", json.dumps(body).encode(), key=key).status < 300


def test_an_account_begins_anew_and_leaves_the_others_alone(
    server: MockServer, send: Send, post: Callable[..., Any], state: Callable[..., Any]
) -> None:
    fresh = state("sk-mock-tier-1-fresh")
    for key in ("sk-mock-tier-1-mine", "sk-mock-tier-1-yours"):
        busy(server, send, key)
    yours = state("sk-mock-tier-1-yours")
    assert all(state("sk-mock-tier-1-mine")[part] != fresh[part] for part in PARTS)
    assert post("reset", key="sk-mock-tier-1-mine") == {"reset": PARTS, "account": "sk-mock-*******mine"}
    assert state("sk-mock-tier-1-mine") == fresh
    assert state("sk-mock-tier-1-yours") == yours


def test_without_a_key_every_account_the_speech_and_the_clock_begin_anew(
    server: MockServer, send: Send, post: Callable[..., Any], state: Callable[..., Any]
) -> None:
    fresh = state(None)
    busy(server, send, "sk-mock-tier-1-mine")
    send("PUT", "/_mock/clock", b'{"advance": 3600, "freeze": false, "scale": 10}')
    assert post("reset", key=None) == {"reset": [*PARTS, "spoken", "clock"], "account": None}
    assert state(None) == fresh


@pytest.mark.parametrize("part", PARTS)
def test_parts_can_be_reset_by_name(
    server: MockServer, send: Send, post: Callable[..., Any], state: Callable[..., Any], part: str
) -> None:
    fresh = state("sk-mock-tier-1-mine")
    busy(server, send, "sk-mock-tier-1-mine")
    before = state("sk-mock-tier-1-mine")
    assert post("reset", {"what": [part]}, key="sk-mock-tier-1-mine")["reset"] == [part]
    assert state("sk-mock-tier-1-mine") == before | {part: fresh[part]}


def test_the_clock_is_set_back_for_an_account_only_when_it_is_named(
    server: MockServer, post: Callable[..., Any]
) -> None:
    server.clock.advance(seconds=60)
    post("reset", key="sk-mock-mine")
    assert server.clock.now() == NOON + 60
    post("reset", {"what": ["clock"]}, key="sk-mock-mine")
    assert server.clock.now() == NOON


def test_what_the_server_said_is_forgotten(server: MockServer, post: Callable[..., Any]) -> None:
    with openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me") as client:
        speech = client.audio.speech.create(model="tts-1", voice="alloy", input="Good morning.").content

        def heard() -> str:
            return client.audio.transcriptions.create(model="whisper-1", file=("a.mp3", speech)).text

        assert heard() == "Good morning."
        post("reset", {"what": ["spoken"]}, key=None)
        assert heard() != "Good morning."


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            {"what": ["everything"]},
            "what[0]: Invalid value: 'everything'. Supported values are: 'settings', ",
        ),
        ({"what": []}, "Invalid 'what': empty array."),
        ({"which": ["stubs"]}, "Unknown parameter: 'which'. Known: what."),
    ],
)
def test_what_there_is_not_cannot_be_reset(
    post: Callable[..., Any], body: dict[str, object], message: str
) -> None:
    assert post("reset", body, key="sk-mock-me")["error"].startswith(message)
