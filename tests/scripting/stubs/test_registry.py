"""Stubs over the control API, answered to the official SDK."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from mockserver.app import services_of
from mockserver.audio.encode import write_wav
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES, RawResponse
from tests.providers.openai.conftest import sound, user

HELLO = (FIXTURES / "hello.wav").read_bytes()
FOX = (FIXTURES / "fox.mp3").read_bytes()

Control = Callable[..., RawResponse]
Stub = Callable[..., dict[str, Any]]


@pytest.fixture
def control(send: Control, api_key: str) -> Control:
    """Return a function that calls the control API for the account of this test."""

    def call(method: str, path: str, body: object = None) -> RawResponse:
        data = b"" if body is None else json.dumps(body).encode()
        return send(method, f"/_mock/{path}", data, {"content-type": "application/json"}, api_key)

    return call


@pytest.fixture
def stub(control: Control) -> Stub:
    """Return a function that adds a stub and returns the answer of the server."""

    def add(**document: object) -> dict[str, Any]:
        response = control("POST", "stubs", document)
        assert response.status == 201, response.body
        described = response.json()
        assert isinstance(described, dict)
        return described

    return add


def transcribe(
    client: openai.OpenAI, name: str = "meeting-1.wav", data: bytes = HELLO, **options: Any
) -> Any:
    options = {"model": "whisper-1", **options}
    return client.audio.transcriptions.create(file=(name, data), **options)


def chat(client: openai.OpenAI, text: str, **options: Any) -> Any:
    return client.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": text}], **options
    )


def message_of(error: openai.APIStatusError) -> str:
    assert isinstance(error.body, dict)
    return str(error.body["message"])


def test_a_stub_answers_the_file_it_names(client: openai.OpenAI, stub: Stub) -> None:
    stub(
        when={"endpoint": "transcriptions", "file": "meeting*.wav"}, reply={"text": "Welcome to the meeting."}
    )
    assert transcribe(client).text == "Welcome to the meeting."
    assert transcribe(client, "other.wav").text != "Welcome to the meeting."


def test_the_answer_names_the_stub(client: openai.OpenAI, stub: Stub) -> None:
    id_ = stub(when={"model": "whisper-*"}, reply={"text": "Hello."})["id"]
    response = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=("a.wav", HELLO))
    assert response.headers["x-mock-answered-by"] == f"stub; id={id_}"


def test_the_answer_to_a_chat_names_the_stub_and_who_heard_the_audio(
    client: openai.OpenAI, stub: Stub
) -> None:
    id_ = stub(when={"heard": "this is a test"}, reply={"say": "I see."})["id"]
    create: Any = client.chat.completions.with_raw_response.create
    raw = create(model="gpt-audio", messages=[user([sound(HELLO)])])
    assert raw.headers["x-mock-answered-by"] == f"stub; id={id_}; heard-by=fixture/hello"


def test_a_stub_that_may_answer_once_answers_once(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"file": "*.wav"}, reply={"text": "Once."}, times=1)
    assert transcribe(client).text == "Once."
    assert transcribe(client).text != "Once."


@pytest.mark.parametrize(("then", "fourth"), [("last", "two"), ("loop", "two")], ids=["last", "loop"])
def test_replies_follow_each_other(client: openai.OpenAI, stub: Stub, then: str, fourth: str) -> None:
    stub(when={"endpoint": "chat"}, replies=[{"say": "one"}, {"say": "two"}], then=then)
    said = [chat(client, "Go on.").choices[0].message.content for _ in range(4)]
    assert said == ["one", "two", "two" if then == "last" else "one", fourth]


def test_a_spent_sequence_can_fail(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"endpoint": "chat"}, replies=[{"say": "one"}], then="fail")
    chat(client, "Go on.")
    with pytest.raises(openai.NotFoundError) as refusal:
        chat(client, "Go on.")
    assert refusal.value.code == "mock_stub_spent"
    assert message_of(refusal.value) == "The stub that matches this request has given all of its replies."


def test_a_scenario_leads_from_stub_to_stub(client: openai.OpenAI, stub: Stub, control: Control) -> None:
    order = {"name": "order"}
    stub(reply={"say": "What would you like?"}, scenario={**order, "state": "started", "next": "asked"})
    stub(reply={"say": "It is on its way."}, scenario={**order, "state": "asked"})
    assert chat(client, "Hello.").choices[0].message.content == "What would you like?"
    assert chat(client, "Tea.").choices[0].message.content == "It is on its way."
    assert control("GET", "scenarios").json() == {"scenarios": {"order": "asked"}}
    control("PUT", "scenarios/order", {"state": "started"})
    assert chat(client, "Hello.").choices[0].message.content == "What would you like?"


def test_the_highest_priority_answers_then_the_most_recent(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"say": "important"}, priority=1)
    stub(reply={"say": "old"})
    stub(reply={"say": "new"})
    assert chat(client, "Who is it?").choices[0].message.content == "important"


def test_the_most_recent_of_equal_stubs_answers(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"endpoint": "chat"}, reply={"say": "old"})
    stub(when={"user_text": {"equals": "Who is it?"}}, reply={"say": "new"})
    assert chat(client, "Who is it?").choices[0].message.content == "new"


@pytest.mark.parametrize(
    "when",
    [
        {"sha256": hashlib.sha256(FOX).hexdigest()},
        {"container": "mp3", "channels": 1},
        {"duration": {"at_least": 1, "at_most": 30}},
        {"heard": "quick brown fox"},
        {"language": "en"},
        {"headers": {"authorization": {"matches": "^Bearer sk-"}}},
        {"fields": {"response_format": "json", "prompt": {"present": False}}},
        {"fields": {"$.model": "whisper-1"}},
    ],
    ids="-".join,
)
def test_a_stub_can_ask_for_what_the_request_is(client: openai.OpenAI, stub: Stub, when: object) -> None:
    stub(when=when, reply={"text": "That one."})
    assert transcribe(client, "fox.mp3", FOX, response_format="json").text == "That one."


def test_a_stub_for_another_sound_does_not_answer(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"heard": "weather"}, reply={"text": "That one."})
    assert transcribe(client, "fox.mp3", FOX).text != "That one."


def test_a_chat_stub_hears_the_users_audio(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"endpoint": "chat", "heard": "brown fox"}, reply={"say": "A fox, I see."})
    audio = {"data": base64.b64encode(FOX).decode(), "format": "mp3"}
    create: Any = client.chat.completions.create
    completion = create(
        model="gpt-4o-audio-preview",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": audio}]}],
    )
    spoken = completion.choices[0].message.audio
    assert spoken is not None
    assert spoken.transcript == "A fox, I see."
    back = transcribe(client, "back.wav", base64.b64decode(spoken.data))
    assert back.text == "A fox, I see."


def test_missing_parts_of_a_transcript_fit_the_audio(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"segments": [{"text": "Good morning."}, {"text": "How are you today?"}], "language": "en"})
    heard = transcribe(client, response_format="verbose_json", timestamp_granularities=["segment", "word"])
    first, second = heard.segments
    assert first.start == 0
    assert first.end == second.start
    assert second.end == pytest.approx(heard.duration, abs=0.01)
    assert [word.word for word in heard.words] == ["Good", "morning", "How", "are", "you", "today"]
    assert heard.text == "Good morning. How are you today?"


def test_a_transcript_can_name_its_speakers(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"segments": [{"text": "Hello.", "speaker": "anna"}, {"text": "Hi.", "speaker": "ben"}]})
    heard = transcribe(
        client, model="gpt-4o-transcribe-diarize", response_format="diarized_json", chunking_strategy="auto"
    )
    assert [(segment.speaker, segment.text) for segment in heard.segments] == [
        ("anna", " Hello."),
        ("ben", " Hi."),
    ]


def test_a_transcript_can_have_its_own_logprobs(client: openai.OpenAI, stub: Stub) -> None:
    tokens = [{"token": "Hel", "logprob": -0.5}, {"token": "lo", "logprob": -0.25}]
    stub(reply={"logprobs": tokens})
    heard = transcribe(client, model="gpt-4o-transcribe", include=["logprobs"])
    assert heard.text == "Hello"
    assert [(each.token, each.logprob) for each in heard.logprobs] == [("Hel", -0.5), ("lo", -0.25)]


def test_a_streamed_transcript_can_be_scripted(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"text": "Welcome to the meeting."})
    events = list(transcribe(client, model="gpt-4o-transcribe", stream=True))
    assert "".join(event.delta for event in events[:-1]) == "Welcome to the meeting."
    assert events[-1].text == "Welcome to the meeting."


def test_speech_can_say_something_else(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"user_text": "secret"}, reply={"say": "Nothing to hear."})
    sound = client.audio.speech.create(
        model="tts-1", voice="alloy", input="The secret word.", response_format="wav"
    ).content
    assert transcribe(client, "back.wav", sound).text == "Nothing to hear."


def test_speech_can_be_a_given_audio_file(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"endpoint": "speech"}, reply={"audio": {"base64": base64.b64encode(HELLO).decode()}})
    sound = client.audio.speech.create(
        model="tts-1", voice="alloy", input="Hi.", response_format="pcm"
    ).content
    from mockserver.audio.decode import decode

    seconds = decode(HELLO, keep_seconds=0, max_seconds=60).facts.duration
    assert len(sound) / 48_000 == pytest.approx(seconds, abs=0.01)


def test_a_chat_stub_can_call_tools(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"tool_calls": [{"name": "get_weather", "arguments": {"city": "Paris"}}]})
    tool = {
        "type": "function",
        "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
    }
    choice = chat(client, "Weather?", tools=[tool]).choices[0]
    assert choice.finish_reason == "tool_calls"
    call = choice.message.tool_calls[0].function
    assert (call.name, call.arguments) == ("get_weather", '{"city":"Paris"}')


def test_a_stub_can_give_the_body_itself(client: openai.OpenAI, stub: Stub) -> None:
    stub(
        when={"endpoint": "list_models"},
        reply={"json": {"object": "list", "data": []}, "headers": {"x-a": "b"}},
    )
    response = client.models.with_raw_response.list()
    assert response.headers["x-a"] == "b"
    assert list(response.parse()) == []


def test_a_stub_can_give_status_and_bytes(stub: Stub, send: Control, api_key: str) -> None:
    body = base64.b64encode(b"\x00\xff").decode()
    stub(when={"endpoint": "/v1/models"}, reply={"base64": body, "status": 207, "content_type": "x/y"})
    response = send("GET", "/v1/models", key=api_key)
    assert (response.status, response.headers["content-type"], response.body) == (207, "x/y", b"\x00\xff")


def test_a_stub_can_refuse_as_the_api_does(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"endpoint": "chat"}, reply={"error": "insufficient_quota"})
    with pytest.raises(openai.RateLimitError) as refusal:
        chat(client, "Hello.")
    assert refusal.value.code == "insufficient_quota"


def test_a_template_knows_the_request(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"say": "{{ count }}: {{ user_text | upper }} ({{ model }})", "template": True})
    chat(client, "again")
    assert chat(client, "again").choices[0].message.content == "1: AGAIN (gpt-4o-mini)"


def test_a_template_knows_what_was_heard(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"file": "fox.mp3"}, reply={"text": "He said: {{ heard }}", "template": True})
    assert transcribe(client, "fox.mp3", FOX).text.startswith("He said: The quick brown fox")


def test_a_template_that_makes_no_header_says_so(client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"say": "x", "headers": {"x-said": "{{ user_text }}"}, "template": True})
    chat(client, "One line.")
    with pytest.raises(
        openai.InternalServerError, match=r"headers\.x-said: 'Two\\nlines\.' is not a header value"
    ):
        chat(client.with_options(max_retries=0), "Two\nlines.")


def test_a_template_that_fails_says_why(client: openai.OpenAI, stub: Stub) -> None:
    id_ = stub(reply={"say": "{{ request.messages[7].content }}", "template": True})["id"]
    with pytest.raises(openai.InternalServerError) as refusal:
        chat(client.with_options(max_retries=0), "Hello.")
    assert refusal.value.code == "mock_template_failed"
    assert message_of(refusal.value).startswith(
        f"The template of the stub {id_} failed: say: template '{{{{ request"
    )


def test_refused_requests_use_up_no_stub(client: openai.OpenAI, stub: Stub) -> None:
    stub(when={"endpoint": "chat"}, reply={"say": "Once."}, times=1)
    with pytest.raises(openai.BadRequestError):
        chat(client, "Hello.", temperature=9)
    assert chat(client, "Hello.").choices[0].message.content == "Once."


def test_an_upload_that_is_refused_uses_up_no_stub(client: openai.OpenAI, stub: Stub) -> None:
    step = {"name": "steps", "state": "started", "next": "over"}
    stub(when={"endpoint": "transcriptions"}, reply={"text": "Once."}, times=1, scenario=step)
    with pytest.raises(openai.BadRequestError):
        transcribe(client, "noise.wav", b"no audio")
    assert transcribe(client).text == "Once."
    assert transcribe(client).text != "Once."


def test_a_file_that_was_deleted_meanwhile_is_reported(tmp_path: Path) -> None:
    (tmp_path / "answers.yaml").write_text("when: {endpoint: speech}\nreply: {audio: gone.wav}\n")
    (tmp_path / "gone.wav").write_bytes(HELLO)
    with MockServer(Settings(port=0, whisper_model="none", stubs=(str(tmp_path),))) as server:
        (tmp_path / "gone.wav").unlink()
        with pytest.raises(openai.InternalServerError) as refusal:
            server.client.audio.speech.create(model="tts-1", voice="alloy", input="Hi.")
    assert refusal.value.code == "mock_stub_file_unreadable"
    assert message_of(refusal.value).startswith(
        "The stub answers:1 cannot be answered: [Errno 2] No such file"
    )


def test_a_stub_of_an_account_and_one_of_all_are_counted_apart() -> None:
    once = {"when": {"endpoint": "chat"}, "times": 1, "id": "same"}
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        stubs, account = services_of(server.app).stubs, server.account()
        stubs.add({**once, "reply": {"say": "all"}}, None)
        stubs.add(
            {**once, "reply": {"say": "own"}},
            services_of(server.app).accounts.authenticate(account.api_key).id,
        )
        said = [chat(account.client, "Who?").choices[0].message.content for _ in range(3)]
    assert said == ["own", "all", "You wrote: Who?"]


def test_a_stub_can_have_a_large_sound_in_it(client: openai.OpenAI, stub: Stub) -> None:
    sound = write_wav(bytes(48_000 * 40), 24_000)
    stub(when={"endpoint": "speech"}, reply={"audio": {"base64": base64.b64encode(sound).decode()}})
    spoken = client.audio.speech.create(model="tts-1", voice="alloy", input="Hi.", response_format="pcm")
    assert len(spoken.content) == 48_000 * 40


def test_accounts_do_not_see_each_others_stubs(server: MockServer, client: openai.OpenAI, stub: Stub) -> None:
    stub(reply={"say": "Only for me."})
    with openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-other-account") as other:
        assert chat(other, "Hello.").choices[0].message.content != "Only for me."


def test_a_request_that_no_stub_answers_can_be_refused(client: openai.OpenAI, stub: Stub) -> None:
    stub(name="the fox", when={"endpoint": "transcriptions", "file": "fox*.mp3"}, reply={"text": "A fox."})
    with pytest.raises(openai.NotFoundError) as refusal:
        transcribe(client, "dog.mp3", FOX, extra_headers={"x-mock-strict-stubs": "true"})
    assert refusal.value.code == "mock_no_stub_matched"
    assert refusal.value.body["message"] == (  # type: ignore[index]
        "No stub matches this transcriptions request. "
        "The nearest is 'the fox': file: wanted 'fox*.mp3', got 'dog.mp3'."
    )


def test_a_near_miss_says_what_was_heard_instead(client: openai.OpenAI, stub: Stub) -> None:
    stub(id="far", when={"heard": "zebra", "model": "gpt-*"}, reply={"text": "No."})
    stub(id="near", when={"heard": "zebra"}, reply={"text": "No."})
    with pytest.raises(openai.NotFoundError) as refusal:
        transcribe(client, extra_headers={"x-mock-strict-stubs": "true"})
    assert refusal.value.body["message"].endswith(  # type: ignore[index]
        "The nearest is 'near': heard: wanted /zebra/, got 'Hello world, this is a test.'."
    )


OTHER = "sk-mock-tier-5-another-account"


def test_what_accounts_do_with_stubs_of_the_same_id_does_not_touch_the_others(
    control: Control, send: Control, stub: Stub, client: openai.OpenAI
) -> None:
    once = {"id": "mine", "when": {"user_text": "Hello"}, "reply": {"say": "Once."}, "times": 1}
    stub(**once)
    assert chat(client, "Hello.").choices[0].message.content == "Once."
    for method, path in (("POST", "stubs"), ("PUT", "stubs/mine"), ("DELETE", "stubs/mine")):
        data = b"" if method == "DELETE" else json.dumps(once).encode()
        assert send(method, f"/_mock/{path}", data, key=OTHER).status in (200, 201)
        mine: Any = control("GET", "stubs/mine").json()
        assert mine["used"] == 1


def test_a_stub_of_all_accounts_is_changed_by_calls_without_a_key_only(
    control: Control, send: Control, client: openai.OpenAI
) -> None:
    everybody = {"id": "everybody", "when": {"user_text": "shared secret"}, "reply": {"say": "All."}}
    assert send("POST", "/_mock/stubs", json.dumps(everybody).encode(), key=None).status == 201
    for refused in (control("DELETE", "stubs/everybody"), control("PUT", "stubs/everybody", everybody)):
        assert refused.status == 404
        assert b"Send no API key" in refused.body
    assert chat(client, "A shared secret.").choices[0].message.content == "All."
    assert send("DELETE", "/_mock/stubs/everybody", key=None).status == 200


def test_without_a_key_an_accounts_stub_is_replaced_where_it_is(
    control: Control, send: Control, stub: Stub
) -> None:
    stub(id="its", reply={"say": "one"})
    assert send("PUT", "/_mock/stubs/its", b'{"reply": {"say": "two"}}', key=None).status == 200
    assert control("GET", "stubs").json() == {"stubs": [{"id": "its", "reply": {"say": "two"}, "used": 0}]}


def test_a_stub_can_be_looked_at_changed_and_removed(
    control: Control, stub: Stub, client: openai.OpenAI
) -> None:
    id_ = stub(reply={"say": "one"})["id"]
    chat(client, "Hello.")
    one = control("GET", f"stubs/{id_}").json()
    assert one == {"id": id_, "reply": {"say": "one"}, "used": 1}
    control("PUT", f"stubs/{id_}", {"reply": {"say": "two"}})
    assert chat(client, "Hello.").choices[0].message.content == "two"
    assert control("DELETE", f"stubs/{id_}").status == 200
    assert control("GET", f"stubs/{id_}").status == 404
    assert control("GET", "stubs").json() == {"stubs": []}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"reply": {"text": "a"}, "wehn": {}}, "wehn"),
        ({"when": {"file": 1}, "reply": {"text": "a"}}, "when.file"),
        ({"when": {"heard": "("}, "reply": {"text": "a"}}, "heard: '(' is not a regular expression"),
        ({"when": {"endpoint": "transcription"}, "reply": {"text": "a"}}, "unknown endpoint 'transcription'"),
        ({"when": {"fields": {"$[": 1}}, "reply": {"text": "a"}}, "fields.$[: is not a JSONPath"),
        ({"reply": {"delay": 1}}, "reply: the reply has no content"),
        ({"reply": {"text": "a", "json": {}}}, "different kinds of replies"),
        ({"reply": {"error": "rate_limit"}}, "unknown error 'rate_limit'"),
        ({"reply": {"base64": "%"}}, "base64: is not valid base64"),
        ({"reply": {"file": "secrets.txt"}}, "only a stub in a file can name files"),
        ({"reply": {"text": "{{", "template": True}}, "reply: text: template '{{'"),
        ({"replies": []}, "replies"),
        (
            {"reply": {"text": "a"}, "replies": [{"text": "a"}]},
            "needs reply or replies, and just one of them",
        ),
        (
            {"when": {"endpoint": "transcriptions"}, "reply": {"say": "a"}},
            "say answers chat, completions, realtime, responses, speech, not transcriptions",
        ),
        ({"when": {"language": "english"}, "reply": {"text": "a"}}, "when.language"),
        ({"reply": {"text": "b", "segments": [{"text": "a"}]}}, "text: differs from the segments"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_stub_that_makes_no_sense_is_refused(control: Control, document: object, message: str) -> None:
    response = control("POST", "stubs", document)
    assert response.status == 400
    assert message in str(response.json())
