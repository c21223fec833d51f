"""A tour of the server with the official SDK: speak a sentence, and transcribe it in every format.

The server of the tour does not remember its own speech, so that Whisper transcribes it.

make demo
python docs/examples/tour.py [BASE_URL]     # uses a running server
"""

from __future__ import annotations

import array
import contextlib
import io
import sys
import time
import wave
from collections.abc import Iterator
from typing import Any, Literal

import openai
from rich.console import Console
from rich.table import Table
from rich.text import Text

from mockserver import MockServer, Settings

TELEPHONED = ("Please call me back tomorrow at nine.", "Thank you for your help.", "What time is it?")
SENTENCE = "The quick brown fox jumps over the lazy dog."
WIDTH = 130  # characters
LONGEST_ANSWER = 300
AudioFormat = Literal["mp3", "opus", "aac", "flac", "wav", "pcm"]
VOICES = ("alloy", "coral", "onyx", "nova")
VOICE = "shimmer"  # of what else is said
FORMATS: tuple[AudioFormat, ...] = ("mp3", "opus", "aac", "flac", "wav", "pcm")
WAYS_TO_TRANSCRIBE: tuple[tuple[str, dict[str, Any]], ...] = (
    ("whisper-1", {"response_format": "json"}),
    ("whisper-1", {"response_format": "text"}),
    ("whisper-1", {"response_format": "srt"}),
    ("whisper-1", {"response_format": "vtt"}),
    ("whisper-1", {"response_format": "verbose_json", "timestamp_granularities": ["word", "segment"]}),
    ("gpt-4o-transcribe", {"response_format": "json", "include": ["logprobs"]}),
    ("gpt-4o-mini-transcribe", {"response_format": "json", "stream": True}),
    ("gpt-4o-transcribe-diarize", {"response_format": "diarized_json"}),
    ("gpt-4o-transcribe-diarize", {"response_format": "diarized_json", "stream": True}),
    ("gpt-transcribe", {"response_format": "json"}),
)


def main() -> None:
    """Run the tour."""
    console = Console(width=WIDTH)
    with server_url() as base_url, openai.OpenAI(base_url=base_url, api_key="sk-mock-tour") as client:
        console.print(f"server: {base_url}   sentence: {SENTENCE!r}\n")
        console.print(speak(client))
        console.print(transcribe(client))
        console.print(listen(client))
        console.print(refuse(client))


@contextlib.contextmanager
def server_url() -> Iterator[str]:
    """Yield the base URL of the command line, or start a server."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    settings = Settings(port=0, remember_speech=0, whisper_cpu_threads=1, log_level="error")
    with MockServer(settings) as server:
        yield server.base_url


def speak(client: openai.OpenAI) -> Table:
    """Speak the sentence in several voices and in every format, and transcribe each result."""
    columns = ("voice", "format", "bytes", "first byte", "all", "heard again as", "by")
    table = Table(*columns, title="/v1/audio/speech")
    for voice, audio_format in [(voice, FORMATS[0]) for voice in VOICES] + [
        (VOICE, each) for each in FORMATS
    ]:
        began = time.perf_counter()
        with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice=voice, input=SENTENCE, response_format=audio_format
        ) as response:
            pieces = response.iter_bytes()
            speech = next(pieces)
            first = time.perf_counter() - began
            speech += b"".join(pieces)
        total = time.perf_counter() - began
        times = [f"{seconds * 1e3:.0f} ms" for seconds in (first, total)]
        heard = hear(client, *as_upload(speech, audio_format))
        table.add_row(voice, audio_format, f"{len(speech):,}", *times, *heard)
    return table


def hear(client: openai.OpenAI, name: str, clip: bytes) -> tuple[str, str]:
    """Return the transcript of an audio file, and what transcribed it."""
    raw = client.audio.transcriptions.with_raw_response.create(model="whisper-1", file=(name, clip))
    return raw.parse().text, raw.headers.get("x-mock-answered-by", "")


def as_upload(speech: bytes, audio_format: AudioFormat) -> tuple[str, bytes]:
    """Return a file name that transcriptions accept, and the speech; raw samples are put into a WAV file."""
    if audio_format == "pcm":
        return "pcm.wav", wav(speech, 24_000)
    return {"opus": "opus.ogg", "aac": "aac.m4a"}.get(audio_format, f"speech.{audio_format}"), speech


def wav(pcm: bytes, sample_rate: int) -> bytes:
    """Return a WAV file of s16le mono samples."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setparams((1, 2, sample_rate, 0, "NONE", "not compressed"))
        file.writeframes(pcm)
    return buffer.getvalue()


def transcribe(client: openai.OpenAI) -> Table:
    """Transcribe the sentence in every response format, whole and streamed."""
    speech = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice=VOICE, input=SENTENCE, response_format="wav"
    )
    columns = ("model", "asked for", "answered by", "answer")
    table = Table(*columns, title="/v1/audio/transcriptions", show_lines=True)
    for model, options in WAYS_TO_TRANSCRIBE:
        raw = client.audio.transcriptions.with_raw_response.create(
            model=model, file=("speech.wav", speech.content), **options
        )
        answer = " | ".join(shown(event) for event in raw.parse()) if options.get("stream") else raw.text
        asked = "\n".join(f"{name}={value}" for name, value in options.items())
        shortened = answer if len(answer) <= LONGEST_ANSWER else answer[:LONGEST_ANSWER] + " ..."
        table.add_row(
            model,
            Text(asked),
            raw.headers.get("x-mock-answered-by", ""),
            Text(shortened.rstrip(), overflow="fold"),
        )
    return table


def listen(client: openai.OpenAI) -> Table:
    """Transcribe sentences in telephone quality, at 8 kHz."""
    table = Table("said at 24 kHz", "heard at 8 kHz", "by", title="over the telephone")
    for sentence in TELEPHONED:
        speech = client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="nova", input=sentence, response_format="pcm"
        )
        samples = array.array("h", speech.content)
        thirds = zip(*(samples[place::3] for place in range(3)), strict=False)
        telephone = array.array("h", (sum(three) // 3 for three in thirds))
        table.add_row(sentence, *hear(client, "call.wav", wav(telephone.tobytes(), 8_000)))
    return table


def shown(event: Any) -> str:
    """Return the content of a stream event."""
    return str(event.delta if event.type == "transcript.text.delta" else f"{event.type}: {event.text}")


def refuse(client: openai.OpenAI) -> Table:
    """Send requests that the real API refuses, too."""
    table = Table("request", "status", "error", title="refused as by the real API")
    attempts: dict[str, dict[str, Any]] = {
        "srt from gpt-4o-transcribe": {
            "model": "gpt-4o-transcribe",
            "response_format": "srt",
            "file": ("a.wav", b"RIFF"),
        },
        "text named .wav": {"model": "whisper-1", "file": ("a.wav", b"no audio at all")},
        "an unknown model": {"model": "whisper-9", "file": ("a.wav", b"RIFF")},
    }
    for name, request in attempts.items():
        try:
            client.audio.transcriptions.create(**request)
        except openai.APIStatusError as error:
            table.add_row(
                name,
                str(error.status_code),
                str(error.body["message"] if isinstance(error.body, dict) else ""),
            )
    return table


if __name__ == "__main__":
    main()
