"""`/v1/audio/voices`, through the official SDK: custom voices and their sound."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import openai
import pytest

from mockserver.app import services_of
from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.audio.containers import encode, tone
from tests.conftest import FIXTURES

HELLO = FIXTURES / "hello.wav"
SENTENCE = "Hello world, this is a test of a voice."


def consent(client: openai.OpenAI) -> str:
    return client.audio.voice_consents.create(name="Jane", language="en-US", recording=HELLO).id


def create(client: openai.OpenAI, **changes: Any) -> str:
    """Create a voice; return its id."""
    form: dict[str, Any] = {"name": "Jane's voice", "audio_sample": HELLO, **changes}
    if "consent" not in form:
        form["consent"] = consent(client)
    return client.audio.voices.create(**form).id


def pcm(client: openai.OpenAI, voice: Any, **changes: Any) -> bytes:
    form: dict[str, Any] = {"model": "gpt-4o-mini-tts", "input": SENTENCE, "response_format": "pcm"}
    return client.audio.speech.create(**(form | changes), voice=voice).read()


def chat(client: openai.OpenAI, voice: Any) -> bytes:
    """Return the sound of a spoken reply."""
    completion = client.chat.completions.create(
        model="gpt-audio",
        modalities=["text", "audio"],
        audio={"voice": voice, "format": "pcm16"},
        messages=[{"role": "user", "content": "Hi"}],
    )
    audio = completion.choices[0].message.audio
    assert audio is not None
    return base64.b64decode(audio.data)


def fundamental(sound: bytes) -> float:
    """Return the pitch of a voice in Hz: the median over voiced frames of 50 ms, by autocorrelation."""
    samples, width = np.frombuffer(sound, "<i2").astype(float), 1200
    found = []
    for start in range(0, len(samples) - width, width // 2):
        piece = samples[start : start + width] - samples[start : start + width].mean()
        repeats = np.correlate(piece, piece, "full")[width - 1 :]
        lag = 60 + int(np.argmax(repeats[60:480]))  # 400 to 50 Hz
        if piece.std() > 500 and repeats[lag] > 0.6 * repeats[0]:
            found.append(24_000 / lag)
    return float(np.median(found))


def refusal(error: openai.APIStatusError) -> tuple[int, str, str | None, str | None]:
    return error.status_code, error.body["message"], error.param, error.code  # type: ignore[index]


def test_a_voice_of_a_sample(client: openai.OpenAI) -> None:
    voice = client.audio.voices.create(name="Jane", audio_sample=HELLO, consent=consent(client))
    assert voice.id.startswith("voice_")
    expected = {"object": "audio.voice", "id": voice.id, "name": "Jane", "type": "audio_sample"}
    assert voice.to_dict() == expected | {"created_at": voice.created_at}
    deleted = client.audio.voices.delete(voice.id)
    assert deleted.to_dict() == {"id": voice.id, "object": "audio.voice.deleted", "deleted": True}


def test_a_voice_of_a_prompt_comes_as_a_form_or_as_json(client: openai.OpenAI) -> None:
    voice = client.audio.voices.create(name="Old", type="prompt", prompt="An old sailor.", model="2026-10-08")
    assert (voice.type, voice.prompt) == ("prompt", "An old sailor.")
    body = {"name": "Old", "type": "prompt", "prompt": "An old sailor."}
    answer: dict[str, Any] = client.post("/audio/voices", body=body, cast_to=dict[str, Any])
    assert answer | {"id": voice.id, "created_at": voice.created_at} == voice.to_dict()


@pytest.mark.parametrize("model", ["gpt-4o-mini-tts", "tts-1"])
def test_a_created_voice_speaks_always_the_same(client: openai.OpenAI, model: str) -> None:
    voice = create(client)
    first = pcm(client, {"id": voice}, model=model)
    assert len(first) > 24_000 * 2
    assert pcm(client, {"id": voice}, model=model) == first == pcm(client, voice, model=model)


def test_a_created_voice_speaks_in_chats(client: openai.OpenAI) -> None:
    voice = create(client)
    assert chat(client, {"id": voice}) == chat(client, voice)
    assert chat(client, voice) != chat(client, "alloy")


def test_voices_differ_in_pitch_and_pace() -> None:
    ids = [f"voice_{number}" for number in range(12)]
    settings = Settings(port=0, whisper_model="none", custom_voices=", ".join(ids))
    with MockServer(settings) as running:
        sounds = [pcm(running.client, {"id": voice}) for voice in ids]
    assert len(set(sounds)) == len(ids)
    pitches = sorted(fundamental(sound) for sound in sounds)
    assert pitches[0] < 110
    assert pitches[-1] > 180
    lengths = sorted(len(sound) for sound in sounds)
    assert lengths[-1] > 1.15 * lengths[0]


def test_the_same_id_sounds_the_same_on_another_server(client: openai.OpenAI) -> None:
    voice = create(client)
    with MockServer(Settings(port=0, whisper_model="none", custom_voices=voice)) as other:
        assert pcm(other.client, {"id": voice}) == pcm(client, {"id": voice})


def test_an_unknown_voice_is_not_found(client: openai.OpenAI, server: MockServer) -> None:
    deleted = create(client)
    client.audio.voices.delete(deleted)
    strangers = create(server.account().client)
    for voice in ("voice_1234", deleted, strangers):
        message = f"No voice found with id '{voice}'."
        with pytest.raises(openai.NotFoundError) as caught:
            pcm(client, {"id": voice})
        assert refusal(caught.value) == (404, message, "voice", None)
        with pytest.raises(openai.NotFoundError) as caught:
            chat(client, {"id": voice})
        assert refusal(caught.value) == (404, message, "audio.voice", None)
        with pytest.raises(openai.NotFoundError) as caught:
            client.audio.voices.delete(voice)
        assert refusal(caught.value) == (404, message, None, None)
        with pytest.raises(openai.BadRequestError, match="Input should be 'alloy'"):
            pcm(client, voice)
        with pytest.raises(openai.BadRequestError, match=r"Supported values are"):
            chat(client, voice)


def test_a_built_in_name_is_no_id(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        pcm(client, {"id": "alloy"})


def test_voices_of_prompts_speak_only_in_live(client: openai.OpenAI) -> None:
    voice = client.audio.voices.create(name="Old", type="prompt", prompt="An old sailor.").id
    message = f"The voice '{voice}' was created from a prompt. Such voices are supported only in Live."
    with pytest.raises(openai.BadRequestError) as caught:
        pcm(client, {"id": voice})
    assert refusal(caught.value) == (400, message, "voice", "unsupported_value")
    with pytest.raises(openai.BadRequestError) as caught:
        chat(client, {"id": voice})
    assert refusal(caught.value) == (400, message, "audio.voice", "unsupported_value")


def test_a_voice_takes_a_consent_of_the_account(client: openai.OpenAI, server: MockServer) -> None:
    deleted = consent(client)
    client.audio.voice_consents.delete(deleted)
    strangers = consent(server.account().client)
    for unknown in ("cons_1234", deleted, strangers):
        with pytest.raises(openai.NotFoundError) as caught:
            create(client, consent=unknown)
        message = f"No voice consent found with id '{unknown}'."
        assert refusal(caught.value) == (404, message, "consent", None)


def test_one_consent_serves_several_voices_which_outlive_it(client: openai.OpenAI) -> None:
    given = consent(client)
    voices = [create(client, consent=given) for _ in range(2)]
    client.audio.voice_consents.delete(given)
    assert all(pcm(client, {"id": voice}) for voice in voices)


@pytest.mark.parametrize("file_type", ["mp3", "wav", "webm"])
def test_a_sample_lasts_30_seconds_at_most(client: openai.OpenAI, file_type: str) -> None:
    given = consent(client)
    create(client, consent=given, audio_sample=encode(tone(29.8), file_type))
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, consent=given, audio_sample=encode(tone(31), file_type))
    message = "The audio sample is 31.0 seconds long; it may be at most 30 seconds long."
    assert refusal(caught.value) == (400, message, "audio_sample", "invalid_value")


@pytest.mark.parametrize(
    ("sample", "status", "code"),
    [
        (b"These are words.", 400, "invalid_value"),
        (("a.txt", b"These are words.", "text/plain"), 400, "unsupported_value"),
        (bytes((10 << 20) + 1), 413, None),
    ],
)
def test_a_sample_is_audio_of_at_most_10_mebibytes(
    client: openai.OpenAI, sample: Any, status: int, code: str | None
) -> None:
    with pytest.raises(openai.APIStatusError) as caught:
        create(client, audio_sample=sample)
    found, _, param, found_code = refusal(caught.value)
    assert (found, param, found_code) == (status, "audio_sample", code)


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({"consent": "cons_1", "audio_sample": "x"}, "Missing required parameter: 'name'."),
        ({"name": "a", "consent": "cons_1"}, "Missing required parameter: 'audio_sample'."),
        (
            {"name": "a", "type": "design", "prompt": "x"},
            "Invalid value: 'design'. Supported values are: 'audio_sample' and 'prompt'.",
        ),
        ({"name": "a", "audio_sample": "x"}, "Missing required parameter: 'consent'."),
        ({"name": "a", "type": "prompt"}, "Missing required parameter: 'prompt'."),
        ({"name": "a", "type": "prompt", "prompt": "x", "mood": "x"}, "Unknown parameter: 'mood'."),
        (
            {"name": "a", "type": "clone", "consent": "cons_1", "audio_sample": "x"},
            "Invalid value: 'clone'. Supported values are: 'audio_sample' and 'prompt'.",
        ),
        (
            {"name": "", "type": "prompt", "prompt": "x"},
            "Invalid 'name': empty string. Expected a string with minimum length 1, but got an empty string instead.",
        ),
    ],
)
def test_a_malformed_request_is_refused(client: openai.OpenAI, form: dict[str, str], message: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.post("/audio/voices", body=form, cast_to=object)
    assert refusal(caught.value)[:2] == (400, message)


@pytest.mark.parametrize("blank", [{"prompt": " \n"}, {"prompt": "x", "script_hint": " "}])
def test_a_blank_prompt_or_script_is_refused(client: openai.OpenAI, blank: Any) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.audio.voices.create(name="a", type="prompt", **blank)
    assert caught.value.param == list(blank)[-1]


def test_a_prompt_takes_a_documented_model(client: openai.OpenAI) -> None:
    with pytest.raises(openai.NotFoundError, match="The model `tts-1` does not exist"):
        client.audio.voices.create(name="a", type="prompt", prompt="x", model="tts-1")


def test_a_sample_in_json_is_no_file(client: openai.OpenAI) -> None:
    body = {"name": "a", "consent": consent(client), "audio_sample": "UklGRg=="}
    with pytest.raises(openai.BadRequestError, match="multipart/form-data"):
        client.post("/audio/voices", body=body, cast_to=object)


def test_an_organization_has_20_voices_at_most(client: openai.OpenAI, api_key: str) -> None:
    given = consent(client)
    voices = [create(client, consent=given) for _ in range(20)]
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, consent=given)
    message = "Your organization has 20 custom voices, which is the most that it can have. Delete one to create another."
    assert refusal(caught.value) == (400, message, None, "voice_limit_reached")
    client.audio.voices.delete(voices[0])
    create(client, consent=given)


def test_voices_that_are_created_at_the_same_time_are_no_more_than_20(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with MockServer(Settings(whisper_model="none", port=0)) as server:
        client = server.client
        for _ in range(19):
            client.audio.voices.create(name="a", type="prompt", prompt="x")
        ids, met = services_of(server.app).ids, threading.Barrier(3, timeout=30)

        def voice_id(made: Callable[[], str] = ids.voice_id) -> str:
            met.wait()  # all are checked and none is stored yet
            return made()

        monkeypatch.setattr(ids, "voice_id", voice_id)
        with ThreadPoolExecutor() as threads:
            asked = [
                threads.submit(client.audio.voices.create, name="a", type="prompt", prompt="x")
                for _ in range(3)
            ]
        refused = [each.exception() for each in asked if each.exception() is not None]
        assert [getattr(each, "code", each) for each in refused] == ["voice_limit_reached"] * 2
        assert len(services_of(server.app).store.all("voice")) == 20


def test_strictness_schema_takes_any_sample_and_every_voice_speaks(
    client: openai.OpenAI, schemas: Schemas
) -> None:
    lenient = client.with_options(default_headers={"x-mock-strictness": "schema"})
    voice = lenient.audio.voices.create(name="a", audio_sample=b"Example data", consent="consent")
    assert schemas.violations("openai/voice.response", voice.to_dict()) == []
    prompted = lenient.audio.voices.create(name="a", type="prompt", prompt="x")
    assert schemas.violations("openai/voice.response", prompted.to_dict()) == []
    deleted = lenient.audio.voices.delete("voice_1234").to_dict()
    assert schemas.violations("openai/voice_deleted.response", deleted) == []
    assert pcm(lenient, {"id": "voice_1234"}) == pcm(lenient, {"id": "voice_1234"})
    assert pcm(lenient, {"id": "voice_1234"}) != pcm(lenient, {"id": prompted.id})


def test_a_reset_forgets_voices_and_consents(client: openai.OpenAI, api: AudioApi) -> None:
    given, voice = consent(client), create(client)
    api.reset()
    with pytest.raises(openai.NotFoundError):
        pcm(client, {"id": voice})
    with pytest.raises(openai.NotFoundError):
        client.audio.voice_consents.retrieve(given)


def test_voices_and_consents_are_kept_in_the_state_folder(tmp_path: Path) -> None:
    settings = Settings(port=0, whisper_model="none", state=str(tmp_path))
    with MockServer(settings) as first:
        given, voice = consent(first.client), create(first.client)
        sound = pcm(first.client, {"id": voice})
    with MockServer(settings) as second:
        assert pcm(second.client, {"id": voice}) == sound
        assert second.client.audio.voice_consents.retrieve(given).name == "Jane"
        second.client.audio.voices.delete(voice)
    with MockServer(settings) as third, pytest.raises(openai.NotFoundError):
        pcm(third.client, {"id": voice})


def test_a_snapshot_has_voices_and_consents(client: openai.OpenAI, server: MockServer) -> None:
    import httpx

    given, voice = consent(client), create(client)
    state = httpx.get(f"{server.url}/_mock/snapshot").raise_for_status().json()
    client.audio.voices.delete(voice)
    client.audio.voice_consents.delete(given)
    httpx.put(f"{server.url}/_mock/snapshot", json=state).raise_for_status()
    assert client.audio.voice_consents.retrieve(given).id == given
    assert pcm(client, {"id": voice})


def test_the_journal_has_the_facts_of_the_sample(client: openai.OpenAI, api: AudioApi) -> None:
    create(client)
    entry = api.journal[-1]
    assert entry["endpoint"] == "create_voice"
    assert entry["request"]["name"] == "Jane's voice"
    (audio,) = entry["audio"]
    assert (audio["file"], audio["container"]) == ("hello.wav", "wav")


def test_faults_and_stubs_know_voices_by_their_operation(client: openai.OpenAI, api: AudioApi) -> None:
    given = consent(client)
    api.fail_next("voices_not_enabled", endpoint="create_voice")
    with pytest.raises(openai.PermissionDeniedError, match="Custom voices are not enabled"):
        create(client, consent=given)
    api.on("create_voice").reply_json(
        {"object": "audio.voice", "id": "voice_mine", "name": "Mine", "created_at": 1, "type": "audio_sample"}
    )
    assert create(client, consent=given) == "voice_mine"
