"""Exchanges as code: curl and Python send the same request, tests pass, stubs and fixtures give the same answer."""

from __future__ import annotations

import base64
import json
import os
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.conftest import FIXTURES

_HELLO = FIXTURES / "hello.wav"
_HARD = 'It\'s $HOME `id` "quoted" \\ !! \u202e ‚ü\n\tend'
_SENT = (
    "method",
    "path",
    "query",
    "model",
    "request",
    "heard",
    "user_text",
    "prompt",
    "status",
    "error",
    "reply",
)
_PRIVATE = ("embedding", "id", "created", "created_at", "completed_at", "system_fingerprint", "request_id")

Send = Callable[[openai.OpenAI], object]


def _transcription(client: openai.OpenAI) -> object:
    return client.audio.transcriptions.create(
        model="whisper-1",
        file=_HELLO,
        prompt=_HARD,
        response_format="verbose_json",
        timestamp_granularities=["word", "segment"],
        extra_headers={"x-tenant": "it's $BLUE"},
    )


def _odd_file_name(client: openai.OpenAI) -> object:
    upload = ("it's; an $(id) & ünusual,name.wav", _HELLO.read_bytes())
    return client.audio.transcriptions.create(model="gpt-4o-transcribe", file=upload, response_format="text")


def _streamed_transcription(client: openai.OpenAI) -> object:
    return list(client.audio.transcriptions.create(model="gpt-4o-mini-transcribe", file=_HELLO, stream=True))


def _speech(client: openai.OpenAI) -> object:
    return client.audio.speech.create(model="tts-1", voice="alloy", input=_HARD, response_format="wav")


def _chat(client: openai.OpenAI) -> object:
    return client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[{"role": "user", "content": _HARD}],
        temperature=0,
        metadata={"a": _HARD},
    )


def _streamed_chat(client: openai.OpenAI) -> object:
    return list(
        client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi."}], stream=True
        )
    )


def _chat_with_audio(client: openai.OpenAI) -> object:
    data = base64.b64encode(_HELLO.read_bytes()).decode()
    return client.chat.completions.create(
        model="gpt-4o-audio-preview",
        modalities=["text"],
        messages=[
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}],
            }
        ],
    )


def _long_chat(client: openai.OpenAI) -> object:
    """Send more than an argument of a command can have."""
    messages = [{"role": "user", "content": f"{number} {'x' * 4_000}"} for number in range(60)]
    return client.chat.completions.create(model="gpt-4o-mini", messages=messages)  # type: ignore[arg-type]


def _response(client: openai.OpenAI) -> object:
    return client.responses.create(model="gpt-4o-mini", input="Good morning.", instructions="Be brief.")


def _embedding(client: openai.OpenAI) -> object:
    return client.embeddings.create(model="text-embedding-3-small", input="A text.", dimensions=8)


def _refused(client: openai.OpenAI) -> object:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="gpt-none", messages=[{"role": "user", "content": "Hi."}])
    return None


def _unserved(client: openai.OpenAI) -> object:
    with pytest.raises(openai.NotFoundError):
        client.images.edit(image=("i.png", b"123"), prompt=_HARD, extra_query={"a": "b c"})
    return None


def _model(client: openai.OpenAI) -> object:
    return client.models.retrieve("gpt-4o-mini")


_EXCHANGES = [
    _transcription,
    _odd_file_name,
    _streamed_transcription,
    _speech,
    _chat,
    _streamed_chat,
    _chat_with_audio,
    _long_chat,
    _response,
    _embedding,
    _refused,
    _unserved,
    _model,
]
every_exchange = pytest.mark.parametrize("send", _EXCHANGES, ids=lambda send: send.__name__.strip("_"))


class Exchange:
    """An exchange of one account, its code, and a folder with the files that it reads."""

    def __init__(self, server: MockServer, key: str, folder: Path) -> None:
        self.server, self.key, self.folder = server, key, folder
        self.entry = self.entries()[-1]
        self.code = self.get(f"{self.entry['id']}/code")
        self._put_files()

    def get(self, path: str) -> Any:
        return (
            httpx.get(f"{self.server.url}/_mock/journal/{path}", headers=self._headers)
            .raise_for_status()
            .json()
        )

    def post(self, path: str, document: object) -> httpx.Response:
        return httpx.post(f"{self.server.url}/_mock/{path}", headers=self._headers, json=document)

    def entries(self) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.server.url}/_mock/journal", headers=self._headers)
        entries: list[dict[str, Any]] = answer.raise_for_status().json()["entries"]
        return entries

    def run_curl(self) -> str:
        """Run the command of curl as it is printed; return what it prints."""
        (self.folder / "again.sh").write_text(self.code["curl"], "utf-8")
        return self.run("bash", "again.sh")

    def run(self, *command: str) -> str:
        """Run a command in the folder; return what it prints."""
        environment = os.environ | {"OPENAI_API_KEY": self.key, "PYTHONIOENCODING": "utf-8"}
        run = subprocess.run(
            command,
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert run.stderr == ""
        return run.stdout

    def check_same_request(self) -> None:
        """Check that the latest request was the same, and had the same answer."""
        latest = self.entries()[-1]
        assert latest["id"] != self.entry["id"]
        assert {name: latest[name] for name in _SENT} == {name: self.entry[name] for name in _SENT}
        assert [(each["file"], each["sha256"]) for each in latest["audio"]] == [
            (each["file"], each["sha256"]) for each in self.entry["audio"]
        ]
        assert latest["headers"].get("x-tenant") == self.entry["headers"].get("x-tenant")

    @property
    def _headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.key}"}

    def _put_files(self) -> None:
        for line in self.code["curl"].splitlines():
            if line.startswith("# Reads "):
                name = line.removeprefix("# Reads ").partition(" from the current folder")[0]
                data = b"123" if name == "i.png" else _HELLO.read_bytes()
                (self.folder / name).write_bytes(data)


@pytest.fixture
def exchange(send: Send, server: MockServer, client: openai.OpenAI, api_key: str, tmp_path: Path) -> Exchange:
    send(client)
    return Exchange(server, api_key, tmp_path)


@every_exchange
def test_curl_sends_the_same_request(exchange: Exchange) -> None:
    printed = exchange.run_curl()
    exchange.check_same_request()
    if exchange.entry["endpoint"] == "speech":
        assert (exchange.folder / "answer.wav").read_bytes().startswith(b"RIFF")
    elif exchange.entry["stream_events"] is not None:
        assert printed.startswith("data: ") or "\ndata: " in printed
    else:
        assert printed


@every_exchange
def test_python_sends_the_same_request_and_shows_the_same_answer(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    program = exchange.folder / "again.py"
    program.write_text(exchange.code["python"], "utf-8")
    monkeypatch.chdir(exchange.folder)
    monkeypatch.setenv("OPENAI_API_KEY", exchange.key)
    if exchange.entry["error"] and "openai.OpenAI" in exchange.code["python"]:
        with pytest.raises(openai.NotFoundError):
            runpy.run_path(str(program))
        exchange.check_same_request()
        return
    runpy.run_path(str(program))
    printed = capsys.readouterr().out
    exchange.check_same_request()
    by_curl = exchange.run_curl()
    if by_curl.startswith("{"):
        assert _comparable(json.loads(printed)) == _comparable(json.loads(by_curl))


@pytest.mark.timeout(240)
def test_the_tests_pass_by_themselves(
    server: MockServer, client: openai.OpenAI, api_key: str, tmp_path: Path
) -> None:
    written = 0
    for send in _EXCHANGES:
        send(client)
        exchange = Exchange(server, api_key, tmp_path)
        assert exchange.code["test"] or exchange.code["missing"]["test"]
        if exchange.code["test"]:
            (tmp_path / f"test{send.__name__}.py").write_text(exchange.code["test"], "utf-8")
            written += 1
    options = ("-q", "-p", "no:cacheprovider", "--mockserver", "whisper_model=none")
    assert f"{written} passed" in exchange.run(sys.executable, "-m", "pytest", *options)
    assert written >= 10


every_answer = pytest.mark.parametrize(
    "send", [each for each in _EXCHANGES if each != _refused], ids=lambda send: send.__name__.strip("_")
)


@every_answer  # a request that is refused before stubs are tried is refused again
def test_the_stub_gives_the_same_answer(exchange: Exchange) -> None:
    if exchange.code["stub"] is None:
        assert exchange.code["missing"]["stub"]
        return
    stub = exchange.post("stubs", exchange.code["stub"]).raise_for_status().json()
    exchange.run_curl()
    exchange.check_same_request()
    assert exchange.entries()[-1]["stub"] == stub["id"]


@every_answer
def test_every_fault_is_accepted_and_hits_once(exchange: Exchange) -> None:
    faults = [exchange.post("faults", each).raise_for_status().json() for each in exchange.code["fault"]]
    assert len(faults) > 5
    for fault in faults[1:]:
        httpx.delete(f"{exchange.server.url}/_mock/faults/{fault['id']}", headers=exchange._headers)
    exchange.run_curl()
    assert exchange.entries()[-1]["fault"]["id"] == faults[0]["id"]
    assert exchange.entries()[-1]["error"] == "rate_limit_requests"
    exchange.run_curl()
    assert exchange.entries()[-1]["fault"] is None


@pytest.mark.parametrize("send", [_transcription, _odd_file_name, _chat_with_audio])
def test_the_fixture_is_accepted_and_answers(exchange: Exchange, tmp_path: Path) -> None:
    folder = tmp_path / "fixtures"
    folder.mkdir()
    fixture = {name: value for name, value in exchange.code["fixture"].items() if name != "segments"}
    fixture["text"] = "As the file says."
    (folder / "saved.json").write_text(json.dumps(fixture), "utf-8")
    settings = Settings(port=0, whisper_model="none", fixtures=(str(folder),), log_level="warning")
    with MockServer(settings) as other:
        answer = other.account().client.audio.transcriptions.create(model="whisper-1", file=_HELLO)
    assert answer.text == "As the file says."
    assert exchange.code["fixture"]["text"] == exchange.entry["heard"]


@pytest.mark.parametrize(
    ("model", "form"), [("whisper-1", "verbose_json"), ("gpt-4o-transcribe-diarize", "diarized_json")]
)
def test_a_saved_fixture_answers_with_the_same_segments_words_and_speakers(
    server: MockServer, client: openai.OpenAI, api_key: str, tmp_path: Path, model: str, form: Any
) -> None:
    words = [{"word": "Guten", "start": 0.1, "end": 0.5}, {"word": "Tag.", "start": 0.5, "end": 0.9}]
    segments = [
        {"speaker": "A", "start": 0.1, "end": 0.9, "text": "Guten Tag.", "words": words},
        {"speaker": "B", "start": 1.0, "end": 2.0, "text": "Hallo."},
    ]
    reply = {"language": "de", "segments": segments}
    server.account(api_key).on_transcription().reply(**reply)  # type: ignore[arg-type]
    granularities: Any = {"timestamp_granularities": ["word", "segment"]} if model == "whisper-1" else {}
    before = client.audio.transcriptions.create(
        model=model, file=_HELLO, response_format=form, **granularities
    )
    folder = tmp_path / "fixtures"
    folder.mkdir()
    fixture = Exchange(server, api_key, tmp_path).code["fixture"]
    (folder / "saved.json").write_text(json.dumps(fixture), "utf-8")
    settings = Settings(port=0, whisper_model="none", fixtures=(str(folder),), log_level="warning")
    with MockServer(settings) as other:
        transcriptions = other.account().client.audio.transcriptions
        after = transcriptions.create(model=model, file=_HELLO, response_format=form, **granularities)
        assert other.journal[-1]["answered_by"] == "fixture; name=saved"
    assert after.to_dict() == before.to_dict()


def _comparable(value: Any) -> Any:
    """Return an answer without what differs between two answers to the same request, and vectors, which the SDK decodes."""
    if isinstance(value, dict):
        return {name: _comparable(each) for name, each in value.items() if name not in _PRIVATE}
    return [_comparable(each) for each in value] if isinstance(value, list) else value
