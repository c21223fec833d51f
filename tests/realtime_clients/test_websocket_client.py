"""`websocket-client`, a WebSocket client without asyncio."""

from __future__ import annotations

import base64
import json

import websocket

from mockserver.testing.audio_api import AudioApi
from tests.realtime_clients.conftest import Say


def test_a_spoken_answer_to_text(audio_api: AudioApi) -> None:
    url = audio_api.base_url.replace("http", "ws", 1) + "/realtime?model=gpt-realtime"
    connection = websocket.create_connection(url, header=[f"Authorization: Bearer {audio_api.api_key}"])
    try:
        assert json.loads(connection.recv())["type"] == "session.created"
        item = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello!"}]}
        connection.send(json.dumps({"type": "conversation.item.create", "item": item}))
        connection.send(json.dumps({"type": "response.create"}))
        sound, kinds = b"", list[str]()
        while kinds[-1:] != ["rate_limits.updated"]:
            event = json.loads(connection.recv())
            kinds.append(event["type"])
            if event["type"] == "response.output_audio.delta":
                sound += base64.b64decode(event["delta"])
    finally:
        connection.close()

    assert kinds[:3] == ["conversation.item.added", "conversation.item.done", "response.created"]
    assert len(sound) > 24_000


def test_a_key_in_the_subprotocol(audio_api: AudioApi, say: Say) -> None:
    url = audio_api.base_url.replace("http", "ws", 1) + "/realtime?intent=transcription"
    protocols = ["realtime", f"openai-insecure-api-key.{audio_api.api_key}"]
    connection = websocket.create_connection(url, subprotocols=protocols)
    try:
        assert connection.subprotocol == "realtime"
        update = {"type": "transcription", "audio": {"input": {"transcription": {"model": "whisper-1"}}}}
        connection.send(json.dumps({"type": "session.update", "session": update}))
        speech = base64.b64encode(say("Good morning.")).decode()
        connection.send(json.dumps({"type": "input_audio_buffer.append", "audio": speech}))
        transcript = ""
        while not transcript:
            event = json.loads(connection.recv())
            transcript = event.get("transcript", "")
    finally:
        connection.close()

    assert transcript.strip() == "Good morning."
