"""`/v1/models`."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from uuid import UUID

import openai
import pytest
from openai.types import Model

from mockserver.catalog.tables import Catalog
from mockserver.providers.openai.model_list import ModelList
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
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


@pytest.fixture(scope="module")
def retiring() -> Iterator[MockServer]:
    """Yield a server that refuses retired models, on the first of December 2026."""
    settings = Settings(port=0, whisper_model="none", retire_models=True, log_level="warning")
    with MockServer(settings) as running:
        running.clock.freeze()
        running.clock.set(datetime(2026, 12, 1, tzinfo=UTC).timestamp())
        yield running


def test_a_retired_model_is_refused_in_the_api_s_words_and_no_longer_listed(retiring: MockServer) -> None:
    client, messages = retiring.client, [{"role": "user", "content": "Hi"}]
    for model in ("gpt-3.5-turbo-0613", "gpt-4", "gpt-4o-2024-05-13", "gpt-4o-audio-preview"):
        with pytest.raises(openai.NotFoundError) as refusal:
            client.chat.completions.create(model=model, messages=messages)  # type: ignore[arg-type]
        assert refusal.value.body == {
            "message": (
                f"The model `{model}` has been deprecated, "
                "learn more here: https://platform.openai.com/docs/deprecations"
            ),
            "type": "invalid_request_error",
            "param": None,
            "code": "model_not_found",
        }
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            client.models.retrieve(model)
    listed = {model.id for model in client.models.list()}
    assert "gpt-4" not in listed
    assert {"gpt-4o", "gpt-4.1", "gpt-5"} <= listed


def test_a_model_is_retired_by_the_server_s_clock(retiring: MockServer) -> None:
    client = retiring.client
    assert client.models.retrieve("gpt-5").id == "gpt-5"
    retiring.clock.set(datetime(2026, 12, 11, tzinfo=UTC).timestamp())
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-5")
    retiring.clock.set(datetime(2026, 12, 1, tzinfo=UTC).timestamp())


def test_by_default_a_retired_model_goes_on_answering(client: openai.OpenAI) -> None:
    messages = [{"role": "user", "content": "Hi"}]
    answer = client.chat.completions.create(model="gpt-3.5-turbo-0613", messages=messages)  # type: ignore[arg-type]
    assert answer.model == "gpt-3.5-turbo-0613"
    assert "gpt-3.5-turbo-0613" in {model.id for model in client.models.list()}


def test_the_list_is_rendered_once_for_the_same_models_and_anew_for_others() -> None:
    catalog, listed = Catalog(), ModelList()
    body = listed.body(catalog.models, "")
    assert listed.body(catalog.models, "") is body
    assert listed.body(tuple(catalog.models), "") is body
    later = json.loads(listed.body(catalog.models, "2027-01-01"))["data"]
    assert "gpt-4" not in {model["id"] for model in later}
    fewer = json.loads(listed.body(catalog.models[:2], ""))["data"]
    assert [model["id"] for model in fewer] == [card.id for card in catalog.models[:2]]
    assert listed.body(catalog.models, "") == body
