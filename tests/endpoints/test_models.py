"""`/v1/models`."""

from __future__ import annotations

import json
from collections.abc import Callable
from uuid import UUID

import openai
import pytest
from openai.types import Model

from mockserver.gateway.validation import Schemas
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]


def test_the_list_holds_every_model(client: openai.OpenAI) -> None:
    listed = {model.id for model in client.models.list()}
    assert {"whisper-1", "gpt-4o-mini-transcribe", "gpt-4o-mini-tts", "gpt-audio-mini-2025-12-15"} <= listed


def test_each_model_satisfies_sdk_and_schema(send: Send, schemas: Schemas) -> None:
    body = send("GET", "/v1/models").json()
    assert schemas.violations("openai/model_list.response", body) == []
    assert isinstance(body, dict)
    for model in body["data"]:
        Model.model_validate(model, strict=True)


def test_a_model_says_when_it_shuts_down(client: openai.OpenAI) -> None:
    model = client.models.retrieve("whisper-1")
    assert model.to_dict()["shutdown_date"] == "2027-02-26"


def test_the_body_is_indented_by_two_without_a_newline(send: Send) -> None:
    body = send("GET", "/v1/models/tts-1").body
    assert body == json.dumps(json.loads(body), indent=2).encode()


def test_the_list_is_sent_in_chunks_and_names_no_account(send: Send) -> None:
    headers = send("GET", "/v1/models").headers
    assert headers["transfer-encoding"] == "chunked"
    assert UUID(headers["x-request-id"])
    assert not {"content-length", "openai-organization", "openai-project"} & headers.keys()


def test_an_unknown_model_does_not_exist(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        client.models.retrieve("fake_id")
    assert refusal.value.body == {
        "message": "The model 'fake_id' does not exist",
        "type": "invalid_request_error",
        "param": "model",
        "code": "model_not_found",
    }


def test_models_of_the_api_cannot_be_deleted(client: openai.OpenAI) -> None:
    with pytest.raises(openai.PermissionDeniedError):
        client.models.delete("whisper-1")
    with pytest.raises(openai.NotFoundError):
        client.models.delete("fake_id")


def test_in_schema_strictness_any_model_has_an_example(send: Send, schemas: Schemas) -> None:
    response = send("GET", "/v1/models/fake_id", headers={"x-mock-strictness": "schema"})
    assert response.status == 200
    assert schemas.violations("openai/model.response", response.json()) == []


def test_the_card_of_a_model_holds_the_figures_of_its_page(send: Send) -> None:
    card = send("GET", "/_mock/models/gpt-audio-mini", key=None).json()
    assert isinstance(card, dict)
    assert card["context_window"] == 128_000
    assert card["max_output_tokens"] == 16_384
    assert card["snapshot"] == "gpt-audio-mini-2025-12-15"


def test_an_unknown_model_has_no_card(send: Send) -> None:
    assert send("GET", "/_mock/models/fake_id", key=None).status == 404
