"""The official SDK: `client.realtime.connect`, sync and async."""

from __future__ import annotations

import asyncio
import base64

from openai import AsyncOpenAI, OpenAI

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say

PIECE = 9_600  # bytes, 0.2 seconds


def test_a_spoken_turn(audio_api: AudioApi, say: Say) -> None:
    heard, said, sound = "", "", b""
    with OpenAI().realtime.connect(model="gpt-realtime") as connection:
        connection.session.update(
            session={
                "type": "realtime",
                "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}},
            }
        )
        speech = say("What is the weather like in Paris?")
        for start in range(0, len(speech), PIECE):
            piece = base64.b64encode(speech[start : start + PIECE]).decode()
            connection.input_audio_buffer.append(audio=piece)
        for event in connection:
            assert event.type != "error", event
            if event.type == "conversation.item.input_audio_transcription.completed":
                heard = event.transcript
            elif event.type == "response.output_audio.delta":
                sound += base64.b64decode(event.delta)
            elif event.type == "response.output_audio_transcript.done":
                said = event.transcript
            if heard and event.type == "response.done":
                break
            if said and event.type == "conversation.item.input_audio_transcription.completed":
                break

    assert heard == "What is the weather like in Paris?"
    assert said == "I heard you say: What is the weather like in Paris?"
    assert len(sound) > 48_000


def test_a_function_call_over_text(audio_api: AudioApi) -> None:
    async def run() -> tuple[str, str]:
        called, answer = "", ""
        async with AsyncOpenAI().realtime.connect(model="gpt-realtime") as connection:
            await connection.session.update(
                session={
                    "type": "realtime",
                    "output_modalities": ["text"],
                    "tools": [
                        {
                            "type": "function",
                            "name": "get_weather",
                            "parameters": {
                                "type": "object",
                                "properties": {"city": {"type": "string"}},
                                "required": ["city"],
                            },
                        }
                    ],
                }
            )
            await connection.conversation.item.create(
                item={
                    "type": "message",
                    "role": "user",
                    "content": [{"type": "input_text", "text": "What is the weather in Paris?"}],
                }
            )
            await connection.response.create()
            async for event in connection:
                assert event.type != "error", event
                if event.type == "response.function_call_arguments.done":
                    called = event.name
                    await connection.conversation.item.create(
                        item={
                            "type": "function_call_output",
                            "call_id": event.call_id,
                            "output": "Sunny, 21 degrees.",
                        }
                    )
                elif event.type == "response.output_text.done":
                    answer = event.text
                elif event.type == "response.done":
                    if answer:
                        break
                    await connection.response.create()
        return called, answer

    assert asyncio.run(run()) == ("get_weather", "The tool answered: Sunny, 21 degrees.")


def test_a_transcription_session(audio_api: AudioApi, say: Say) -> None:
    with OpenAI().realtime.connect(extra_query={"intent": "transcription"}) as connection:
        connection.session.update(
            session={
                "type": "transcription",
                "audio": {"input": {"transcription": {"model": "gpt-4o-transcribe"}, "turn_detection": None}},
            }
        )
        connection.input_audio_buffer.append(audio=base64.b64encode(say("Good morning.")).decode())
        connection.input_audio_buffer.commit()
        events = []
        for event in connection:
            events.append(event.type)
            if event.type == "conversation.item.input_audio_transcription.completed":
                assert event.transcript == "Good morning."
                break

    assert events[:5] == [
        "session.created",
        "session.updated",
        "input_audio_buffer.committed",
        "conversation.item.added",
        "conversation.item.done",
    ]
