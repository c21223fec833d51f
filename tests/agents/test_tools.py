"""The tools, as an agent calls them, with a running server."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import openai
import pytest

from mockserver.agents.tools import Toolbox, ToolFailed
from mockserver.control_client import ControlClient
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer

Use = Callable[..., Any]


@pytest.fixture
def api(server: MockServer) -> AudioApi:
    return server.account()


@pytest.fixture
def use(server: MockServer, api: AudioApi) -> Use:
    """Return a function that calls a tool for the account of ``api``."""
    tools = Toolbox(ControlClient(server.url, api_key=api.api_key), api.api_key)
    return lambda name, /, **arguments: tools.call(name, arguments)


def ask(api: AudioApi, text: str) -> str | None:
    messages: Any = [{"role": "user", "content": text}]
    answer = api.client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    return answer.choices[0].message.content


def speech(api: AudioApi, text: str) -> bytes:
    options: Any = {"model": "tts-1", "voice": "nova", "response_format": "wav"}
    return api.client.audio.speech.create(input=text, **options).content


def transcript(api: AudioApi, audio: bytes) -> str:
    return api.client.audio.transcriptions.create(model="whisper-1", file=("note.wav", audio)).text


def latest(use: Use) -> str:
    """Return the id of the latest exchange."""
    return str(use("search_journal")["exchanges"][-1]["id"])


def test_the_status_says_where_clients_find_the_server(use: Use, api: AudioApi) -> None:
    status = use("server_status")
    client = openai.OpenAI(base_url=status["base_url"], api_key=status["api_key"])
    with client:
        assert client.models.retrieve("tts-1").id == "tts-1"
    assert status["tools_concern"] == "the account of the API key"
    assert not status["clock"]["frozen"]


def test_the_journal_is_searched(use: Use, api: AudioApi) -> None:
    ask(api, "Hello.")
    audio = speech(api, "Good day.")
    transcript(api, audio)
    found = use("search_journal", when={"endpoint": ["chat", "transcriptions"]})["exchanges"]
    assert [(each["status"], each.get("said"), each.get("heard")) for each in found] == [
        (200, "You wrote: Hello.", None),
        (200, None, "Good day."),
    ]
    assert found[1]["files"] == ["note.wav"]
    assert found[1]["answered_by"] == "spoken"


def test_the_search_is_paged(use: Use, api: AudioApi) -> None:
    for number in range(25):
        api.client.models.retrieve("tts-1", timeout=60 + number)
    found = use("search_journal")["exchanges"]
    assert len(found) == 20
    later = use("search_journal", after=found[4]["id"], limit=3)["exchanges"]
    assert later == found[5:8]
    with pytest.raises(ToolFailed, match="at most 100"):
        use("search_journal", limit=101)


def test_an_exchange_is_shown_without_its_audio(use: Use, api: AudioApi) -> None:
    audio = base64.b64encode(speech(api, "Good day.")).decode()
    part = {"type": "input_audio", "input_audio": {"data": audio, "format": "wav"}}
    messages: Any = [{"role": "user", "content": [part]}]
    api.client.chat.completions.create(model="gpt-audio", messages=messages)
    shown = use("get_exchange", id=latest(use))
    assert shown["heard"] == "Good day."
    assert audio[:1000] not in str(shown)


def test_an_exchange_becomes_a_stub(use: Use, api: AudioApi) -> None:
    ask(api, "What is the time?")
    stub = use("stub_exchange", id=latest(use), reply={"text": "Noon."}, times=1)
    assert stub["times"] == 1
    assert [ask(api, "What is the time?"), ask(api, "And the date?")] == ["Noon.", "You wrote: And the date?"]
    use("remove_stub", id=stub["id"])
    assert use("list_stubs")["stubs"] == []


def test_the_answer_of_an_exchange_is_repeated_though_its_source_is_gone(use: Use, api: AudioApi) -> None:
    api.on_transcription().reply("Welcome to the meeting.")
    audio = speech(api, "Good day.")
    assert transcript(api, audio) == "Welcome to the meeting."
    exchange = latest(use)
    use("remove_stubs")
    use("stub_exchange", id=exchange)
    other = speech(api, "Good night.")
    assert [transcript(api, audio), transcript(api, other)] == ["Welcome to the meeting.", "Good night."]


def test_calls_of_tools_errors_and_speech_are_repeated(use: Use, api: AudioApi) -> None:
    api.on_chat(user_text="weather", times=1).call_tool("get_weather", city="Rome")
    ask(api, "How is the weather?")
    use("stub_exchange", id=latest(use))
    messages: Any = [{"role": "user", "content": "How is the weather?"}]
    answer: Any = api.client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    assert answer.choices[0].message.tool_calls[0].function.arguments == '{"city":"Rome"}'
    api.fail_next("server_error")
    with pytest.raises(openai.InternalServerError):
        ask(api, "Once?")
    use("stub_exchange", id=latest(use))
    for _ in range(2):
        with pytest.raises(openai.InternalServerError):
            ask(api, "Once?")
    speech(api, "Good day.")
    stub = use("stub_exchange", id=latest(use))
    assert stub["reply"] == {"say": "Good day."}
    assert speech(api, "Good day.")[:4] == b"RIFF"


def test_a_turn_of_a_session_becomes_a_stub(use: Use, api: AudioApi) -> None:
    with api.caller() as call:
        call.say("Is it raining?")
        call.hear()
    exchange = latest(use)
    with pytest.raises(ToolFailed, match=r"no such turn\. Its turns are: 1\."):
        use("stub_exchange", id=exchange, turn=2)
    use("stub_exchange", id=exchange, turn=1, reply={"text": "It is sunny."})
    with api.caller() as call:
        call.say("Is it raining?")
        assert call.hear().text == "It is sunny."


def test_what_the_journal_does_not_keep_must_be_given(use: Use, api: AudioApi) -> None:
    api.client.embeddings.create(model="text-embedding-3-small", input="Hi.")
    exchange = latest(use)
    with pytest.raises(ToolFailed, match="keeps only the beginning of this answer"):
        use("stub_exchange", id=exchange)
    ask(api, "word " * 2_000)
    with pytest.raises(ToolFailed, match="keeps only the beginning of this answer"):
        use("stub_exchange", id=latest(use))
    use("stub_exchange", id=exchange, reply={"embedding": [1.0, 0.0]})
    vector = api.client.embeddings.create(model="text-embedding-3-small", input="Hi.").data[0].embedding
    assert vector == [1.0, 0.0]


def test_a_call_that_is_not_served_becomes_a_stub(use: Use, api: AudioApi) -> None:
    with pytest.raises(openai.NotFoundError):
        api.client.images.generate(model="gpt-image-1", prompt="A cat.")
    reply = {"json": {"created": 1, "data": [{"url": "https://example.com/cat.png"}]}}
    use("stub_exchange", id=latest(use), reply=reply)
    answer: Any = api.client.images.generate(model="gpt-image-1", prompt="A cat.")
    assert answer.data[0].url == "https://example.com/cat.png"


def test_stubs_and_faults_are_added_listed_and_removed(use: Use, api: AudioApi) -> None:
    stub = use("add_stub", when={"endpoint": "chat"}, reply={"text": "Scripted."}, id="folder/of:mine")
    fault = use("add_fault", error="rate_limit_requests", times=1)
    with pytest.raises(openai.RateLimitError):
        ask(api, "Hello.")
    assert ask(api, "Hello.") == "Scripted."
    assert [each["used"] for each in use("list_stubs")["stubs"]] == [1]
    assert [each["hits"] for each in use("list_faults")["faults"]] == [1]
    assert use("remove_stub", id=stub["id"]) == {"deleted": "folder/of:mine"}
    use("remove_fault", id=fault["id"])
    assert use("remove_stubs"), use("remove_faults") == ({"stubs": []}, {"faults": []})


def test_requests_are_verified_and_near_misses_named(use: Use, api: AudioApi) -> None:
    ask(api, "Hello.")
    assert use("verify_requests", when={"endpoint": "chat"}, exactly=1)["count"] == 1
    failed = use("verify_requests", when={"endpoint": "chat", "user_text": "Goodbye"})
    assert failed["error"].startswith("Wanted at least 1 request")
    assert failed["near_misses"][0]["differences"] == ["user_text: wanted /Goodbye/, got 'Hello.'"]


def test_requests_are_waited_for(use: Use, api: AudioApi) -> None:
    ask(api, "Hello.")
    assert use("wait_for_requests", when={"endpoint": "chat"}, timeout=60)["count"] == 1
    assert "error" in use("wait_for_requests", when={"endpoint": "speech"}, timeout=0)
    with pytest.raises(ToolFailed, match="at most 60 seconds"):
        use("wait_for_requests", timeout=61)


def test_mistakes_of_the_code_under_test_are_found(use: Use, api: AudioApi) -> None:
    with openai.OpenAI(base_url=f"{api.url}/v1", api_key=api.api_key, max_retries=0) as client:
        with pytest.raises(openai.NotFoundError):
            client.chat.completions.create(model="gpt-99", messages=[{"role": "user", "content": "Hi."}])
        with pytest.raises(openai.NotFoundError):
            client.images.generate(model="gpt-image-1", prompt="A cat.")
    *_, unknown, unserved = use("show_report")["report"].splitlines()
    assert "gpt-99" in unknown
    assert "POST /v1/images/generations is not served" in unserved


def test_limits_settings_costs_and_models_are_shown_and_changed(use: Use, api: AudioApi) -> None:
    use("change_limits", tier="free")
    use("change_limits", model="tts-1", limits={"requests_per_minute": 7})
    (account,) = use("get_limits", model="tts-1")["accounts"]
    assert account["tier"] == "free"
    assert account["groups"][0]["limits"][0]["limit"] == 7
    assert use("change_settings", strictness="off")["changed"] == {"strictness": "off"}
    assert use("get_costs")["rows"] == []
    assert use("get_model", name="tts-1")["id"] == "tts-1"
    api.add_model("my-model", like="gpt-4o-mini")
    models = use("list_models")
    assert "tts-1" in models["models"]["v1/audio/speech"]
    assert models["added"] == [{"id": "my-model", "like": "gpt-4o-mini"}]
    assert use("reset", what=["models"])["reset"] == ["models"]


def test_the_clock_is_moved() -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        tools = Toolbox(ControlClient(server.url), "")
        tools.call("change_clock", {"freeze": True})
        assert tools.call("change_clock", {"set": 1_800_000_000})["now"] == 1_800_000_000
        assert tools.call("change_clock", {"advance": 60})["now"] == 1_800_000_060
        assert tools.call("server_status", {})["tools_concern"] == "every account"


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("fly", {}, "Unknown tool 'fly'. The tools are server_status"),
        ("get_exchange", {}, "id: is required"),
        ("get_exchange", {"id": 3}, "id: is required"),
        ("get_exchange", {"id": "req_none"}, "Unknown journal entry 'req_none'"),
        ("get_exchange", {"id": "../faults"}, "Unknown path"),
        ("get_costs", {"of": "today"}, "of: unknown argument"),
        ("add_stub", {"when": {"endpont": "chat"}, "reply": {"text": "x"}}, "endpont"),
        ("add_stub", {"reply": {"file": "/etc/passwd"}}, "file"),
        ("add_fault", {"error": "no_such_error"}, "no_such_error"),
        ("stub_exchange", {"id": "req_none", "reply": "Hello."}, "reply: must be an object"),
        ("wait_for_requests", {"timeout": "long"}, "timeout: must be a number"),
        ("wait_for_requests", {"timeout": float("nan")}, "timeout: must be a number"),
    ],
)
def test_a_wrong_call_is_explained(use: Use, name: str, arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(ToolFailed, match=message):
        use(name, **arguments)
