"""`/_mock/settings`: the settings of an account or the server, changed while the server runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.app import create_app
from mockserver.settings.model import OPTIONS, PER_REQUEST, AccountRow, Settings
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]
Clip = tuple[str, bytes]


@pytest.fixture
def change(send: Send, api_key: str) -> Callable[..., Any]:
    """Return a function that changes settings for the account of the test."""

    def patch(**changes: object) -> Any:
        response = send("PATCH", "/_mock/settings", json.dumps(changes).encode(), key=api_key)
        return response.json()

    return patch


def test_every_setting_is_returned(send: Send) -> None:
    answer = send("GET", "/_mock/settings", key="sk-mock-curious").json()
    assert set(answer["settings"]) == {option.name for option in OPTIONS} | {"accounts"}  # type: ignore[index]
    assert answer["settings"]["whisper_model"] == "none"  # type: ignore[index]
    assert answer["changed"] == {}  # type: ignore[index]


def test_no_secret_is_returned() -> None:
    settings = Settings(
        port=0,
        whisper_model="none",
        control_token="open sesame",
        reply_from="http://me:secret-of-mine@127.0.0.1:9/v1",
        accounts=(AccountRow("sk-a-very-secret-key"),),
    )
    client = create_app(settings).test_client()
    answer = client.get("/_mock/settings", headers={"x-mock-control-token": "open sesame"}).get_json()
    assert answer["settings"]["control_token"] == "***"
    assert answer["settings"]["reply_from"] == "http://***@127.0.0.1:9/v1"
    assert answer["settings"]["accounts"] == ["sk-a-ver********-key"]


def test_a_change_holds_from_the_next_request_on(
    client: openai.OpenAI, change: Callable[..., Any], silence: Clip
) -> None:
    assert client.audio.transcriptions.create(model="whisper-1", file=silence).text
    assert change(unknown_audio="error")["changed"] == {"unknown_audio": "error"}
    with pytest.raises(openai.APIStatusError) as refusal:
        client.audio.transcriptions.create(model="whisper-1", file=silence)
    assert refusal.value.status_code == 503


def test_a_change_for_an_account_is_no_other_accounts(send: Send, change: Callable[..., Any]) -> None:
    assert change(strictness="off")["settings"]["strictness"] == "off"
    other = send("GET", "/_mock/settings", key="sk-mock-another").json()
    assert other["settings"]["strictness"] == "real"  # type: ignore[index]


def test_a_header_of_the_request_goes_before_a_change(
    client: openai.OpenAI, change: Callable[..., Any], silence: Clip
) -> None:
    change(unknown_audio="error")
    polite = {"x-mock-unknown-audio": "placeholder"}
    assert client.audio.transcriptions.create(model="whisper-1", file=silence, extra_headers=polite).text


def test_null_takes_a_change_back_and_delete_all_of_them(
    send: Send, change: Callable[..., Any], api_key: str
) -> None:
    change(strictness="off", speech_language="de", unknown_audio="error")
    assert change(strictness=None)["changed"] == {"speech_language": "de", "unknown_audio": "error"}
    assert send("DELETE", "/_mock/settings", key=api_key).json()["changed"] == {}  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"strictness": "lax"}, "strictness: Invalid value: 'lax'. Supported values are: "),
        ({"choiceless_chunks": "maybe"}, "Invalid type for 'choiceless_chunks': expected a boolean"),
        ({"limits": "requests_per_week=1"}, "limits: 'requests_per_week' is not one of "),
        ({"speech_language": "klingon"}, "speech_language: 'klingon' is not valid."),
        ({"port": 80}, "Unknown parameter: 'port'. Known: "),
    ],
)
def test_a_change_that_makes_no_sense_is_refused_by_its_place(
    change: Callable[..., Any], changes: dict[str, object], message: str
) -> None:
    assert change(**changes)["error"].startswith(message)
    assert change()["changed"] == {}


def test_the_schema_knows_just_the_settings_that_hold_per_request(schemas: Schemas) -> None:
    properties = schemas.properties("mock/settings")
    assert {name: each["description"] for name, each in properties.items()} == {
        option.name: option.metadata["help"] for option in PER_REQUEST
    }
    for option in PER_REQUEST:
        assert (
            properties[option.name].get("enum", [])
            == [*option.metadata["choices"], None][: 0 if not option.metadata["choices"] else None]
        )
