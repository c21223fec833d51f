"""`/_mock/journal/{id}/audio` and `/said`: what was sent and said, with transcripts, kept or spoken again."""

from __future__ import annotations

import base64
import hashlib
import io
import wave
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from mockserver.audio.decode import decode
from mockserver.audio.encode import write_wav
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer

Clip = tuple[str, bytes]

WORDS = "Good morning. It is me."
FORMATS = {
    "mp3": ("mp3", "audio/mpeg"),
    "opus": ("ogg", "audio/ogg"),
    "aac": ("aac", "audio/aac"),
    "flac": ("flac", "audio/flac"),
    "wav": ("wav", "audio/wav"),
}


@pytest.fixture(scope="module")
def keeping() -> Iterator[MockServer]:
    """Yield a server that keeps audio."""
    with MockServer(
        Settings(port=0, whisper_model="none", log_level="warning", keep_audio=1 << 22)
    ) as running:
        yield running


@pytest.fixture
def kept(keeping: MockServer, api_key: str) -> Iterator[openai.OpenAI]:
    """Yield a client of the server that keeps audio."""
    with openai.OpenAI(base_url=keeping.base_url, api_key=api_key) as client:
        yield client


@pytest.fixture
def api(server: MockServer, api_key: str) -> AudioApi:
    return server.account(api_key)


def entry_of(client: openai.OpenAI) -> dict[str, Any]:
    """Return the latest entry of the client's account."""
    entry: dict[str, Any] = download(client, "").json()["entries"][-1]
    return entry


def download(client: openai.OpenAI, path: str) -> httpx.Response:
    """Call the journal's part of the control API."""
    root = str(client.base_url).removesuffix("v1/")
    return httpx.get(f"{root}_mock/journal{path}", headers={"Authorization": f"Bearer {client.api_key}"})


def speak(client: openai.OpenAI, response_format: Any = "mp3", **options: Any) -> bytes:
    options = {"model": "tts-1", "voice": "alloy", "input": WORDS, **options}
    return client.audio.speech.create(response_format=response_format, **options).read()


def seconds_of(wav: bytes) -> float:
    with wave.open(io.BytesIO(wav)) as file:
        return float(file.getnframes() / file.getframerate())


# Transcripts.


def test_a_transcript_has_the_segments_and_words_of_the_engine(client: openai.OpenAI, hello: Clip) -> None:
    client.audio.transcriptions.create(model="whisper-1", file=hello)
    (audio,) = entry_of(client)["audio"]
    transcript = audio["transcript"]
    assert transcript["language"] == "en"
    (segment,) = transcript["segments"]
    assert (segment["text"], segment["speaker"]) == (audio["heard"], None)
    assert [word["word"] for word in transcript["words"]] == audio["heard"].split()
    assert all(word["start"] <= word["end"] <= segment["end"] for word in transcript["words"])


def test_a_stream_has_the_speakers_in_its_transcript(client: openai.OpenAI, hello: Clip) -> None:
    model: Any = "gpt-4o-transcribe-diarize"
    options: Any = {"response_format": "diarized_json", "stream": True, "chunking_strategy": "auto"}
    for _ in client.audio.transcriptions.create(model=model, file=hello, **options):
        pass
    (audio,) = entry_of(client)["audio"]
    assert [segment["speaker"] for segment in audio["transcript"]["segments"]] == ["A"]


def test_a_secret_in_what_was_heard_is_hidden(
    client: openai.OpenAI, api: AudioApi, api_key: str, hello: Clip
) -> None:
    api.on_transcription().reply(f"My key is {api_key}. Do not share it.")
    client.audio.transcriptions.create(model="whisper-1", file=hello)
    entry = entry_of(client)
    assert api_key not in str(entry)
    (segment,) = entry["audio"][0]["transcript"]["segments"]
    assert segment["text"].startswith("My key is sk-mock-")
    assert entry["audio"][0]["transcript"]["words"] is None


def test_a_long_transcript_is_cut_at_a_segment(client: openai.OpenAI, api: AudioApi, hello: Clip) -> None:
    api.on_transcription().reply("Hm. " * 600)
    client.audio.transcriptions.create(model="whisper-1", file=hello)
    transcript = entry_of(client)["audio"][0]["transcript"]
    assert (len(transcript["segments"]), transcript["segments_dropped"]) == (500, 100)


# What was said.


def test_an_entry_says_what_is_kept(kept: openai.OpenAI, client: openai.OpenAI, hello: Clip) -> None:
    for api, is_kept in ((kept, True), (client, False)):
        api.audio.transcriptions.create(model="whisper-1", file=hello)
        speak(api)
        heard, said = download(api, "").json()["entries"][-2:]
        assert [file["kept"] for file in download(api, f"/{heard['id']}").json()["audio"]] == [is_kept]
        assert [file["kept"] for file in download(api, f"/{said['id']}").json()["said_audio"]] == [is_kept]


@pytest.mark.parametrize("response_format", FORMATS)
def test_speech_is_kept_as_it_was_sent(kept: openai.OpenAI, response_format: str) -> None:
    sent = speak(kept, response_format)
    entry = entry_of(kept)
    (said,) = entry["said_audio"]
    container, kind = FORMATS[response_format]
    assert (said["place"], said["container"], said["size"]) == ("body", container, len(sent))
    assert said["sha256"] == hashlib.sha256(sent).hexdigest()
    assert (said["text"], said["voice"], said["speed"]) == (WORDS, "alloy", 1.0)
    assert [word["word"] for word in said["transcript"]["words"]] == WORDS.split()
    response = download(kept, f"/{entry['id']}/said/0")
    assert (response.content, response.headers["content-type"]) == (sent, kind)
    assert response.headers["x-mock-said"] == "kept"


def test_samples_are_downloaded_as_a_file_that_plays(kept: openai.OpenAI) -> None:
    sent = speak(kept, "pcm")
    response = download(kept, f"/{entry_of(kept)['id']}/said/0")
    assert response.content == write_wav(sent, 24_000)


def test_a_streamed_speech_is_kept_too(kept: openai.OpenAI) -> None:
    options: Any = {"model": "gpt-4o-mini-tts", "voice": "coral", "stream_format": "sse"}
    kept.audio.speech.create(input=WORDS, response_format="flac", **options).read()
    response = download(kept, f"/{entry_of(kept)['id']}/said/0")
    assert decode(response.content, keep_seconds=0, max_seconds=60).facts.container == "flac"


@pytest.mark.parametrize("stream", [False, True])
def test_the_audio_of_a_chat_is_said_audio(kept: openai.OpenAI, stream: bool) -> None:
    audio: Any = {"voice": "verse", "format": "pcm16" if stream else "mp3"}
    answer: Any = kept.chat.completions.create(
        model="gpt-audio",
        modalities=["text", "audio"],
        audio=audio,
        messages=[{"role": "user", "content": "Hello."}],
        stream=stream,
    )
    choices = [each.choices[0] for each in answer] if stream else answer.choices
    parts = [(each.delta if stream else each.message).audio for each in choices]
    whole = b"".join(base64.b64decode(part.data) for part in parts if part is not None and part.data)
    entry = entry_of(kept)
    (said,) = entry["said_audio"]
    assert (said["place"], said["voice"]) == ("choices[0].message.audio", "verse")
    assert said["text"] == entry["reply"]["text"]
    assert said["sha256"] == hashlib.sha256(whole).hexdigest()


def test_speech_that_was_not_kept_is_spoken_again(client: openai.OpenAI) -> None:
    speak(client, "mp3", voice="nova", speed=2.0)
    sent = speak(client, "pcm", voice="nova", speed=2.0)
    (said,) = entry_of(client)["said_audio"]
    response = download(client, f"/{entry_of(client)['id']}/said/0")
    assert response.headers["x-mock-said"] == "spoken-again"
    assert response.content == write_wav(sent, 24_000), "in the same voice, at the same speed"
    assert said["duration"] == pytest.approx(seconds_of(response.content), abs=0.001)


def test_the_sound_of_a_stub_cannot_be_spoken_again(
    client: openai.OpenAI, api: AudioApi, hello: Clip
) -> None:
    api.on_speech().speak(hello[1])
    speak(client)
    entry = entry_of(client)
    assert (entry["said_audio"][0]["voice"], entry["said_audio"][0]["transcript"]) == (None, None)
    response = download(client, f"/{entry['id']}/said/0")
    assert response.status_code == 404
    assert "a stub answered with a sound. Raise the setting keep_audio" in response.json()["error"]


def test_an_answer_without_speech_says_nothing(client: openai.OpenAI) -> None:
    client.models.list()
    entry = entry_of(client)
    assert entry["said_audio"] == []
    response = download(client, f"/{entry['id']}/said/0")
    assert response.status_code == 404
    assert "has 0 audio files" in response.json()["error"]


def test_audio_that_is_larger_than_what_is_kept_is_spoken_again(api_key: str) -> None:
    settings = Settings(port=0, whisper_model="none", log_level="warning", keep_audio=1_000)
    with MockServer(settings) as server, openai.OpenAI(base_url=server.base_url, api_key=api_key) as client:
        speak(client)
        response = download(client, f"/{entry_of(client)['id']}/said/0")
    assert response.headers["x-mock-said"] == "spoken-again"


def test_a_session_is_listed_without_its_events(client: openai.OpenAI, api: AudioApi) -> None:
    with api.caller() as call:
        call.say("Good morning.")
        call.hear()
    [entry] = download(client, "?fields=id,realtime.turns,realtime.kind").json()["entries"]
    assert list(entry) == ["id", "realtime"]
    assert list(entry["realtime"]) == ["turns", "kind"]
    assert entry["realtime"]["turns"][0]["heard"] == "Good morning."
    refused = download(client, "?fields=realtime.turn")
    assert refused.status_code == 400
