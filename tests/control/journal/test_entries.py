"""`/_mock/journal`, `/_mock/verify`, `/_mock/wait`: reading and verifying the requests of a test."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any
from urllib.parse import quote

import httpx
import openai
import pytest

from mockserver.accounts.accounts import abbreviated
from mockserver.app import services_of
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]
Clip = tuple[str, bytes]

LONG_SPEECH = "All work and no play makes Jack a dull boy. " * 90
NOBODYS = "sk-mock-tier-5-nobody-{}"


@dataclass(frozen=True)
class Witness:
    """The control API as an account sees it."""

    url: str
    key: str | None

    def ask(self, method: str, path: str, **body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return httpx.request(
            method, f"{self.url}/_mock/{path}", headers=headers, json=body or None, timeout=60
        )

    def entries(self, query: str = "") -> list[dict[str, Any]]:
        response = self.ask("GET", f"journal{query}")
        assert response.status_code == 200, response.text
        entries: list[dict[str, Any]] = response.json()["entries"]
        return entries

    def entry(self) -> dict[str, Any]:
        """Return the only entry."""
        (entry,) = self.entries()
        return entry

    def verify(self, **asked: Any) -> httpx.Response:
        return self.ask("POST", "verify", **asked)

    def wait(self, **asked: Any) -> httpx.Response:
        return self.ask("POST", "wait", **asked)


@pytest.fixture
def witness(server: MockServer, api_key: str) -> Witness:
    return Witness(server.url, api_key)


def transcribe(client: openai.OpenAI, clip: Clip, **options: Any) -> Any:
    return client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=clip, **options)


def say(client: openai.OpenAI, content: Any, **options: Any) -> Any:
    options = {"model": "gpt-4o-mini", **options}
    return client.chat.completions.create(messages=[{"role": "user", "content": content}], **options)


# The members of an entry.


def test_an_entry_tells_who_asked_what_and_what_was_answered(
    client: openai.OpenAI, witness: Witness, api_key: str, hello: Clip
) -> None:
    response = client.audio.transcriptions.with_raw_response.create(
        model="gpt-4o-mini-transcribe", file=hello, prompt="Greetings", extra_query={"run": "7"}
    )
    entry = witness.entry()
    assert entry["id"] == response.headers["x-request-id"]
    assert entry["account"].startswith("sk-mock-***")
    assert entry["organization"] == response.headers["openai-organization"]
    assert entry["project"] == response.headers["openai-project"]
    assert (entry["endpoint"], entry["operation"]) == ("transcriptions", "create_transcription")
    assert (entry["method"], entry["path"]) == ("POST", "/v1/audio/transcriptions")
    assert entry["query"] == {"run": "7"}
    assert entry["headers"]["user-agent"].startswith("OpenAI/Python")
    assert entry["model"] == entry["request"]["model"] == "gpt-4o-mini-transcribe"
    assert entry["prompt"] == entry["request"]["prompt"] == "Greetings"
    assert (entry["status"], entry["error"]) == (200, None)
    assert entry["answered_by"] == response.headers["x-mock-answered-by"]
    assert entry["limits"] == {
        name: value for name, value in response.headers.items() if name.startswith("x-ratelimit-")
    }
    assert entry["usage"]["type"] == "tokens"
    assert entry["cost_usd"] == pytest.approx(float(response.headers["x-mock-cost-usd"]), abs=1e-8)
    assert entry["bytes_sent"] == len(response.content)
    assert api_key not in json.dumps(entry)


def test_an_entry_tells_what_the_audio_is_and_what_was_heard_in_it(
    client: openai.OpenAI, witness: Witness, hello: Clip
) -> None:
    transcribe(client, hello)
    (audio,) = witness.entry()["audio"]
    pcm_sha256 = audio.pop("pcm_sha256")
    assert len(pcm_sha256) == 64
    assert audio.pop("transcript")["segments"][0]["text"] == audio["heard"]
    assert audio.pop("duration") == pytest.approx(2.07, abs=0.01)
    assert audio == {
        "place": "file",
        "file": "hello.wav",
        "size": len(hello[1]),
        "sha256": hashlib.sha256(hello[1]).hexdigest(),
        "container": "wav",
        "codec": "pcm_s16le",
        "channels": 1,
        "sample_rate": 24_000,
        "heard": "Hello world, this is a test.",
        "at_ms": None,
    }


def test_facts_stand_for_the_audio_of_a_chat(client: openai.OpenAI, witness: Witness, hello: Clip) -> None:
    data = base64.b64encode(hello[1]).decode()
    parts = [
        {"type": "text", "text": "What is said?"},
        {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}},
    ]
    say(client, parts, model="gpt-4o-mini-audio-preview", modalities=["text"])
    entry = witness.entry()
    sha256 = hashlib.sha256(hello[1]).hexdigest()
    written = entry["request"]["messages"][0]["content"][1]["input_audio"]
    assert written == {"data": {"base64_bytes": len(hello[1]), "sha256": sha256}, "format": "wav"}
    (audio,) = entry["audio"]
    assert (audio["place"], audio["sha256"]) == ("messages[0].content[1].input_audio", sha256)
    assert audio["heard"] == entry["heard"] == "Hello world, this is a test."
    assert entry["user_text"] == "What is said?"
    assert len(json.dumps(entry)) < 6_000


def test_the_entry_of_a_refused_request_has_its_audio(
    client: openai.OpenAI, witness: Witness, hello: Clip
) -> None:
    with pytest.raises(openai.NotFoundError):
        client.audio.transcriptions.create(model="whisper-9", file=hello)
    entry = witness.entry()
    assert (entry["status"], entry["error"], entry["model"]) == (404, "model_not_found", "whisper-9")
    assert entry["audio"][0]["sha256"] == hashlib.sha256(hello[1]).hexdigest()
    assert entry["audio"][0]["container"] is None


def test_a_request_without_account_is_in_the_journal_of_every_account(server: MockServer, send: Send) -> None:
    sent = send("GET", "/v1/models", key="sk-mock-invalid-journal")
    everybody = Witness(server.url, None)
    entry = everybody.ask("GET", f"journal/{sent.headers['x-request-id']}").json()
    assert (entry["status"], entry["error"], entry["account"]) == (401, "invalid_api_key", None)
    assert entry["endpoint"] == "list_models"


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/v1/nothing", 404), ("PUT", "/v1/audio/speech", 405)]
)
def test_a_request_to_an_unknown_path_is_recorded(
    server: MockServer, send: Send, method: str, path: str, status: int
) -> None:
    sent = send(method, path)
    entry = Witness(server.url, None).ask("GET", f"journal/{sent.headers['x-request-id']}").json()
    assert (entry["method"], entry["path"], entry["status"]) == (method, path, status)
    assert entry["endpoint"] is None


def test_control_calls_are_not_recorded(witness: Witness) -> None:
    witness.ask("GET", "limits")
    assert witness.entries() == []


# Streams.


def test_the_entry_of_a_stream_has_its_events_and_usage(
    client: openai.OpenAI, witness: Witness, hello: Clip
) -> None:
    with client.audio.transcriptions.with_streaming_response.create(
        model="gpt-4o-mini-transcribe", file=hello, stream=True
    ) as response:
        body = response.read()
    entry = witness.entry()
    assert entry["stream_events"] == body.count(b"\r\n\r\n")
    assert entry["bytes_sent"] == len(body)
    assert (entry["in_flight"], entry["hung_up"]) == (False, False)
    assert entry["usage"]["type"] == "tokens"
    assert entry["heard"] == "Hello world, this is a test."
    assert entry["timing"]["total_ms"] >= entry["timing"]["first_byte_ms"] > 0


def test_the_answer_is_recorded(client: openai.OpenAI, witness: Witness) -> None:
    answer = say(client, "Hello.")
    entry = witness.entry()
    assert entry["response"]["id"] == answer.id
    assert entry["response"]["choices"][0]["message"]["content"] == "You wrote: Hello."
    assert entry["response_headers"]["x-request-id"] == answer._request_id
    assert entry["response_headers"].items() >= entry["limits"].items()
    assert entry["pieces"] is None


@pytest.mark.parametrize("is_streamed", [False, True])
def test_a_key_that_an_answer_repeats_is_recorded_nowhere(
    client: openai.OpenAI, witness: Witness, api_key: str, is_streamed: bool
) -> None:
    answer = say(client, f"Is {api_key} your key?", stream=is_streamed, metadata={"password": "hunter2"})
    said = (
        "".join(each.choices[0].delta.content or "" for each in answer)
        if is_streamed
        else answer.choices[0].message.content
    )
    assert api_key in said
    entry = witness.entry()
    assert api_key not in json.dumps(entry)
    assert "hunter2" not in json.dumps(entry)
    pieces = "".join(each["text"] for each in entry["pieces"] or ())
    contents = (
        re.findall('"content":"([^"]*)"', pieces)
        if is_streamed
        else [entry["response"]["choices"][0]["message"]["content"]]
    )
    assert "".join(contents) == f"You wrote: Is {abbreviated(api_key)} your key?"


def test_a_client_that_hangs_up_in_mid_stream_is_recorded(client: openai.OpenAI, witness: Witness) -> None:
    with client.audio.speech.with_streaming_response.create(
        model="gpt-4o-mini-tts", voice="alloy", input=LONG_SPEECH, response_format="pcm"
    ) as response:
        pieces = response.iter_bytes()
        next(pieces)
        going_on = witness.entry()
    assert (going_on["in_flight"], going_on["hung_up"]) == (True, False)
    assert going_on["bytes_sent"] > 0
    assert going_on["timing"]["total_ms"] is None
    witness.wait(when={"hung_up": True}, timeout=60)
    left = witness.entry()
    assert (left["id"], left["in_flight"], left["hung_up"]) == (going_on["id"], False, True)
    assert left["timing"]["total_ms"] > 0


# Queries.


@pytest.fixture
def busy(client: openai.OpenAI, witness: Witness, hello: Clip) -> Witness:
    """Make three requests: a transcription, a chat, and one that is refused. Return the account."""
    transcribe(client, hello)
    say(client, "Good morning.")
    with pytest.raises(openai.NotFoundError):
        say(client, "Hello?", model="gpt-9")
    return witness


@pytest.mark.parametrize(
    ("query", "statuses"),
    [
        ("", [200, 200, 404]),
        ("?endpoint=chat", [200, 404]),
        ("?model=gpt-4o-mini", [200]),
        ("?model=gpt-*&status=4xx", [404]),
        ("?status=404", [404]),
        ("?limit=1", [404]),
        ("?endpoint=speech", []),
    ],
)
def test_entries_are_picked_by_query_arguments(busy: Witness, query: str, statuses: list[int]) -> None:
    assert [entry["status"] for entry in busy.entries(query)] == statuses


def test_a_reader_goes_on_after_the_last_entry_it_has_seen(busy: Witness) -> None:
    first, second, third = busy.entries()
    assert busy.entries(f"?after={first['id']}&limit=1") == [second]
    assert busy.entries(f"?after={second['id']}") == [third]
    assert busy.entries(f"?after={third['id']}") == []


def test_a_reader_goes_back_before_the_first_entry_it_has_seen(busy: Witness) -> None:
    first, second, third = busy.entries()
    assert busy.entries(f"?before={third['id']}&limit=1") == [second]
    assert busy.entries(f"?before={third['id']}") == [first, second]
    assert busy.entries(f"?before={first['id']}") == []
    assert busy.entries(f"?after={first['id']}&before={third['id']}") == [second]


def test_entries_have_the_fields_that_were_asked_for(busy: Witness) -> None:
    assert busy.entries("?fields=status,endpoint&status=404") == [{"status": 404, "endpoint": "chat"}]
    found = busy.ask("POST", "journal/query", fields=["heard"], limit=2, before=busy.entries()[-1]["id"])
    assert found.json()["entries"] == [{"heard": "Hello world, this is a test."}, {"heard": None}]


def test_conditions_in_a_url_are_those_of_a_pattern(busy: Witness) -> None:
    when = quote(json.dumps({"user_text": "good morning", "status": [200, "5xx"]}))
    assert [entry["user_text"] for entry in busy.entries(f"?endpoint=chat&when={when}")] == ["Good morning."]


def test_entries_are_picked_by_a_pattern(busy: Witness) -> None:
    found = busy.ask("POST", "journal/query", when={"user_text": "good morning"}, limit=5).json()
    assert [entry["user_text"] for entry in found["entries"]] == ["Good morning."]
    assert found["dropped"] == 0
    assert busy.ask("POST", "journal/count", when={"endpoint": "chat"}).json() == {"count": 2}


def test_without_a_pattern_all_entries_are_meant(busy: Witness) -> None:
    assert len(busy.ask("POST", "journal/query").json()["entries"]) == 3
    assert busy.ask("POST", "journal/count").json() == {"count": 3}


def test_an_entry_is_found_by_its_id(busy: Witness) -> None:
    first = busy.entries()[0]
    found = busy.ask("GET", f"journal/{first['id']}").json()
    assert [file.pop("kept") for file in found["audio"]] == [False]
    assert found == first


def test_what_is_deleted_is_gone(busy: Witness) -> None:
    assert busy.ask("DELETE", "journal").json() == {"deleted": 3}
    assert busy.entries() == []


def test_two_keys_never_see_each_others_entries(busy: Witness) -> None:
    other = Witness(busy.url, NOBODYS.format("curious"))
    assert other.entries() == []
    assert other.ask("GET", f"journal/{busy.entries()[0]['id']}").status_code == 404
    assert other.ask("DELETE", "journal").json() == {"deleted": 0}
    assert len(busy.entries()) == 3


@pytest.mark.parametrize(
    ("method", "path", "body", "place"),
    [
        ("GET", "journal?status=40", {}, "status"),
        ("GET", "journal?limit=0", {}, "limit"),
        ("GET", "journal?limit=x", {}, "limit"),
        ("GET", "journal?after=req_0", {}, "after"),
        ("GET", "journal?before=req_0", {}, "before"),
        ("GET", "journal?fields=id,colour", {}, "fields"),
        ("GET", "journal?when=7", {}, "when"),
        ("POST", "journal/query", {"fields": ["account_id"]}, "fields"),
        ("GET", "journal?endpoint=chats", {}, "endpoint"),
        ("GET", "journal?colour=red", {}, "colour"),
        ("POST", "journal/query", {"limit": 0}, "limit"),
        ("POST", "journal/count", {"when": {"colour": "red"}}, "when.colour"),
        ("POST", "verify", {"when": {"heard": "("}}, "heard"),
        ("POST", "verify", {"exactly": 1, "at_most": 2}, "exactly"),
        ("POST", "verify", {"exactly": -1}, "exactly"),
        ("POST", "verify", {"when": {"status": "5x"}}, "when.status"),
        ("POST", "wait", {"timeout": 601}, "timeout"),
        ("POST", "wait", {"when": {"endpoint": "chats"}}, "endpoint"),
    ],
)
def test_what_makes_no_sense_is_refused_and_the_place_named(
    witness: Witness, method: str, path: str, body: dict[str, Any], place: str
) -> None:
    response = witness.ask(method, path, **body)
    assert response.status_code == 400
    assert place in response.json()["error"]


@pytest.mark.parametrize("path", ["journal/req_0", "journal/req_0/audio/0"])
def test_an_entry_that_there_is_not_is_a_404(witness: Witness, path: str) -> None:
    response = witness.ask("GET", path)
    assert response.status_code == 404
    assert "req_0" in response.json()["error"]


# Verification and waiting.


def test_what_came_as_it_should_is_verified(busy: Witness) -> None:
    first = busy.entries()[0]
    response = busy.verify(when={"file": "hello*.wav", "heard": "this is a test"}, exactly=1)
    assert response.status_code == 200
    assert response.json() == {"count": 1, "entries": [first["id"]]}


def test_what_did_not_come_is_a_422_with_near_misses(busy: Witness) -> None:
    first = busy.entries()[0]
    response = busy.verify(when={"endpoint": "transcriptions", "file": "meeting*.wav"}, exactly=1)
    assert response.status_code == 422
    report = response.json()
    assert report["error"].startswith("Wanted exactly 1 request with")
    assert (report["count"], report["entries"]) == (0, [])
    assert report["near_misses"][0]["id"] == first["id"]
    assert report["near_misses"][0]["differences"] == ["file: wanted 'meeting*.wav', got 'hello.wav'"]
    assert "POST /v1/audio/transcriptions gpt-4o-mini-transcribe → 200" in report["near_misses"][0]["summary"]


def test_that_nothing_came_at_all_is_said(witness: Witness) -> None:
    report = witness.verify(when={"endpoint": "chat"}).json()
    assert report["error"].endswith("No request arrived.")
    assert report["near_misses"] == []


def test_the_beginning_of_a_long_text_can_be_verified(client: openai.OpenAI, witness: Witness) -> None:
    text = "word " * 700 + "end"
    say(client, text + " " + text)
    assert witness.verify(when={"user_text": "word end word"}).status_code == 200


def test_a_wait_answers_when_what_is_waited_for_comes(
    server: MockServer, client: openai.OpenAI, witness: Witness, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers: list[httpx.Response] = []
    waiting = Thread(
        target=lambda: answers.append(witness.wait(when={"endpoint": "chat"}, at_least=2, timeout=60))
    )
    begun = _when_waited(server, monkeypatch)
    waiting.start()
    assert begun.wait(60)
    say(client, "One.")
    say(client, "Two.")
    waiting.join(60)
    assert answers[0].status_code == 200
    assert answers[0].json()["count"] == 2


def test_a_wait_whose_time_is_up_tells_near_misses(busy: Witness) -> None:
    response = busy.wait(when={"file": "meeting.wav"}, timeout=0)
    assert response.status_code == 422
    assert "file: wanted 'meeting.wav', got 'hello.wav'" in response.text


def test_a_wait_does_not_keep_a_server_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[httpx.Response] = []
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        witness = Witness(server.url, NOBODYS.format("patient"))
        waiting = Thread(target=lambda: answers.append(witness.wait(timeout=600)))
        begun = _when_waited(server, monkeypatch)
        waiting.start()
        assert begun.wait(60)
    waiting.join(60)
    assert answers[0].status_code == 422


def _when_waited(server: MockServer, monkeypatch: pytest.MonkeyPatch) -> Event:
    """Return an event that is set when a call begins to wait for the journal of ``server``."""
    journal, begun = services_of(server.app).journal, Event()
    wait = journal.wait

    def wait_and_tell(*arguments: Any) -> None:
        begun.set()
        wait(*arguments)

    monkeypatch.setattr(journal, "wait", wait_and_tell)
    return begun


# Audio, bounds, and a disabled journal.


@pytest.fixture(scope="module")
def keeping() -> Iterator[MockServer]:
    """Yield a server that keeps two entries, and the audio that was uploaded."""
    settings = Settings(
        port=0, whisper_model="none", log_level="warning", journal_entries=2, keep_audio=1 << 20
    )
    with MockServer(settings) as running:
        yield running


def test_uploaded_audio_is_downloaded_as_it_came(keeping: MockServer, hello: Clip) -> None:
    witness = Witness(keeping.url, NOBODYS.format("keeper"))
    with openai.OpenAI(base_url=keeping.base_url, api_key=str(witness.key)) as client:
        transcribe(client, hello)
    response = witness.ask("GET", f"journal/{witness.entry()['id']}/audio/0")
    assert response.content == hello[1]
    assert response.headers["content-type"] == "audio/wav"
    assert response.headers["content-disposition"] == "attachment; filename=hello.wav"
    missing = witness.ask("GET", f"journal/{witness.entry()['id']}/audio/1")
    assert missing.status_code == 404
    assert "has 1 audio files" in missing.json()["error"]


def test_audio_that_is_not_kept_is_a_404_that_names_the_setting(
    client: openai.OpenAI, witness: Witness, hello: Clip
) -> None:
    transcribe(client, hello)
    response = witness.ask("GET", f"journal/{witness.entry()['id']}/audio/0")
    assert response.status_code == 404
    assert "keep_audio" in response.json()["error"]


def test_the_oldest_entries_make_room_for_the_latest(keeping: MockServer) -> None:
    witness = Witness(keeping.url, None)
    with openai.OpenAI(base_url=keeping.base_url, api_key=NOBODYS.format("busy")) as client:
        for text in ("One.", "Two.", "Three."):
            say(client, text)
    listed = witness.ask("GET", "journal").json()
    assert [entry["user_text"] for entry in listed["entries"]] == ["Two.", "Three."]
    assert listed["dropped"] >= 1
    assert "has dropped" in witness.verify(exactly=3).json()["error"]


def test_a_journal_that_is_off_says_so() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", journal_entries=0)
    with MockServer(settings) as server:
        witness = Witness(server.url, NOBODYS.format("off"))
        with openai.OpenAI(base_url=server.base_url, api_key=str(witness.key)) as client:
            say(client, "Hello.")
        assert witness.entries() == []
        assert "The journal is off" in witness.verify().json()["error"]


def test_the_report_shows_the_exchanges_and_likely_mistakes_of_the_caller(server: MockServer) -> None:
    ours, others = server.account(), server.account()
    witness = Witness(server.url, ours.api_key)
    assert witness.ask("GET", "journal/report").json() == {"report": ""}
    for account in (ours, others):
        httpx.post(
            f"{server.base_url}/threads", headers={"Authorization": f"Bearer {account.api_key}"}, json={}
        )
    report = witness.ask("GET", "journal/report").json()["report"]
    assert report == ours.exchanges()
    exchange, mistake = report.splitlines()
    assert exchange.endswith("POST /v1/threads → 404, endpoint_not_served")
    assert mistake.startswith("POST /v1/threads is not served by this mock server.")
