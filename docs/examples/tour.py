"""A tour of the server with the official SDK: speak a sentence, then transcribe it, in every way there is.

    make demo
    python docs/examples/tour.py [BASE_URL]     # of a server that runs already
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator

import openai
from rich.console import Console
from rich.table import Table

from mockserver.server import MockServer
from mockserver.settings import Settings

SENTENCE = "The quick brown fox jumps over the lazy dog."
VOICES = ("alloy", "coral", "onyx", "nova")
FORMATS = ("mp3", "opus", "aac", "flac", "wav", "pcm")
WAYS_TO_TRANSCRIBE = (
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
    """Takes the tour."""
    console = Console()
    with server_url() as base_url, openai.OpenAI(base_url=base_url, api_key="sk-mock-tour") as client:
        console.print(f"server: {base_url}   sentence: {SENTENCE!r}\n")
        console.print(speak(client))
        console.print(transcribe(client))
        console.print(refuse(client))


@contextlib.contextmanager
def server_url() -> Iterator[str]:
    """The server named on the command line, or one of our own."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    with MockServer(Settings(port=0, log_level="warning")) as server:
        yield server.base_url


def speak(client: openai.OpenAI) -> Table:
    """Speaks the sentence in several voices and in every format, and has what was heard written down."""
    table = Table("voice", "format", "bytes", "first byte", "all", "heard again as", title="POST /v1/audio/speech")
    for voice, response_format in [(voice, "mp3") for voice in VOICES] + [("sage", each) for each in FORMATS]:
        began = time.perf_counter()
        with client.audio.speech.with_streaming_response.create(
            model="gpt-4o-mini-tts", voice=voice, input=SENTENCE, response_format=response_format
        ) as response:
            pieces = response.iter_bytes()
            speech = next(pieces)
            first = time.perf_counter() - began
            speech += b"".join(pieces)
        total = time.perf_counter() - began
        heard = "(raw samples)"
        if response_format != "pcm":
            heard = client.audio.transcriptions.create(model="whisper-1", file=(f"a.{suffix(response_format)}", speech)).text
        table.add_row(voice, response_format, f"{len(speech):,}", f"{first * 1e3:.0f} ms", f"{total * 1e3:.0f} ms", heard)
    return table


def suffix(response_format: str) -> str:
    """A file extension that transcriptions accept."""
    return {"opus": "ogg", "aac": "m4a"}.get(response_format, response_format)


def transcribe(client: openai.OpenAI) -> Table:
    """Transcribes the sentence in every response format, whole and streamed."""
    speech = client.audio.speech.create(model="gpt-4o-mini-tts", voice="sage", input=SENTENCE, response_format="wav")
    table = Table("model", "asked for", "answered by", "answer", title="POST /v1/audio/transcriptions")
    for model, options in WAYS_TO_TRANSCRIBE:
        raw = client.audio.transcriptions.with_raw_response.create(
            model=model, file=("speech.wav", speech.content), **options  # type: ignore[arg-type]
        )
        parsed = raw.parse()
        answer = " | ".join(event.type.removeprefix("transcript.text.") + ": " + shown(event) for event in parsed) if options.get("stream") else raw.text  # type: ignore[attr-defined]
        asked = ", ".join(f"{name}={value}" for name, value in options.items())
        table.add_row(model, asked, raw.headers.get("x-mock-answered-by", ""), answer)
    return table


def shown(event: object) -> str:
    """What a stream event says."""
    return repr(getattr(event, "delta", None) or getattr(event, "text", ""))


def refuse(client: openai.OpenAI) -> Table:
    """Asks for what the real API refuses, too."""
    table = Table("request", "status", "error", title="refused as by the real API")
    attempts = {
        "srt from gpt-4o-transcribe": {"model": "gpt-4o-transcribe", "response_format": "srt", "file": ("a.wav", b"RIFF")},
        "text named .wav": {"model": "whisper-1", "file": ("a.wav", b"no audio at all")},
        "an unknown model": {"model": "whisper-9", "file": ("a.wav", b"RIFF")},
    }
    for name, request in attempts.items():
        try:
            client.audio.transcriptions.create(**request)  # type: ignore[call-overload]
        except openai.APIStatusError as error:
            table.add_row(name, str(error.status_code), str(error.body["message"] if isinstance(error.body, dict) else ""))
    return table


if __name__ == "__main__":
    main()
