"""A program that talks to Realtime sessions, in a process of its own; prints what it measured as JSON.

``python -m benchmarks.realtime_client URL AUDIO SESSIONS SPEED``: each session is sent the file of PCM (24 kHz), in
chunks of 20 ms, ``SPEED`` times as fast as real time (0: as fast as the server takes it), and receives until as many
responses are done as turns were committed.
"""

from __future__ import annotations

import asyncio
import base64
import json
import sys
import time
from pathlib import Path

from msgspec import Struct
from msgspec.json import encode
from websockets.asyncio.client import ClientConnection, connect

CHUNK_MS = 20
_CHUNK = 48 * CHUNK_MS  # bytes
_LOOK = 0.25  # seconds for an event
_QUIET, _PATIENCE = 1.0, 60.0  # seconds without an event, after which a call is over: complete, or not
_APPEND = b'{"type":"input_audio_buffer.append","audio":"%b"}'
_UPDATE = {"type": "realtime", "audio": {"input": {"transcription": {"model": "gpt-4o-mini-transcribe"}}}}


class Talk(Struct):
    """What a session measured: seconds by which events came after the chunk that completes their window."""

    turns: int = 0
    responses: int = 0
    transcripts: int = 0
    is_heard: bool = False  # all that was sent
    errors: list[str] = []
    late: list[float] = []


async def talk(url: str, messages: list[str], speed: float, delay: float) -> Talk:
    """Send the audio, and receive until the last response is done."""
    await asyncio.sleep(delay)
    talk = Talk()
    sent: list[float] = []  # when each chunk was sent
    headers = {"authorization": "Bearer sk-benchmark"}
    async with connect(url, additional_headers=headers, max_size=None, compression=None) as connection:
        await connection.send(json.dumps({"type": "session.update", "session": _UPDATE}))
        sending = asyncio.create_task(_send(connection, messages, speed, sent))
        quiet = 0.0  # seconds without an event, since all was sent
        while quiet < (_QUIET if talk.is_heard and _is_answered(talk) else _PATIENCE):
            has_sent = sending.done()
            try:
                message = await asyncio.wait_for(connection.recv(), _LOOK)
            except TimeoutError:
                quiet += _LOOK if has_sent else 0.0
                continue
            quiet = 0.0
            _note(talk, json.loads(message), sent)
        await sending
    return talk


async def _send(connection: ClientConnection, messages: list[str], speed: float, sent: list[float]) -> None:
    began = time.perf_counter()
    for number, message in enumerate(messages):
        if speed:
            await asyncio.sleep(began + number * CHUNK_MS / 1000 / speed - time.perf_counter())
        sent.append(time.perf_counter())
        await connection.send(message)
        if not speed and number % 50 == 0:
            await asyncio.sleep(0)
    await connection.send('{"type":"input_audio_buffer.clear"}')  # whose answer comes when all is heard


def _is_answered(talk: Talk) -> bool:
    return talk.turns <= min(talk.responses, talk.transcripts)


def _note(talk: Talk, event: dict[str, object], sent: list[float]) -> None:
    kind = event["type"]
    if kind == "input_audio_buffer.speech_stopped":
        talk.turns += 1
        chunk = int(str(event["audio_end_ms"])) // CHUNK_MS
        if chunk < len(sent):
            talk.late.append(time.perf_counter() - sent[chunk])
    elif kind == "response.done":
        talk.responses += 1
    elif kind == "conversation.item.input_audio_transcription.completed":
        talk.transcripts += 1
    elif kind == "input_audio_buffer.cleared":
        talk.is_heard = True
    elif kind == "error":
        talk.errors.append(json.dumps(event["error"]))


async def main(url: str, audio: bytes, sessions: int, speed: float) -> None:
    """Run all sessions, begun within the time of a chunk or a second, and print what they measured."""
    chunks = (audio[start : start + _CHUNK] for start in range(0, len(audio), _CHUNK))
    messages = [(_APPEND % base64.b64encode(chunk)).decode() for chunk in chunks]
    spread = min(1.0, sessions * CHUNK_MS / 1000) / sessions
    began = time.perf_counter()
    talks = await asyncio.gather(*(talk(url, messages, speed, number * spread) for number in range(sessions)))
    print(encode({"seconds": time.perf_counter() - began, "talks": talks}).decode())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2]).read_bytes(), int(sys.argv[3]), float(sys.argv[4])))
