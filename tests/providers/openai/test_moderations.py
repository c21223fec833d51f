"""``POST /v1/moderations``, with the official SDK and byte by byte."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from mockserver.validation.schemas import Schemas
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]
JSON = {"Content-Type": "application/json"}
IMAGE: Any = {"type": "image_url", "image_url": {"url": "https://example.com/cat.png"}}
TEXT: Any = {"type": "text", "text": "A caption."}
OMNI = """
harassment, harassment/threatening, sexual, hate, hate/threatening, illicit, illicit/violent, self-harm/intent,
self-harm/instructions, self-harm, sexual/minors, violence, violence/graphic
"""
OLD = """
sexual, hate, harassment, self-harm, sexual/minors, hate/threatening, violence/graphic, self-harm/intent,
self-harm/instructions, harassment/threatening, violence
"""
OF_IMAGES = {
    "sexual",
    "self-harm",
    "self-harm/intent",
    "self-harm/instructions",
    "violence",
    "violence/graphic",
}


def ask(send: Send, api: AudioApi, headers: dict[str, str] | None = None, **body: Any) -> RawResponse:
    return send("POST", "/v1/moderations", json.dumps(body).encode(), JSON | (headers or {}), key=api.api_key)


def names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",")]


def test_nothing_is_flagged(api: AudioApi, send: Send, schemas: Schemas) -> None:
    answer = api.client.moderations.create(input="I want to kill time.")
    (result,) = answer.results
    assert not result.flagged
    assert not any(result.categories.to_dict().values())
    scores: Any = result.category_scores.to_dict()
    assert all(0 < score < 0.01 for score in scores.values())
    assert answer.model == "omni-moderation-latest"
    assert re.fullmatch(r"modr-\d{1,4}", answer.id)
    document = ask(send, api, input="I want to kill time.").json()
    assert schemas.violations("openai/moderation.response", document) == []


def test_the_bytes(api: AudioApi, send: Send) -> None:
    response = ask(send, api, model="omni-moderation-2024-09-26", input="A text.")
    document = response.json()
    assert isinstance(document, dict)
    assert list(document) == ["id", "model", "results"]
    assert document["model"] == "omni-moderation-2024-09-26"
    (result,) = document["results"]
    assert list(result) == ["flagged", "categories", "category_scores", "category_applied_input_types"]
    for member in ("categories", "category_scores", "category_applied_input_types"):
        assert list(result[member]) == names(OMNI)
    assert all(types == ["text"] for types in result["category_applied_input_types"].values())
    text = response.body.decode()
    assert text.startswith('{\n  "id": "modr-')
    assert text.endswith("    }\n  ]\n}")
    for written, value in re.findall(r'": (([\d.]+)(?:e-\d+)?),?\n', text):
        assert float(value) > 0
        assert re.fullmatch(r"0\.\d+|\d\.\d+e-[67]", written)
    assert not [name for name in response.headers if name.startswith("x-ratelimit")]
    assert response.headers["x-openai-proxy-wasm"] == "v0.1"
    assert response.headers["access-control-expose-headers"] == "CF-Ray"


def test_small_scores_are_written_like_those_of_the_service(api: AudioApi, send: Send) -> None:
    written = ask(send, api, input=[f"text {number}" for number in range(50)]).body
    assert re.search(rb": 0\.0000\d+", written)
    assert re.search(rb": \d\.\d+e-6", written)
    assert not re.search(rb"e-0", written)


def test_each_string_has_a_result_but_parts_have_one_together(api: AudioApi) -> None:
    create = api.client.moderations.create
    assert len(create(input=["a", "b", "c"]).results) == 3
    assert len(create(input=[TEXT, TEXT, IMAGE]).results) == 1
    assert api.journal[-1]["user_text"] == "A caption.\nA caption."


@pytest.mark.parametrize(
    ("parts", "of_images", "others"),
    [([TEXT], ["text"], ["text"]), ([TEXT, IMAGE], ["text", "image"], ["text"]), ([IMAGE], ["image"], [])],
)
def test_the_types_of_input_of_each_category(
    api: AudioApi, send: Send, parts: list[Any], of_images: list[str], others: list[str]
) -> None:
    document: Any = ask(send, api, input=parts).json()
    types = document["results"][0]["category_applied_input_types"]
    assert types == {name: of_images if name in OF_IMAGES else others for name in names(OMNI)}
    scores = document["results"][0]["category_scores"]
    assert all((scores[name] == 0) == (not types[name]) for name in scores)


def test_a_mark_in_a_text_flags_it(api: AudioApi) -> None:
    answer = api.client.moderations.create(input=["Hello.", "Bad [flag: violence, self-harm/intent] text."])
    harmless, harmful = answer.results
    assert not harmless.flagged
    assert harmful.flagged
    found = [name for name, flagged in harmful.categories.to_dict().items() if flagged]
    assert sorted(found) == ["self-harm/intent", "violence"]
    assert harmful.category_scores.violence > 0.9
    assert not api.client.moderations.create(input="[flag: silliness] [flag] [flag: ]").results[0].flagged


def test_a_stub_flags(api: AudioApi) -> None:
    stub = api.on_moderation(user_text="stupid").flag("harassment", "hate")
    assert api.client.moderations.create(input="You are stupid.").results[0].categories.harassment
    assert not api.client.moderations.create(input="You are clever.").results[0].flagged
    assert stub.used == 1
    assert api.journal[0]["answered_by"].startswith("stub")
    api.on_moderation(priority=1).flag()
    assert not api.client.moderations.create(input="You are stupid.").results[0].flagged


def test_findings_alone_answer_only_moderations(api: AudioApi) -> None:
    with pytest.raises(ValueError, match="flagged answers moderations, not chat"):
        api.on_chat().flag("hate")
    with pytest.raises(ValueError, match="silliness"):
        api.on_moderation().flag("silliness")


def test_models_of_texts_only_have_older_categories(api: AudioApi, send: Send) -> None:
    document: Any = ask(send, api, model="text-moderation-latest", input="A text.").json()
    assert document["model"] == "text-moderation-007"
    assert re.fullmatch(r"modr-[0-9A-Za-z]{29}", document["id"])
    (result,) = document["results"]
    assert list(result) == ["flagged", "categories", "category_scores"]
    assert list(result["categories"]) == names(OLD)
    refused: Any = ask(send, api, model="text-moderation-stable", input=[IMAGE]).json()
    assert refused["error"]["message"] == "This model does not support image inputs."


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        ({}, "Missing required parameter: 'input'.", "input", "missing_required_parameter"),
        (
            {"input": 7},
            "Invalid type for 'input': expected one of a string or array, but got an integer instead.",
            "input",
            "invalid_type",
        ),
        (
            {"input": [7]},
            "Invalid type for 'input[0]': expected one of a string or object, but got an integer instead.",
            "input[0]",
            "invalid_type",
        ),
        (
            {"input": [{"type": "audio"}]},
            "Invalid value: 'audio'. Supported values are: 'text' and 'image_url'.",
            "input[0].type",
            "invalid_value",
        ),
        (
            {"input": [{"type": "text"}]},
            "Missing required parameter: 'input[0].text'.",
            "input[0].text",
            "missing_required_parameter",
        ),
        (
            {"input": [IMAGE, IMAGE]},
            "Number of images (2) exceeds maximum of 1",
            "input",
            "too_many_images",
        ),
        ({"input": "a", "model": "gpt-4o"}, "please request omni-moderation-latest", "model", None),
        ({"input": "a", "colour": 1}, "Unknown parameter: 'colour'.", "colour", "unknown_parameter"),
    ],
)
def test_invalid_requests_are_refused(
    api: AudioApi, send: Send, body: dict[str, Any], message: str, param: str, code: str | None
) -> None:
    response = ask(send, api, **body)
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    assert (response.status, response.body.decode()) == (400, json.dumps({"error": error}, indent=2))
    assert not [name for name in response.headers if name.startswith("x-ratelimit")]


@pytest.mark.parametrize(
    ("url", "message", "code"),
    [
        ("data:image/png;base64,!!!!", "Invalid base64 image_url.", "invalid_base64"),
        ("data:text/plain;base64,aGVsbG8=", "Invalid MIME type. Only image types", "invalid_image_format"),
        ("data:image/png;base64,aGVsbG8=", "You uploaded an unsupported image.", "invalid_image_format"),
        ("cat.png", "Failed to download image from cat.png.", "invalid_image_url"),
        ("", "Failed to download image from .", "invalid_image_url"),
        ("http://localhost/cat.png", "Error while downloading", "invalid_image_url"),
    ],
)
def test_an_image_that_cannot_be_seen_is_refused(
    api: AudioApi, send: Send, url: str, message: str, code: str
) -> None:
    part = {"type": "image_url", "image_url": {"url": url}}
    refused: Any = ask(send, api, input=[TEXT, part])
    assert refused.status == 400
    assert refused.json()["error"]["message"].startswith(message)
    assert refused.json()["error"]["code"] == code


def test_the_service_asks_for_the_key_itself(send: Send) -> None:
    response = send("POST", "/v1/moderations", b'{"input": "a"}', JSON, key=None)
    assert (response.status, response.headers["content-type"]) == (401, "application/json")
    assert response.headers["www-authenticate"] == 'Bearer realm="OpenAI API"'
    assert b"\n  " in response.body


def test_an_unknown_model_is_refused(api: AudioApi) -> None:
    with pytest.raises(openai.NotFoundError):
        api.client.moderations.create(model="no-model", input="a")


def test_the_limits_are_enforced_although_answers_do_not_show_them(api: AudioApi) -> None:
    api.configure(limits="requests_per_minute=1")
    api.client.moderations.create(input="a")
    with pytest.raises(openai.RateLimitError):
        api.client.moderations.create(input="a")


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_a_lenient_server_answers(api: AudioApi, send: Send, strictness: str) -> None:
    lenient = {"x-mock-strictness": strictness}
    assert ask(send, api, lenient, input="a", model="gpt-4o").status == 200
    assert ask(send, api, lenient, input=[IMAGE, IMAGE]).status == 200
    if strictness == "off":
        odd: list[Any] = [None, 1, [1, None], [{}], [{"type": "text", "text": 1}]]
        for given in odd:
            assert ask(send, api, lenient, input=given).status == 200
