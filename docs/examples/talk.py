"""A conversation with the official SDK: a spoken question, a spoken answer that is played while it comes.

python docs/examples/talk.py                                            # with a server of its own
python docs/examples/talk.py http://127.0.0.1:4010/v1 "What's new?"     # of a server that runs already
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
    """Asks, listens, and has what was heard written down."""
    question = sys.argv[2] if len(sys.argv) > 2 else QUESTION
    with server_url() as base_url, openai.OpenAI(base_url=base_url, api_key="sk-mock-talk") as client:
        say(f"question:  {question}\nanswer:    ")
        play(ask(client, speak(client, question)))
        say(f"\nheard:     {transcribe(client)}\n")


@contextlib.contextmanager
def server_url() -> Iterator[str]:
    """The server named on the command line, or one of our own, which does not know its speech again but listens."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    settings = Settings(port=0, remember_speech=0, whisper_cpu_threads=1, log_level="error")
    with MockServer(settings) as server:
        yield server.base_url


def speak(client: openai.OpenAI, text: str) -> bytes:
    """The text, spoken, as a wav file."""
    speech = client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="nova", input=text, response_format="wav"
    )
    return speech.content


def ask(client: openai.OpenAI, question: bytes) -> Iterator[bytes]:
    """Asks by voice. Shows the words of the answer as they come, and passes its sound on (pcm16)."""
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
    """Plays the sound, for want of a loudspeaker into a wav file."""
    with wave.open(ANSWER_FILE, "wb") as file:
        file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
        for piece in sound:
            file.writeframes(piece)


def transcribe(client: openai.OpenAI) -> str:
    """What is said in the file."""
    with open(ANSWER_FILE, "rb") as file:
        return client.audio.transcriptions.create(model="whisper-1", file=file).text


def say(text: str) -> None:
    """Shows a piece of text at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
