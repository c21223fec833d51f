"""``POST /v1/completions``, with the official SDK and byte by byte."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from mockserver.wire import tokens
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]
JSON = {"Content-Type": "application/json"}
INSTRUCT, NAMED = "gpt-3.5-turbo-instruct", "gpt-3.5-turbo-instruct:20230824-v2"


def ask(send: Send, api: AudioApi, headers: dict[str, str] | None = None, **body: Any) -> RawResponse:
    sent = {"model": INSTRUCT, "prompt": "Say hello"} | body
    return send("POST", "/v1/completions", json.dumps(sent).encode(), JSON | (headers or {}), key=api.api_key)


def texts(completion: Any) -> list[str]:
    return [choice.text for choice in completion.choices]


def test_the_bytes(api: AudioApi, send: Send, schemas: Schemas) -> None:
    response = ask(send, api)
    document: Any = response.json()
    assert schemas.violations("openai/completion.response", document) == []
    expected = {
        "id": document["id"],
        "object": "text_completion",
        "created": document["created"],
        "model": NAMED,
        "choices": [{"text": "You wrote: Say hello.", "index": 0, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 2, "completion_tokens": 6, "total_tokens": 8},
    }
    assert response.body.decode() == json.dumps(expected, indent=2) + "\n"
    assert len(document["id"]) == len("cmpl-") + 29
    assert response.headers["x-ratelimit-limit-tokens"] == "90000"
    assert api.journal[-1]["user_text"] == "Say hello"
    assert api.journal[-1]["reply"]["text"] == "You wrote: Say hello."
    assert api.journal[-1]["cost_usd"] == pytest.approx(2 * 1.5e-6 + 6 * 2e-6)


@pytest.mark.parametrize("model", [INSTRUCT, "davinci-002", "babbage-002"])
def test_the_models(api: AudioApi, model: str) -> None:
    completion = api.client.completions.create(model=model, prompt="Once upon a time")
    assert completion.model == (NAMED if model == INSTRUCT else model)
    assert texts(completion) == ["You wrote: Once upon a time."]


def test_a_completion_has_at_most_16_tokens_unless_more_are_allowed(api: AudioApi) -> None:
    prompt = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    cut = api.client.completions.create(model=INSTRUCT, prompt=prompt)
    assert cut.choices[0].finish_reason == "length"
    assert cut.usage is not None
    assert cut.usage.completion_tokens == 16 == tokens.count(cut.choices[0].text, "cl100k_base")
    whole = api.client.completions.create(model=INSTRUCT, prompt=prompt, max_tokens=100)
    assert whole.choices[0].finish_reason == "stop"
    assert whole.choices[0].text.startswith(cut.choices[0].text)


def test_several_prompts_and_choices_are_numbered_through(api: AudioApi) -> None:
    completion = api.client.completions.create(model=INSTRUCT, prompt=["a", "b"], n=2)
    assert texts(completion) == ["You wrote: a.", "You wrote: a.", "You wrote: b.", "You wrote: b."]
    assert [choice.index for choice in completion.choices] == [0, 1, 2, 3]
    assert completion.usage is not None
    assert (completion.usage.prompt_tokens, completion.usage.completion_tokens) == (2, 4 * 5)


def test_prompts_of_tokens(api: AudioApi) -> None:
    ids = tokens.ids("Say hello", "cl100k_base")
    assert ids is not None
    for prompt, number in ((ids, 1), ([ids, ids], 2)):
        completion = api.client.completions.create(model=INSTRUCT, prompt=prompt)
        assert texts(completion) == ["You wrote: Say hello."] * number
        assert completion.usage is not None
        assert completion.usage.prompt_tokens == 2 * number
    assert api.journal[-1]["user_text"] == "Say hello\nSay hello"


def test_the_best_of_several_is_charged_with_all_of_them(api: AudioApi) -> None:
    completion = api.client.completions.create(model=INSTRUCT, prompt="a", n=2, best_of=3)
    assert len(completion.choices) == 2
    assert completion.usage is not None
    assert completion.usage.completion_tokens == 3 * 5


def test_echo_stop_and_suffix(api: AudioApi) -> None:
    create = api.client.completions.create
    assert texts(create(model=INSTRUCT, prompt="a b", echo=True)) == ["a bYou wrote: a b."]
    assert texts(create(model=INSTRUCT, prompt="a b", stop=["b", " a"])) == ["You wrote:"]
    assert texts(create(model=INSTRUCT, prompt="a b", stop="wrote")) == ["You "]
    inserted = create(model=INSTRUCT, prompt="a", suffix=" and so on")
    assert inserted.usage is not None
    assert inserted.usage.prompt_tokens == 1 + 3


def test_log_probabilities(api: AudioApi) -> None:
    completion = api.client.completions.create(model=INSTRUCT, prompt="ä", logprobs=3)
    found = completion.choices[0].logprobs
    assert found is not None
    assert found.tokens == ["You", " wrote", ":", " ä", "."]
    assert found.text_offset == [0, 3, 9, 10, 12]
    assert found.token_logprobs is not None
    assert all(value <= 0 for value in found.token_logprobs)
    assert found.top_logprobs is not None
    assert [len(each) for each in found.top_logprobs] == [3] * 5
    none = api.client.completions.create(model=INSTRUCT, prompt="a", logprobs=0).choices[0].logprobs
    assert none is not None
    assert (none.top_logprobs, none.tokens) == (None, ["You", " wrote", ":", " a", "."])


def test_a_lenient_server_echoes_log_probabilities(api: AudioApi, send: Send) -> None:
    lenient = {"x-mock-strictness": "schema"}
    document: Any = ask(send, api, lenient, prompt="a b", echo=True, logprobs=1).json()
    found = document["choices"][0]["logprobs"]
    assert found["tokens"][:3] == ["a", " b", "You"]
    assert len(found["token_logprobs"]) == len(found["top_logprobs"]) == 8
    assert found["text_offset"][:3] == [0, 1, 3]


def chunk(text: str, reason: str | None, document: dict[str, Any]) -> bytes:
    choice = {"text": text, "index": 0, "logprobs": None, "finish_reason": reason}
    members = {"id": document["id"], "object": "text_completion", "created": document["created"]}
    written = json.dumps(members | {"choices": [choice], "model": NAMED}, separators=(",", ":"))
    return f"data: {written}\n\n".encode()


@pytest.mark.parametrize(("limit", "reason", "last"), [(100, "stop", None), (3, "length", "length")])
def test_the_bytes_of_a_stream(api: AudioApi, send: Send, limit: int, reason: str, last: str | None) -> None:
    response = ask(send, api, prompt="a", stream=True, max_tokens=limit)
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    first = json.loads(response.chunks[0].removeprefix(b"data: "))
    pieces = ["You", " wrote", ":", " a", "."][:limit]
    expected = [chunk(text, None, first) for text in pieces[:-1]]
    expected += [chunk(pieces[-1], last, first), chunk("", reason, first), b"data: [DONE]\n\n"]
    assert list(response.chunks) == expected


def test_the_sdk_streams_with_usage(api: AudioApi) -> None:
    stream = api.client.completions.create(
        model=INSTRUCT, prompt=["a", "b"], stream=True, stream_options={"include_usage": True}, logprobs=1
    )
    *chunks, last = stream
    for index in (0, 1):
        said = "".join(each.choices[0].text for each in chunks if each.choices[0].index == index)
        assert said == f"You wrote: {'ab'[index]}."
    assert all(each.usage is None for each in chunks)
    assert last.choices == []
    assert last.usage is not None
    assert last.usage.total_tokens == 12
    assert api.journal[-1]["usage"]["total_tokens"] == 12
    offsets = [each.choices[0].logprobs.text_offset for each in chunks[:3] if each.choices[0].logprobs]
    assert offsets == [[0], [3], [9]]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"prompt": {}}, "'$.prompt' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."),
        ({"prompt": [100_277]}, "'$.prompt' is invalid. Please check the API reference: https://platform.openai.com/docs/api-reference."),
        ({"max_tokens": 0}, "0 is less than the minimum of 1 - 'max_tokens'"),
        ({"logprobs": 6}, "6 is greater than the maximum of 5 - 'logprobs'"),
        ({"n": "2"}, "'2' is not of type 'integer', 'null' - 'n'"),
        ({"messages": []}, "Unrecognized request argument supplied: messages"),
        ({"model": "davinci-002", "suffix": "."}, "Unrecognized request argument supplied: suffix"),
        ({"echo": True, "logprobs": 1}, "Setting 'echo' and 'logprobs' at the same time is not supported for this model."),
        ({"n": 3, "best_of": 2}, "You requested that the server return more choices than it will generate (HINT: you must set 'n' (currently 3) to be at most 'best_of' (currently 2), or omit either parameter if you don't specifically want to use them.)"),
        ({"best_of": 2, "stream": True}, "best_of is not supported with stream: results cannot be streamed."),
        ({"stop": ["a"] * 5}, "['a', 'a', 'a', 'a', 'a'] is too long - 'stop'"),
        ({"max_tokens": 4097}, "This model's maximum context length is 4097 tokens, however you requested 4099 tokens (2 in your prompt; 4097 for the completion). Please reduce your prompt; or completion length."),
    ],
)  # fmt: skip
def test_invalid_requests_are_refused(api: AudioApi, send: Send, body: dict[str, Any], message: str) -> None:
    response = ask(send, api, **body)
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": None}
    assert (response.status, response.body.decode()) == (400, json.dumps({"error": error}, indent=2) + "\n")
    assert "x-ratelimit-limit-requests" in response.headers


def test_a_bias_is_for_the_id_of_a_token(api: AudioApi, send: Send) -> None:
    assert ask(send, api, logit_bias={"50256": -100}).status == 200
    refused: Any = ask(send, api, logit_bias={"hello": 1}).json()
    assert refused["error"]["message"].startswith("Invalid key in 'logit_bias': hello.")
    refused = ask(send, api, logit_bias={"1": 101}).json()
    assert refused["error"]["message"] == "101 is greater than the maximum of 100 - 'logit_bias.1'"


def test_models_of_other_endpoints_are_refused(api: AudioApi) -> None:
    create = api.client.completions.create
    with pytest.raises(openai.NotFoundError, match="This is a chat model and not supported in the v1/comp"):
        create(model="gpt-4o-mini", prompt="a")
    with pytest.raises(openai.PermissionDeniedError, match="You are not allowed to sample from this model"):
        create(model="text-embedding-3-small", prompt="a")
    with pytest.raises(openai.NotFoundError, match="The model `no-model` does not exist"):
        create(model="no-model", prompt="a")
    with pytest.raises(openai.NotFoundError, match="This is not a chat model and thus not supported"):
        api.client.chat.completions.create(model=INSTRUCT, messages=[{"role": "user", "content": "a"}])


def test_stubs_and_faults(api: AudioApi) -> None:
    create = api.client.completions.create
    api.on_completion(user_text="weather").reply("It is sunny.")
    assert texts(create(model=INSTRUCT, prompt="The weather:")) == ["It is sunny."]
    api.on_completion(user_text="filter").reply("No.", finish_reason="content_filter")
    assert create(model=INSTRUCT, prompt="filter").choices[0].finish_reason == "content_filter"
    with pytest.raises(ValueError, match="tool_calls answers"):
        api.on_completion().call_tool("f")
    api.fail_next("overloaded", endpoint="completions")
    with pytest.raises(openai.InternalServerError):
        create(model=INSTRUCT, prompt="a")
    api.break_next("sse_cut", after=1, endpoint="completions")
    with pytest.raises(openai.APIError):
        list(create(model=INSTRUCT, prompt="a b c", stream=True))
    api.verify("completions", times=4)
    api.verify("chat", times=0)


def test_another_model_replies_to_prompts_with_their_suffix() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="error")
    with MockServer(settings) as other:
        asked = Settings(port=0, whisper_model="none", log_level="error", reply_from=other.base_url)
        with MockServer(asked) as server:
            completion = server.client.completions.create(model=INSTRUCT, prompt="A cat", suffix=" sat.")
            assert completion.choices[0].text == "You wrote: A cat."
        (entry,) = other.journal
        system, user = entry["request"]["messages"]
        assert (user["content"], system["role"]) == ("A cat", "system")
        assert system["content"].endswith(": " + " sat.")


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_a_lenient_server_answers(api: AudioApi, send: Send, strictness: str) -> None:
    lenient = {"x-mock-strictness": strictness}
    assert ask(send, api, lenient, model="gpt-4o", suffix="x").status == 200
    if strictness == "off":
        assert ask(send, api, lenient, max_tokens=1e300).status == 200
        odd = {"prompt": [1.5, None, {}], "n": -3, "max_tokens": "x", "logprobs": 99, "stop": 1}
        assert ask(send, api, lenient, **odd).status == 200
