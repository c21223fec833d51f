"""``POST /v1/embeddings``, with the official SDK and byte by byte."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any, get_type_hints

import httpx
import numpy as np
import openai
import pytest
from openai.types import CreateEmbeddingResponse

from mockserver.catalog.records import EmbeddingRules
from mockserver.engines.embedding import embedder
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from mockserver.wire import tokens
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]
JSON = {"Content-Type": "application/json"}
SMALL, LARGE, ADA = "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"
INVALID = (
    "'$.input' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."
)


def ask(send: Send, api: AudioApi, headers: dict[str, str] | None = None, **body: Any) -> RawResponse:
    sent = {"model": SMALL, "input": "A text."} | body
    return send("POST", "/v1/embeddings", json.dumps(sent).encode(), JSON | (headers or {}), key=api.api_key)


def vectors(answer: CreateEmbeddingResponse) -> list[np.ndarray]:
    return [np.array(each.embedding) for each in answer.data]


@pytest.mark.parametrize(("model", "size"), [(SMALL, 1536), (LARGE, 3072), (ADA, 1536)])
def test_the_sdk_gets_unit_vectors_of_the_model_s_size(
    api: AudioApi, schemas: Schemas, model: str, size: int
) -> None:
    texts = ["Where is my parcel?", "A parcel is delivered.", "The museum is closed."]
    answer = api.client.embeddings.create(model=model, input=texts)
    assert [each.index for each in answer.data] == [0, 1, 2]
    assert answer.usage.prompt_tokens == answer.usage.total_tokens == 5 + 5 + 5
    query, near, far = vectors(answer)
    assert query.shape == (size,)
    assert query @ query == pytest.approx(1, abs=2e-4)
    assert query @ near > query @ far + 0.1
    raw = httpx.post(
        f"{api.base_url}/embeddings",
        json={"model": model, "input": texts},
        headers={"Authorization": f"Bearer {api.api_key}"},
    ).json()
    assert schemas.violations("openai/embedding_list.response", raw) == []


def test_numbers_and_base64_are_the_same_vector(api: AudioApi) -> None:
    for model in (SMALL, ADA):
        create = api.client.embeddings.with_raw_response.create
        numbers = create(model=model, input="A text.", encoding_format="float").http_response.json()
        encoded = create(model=model, input="A text.", encoding_format="base64").http_response.json()
        data = base64.b64decode(encoded["data"][0]["embedding"], validate=True)
        assert len(encoded["data"][0]["embedding"]) == 8192
        assert np.array_equal(np.frombuffer(data, "<f4"), np.array(numbers["data"][0]["embedding"], "<f4"))


def test_the_bytes_of_the_newer_service(api: AudioApi, send: Send) -> None:
    response = ask(send, api, dimensions=3)
    document: Any = response.json()
    data = document["data"][0]["embedding"]
    written = json.dumps(data).replace(" ", "")
    assert response.body == (
        b'{"object":"list","data":[{"object":"embedding","embedding":' + written.encode() + b',"index":0}],'
        b'"model":"text-embedding-3-small","usage":{"prompt_tokens":3,"total_tokens":3}}'
    )
    assert [float(np.float16(number)) for number in data] == data
    assert response.headers["x-openai-proxy-wasm"] == "v0.1"
    assert "openai-model" not in response.headers
    assert "via" not in response.headers


def test_the_bytes_of_the_older_service(api: AudioApi, send: Send) -> None:
    response = ask(send, api, model=ADA)
    lines = response.body.decode().split("\n")
    assert lines[:8] == [
        "{",
        '  "object": "list",',
        '  "data": [',
        "    {",
        '      "object": "embedding",',
        '      "index": 0,',
        '      "embedding": [',
        lines[7],
    ]
    assert lines[-7:] == [
        '  "model": "text-embedding-ada-002-v2",',
        '  "usage": {',
        '    "prompt_tokens": 3,',
        '    "total_tokens": 3',
        "  }",
        "}",
        "",
    ]
    number = lines[7].strip().rstrip(",")
    assert number == str(np.float32(number))
    assert response.headers["openai-model"] == "text-embedding-ada-002-v2"
    assert response.headers["access-control-allow-origin"] == "*"
    assert "via" in response.headers
    minimal = Settings(port=0, whisper_model="none", response_headers="minimal", log_level="error")
    with MockServer(minimal) as quiet:
        sent = {"model": ADA, "input": "A text."}
        key = {"Authorization": "Bearer sk-mock-me"}
        assert "via" not in httpx.post(f"{quiet.base_url}/embeddings", json=sent, headers=key).headers


def test_tokens_are_embedded_as_their_text(api: AudioApi) -> None:
    texts = ["What is the meaning of life?", "Größe, naïve, 天気"]
    ids = [tokens.ids(text, "cl100k_base") for text in texts]
    assert None not in ids
    # As LangChain sends texts: lists of tokens, in base64.
    by_ids = api.client.embeddings.create(model=SMALL, input=ids, encoding_format="base64")  # type: ignore[arg-type]
    by_text = api.client.embeddings.create(model=SMALL, input=texts, encoding_format="base64")
    assert by_ids.data == by_text.data
    assert by_ids.usage == by_text.usage
    alone = api.client.embeddings.create(model=SMALL, input=ids[0] or [])
    assert vectors(alone)[0] @ vectors(api.client.embeddings.create(model=SMALL, input=texts[0]))[0] > 0.999
    assert [entry["user_text"] for entry in api.journal[:2]] == ["\n".join(texts)] * 2


@pytest.mark.parametrize("size", [1, 256, 1536])
def test_vectors_are_shortened(api: AudioApi, size: int) -> None:
    (vector,) = vectors(api.client.embeddings.create(model=SMALL, input="A text.", dimensions=size))
    assert vector.shape == (size,)
    assert vector @ vector == pytest.approx(1, abs=2e-3)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"input": ""}, INVALID),
        ({"input": []}, INVALID),
        ({"input": ["a", ""]}, INVALID),
        ({"input": [[]]}, INVALID),
        ({"input": ["a", [1]]}, INVALID),
        ({"input": ["a", 1]}, INVALID),
        ({"input": {"text": "a"}}, INVALID),
        ({"input": 1}, INVALID),
        ({"input": None}, INVALID),
        ({"input": ["a"] * 2049}, INVALID),
        ({"input": [100_277]}, INVALID),
        ({"input": [-1]}, INVALID),
        ({"input": [10**30]}, INVALID),
        ({"dimensions": -42}, "-42 is less than the minimum of 1 - 'dimensions'"),
        ({"dimensions": 1537}, "1537 is greater than the maximum of 1536 - 'dimensions'"),
        ({"dimensions": 1e300}, "1e+300 is greater than the maximum of 1536 - 'dimensions'"),
        ({"dimensions": "3"}, "'3' is not of type 'integer' - 'dimensions'"),
        ({"dimensions": 2.5}, "2.5 is not of type 'integer' - 'dimensions'"),
        ({"model": ADA, "dimensions": 3}, "This model does not support specifying dimensions."),
        ({"encoding_format": "hex"}, "'hex' is not one of ['float', 'base64'] - 'encoding_format'"),
        ({"colour": "red"}, "Unrecognized request argument supplied: colour"),
        (
            {"input": "word " * 8192},
            (
                "This model's maximum context length is 8192 tokens, however you requested 8193 tokens "
                "(8193 in your prompt; 0 for the completion). Please reduce your prompt; or completion length."
            ),
        ),
    ],
)
def test_invalid_requests_are_refused(api: AudioApi, send: Send, body: dict[str, Any], message: str) -> None:
    response = ask(send, api, **body)
    assert response.status == 400
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    assert response.body == json.dumps({"error": error}, indent=2).encode() + b"\n"
    assert response.headers["content-type"] == "application/json"
    assert response.headers["x-ratelimit-limit-requests"] == "10000"


def test_all_texts_together_have_a_limit(api: AudioApi) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        api.client.embeddings.create(model=SMALL, input=["word " * 8000] * 38)
    assert "Requested 304038 tokens, max 300000 tokens per request" in refused.value.message
    assert (refused.value.type, refused.value.param) == ("max_tokens_per_request", None)
    assert refused.value.code == "max_tokens_per_request"


@pytest.mark.parametrize(
    ("model", "status", "message", "code"),
    [
        ("no-model", 404, "The model `no-model` does not exist or you do not have access to it.", "model_not_found"),
        ("gpt-4o", 403, "You are not allowed to generate embeddings from this model", None),
        ("omni-moderation-latest", 403, "You are not allowed to generate embeddings from this model", None),
    ],
)  # fmt: skip
def test_other_models_are_refused_by_the_gateway(
    api: AudioApi, send: Send, model: str, status: int, message: str, code: str | None
) -> None:
    response = ask(send, api, model=model)
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": code}
    assert (response.status, response.body.decode()) == (
        status,
        json.dumps({"error": error}, indent=4) + "\n",
    )
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["vary"] == "Origin"
    assert "x-ratelimit-limit-requests" not in response.headers


def test_the_limits_are_charged_a_quarter_of_the_letters_rounded_down(api: AudioApi, send: Send) -> None:
    response = ask(send, api, input="x" * 34)
    assert response.headers["x-ratelimit-remaining-tokens"] == str(10_000_000 - 8)
    assert response.headers["x-ratelimit-remaining-requests"] == "9999"
    assert ask(send, api, input=["abc"] * 3).headers["x-ratelimit-limit-tokens"] == "10000000"


def test_embeddings_cost_what_the_product_page_says(api: AudioApi, send: Send) -> None:
    response = ask(send, api, model=LARGE)
    assert float(response.headers["x-mock-cost-usd"]) == pytest.approx(3 * 0.13e-6, abs=1e-8)
    assert api.journal[-1]["cost_usd"] == pytest.approx(3 * 0.13e-6)
    assert api.journal[-1]["answered_by"] == "embedder"


def test_a_stub_gives_the_vector(api: AudioApi) -> None:
    create = api.client.embeddings.create
    api.on_embedding(user_text="parcel").embed([1, 0, 0.5])
    assert create(model=SMALL, input="Where is my parcel?").data[0].embedding == [1, 0, 0.5]
    assert len(create(model=SMALL, input="Another.").data[0].embedding) == 1536
    api.on_embedding(user_text="two").embed([[1, 0], [0, 1]])
    assert [each.embedding for each in create(model=SMALL, input=["two", "b", "c"]).data] == [[1, 0], [0, 1], [1, 0]]  # fmt: skip
    assert api.journal[0]["stub"]


def test_a_stub_gives_the_text_whose_vector_it_is(api: AudioApi) -> None:
    api.on_embedding(user_text="Bestellung").embed("parcel")
    create = api.client.embeddings.create
    assert (
        create(model=SMALL, input="Bestellung").data[0].embedding
        == create(model=SMALL, input="parcel").data[0].embedding
    )


@pytest.mark.parametrize("vector", [[], [[]], ["a"], [1, [2]], [float("inf")], [1e9]])
def test_a_stub_with_another_vector_is_refused(api: AudioApi, vector: Any) -> None:
    with pytest.raises((ValueError, TypeError)):
        api.on_embedding().embed(vector)


def test_a_vector_answers_only_embeddings(api: AudioApi) -> None:
    with pytest.raises(ValueError, match="embedding answers embeddings, not chat"):
        api.on_chat().embed([1.0])


def test_stubs_with_whole_bodies_errors_and_faults(api: AudioApi) -> None:
    create = api.client.embeddings.create
    api.on_embedding(times=1).fail("server_error")
    with pytest.raises(openai.InternalServerError):
        create(model=SMALL, input="A text.")
    api.fail_next("rate_limit_tokens", endpoint="embeddings")
    with pytest.raises(openai.RateLimitError):
        create(model=SMALL, input="A text.")
    api.break_next("malformed_json", endpoint="embeddings")
    with pytest.raises((json.JSONDecodeError, openai.APIError)):
        create(model=SMALL, input="A text.")
    api.verify("embeddings", times=3, user_text="A text.")


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_a_lenient_server_answers(api: AudioApi, send: Send, strictness: str) -> None:
    lenient = {"x-mock-strictness": strictness}
    assert ask(send, api, lenient, model=ADA, dimensions=3).status == 200
    assert ask(send, api, lenient, model="anything").status == 200
    assert ask(send, api, lenient, input="word " * 9000).status == 200
    unknown: Any = ask(send, api, lenient, input=[9906, 100_277]).json()
    assert unknown["usage"]["total_tokens"] == 2
    if strictness == "off":
        assert ask(send, api, lenient, input=["", 1, None, [], {}], dimensions=-1).status == 200


def test_a_model_has_at_most_the_dimensions_of_the_embedder() -> None:
    (bound,) = get_type_hints(EmbeddingRules, include_extras=True)["dimensions"].__metadata__
    assert bound.le == embedder._SIZE


def test_two_thousand_texts_are_embedded_at_once(api: AudioApi) -> None:
    texts = [f"Parcel number {number} is delivered." for number in range(2048)]
    answer = api.client.embeddings.create(model=SMALL, input=texts)
    assert [each.index for each in answer.data] == list(range(2048))
    assert len({tuple(each.embedding[:20]) for each in answer.data}) == 2048


def test_without_vocabularies_the_same_tokens_have_the_same_vector(
    api: AudioApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tokens, "_tokenizers", dict.fromkeys(("o200k_base", "cl100k_base", "whisper")))
    answer = api.client.embeddings.create(model=SMALL, input=[[9906, 1917], [9906, 1917], [9906]])
    one, same, near = vectors(answer)
    assert np.array_equal(one, same)
    assert 0.2 < one @ near < 0.99
    assert answer.usage.prompt_tokens == 5
