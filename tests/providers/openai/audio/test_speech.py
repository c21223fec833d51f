"""`POST /v1/audio/speech`: real audio, in every format and voice, streamed."""

from __future__ import annotations

import base64
import io
import json
import re
import wave
from collections.abc import Callable
from typing import Literal

import av
import numpy as np
import openai
import pytest
from numpy.typing import NDArray

from mockserver.audio.encode import CONTENT_TYPES
from mockserver.catalog.tables import Catalog
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

SENTENCE = "Hello, world! This is a streaming test."
JSON = {"Content-Type": "application/json"}


def speak(send: Send, **changes: object) -> RawResponse:
    body = {"model": "gpt-4o-mini-tts", "voice": "alloy", "input": SENTENCE, **changes}
    return send("POST", "/v1/audio/speech", json.dumps(body).encode(), JSON)


def samples(response: RawResponse) -> NDArray[np.int16]:
    return np.frombuffer(response.body, "<i2")


def message(response: RawResponse) -> str:
    body = response.json()
    assert isinstance(body, dict)
    assert (body["error"]["param"], body["error"]["code"]) == (None, None)
    return str(body["error"]["message"])


@pytest.mark.parametrize(("response_format", "content_type"), CONTENT_TYPES.items())
def test_each_format_has_its_content_type_and_is_sent_in_chunks(
    send: Send, response_format: str, content_type: str
) -> None:
    response = speak(send, response_format=response_format)
    assert response.status == 200
    assert response.headers["content-type"] == content_type
    assert response.headers["transfer-encoding"] == "chunked"
    assert len(response.chunks) > 2


def test_mp3_is_the_default(send: Send) -> None:
    response = speak(send)
    with av.open(io.BytesIO(response.body)) as container:
        stream = container.streams.audio[0]
        assert (container.format.name, stream.rate, stream.channels) == ("mp3", 24_000, 1)
        assert stream.codec_context.bit_rate == 128_000


def test_a_wav_does_not_know_its_length_beforehand(send: Send) -> None:
    body = speak(send, response_format="wav").body
    assert body[:8] == b"RIFF\xff\xff\xff\xff"
    assert body[36:44] == b"data\xff\xff\xff\xff"


def test_pcm_is_the_wav_without_its_header(send: Send) -> None:
    assert speak(send, response_format="pcm").body == speak(send, response_format="wav").body[44:]


def test_the_same_request_gives_the_same_bytes(send: Send) -> None:
    assert speak(send, response_format="opus").body == speak(send, response_format="opus").body


def test_thirteen_voices_sound_different(send: Send) -> None:
    voices = [voice.name for voice in Catalog().voices]
    assert len({speak(send, voice=voice, response_format="pcm").body for voice in voices}) == 13


@pytest.mark.parametrize("speed", [0.25, 0.5, 2.0, 4.0])
def test_speed_changes_the_duration(send: Send, speed: float) -> None:
    text = " ".join(["The quick brown fox jumps over the lazy dog."] * 3)
    normal = len(samples(speak(send, input=text, response_format="pcm")))
    changed = len(samples(speak(send, input=text, response_format="pcm", speed=speed)))
    assert changed * speed == pytest.approx(normal, rel=0.1)


def test_instructions_change_the_delivery(send: Send) -> None:
    plain = speak(send, response_format="pcm").body
    assert len(speak(send, response_format="pcm", instructions="Speak very slowly.").body) > 1.1 * len(plain)


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd"])
def test_the_older_models_ignore_instructions(send: Send, model: str) -> None:
    plain = speak(send, model=model, response_format="pcm").body
    assert speak(send, model=model, response_format="pcm", instructions="Speak very slowly.").body == plain


def test_unknown_fields_are_ignored(send: Send) -> None:
    assert speak(send, mood="sunny").status == 200


def test_server_sent_events_carry_the_same_audio_in_4096_bytes_each(send: Send) -> None:
    response = speak(send, stream_format="sse")
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert response.headers["cache-control"] == "no-store"
    assert response.body.endswith(b"data: [DONE]\r\n\r\n")
    events = [json.loads(line[6:]) for line in response.body.split(b"\r\n\r\n")[:-2]]
    *deltas, done = events
    pieces = [base64.b64decode(event["audio"]) for event in deltas]
    assert [len(piece) for piece in pieces[:-1]] == [4096] * (len(pieces) - 1)
    assert b"".join(pieces) == speak(send).body
    assert list(done) == ["type", "usage"]
    assert done["usage"]["input_tokens"] == 10
    assert done["usage"]["total_tokens"] == 10 + done["usage"]["output_tokens"]


def test_an_event_is_compact_and_begins_with_its_type(send: Send) -> None:
    response = speak(send, stream_format="sse")
    assert response.body.startswith(b'data: {"type":"speech.audio.delta","audio":"')


@pytest.mark.parametrize(
    ("response_format", "name"), [("mp3", "a.mp3"), ("opus", "a.ogg"), ("flac", "a.flac"), ("wav", "a.wav")]
)
def test_the_sdk_gets_its_speech_transcribed_word_for_word(
    client: openai.OpenAI, response_format: Literal["mp3", "opus", "flac", "wav"], name: str
) -> None:
    speech = client.audio.speech.create(
        model="tts-1", voice="nova", input=SENTENCE, response_format=response_format
    )
    assert client.audio.transcriptions.create(model="whisper-1", file=(name, speech.content)).text == SENTENCE


def test_its_own_words_are_recognised_in_another_container(client: openai.OpenAI) -> None:
    pcm = client.audio.speech.create(
        model="tts-1", voice="echo", input=SENTENCE, response_format="pcm"
    ).content
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, 24_000, 0, "NONE", "not compressed"))
        file.writeframes(pcm)
    raw = client.audio.transcriptions.with_raw_response.create(
        model="whisper-1", file=("a.wav", buffer.getvalue()), response_format="verbose_json"
    )
    assert raw.headers["x-mock-answered-by"] == "spoken"
    assert json.loads(raw.text)["text"] == SENTENCE


async def _speak_asynchronously(base_url: str, key: str) -> list[int]:
    async with (
        openai.AsyncOpenAI(base_url=base_url, api_key=key) as client,
        client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice="verse", input=SENTENCE
        ) as response,
    ):
        return [len(piece) async for piece in response.iter_bytes()]


def test_the_asynchronous_sdk_hears_it_piece_by_piece(client: openai.OpenAI) -> None:
    import asyncio

    assert len(asyncio.run(_speak_asynchronously(str(client.base_url), client.api_key))) > 2


def test_a_text_of_more_than_4096_characters_is_too_long(send: Send) -> None:
    text = "a" * 4097
    assert message(speak(send, model="tts-1", input=text)) == (
        "[{'type': 'string_too_long', 'loc': ('body', 'input'), "
        f"'msg': 'String should have at most 4096 characters', 'input': '{text}', 'ctx': {{'max_length': 4096}}}}]"
    )


def test_gpt_4o_mini_tts_bounds_its_text_by_tokens(send: Send) -> None:
    longest = speak(send, input="Good morning to all. " * 240, speed=4, response_format="pcm")
    assert longest.status == 200
    response = speak(send, input="Good morning to all. " * 500)
    document = response.json()
    assert isinstance(document, dict)
    assert response.status == 400
    assert re.fullmatch(
        r"Input of 2\d{3} tokens is over the maximum input limit of 2000 tokens\. Please shorten your input\.",
        document["error"].pop("message"),
    )
    assert document["error"] == {"type": "invalid_request_error", "param": None, "code": "invalid_value"}


@pytest.mark.parametrize("speed", ["1.0", " 2 ", "4e-1"])
def test_a_number_may_be_sent_as_a_text(send: Send, speed: str) -> None:
    assert speak(send, input="Hi.", speed=speed).status == 200


@pytest.mark.parametrize("speed", ["fast", "", "1,0"])
def test_a_text_that_is_no_number_is_refused(send: Send, speed: str) -> None:
    assert "unable to parse string as a number" in message(speak(send, input="Hi.", speed=speed))


def test_an_unknown_voice_is_refused_with_those_of_the_model(send: Send) -> None:
    expected = "'nova', 'shimmer', 'echo', 'onyx', 'fable', 'alloy', 'ash', 'sage' or 'coral'"
    assert message(speak(send, model="tts-1", voice="marin")) == (
        f"[{{'type': 'enum', 'loc': ('body', 'voice'), 'msg': \"Input should be {expected}\", "
        f"'input': 'marin', 'ctx': {{'expected': \"{expected}\"}}}}]"
    )


def test_the_newer_model_has_the_newer_voices(send: Send) -> None:
    assert speak(send, voice="marin").status == 200


@pytest.mark.parametrize(
    ("speed", "reason"), [(4.1, "less than or equal to 4"), (0.2, "greater than or equal to 0.25")]
)
def test_speed_has_bounds(send: Send, speed: float, reason: str) -> None:
    assert f"Input should be {reason}" in message(speak(send, speed=speed))


def test_an_empty_text_is_too_short(send: Send) -> None:
    assert "'type': 'string_too_short'" in message(speak(send, input=""))


def test_a_missing_voice_is_required(send: Send) -> None:
    body = json.dumps({"model": "tts-1", "input": "Hi."}).encode()
    response = send("POST", "/v1/audio/speech", body, JSON)
    assert "'type': 'missing', 'loc': ('body', 'voice'), 'msg': 'Field required'" in message(response)


@pytest.mark.parametrize("model", ["tts-1", "tts-1-hd"])
def test_the_older_models_do_not_send_events(send: Send, model: str) -> None:
    response = speak(send, model=model, stream_format="sse")
    assert response.status == 400
    assert b"sse" in response.body


def test_a_model_that_cannot_speak_is_refused(send: Send) -> None:
    assert speak(send, model="whisper-1").status == 404
    assert speak(send, model="no-such-model").status == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b"", b"\xff\xfe", b'{"input": NaN}', b"[" * 100_000])
def test_what_is_no_json_object_is_not_parsed(send: Send, body: bytes) -> None:
    response = send("POST", "/v1/audio/speech", body, JSON)
    assert response.status == 400
    assert b"We could not parse the JSON body of your request. (HINT: " in response.body


def test_only_json_is_accepted(send: Send) -> None:
    response = send(
        "POST", "/v1/audio/speech", b"input=hi", {"Content-Type": "application/x-www-form-urlencoded"}
    )
    error = response.json()
    assert isinstance(error, dict)
    assert error["error"]["code"] == "unsupported_content_type"
