"""A conversation with the official SDK: a spoken question, and a spoken answer that is played while it arrives.

python docs/examples/talk.py                                            # starts its own server
python docs/examples/talk.py http://127.0.0.1:4010/v1 "What's new?"     # uses a running server
"""

from __future__ import annotations

import base64
import contextlib
import sys
import wave
from collections.abc import Iterator

import openai

from mockserver import MockServer, Settings

QUESTION = "Good morning, can you hear me?"
ANSWER_FILE = "answer.wav"
SAMPLE_RATE = 24_000  # Hz, of pcm16: 16-bit mono samples


def main() -> None:
    """Ask a question by voice, play the answer, and transcribe it."""
    question = sys.argv[2] if len(sys.argv) > 2 else QUESTION
    with server_url() as base_url, openai.OpenAI(base_url=base_url, api_key="sk-mock-talk") as client:
        say(f"question:  {question}\nanswer:    ")
        play(ask(client, speak(client, question)))
        say(f"\nheard:     {transcribe(client)}\n")


@contextlib.contextmanager
def server_url() -> Iterator[str]:
    """Yield the base URL of the command line, or start a server that transcribes its own speech with Whisper."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    settings = Settings(port=0, remember_speech=0, whisper_cpu_threads=1, log_level="error")
    with MockServer(settings) as server:
        yield server.base_url


def speak(client: openai.OpenAI, text: str) -> bytes:
    """Return the text as speech, in WAV."""
    speech = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="nova", input=text, response_format="wav"
    )
    return speech.content


def ask(client: openai.OpenAI, question: bytes) -> Iterator[bytes]:
    """Ask a question by voice; print the transcript of the answer as it arrives, and yield its audio (pcm16)."""
    data = base64.b64encode(question).decode()
    stream = client.chat.completions.create(
        model="gpt-audio",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "pcm16"},
        messages=[
            {
                "role": "user",
                "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}],
            }
        ],
        stream=True,
    )
    for chunk in stream:
        for choice in chunk.choices or ():  # some chunks have no choices
            audio = choice.delta.audio
            if audio and audio.transcript:
                say(audio.transcript)
            if audio and audio.data:
                yield base64.b64decode(audio.data)


def play(sound: Iterator[bytes]) -> None:
    """Play the audio; here, write it to a WAV file instead of a loudspeaker."""
    with wave.open(ANSWER_FILE, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        for piece in sound:
            file.writeframes(piece)


def transcribe(client: openai.OpenAI) -> str:
    """Return the transcript of the answer."""
    with open(ANSWER_FILE, "rb") as file:
        return client.audio.transcriptions.create(model="whisper-1", file=file).text


def say(text: str) -> None:
    """Print a piece of text at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
