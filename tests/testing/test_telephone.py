"""Telephone calls by the Python API."""

from __future__ import annotations

import pytest

from mockserver.telephone import TelephoneError
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer


@pytest.fixture
def api(server: MockServer, api_key: str) -> AudioApi:
    return server.account(api_key)


def test_a_call_is_answered_and_heard(api: AudioApi) -> None:
    api.on_realtime(heard="weather in Berlin").say("It is sunny in Berlin.")
    call = api.telephone("sip:ann@example.com", "sip:shop@example.com", **{"X-Plan": "gold"})
    assert (call.status, call.wait(0)) == ("ringing", "ringing")
    api.client.realtime.calls.accept(call.id, type="realtime", model="gpt-realtime")
    call.say("What is the weather in Berlin today?")
    call.press("1")
    api.wait_for_realtime(heard="weather in Berlin", said="sunny")
    assert any(call.heard)
    call.hang_up()
    assert call.status == "ended"


def test_a_call_is_rejected(api: AudioApi) -> None:
    call = api.telephone()
    api.client.realtime.calls.reject(call.id, status_code=486)
    assert (call.status, call.status_code, call.target_uri) == ("rejected", 486, "")
    with pytest.raises(TelephoneError, match="Nobody is on the line"):
        call.say("Hello?")


def test_a_call_belongs_to_an_account(server: MockServer) -> None:
    with pytest.raises(ValueError, match="belongs to an account"):
        server.telephone()


def test_an_unknown_voice_is_refused(api: AudioApi) -> None:
    with pytest.raises(ValueError, match="unknown voice 'x'"):
        api.telephone().say("Hello?", voice="x")
