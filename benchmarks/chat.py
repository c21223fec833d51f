"""Chat: CPU time of text, of audio in, and the first sound of a stream; against aimock and the bare work."""

from __future__ import annotations

import hashlib
import json
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pybase64

from benchmarks import aimock
from benchmarks.client import exchange, post
from benchmarks.clips import PASSAGE, spoken_bytes, write_fixture
from benchmarks.processes import Server, clean_environment, mockserver
from benchmarks.report import Row
from mockserver.pipeline.request_body import parse_json

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

_PATH = "/v1/chat/completions"
_QUESTION = "Good morning, how are you today?"
_ANSWER = f"You wrote: {_QUESTION}"
_CLIP_BYTES = 374_800  # 500 KB with base64 and JSON around it
_QUESTION_OF_58 = " ".join(f"{PASSAGE} {PASSAGE}".split()[:58])  # the responder adds "You wrote:"
_ROUNDS = 8
_REQUESTS = 200  # per round
_UPLOADS = 100  # per round
_STREAMS = 21
_CPU_TARGET = 3.0
_ALLOWED_MS = 1.0
_FIRST_SOUND_TARGET = 0.25


def run(options: Options) -> Iterator[Row]:
    """Keep all servers running and ask them in turn; return medians over the rounds."""
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        clip = spoken_bytes(_CLIP_BYTES)
        write_fixture(scratch, clip, PASSAGE)
        arguments = ("--fixtures", str(scratch), "--log-level", "warning", "--whisper-model", "none")
        ours = stack.enter_context(mockserver(*arguments, environment=clean_environment()))
        fixture = {"match": {"userMessage": _QUESTION}, "response": {"content": _ANSWER}}
        rival, note = aimock.start(options, stack, scratch, fixture)
        upload = _listening(clip)
        cpu = _measure(ours, rival, upload)
        yield Row("CPU per text chat", "ms", cpu["text"], cpu.get("rival"), _CPU_TARGET, note)
        yield Row(
            "CPU that 500 KB of audio adds",
            "ms",
            cpu["audio"] - cpu["text"],
            cpu["alone"],
            note="json.loads, b64decode and SHA-256 alone",
        )
        beyond = cpu["audio"] - cpu["text"] - cpu["alone"]
        yield Row("of it beyond those three", "ms", beyond, _ALLOWED_MS, 1.0, "against what is allowed")
        first, last = _first_and_last_sound(ours)
        yield Row("first of the audio chunks", "ms", first, last, _FIRST_SOUND_TARGET, "against the last one")


def _measure(ours: Server, rival: Server | None, upload: bytes) -> dict[str, float]:
    """Return milliseconds of CPU per request: ``text`` and ``audio`` of ours, ``rival``, and the parts ``alone``."""
    chat = _request({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": _QUESTION}]})
    loads = [("text", ours, chat, _REQUESTS, _ANSWER), ("audio", ours, upload, _UPLOADS, PASSAGE)]
    if rival:
        loads.append(("rival", rival, chat, _REQUESTS, _ANSWER))
    for _, server, request, count, answer in loads:
        if answer not in _said(exchange(server.address, request, count=count // 2)[0].body):
            raise RuntimeError(f"{server.address} did not answer {answer!r}")
    rounds: dict[str, list[float]] = {name: [] for name in ("alone", *(load[0] for load in loads))}
    body = upload.partition(b"\r\n\r\n")[2]
    for _ in range(_ROUNDS):
        for name, server, request, count, _ in loads:
            before = server.cpu_seconds()
            exchange(server.address, request, count=count)
            rounds[name].append((server.cpu_seconds() - before) / count)
        before = time.process_time()
        for _ in range(_UPLOADS):
            _parts_alone(body)
        rounds["alone"].append((time.process_time() - before) / _UPLOADS)
    return {name: statistics.median(seconds) * 1000 for name, seconds in rounds.items()}


def _parts_alone(body: bytes) -> str:
    """Return the unavoidable cost of an upload: parsing (by the server's parser), base64, the fixture's hash."""
    audio = parse_json(body)["messages"][0]["content"][0]["input_audio"]
    return hashlib.sha256(pybase64.b64decode(audio["data"], validate=True)).hexdigest()


def _first_and_last_sound(server: Server) -> tuple[float, float]:
    """Return milliseconds until the first and until the last chunk of audio of a reply of 60 words."""
    request = _request(
        {
            "model": "gpt-audio",
            "modalities": ["text", "audio"],
            "audio": {"voice": "alloy", "format": "pcm16"},
            "stream": True,
            "messages": [{"role": "user", "content": _QUESTION_OF_58}],
        }
    )
    first, last = [], []
    for reply in exchange(server.address, request, count=1 + _STREAMS)[1:]:
        ends = (reply.body.find(b"\n\n", place) for place in _places_of_sound(reply.body))
        times = [reply.seconds_until(end) for end in ends]
        first.append(times[0])
        last.append(times[1])
    return statistics.median(first) * 1000, statistics.median(last) * 1000


def _places_of_sound(stream: bytearray) -> tuple[int, int]:
    """Return the positions of the first and the last chunk with audio."""
    return stream.index(b'"data":"'), stream.rindex(b'"data":"')


def _listening(clip: bytes) -> bytes:
    audio = {"data": pybase64.b64encode(clip).decode(), "format": "wav"}
    part = {"type": "input_audio", "input_audio": audio}
    return _request({"model": "gpt-audio", "messages": [{"role": "user", "content": [part]}]})


def _request(body: dict[str, Any]) -> bytes:
    return post(_PATH, "application/json", json.dumps(body).encode())


def _said(body: bytes | bytearray) -> str:
    return str(json.loads(body)["choices"][0]["message"]["content"])
