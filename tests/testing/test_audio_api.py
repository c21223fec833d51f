"""The Python API of the test double: stubs, faults and verification on a server in this process."""

from __future__ import annotations

import asyncio
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import openai
import pydantic
import pytest

from mockserver import AudioApi, MockServer, Settings
from mockserver.settings.loading import load_settings
from mockserver.testing import keywords
from mockserver.validation.schemas import Schemas
from tests.conftest import FIXTURES

HELLO = (FIXTURES / "hello.wav").read_bytes()
LIMITED = Settings(port=0, whisper_model="none", log_level="warning")
TOOL = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"type": "object", "properties": {}}},
}


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    """Return the test double of an account of this test."""
    return server.account()


@pytest.fixture
def own_server() -> Iterator[MockServer]:
    """Yield a server of this test."""
    with MockServer(LIMITED) as running:
        yield running


def transcribe(api: AudioApi, name: str = "meeting-1.wav", **options: Any) -> Any:
    return api.client.audio.transcriptions.create(**{"model": "whisper-1", "file": (name, HELLO), **options})


def chat(api: AudioApi, text: str = "Hello.", **options: Any) -> Any:
    asked: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}], **options}
    return api.client.chat.completions.create(**asked)


def said(api: AudioApi, text: str = "Hello.", **options: Any) -> Any:
    return chat(api, text, **options).choices[0].message.content


def spoken(api: AudioApi, text: str = "Hello.") -> bytes:
    speech = api.client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="alloy", input=text, response_format="wav"
    )
    return speech.content


def test_a_transcription_is_what_was_scripted(api: AudioApi) -> None:
    api.on_transcription(file="meeting*.wav").reply("Welcome to the meeting.")
    assert transcribe(api).text == "Welcome to the meeting."
    assert transcribe(api, "hello.wav").text == "Hello world, this is a test."


def test_a_transcript_can_be_given_in_segments(api: AudioApi) -> None:
    api.on_transcription().reply(segments=[{"text": "Good morning."}, {"text": "Let us begin."}])
    transcript = transcribe(api, response_format="verbose_json")
    assert [segment.text.strip() for segment in transcript.segments] == ["Good morning.", "Let us begin."]


def test_a_translation_is_what_was_scripted(api: AudioApi) -> None:
    api.on_translation().reply("Good day.")
    with pytest.warns(DeprecationWarning, match="deprecated"):
        translated = api.client.audio.translations.create(model="whisper-1", file=("tag.wav", HELLO))
    assert translated.text == "Good day."


def test_a_chat_model_says_what_was_scripted(api: AudioApi) -> None:
    api.on_chat(user_text="weather").say("It is sunny.")
    assert said(api, "How is the weather?") == "It is sunny."


def test_a_chat_model_calls_the_tool_that_was_scripted(api: AudioApi) -> None:
    api.on_chat().call_tool("get_weather", city="Paris", name="Ada")
    (call,) = chat(api, tools=[TOOL]).choices[0].message.tool_calls
    assert (call.function.name, call.function.arguments) == ("get_weather", '{"city":"Paris","name":"Ada"}')


@pytest.mark.parametrize("audio", [FIXTURES / "hello.wav", HELLO], ids=["path", "bytes"])
def test_speech_is_the_audio_that_was_scripted(api: AudioApi, audio: Any) -> None:
    api.on_speech(user_text="weather").speak(audio)
    transcript = transcribe(api, "answer.wav", file=("answer.wav", spoken(api, "How is the weather?")))
    assert transcript.text == "Hello world, this is a test."


def test_speech_says_what_was_scripted_instead_of_its_input(api: AudioApi) -> None:
    api.on_speech().say("Something else.")
    assert spoken(api, "Hello.") == spoken(api, "Good bye.")


def test_a_whole_body_can_be_json(api: AudioApi) -> None:
    api.on_transcription().reply_json({"text": "As is.", "extra": 1})
    assert transcribe(api).model_extra == {"extra": 1}


def test_a_whole_body_can_be_bytes(api: AudioApi) -> None:
    api.on_speech().reply_bytes(b"no sound at all", content_type="audio/wav")
    assert spoken(api) == b"no sound at all"


def test_an_error_of_the_catalog_can_be_the_reply(api: AudioApi) -> None:
    api.on_chat().fail("rate_limit_requests", message="Not now.", retry_after=7)
    with pytest.raises(openai.RateLimitError, match=r"Not now\.") as refusal:
        chat(api)
    assert refusal.value.response.headers["retry-after"] == "7"


def test_replies_follow_each_other_and_the_last_stays(api: AudioApi) -> None:
    stub = api.on_chat().say("one").then.say("two")
    assert [said(api) for _ in range(3)] == ["one", "two", "two"]
    assert stub.used == 3


def test_replies_can_begin_again(api: AudioApi) -> None:
    api.on_chat().say("one").then.say("two").then_loop()
    assert [said(api) for _ in range(3)] == ["one", "two", "one"]


def test_requests_after_the_last_reply_can_be_refused(api: AudioApi) -> None:
    api.on_chat().say("one").then_fail()
    assert said(api) == "one"
    with pytest.raises(openai.NotFoundError):
        chat(api)


def test_replies_of_a_sequence_can_be_of_different_kinds(api: AudioApi) -> None:
    api.on_chat().fail("server_error").then.say("Here I am.")
    with pytest.raises(openai.InternalServerError):
        chat(api)
    assert said(api) == "Here I am."


def test_a_stub_answers_as_often_as_it_may(api: AudioApi) -> None:
    api.on_chat().say("always")
    once = api.on_chat(times=1).say("once")
    assert [said(api), said(api)] == ["once", "always"]
    assert once.used == 1


def test_a_stub_of_higher_priority_answers_before_later_ones(api: AudioApi) -> None:
    api.on_chat(priority=1).say("important")
    api.on_chat().say("later")
    assert said(api) == "important"


def test_a_scenario_leads_from_stub_to_stub(api: AudioApi) -> None:
    api.on_chat().in_scenario("order", state="started", next="asked").say("What would you like?")
    api.on_chat().in_scenario("order", state="asked").say("It is on its way.")
    assert [said(api, "Hello."), said(api, "Tea.")] == ["What would you like?", "It is on its way."]


def test_a_stub_that_was_removed_answers_no_more(api: AudioApi) -> None:
    stub = api.on_transcription().reply("Scripted.")
    stub.remove()
    assert transcribe(api, "hello.wav").text == "Hello world, this is a test."
    assert stub.used == 0


def test_a_duration_is_a_number_or_a_pair_of_bounds(api: AudioApi) -> None:
    api.on_transcription(duration=(None, 1)).reply("short")
    api.on_transcription(duration=(2, 5)).reply("longer")
    assert transcribe(api).text == "longer"


def test_stubs_can_be_for_any_endpoint(api: AudioApi) -> None:
    api.on("/v1/models").reply_json({"object": "list", "data": []})
    assert list(api.client.models.list()) == []


def test_a_template_knows_the_request(api: AudioApi) -> None:
    api.on_chat().say("You said: {{ user_text }}", template=True)
    assert said(api, "Tea.") == "You said: Tea."


def test_the_next_requests_fail_and_the_retry_succeeds(api: AudioApi) -> None:
    api.on_chat().say("There you are.")
    fault = api.fail_next("server_error", times=2, retry_after=0)
    patient = api.client.with_options(max_retries=2)
    completion = patient.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
    )
    assert completion.choices[0].message.content == "There you are."
    assert fault.hits == 2


def test_only_requests_of_the_conditions_fail(api: AudioApi) -> None:
    api.fail_next(429, endpoint="chat")
    transcribe(api)
    with pytest.raises(openai.RateLimitError):
        chat(api)


def test_a_fault_lasts_until_it_is_removed(api: AudioApi) -> None:
    fault = api.fail_next("overloaded", times=None)
    for _ in range(2):
        with pytest.raises(openai.APIStatusError):
            chat(api)
    fault.remove()
    chat(api)
    assert fault.hits == 0


def test_a_fault_hits_from_a_time_of_the_clock_on(own_server: MockServer) -> None:
    own_server.fail_next("server_error", since=own_server.clock.now() + 60)
    chat(own_server)
    own_server.clock.advance(seconds=61)
    with pytest.raises(openai.InternalServerError):
        chat(own_server)


def test_the_next_answer_is_broken(api: AudioApi) -> None:
    fault = api.break_next("connection_reset", at="middle", endpoint="chat")
    with pytest.raises(openai.APIConnectionError):
        chat(api)
    assert fault.hits == 1


def test_the_journal_tells_what_came(api: AudioApi) -> None:
    transcribe(api)
    (entry,) = api.journal
    assert (entry["endpoint"], entry["status"], entry["audio"][0]["file"]) == (
        "transcriptions",
        200,
        "meeting-1.wav",
    )


def test_the_journal_has_the_reply_of_a_chat(api: AudioApi) -> None:
    api.on_chat(user_text="weather").call_tool("get_weather", city="Paris")
    api.on_chat(user_text="title").reply({"title": "Caf\u00e9", "points": [1]})
    api.on_chat(user_text="long").say("word " * 1000)
    chat(api, "Weather?", tools=[TOOL])
    chat(api, "A title!")
    list(chat(api, "A long one.", stream=True))
    api.client.models.list()
    replies = [entry["reply"] for entry in api.journal]
    assert replies == [
        {"text": "", "tool_calls": [{"name": "get_weather", "arguments": '{"city":"Paris"}'}]},
        {"text": '{"title":"Caf\u00e9","points":[1]}', "tool_calls": []},
        {"text": {"length": 5000, "starts": ("word " * 16)}, "tool_calls": []},
        None,
    ]


def test_a_dictionary_is_a_structured_answer(api: AudioApi) -> None:
    class Minutes(pydantic.BaseModel):
        title: str
        points: list[str]

    api.on_chat().reply({"title": "Minutes", "points": ["One."]})
    completion = api.client.chat.completions.parse(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Sum up."}], response_format=Minutes
    )
    assert completion.choices[0].message.parsed == Minutes(title="Minutes", points=["One."])


def test_exchanges_can_be_read(api: AudioApi) -> None:
    chat(api, "Hello there.")
    transcribe(api)
    assert [line.split(" → ")[0][13:] for line in api.exchanges().splitlines()[:2]] == [
        'POST /v1/chat/completions gpt-4o-mini "Hello there."',
        "POST /v1/audio/transcriptions whisper-1",
    ]
    assert api.exchanges(latest=1).splitlines()[0] == "(1 earlier ones)"


def test_what_came_is_verified(api: AudioApi) -> None:
    transcribe(api)
    transcribe(api, "note.wav")
    api.verify_transcription(file="meeting*.wav", times=1)
    api.verify_transcription(at_least=2)
    api.verify_transcription(at_most=2, status=200)
    api.verify_translation(times=0)
    api.verify("transcriptions", sha256=api.journal[0]["audio"][0]["sha256"])
    with pytest.raises(AssertionError, match="got 2"):
        api.verify_transcription(times=3)


def test_a_verification_that_fails_names_what_came_nearest(api: AudioApi) -> None:
    transcribe(api, "note.wav")
    with pytest.raises(AssertionError, match=r"Wanted exactly 1 request") as failure:
        api.verify_transcription(file="meeting*.wav", times=1)
    assert "file: wanted 'meeting*.wav', got 'note.wav'" in str(failure.value)


def test_too_many_requests_fail_a_verification(api: AudioApi) -> None:
    chat(api)
    with pytest.raises(AssertionError, match="got 1"):
        api.verify_chat(times=0)
    with pytest.raises(AssertionError, match="Wanted at least 1 request"):
        api.verify_speech()


def test_requests_that_come_later_can_be_waited_for(api: AudioApi) -> None:
    client = api.client
    later = threading.Thread(
        target=client.audio.transcriptions.create,
        kwargs={"model": "whisper-1", "file": ("late.wav", HELLO)},
    )
    later.start()
    api.wait_for_transcription(file="late.wav", timeout=60)
    later.join()
    api.wait_for("transcriptions", timeout=0)
    assert [entry["audio"][0]["file"] for entry in api.journal] == ["late.wav"]


def test_waiting_in_vain_names_what_came_nearest(api: AudioApi) -> None:
    transcribe(api, "note.wav")
    with pytest.raises(AssertionError, match=r"file: wanted 'late.wav', got 'note.wav'"):
        api.wait_for_transcription(file="late.wav", timeout=0)


@pytest.mark.parametrize(
    ("mistake", "error", "named"),
    [
        (lambda api: api.on_transcription(flie="a.wav"), TypeError, "Did you mean 'file'"),
        (lambda api: api.on_chat(zzz=1), TypeError, "Known: account, channels"),
        (lambda api: api.on_transcription(filename="a.wav"), TypeError, "Did you mean 'file'"),
        (lambda api: api.on_chat(temperature=0), TypeError, "use fields={'temperature': 0}"),
        (lambda api: api.verify_transcription(language="en"), TypeError, "use fields={'language': 'en'}"),
        (lambda api: api.on("chats"), ValueError, "endpoint: unknown endpoint 'chats'"),
        (lambda api: api.on_chat(channels="two"), ValueError, "'channels'"),
        (lambda api: api.on_chat(heard="("), ValueError, "heard: .* is not a regular expression"),
        (lambda api: api.on_chat(heard=r"(a)\1"), ValueError, "heard: .* references to groups"),
        (lambda api: api.on_chat(user_text=re.compile("a")), ValueError, "Use JSON values"),
        (lambda api: api.on_chat(user_text=("a", "b")), ValueError, "'user_text'"),
        (lambda api: api.on_chat(user_text={"matches": 5}), ValueError, "'user_text.matches'"),
        (lambda api: api.on_chat(fields={"model": {"contains": 5}}), ValueError, "'fields.model.contains'"),
        (lambda api: api.on_chat(fields={"seed": float("nan")}), ValueError, "Use JSON values"),
        (lambda api: api.on_chat(headers={"x-run": 7}), ValueError, "'headers.x-run'"),
        (lambda api: api.on_chat(duration=1e300), ValueError, "duration"),
        (lambda api: api.on_chat().say("Hi.", delay=float("inf")), ValueError, "Use JSON values"),
        (
            lambda api: api.fail_next("server_error", user_text={"matches": None}),
            ValueError,
            "when.user_text",
        ),
        (lambda api: api.verify_chat(user_text=["a"]), ValueError, "'when.user_text'"),
        (lambda api: api.wait_for_chat(user_text={"matches": 5}, timeout=0), ValueError, "when.user_text"),
        (lambda api: api.on_chat(duration=(1, 2, 3)), ValueError, "duration"),
        (lambda api: api.on_chat(duration=(None, None)), ValueError, "duration"),
        (lambda api: api.on_chat(times=0).say("Hi."), ValueError, "'times'"),
        (lambda api: api.on_chat().say("Hi.", dealy=1), TypeError, "Did you mean 'delay'"),
        (lambda api: api.on_chat().reply(), ValueError, "reply: is empty"),
        (lambda api: api.on_chat().say("Hi.", delay=-1), ValueError, "'reply.delay'"),
        (lambda api: api.on_chat().say("Hi.").then.say("Ho.", delay=-1), ValueError, r"replies\[1\].delay"),
        (lambda api: api.on_chat().fail("overlaoded"), ValueError, "overlaoded"),
        (lambda api: api.on_speech().speak("missing.wav"), ValueError, "missing.wav"),
        (lambda api: api.fail_next("overlaoded"), ValueError, "overlaoded"),
        (lambda api: api.fail_next("server_error", file=3), ValueError, "'when.file'"),
        (lambda api: api.fail_next("server_error", by=3), TypeError, "'by'"),
        (lambda api: api.break_next("conection_reset"), ValueError, "fault: .*'connection_reset'"),
        (lambda api: api.break_next("hang", bytes_per_second=1), ValueError, "bytes_per_second"),
        (lambda api: api.break_next("hang", zzz=1), TypeError, "'zzz'"),
        (lambda api: api.verify_chat(flie="a.wav"), TypeError, "Did you mean 'file'"),
        (lambda api: api.verify_chat(times=1, at_least=1), ValueError, "exactly"),
        (lambda api: api.verify_chat(times=-1), ValueError, "'exactly'"),
        (lambda api: api.wait_for_chat(timeout=-1), ValueError, "'timeout'"),
        (lambda api: api.configure(strictnes="off"), TypeError, "Did you mean 'strictness'"),
        (lambda api: api.configure(strictness="lax"), ValueError, "strictness: 'lax'"),
        (lambda api: api.set_limits("whisper-1", requests_per_week=1), TypeError, "'requests_per_week'"),
        (lambda api: api.set_limits("whisper-1", requests_per_minute=0), ValueError, "requests_per_minute"),
        (lambda api: api.set_limits("whisper-9", requests_per_minute=1), ValueError, "whisper-9"),
        (lambda api: api.set_tier("gold"), ValueError, "tier: .*'tier-5'"),
    ],
)
def test_a_mistake_is_named_where_it_is_made(
    api: AudioApi, mistake: Callable[[AudioApi], None], error: type[Exception], named: str
) -> None:
    with pytest.raises(error, match=named):
        mistake(api)


@pytest.mark.parametrize(
    ("kinds", "schema", "others"),
    [
        ([keywords.SettingChanges], "settings", set()),
        ([keywords.ModelChanges], "model", {"id", "like"}),
        (
            [keywords.TranscriptOptions, keywords.RawReplyOptions],
            "reply",
            {"text", "say", "audio", "embedding", "json", "body", "base64", "file", "events", "error"},
        ),
    ],
)
def test_the_keywords_are_the_members_of_the_documents(
    schemas: Schemas, kinds: list[Any], schema: str, others: set[str]
) -> None:
    known = set().union(*(kind.__optional_keys__ for kind in kinds))
    assert known | others == set(schemas.properties(f"mock/{schema}"))


def test_the_keywords_of_faults_are_the_members_of_theirs(schemas: Schemas) -> None:
    known = keywords.ErrorOptions.__optional_keys__ | keywords.BreakOptions.__optional_keys__
    of_requests = keywords.Conditions.__optional_keys__ | {"endpoint"}
    members = set(schemas.properties("mock/fault")) - {"id", "name", "error", "fault", "when", "times"}
    assert (known - of_requests - {"since"}) | {"from"} == members


def test_the_clock_can_be_moved_past_a_rate_limit(own_server: MockServer) -> None:
    api = own_server.account()
    api.set_limits("gpt-4o-mini", requests_per_minute=1)
    chat(api)
    with pytest.raises(openai.RateLimitError):
        chat(api)
    api.clock.advance(seconds=61)
    chat(api)


def test_the_clock_stands_still_once_frozen(own_server: MockServer) -> None:
    own_server.clock.freeze()
    own_server.clock.set(1_800_000_000)
    assert chat(own_server).created == 1_800_000_000


def test_a_tier_has_its_limits(server: MockServer) -> None:
    api = server.account(tier="free")
    raw = api.client.audio.transcriptions.with_raw_response
    answered = raw.create(model="whisper-1", file=("a.wav", HELLO))
    assert answered.headers["x-ratelimit-limit-requests"] == "200"


def test_settings_are_those_of_the_account(server: MockServer) -> None:
    lenient, other = server.account(), server.account()
    lenient.configure(strictness="schema")
    assert chat(lenient, model="gpt-unheard-of")
    with pytest.raises(openai.NotFoundError):
        chat(other, model="gpt-unheard-of")


def test_accounts_do_not_see_each_other(server: MockServer) -> None:
    one, other = server.account(), server.account()
    one.on_chat().say("Only for one.")
    one.fail_next("server_error", endpoint="transcriptions")
    assert said(other) != "Only for one."
    transcribe(other)
    assert len(other.journal) == 2
    one.verify(times=0)


def test_an_account_can_be_that_of_a_given_key(server: MockServer) -> None:
    api = server.account("sk-mock-the-application")
    api.on_chat().say("Known by the key.")
    assert said(server.account("sk-mock-the-application")) == "Known by the key."
    api.reset()


def test_a_key_that_is_refused_has_no_account(server: MockServer) -> None:
    with pytest.raises(ValueError, match="invalid_api_key"):
        server.account("sk-mock-invalid-1")


def test_what_is_scripted_on_the_server_answers_every_account(own_server: MockServer) -> None:
    own_server.on_chat().say("To everybody.")
    assert {said(own_server), said(own_server.account())} == {"To everybody."}
    own_server.verify_chat(times=2)


def test_the_server_has_a_key_that_is_accepted() -> None:
    declared = load_settings(environ={}, whisper_model="none", port=0, accept_any_key=True)
    with MockServer(declared) as server:
        assert server.client.models.list().data


def test_a_reset_forgets_what_the_account_had(server: MockServer) -> None:
    api, other = server.account(), server.account()
    for each in (api, other):
        each.on_transcription().reply("Scripted.")
        transcribe(each)
    api.reset()
    assert (api.journal, transcribe(api, "hello.wav").text) == ([], "Hello world, this is a test.")
    assert (len(other.journal), transcribe(other).text) == (1, "Scripted.")


def test_a_reset_of_the_server_forgets_everything_and_rights_the_clock(own_server: MockServer) -> None:
    account = own_server.account()
    account.on_chat().say("Scripted.")
    own_server.on_chat().say("To everybody.")
    own_server.clock.set(1_000_000)
    own_server.reset()
    assert said(account) not in ("Scripted.", "To everybody.")
    assert own_server.clock.now() == pytest.approx(time.time(), abs=3_600)


def test_the_clients_of_accounts_close_on_their_own(server: MockServer) -> None:
    with server.account().client as client:
        client.models.list()
    assert server.account().client.models.list().data


def test_the_client_for_asyncio_works_in_every_event_loop(api: AudioApi) -> None:
    api.on_chat().say("one").then.say("two")

    async def ask() -> str | None:
        completion = await api.async_client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
        )
        return completion.choices[0].message.content

    assert [asyncio.run(ask()), asyncio.run(ask())] == ["one", "two"]


def test_only_the_ready_made_clients_need_the_sdk(
    own_server: MockServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    own_server.on_chat().say("Scripted.")
    with pytest.raises(ModuleNotFoundError, match="package openai is not installed"):
        _ = own_server.client
