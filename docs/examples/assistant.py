"""A voice assistant with the official SDK: transcription, response, speech.

The recorded question is transcribed. A response is streamed, which may call a tool of the assistant. Each sentence is
spoken as soon as it is complete. A second question continues the conversation.

python docs/examples/assistant.py                                     # starts its own server
python docs/examples/assistant.py http://127.0.0.1:4010/v1 "Hello?"   # uses a running server
"""

from __future__ import annotations

import contextlib
import json
import re
import sys
import wave
from collections.abc import Iterator
from typing import Any

import openai

from mockserver import MockServer, Settings

QUESTIONS = ("Good morning, can you hear me?", "How is the weather in Rome?")
ANSWER_FILE = "answer.wav"
SAMPLE_RATE = 24_000  # Hz, of pcm: 16-bit mono samples
MODEL = "gpt-5.4"
TOOLS: list[Any] = [
    {
        "type": "function",
        "name": "get_weather",
        "description": "The weather in a city.",
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        "strict": True,
    }
]


def main() -> None:
    """Ask the questions by voice, one after the other, and keep the spoken answers in a file."""
    questions = sys.argv[2:] or QUESTIONS
    with server_url() as base_url, openai.OpenAI(base_url=base_url, api_key="sk-mock-assistant") as client:
        assistant = Assistant(client)
        with wave.open(ANSWER_FILE, "wb") as file:
            file.setparams((1, 2, SAMPLE_RATE, 0, "NONE", "not compressed"))
            for question in questions:
                for sound in assistant.answer(recorded(client, question)):
                    file.writeframes(sound)


@contextlib.contextmanager
def server_url() -> Iterator[str]:
    """Yield the base URL of the command line, or start a server with scripted answers."""
    if len(sys.argv) > 1:
        yield sys.argv[1]
        return
    with MockServer(Settings(port=0, log_level="error")) as server:
        server.on_response(user_text="hear me").say("Loud and clear. What would you like to know?")
        server.on_response(user_text="weather in Rome").call_tool("get_weather", city="Rome")
        server.on_response(fields={"input[0].output": {"contains": "sunny"}}).say("It is sunny. Take a hat.")
        yield server.base_url


def recorded(client: openai.OpenAI, text: str) -> bytes:
    """Return the text as speech in WAV, in place of a microphone."""
    return client.audio.speech.create(
        model="gpt-4o-mini-tts", voice="nova", input=text, response_format="wav"
    ).content


class Assistant:
    """Answers spoken questions in speech, and remembers the conversation."""

    def __init__(self, client: openai.OpenAI) -> None:
        self._client = client
        self._previous: str | None = None  # the id of the last response

    def answer(self, question: bytes) -> Iterator[bytes]:
        """Answer a WAV file; yield each spoken sentence as pcm."""
        heard = self._client.audio.transcriptions.create(
            model="gpt-4o-mini-transcribe", file=("question.wav", question)
        )
        say(f"heard:   {heard.text}\n")
        for sentence in sentences(self._words(heard.text)):
            say(f"answer:  {sentence}\n")
            speech = self._client.audio.speech.create(
                model="gpt-4o-mini-tts", voice="alloy", input=sentence, response_format="pcm"
            )
            yield speech.content

    def _words(self, text: str) -> Iterator[str]:
        """Ask for a response until it calls no more tools; yield the pieces of its text."""
        items: list[Any] = [{"role": "user", "content": text}]
        while items:
            calls = []
            with self._client.responses.create(
                model=MODEL,
                instructions="Answer in a few short sentences.",
                input=items,
                tools=TOOLS,
                previous_response_id=self._previous,
                stream=True,
            ) as stream:
                for event in stream:
                    if event.type == "response.output_text.delta":
                        yield event.delta
                    elif event.type == "response.output_item.done" and event.item.type == "function_call":
                        calls.append(event.item)
                    elif event.type == "response.completed":
                        self._previous = event.response.id
            items = [
                {"type": "function_call_output", "call_id": call.call_id, "output": called(call)}
                for call in calls
            ]


def called(call: Any) -> str:
    """Run a tool, and return its result."""
    say(f"tool:    {call.name}({call.arguments})\n")
    return json.dumps({**json.loads(call.arguments), "weather": "sunny", "degrees": 31})


def sentences(pieces: Iterator[str]) -> Iterator[str]:
    """Yield each sentence as soon as its end has arrived."""
    text = ""
    for piece in pieces:
        *complete, text = re.split(r"(?<=[.!?])\s+", text + piece)
        yield from complete
    if text.strip():
        yield text


def say(text: str) -> None:
    """Print a piece of text at once."""
    sys.stdout.write(text)
    sys.stdout.flush()


if __name__ == "__main__":
    main()
