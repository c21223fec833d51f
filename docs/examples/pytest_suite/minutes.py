"""The application under test: it writes the minutes of a recorded meeting, and reads them aloud."""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from pathlib import Path

import openai

_ASSIGN = {
    "type": "function",
    "function": {
        "name": "assign",
        "description": "Somebody has taken on a task.",
        "parameters": {
            "type": "object",
            "properties": {"who": {"type": "string"}, "what": {"type": "string"}},
            "required": ["who", "what"],
        },
    },
}


class MinutesFailed(Exception):
    """The minutes could not be written; the message says why."""


@dataclass(frozen=True)
class Minutes:
    """The minutes of a meeting: its transcript, and its tasks as pairs of person and task."""

    transcript: str
    tasks: tuple[tuple[str, str], ...] = ()


def write_minutes(recording: Path) -> Minutes:
    """Transcribe a recording and find the tasks in it. Raises ``MinutesFailed``."""
    with openai.OpenAI() as client:
        try:
            with recording.open("rb") as file:
                transcription = client.audio.transcriptions.create(model="gpt-4o-transcribe", file=file)
            return Minutes(transcription.text, _tasks(client, transcription.text))
        except openai.OpenAIError as error:
            raise MinutesFailed(f"{recording.name}: {error}") from error


def write_minutes_in_background(recording: Path) -> threading.Thread:
    """Start ``write_minutes`` in a thread, and return the thread."""
    thread = threading.Thread(target=write_minutes, args=[recording])
    thread.start()
    return thread


def read_aloud(minutes: Minutes) -> bytes:
    """Return the tasks as speech, in WAV."""
    text = " ".join(f"{who} will {what}." for who, what in minutes.tasks)
    with openai.OpenAI() as client:
        speech = client.audio.speech.create(
            model="gpt-4o-mini-tts", voice="alloy", input=text, response_format="wav"
        )
        return speech.content


def _tasks(client: openai.OpenAI, transcript: str) -> tuple[tuple[str, str], ...]:
    completion = client.chat.completions.create(
        model="gpt-4o-mini",
        messages=[
            {"role": "system", "content": "Assign every task that is mentioned."},
            {"role": "user", "content": transcript},
        ],
        tools=[_ASSIGN],  # type: ignore[list-item]
    )
    calls = completion.choices[0].message.tool_calls or []
    assigned = [json.loads(call.function.arguments) for call in calls if call.type == "function"]
    return tuple((each["who"], each["what"]) for each in assigned)
