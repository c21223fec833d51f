"""Loads that once stopped the server or used up its memory, with the bounds that hold now.

Every row has a figure and its bound. The loads are cheap to send and were expensive to answer: the server refused
them late, held all of them in memory, or waited for them without a limit.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import re
import struct
import time
import zlib
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from benchmarks.client import get, post, upload
from benchmarks.clips import PASSAGE, spoken, spoken_bytes
from benchmarks.processes import Server, clean_environment, mockserver
from benchmarks.report import Row
from benchmarks.watcher import HEALTH_TIMEOUT, Watcher, memory_of_all
from mockserver.audio.encode import encode_speech
from mockserver.engines.speech import SPEECH_SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Sequence

    from benchmarks.report import Options

_MIB = 1 << 20
_HEALTH_SECONDS = 1.0  # seconds; the longest allowed health check
_LOAD_SECONDS = 300.0  # seconds after which unanswered requests of a load are abandoned
_TIMEOUT = 30.0  # seconds; the server's socket_timeout
_LARGE = 20_000_000  # bytes of an upload
_NOFILE = 256  # descriptors, in the load that runs out of them


@dataclass(frozen=True, slots=True)
class Answer:
    """A response: its status (``None`` without one), its body, and the seconds until it was complete."""

    status: int | None
    body: bytes
    seconds: float

    @property
    def outcome(self) -> str:
        """Return the status and the time, for a note."""
        if self.status is None:
            return f"no answer within {self.seconds:.0f} s, then abandoned"
        return f"{self.status} after {self.seconds:.0f} s"


def run(options: Options) -> Iterator[Row]:
    """Run every load, or the selected one, against a separate server."""
    for name, (what, arguments, load) in _LOADS.items():
        if options.part not in ("", name):
            continue
        nofile = _NOFILE if load is _crowd else None
        command = ("--log-level", "error", *arguments)
        with mockserver(*command, environment=clean_environment(), nofile=nofile) as server:
            yield from load(what, server)


def _answered(
    what: str, server: Server, requests: Sequence[bytes], *, status: int, room: float
) -> Iterator[Row]:
    """Send all requests at once; count other statuses, measure health and the memory above the idle server (MiB)."""
    idle = memory_of_all(server.pid)
    with Watcher(server) as watcher:
        answers = asyncio.run(_together([partial(_ask, server, request) for request in requests]))
    others = [str(answer.status or "no answer") for answer in answers if answer.status != status]
    note = f"{len(requests)} requests, the slowest {max(answer.seconds for answer in answers):.1f} s"
    if others:
        note += f"; others: {', '.join(sorted(set(others)))}"
    yield Row(f"{what}: answered {status}", "", len(others), 1.0, 0.0, note)
    yield from _seen(what, watcher, idle, room)


def _seen(what: str, watcher: Watcher, idle: int, room: float) -> Iterator[Row]:
    seen = watcher.seen
    note = f"{seen.answers} checks" + (f", {seen.unanswered} unanswered" if seen.unanswered else "")
    slowest = HEALTH_TIMEOUT if seen.unanswered else seen.slowest
    yield Row(f"{what}: health", "s", slowest, _HEALTH_SECONDS, 1.0, note)
    yield Row(f"{what}: memory over idle", "MiB", (seen.most_memory - idle) / _MIB, room, 1.0)


def _invalid(what: str, server: Server) -> Iterator[Row]:
    for count in (100_000, 1_000_000):
        body = {"model": "gpt-4o-mini", "messages": [None] * count}
        yield from _answered(f"{what}, {count:,}", server, [_chat(body)], status=400, room=200)
    parts = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": [{}] * 100_000}]}
    yield from _answered(f"{what}, content parts", server, [_chat(parts)], status=400, room=200)
    understood = _chat(parts, strictness="off")  # which accepts any request that can be read
    yield from _answered(f"{what}, content parts, not checked", server, [understood], status=200, room=200)
    stub = json.dumps({"when": {"endpoint": "chat"}, "replies": [None] * 100_000}).encode()
    yield from _answered(f"{what}, of a stub", server, [_json("/_mock/stubs", stub)], status=400, room=200)


def _long_text(what: str, server: Server) -> Iterator[Row]:
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "word " * 4_000_000}]}
    yield from _answered(what, server, [_chat(body)], status=400, room=500)


def _silence(what: str, server: Server) -> Iterator[Row]:
    """Send hours of silence, and short speech that arrives meanwhile."""
    for hours in (1, 4):
        second = bytes(2 * SPEECH_SAMPLE_RATE)
        yield from _long_clip(f"{what}, {hours} h", server, [second] * (hours * 3600))


def _speech(what: str, server: Server) -> Iterator[Row]:
    """Send hours with a sentence every half minute, each time a little later: no two windows are alike."""
    said = spoken(PASSAGE)[-10 * 2 * SPEECH_SAMPLE_RATE :]
    window = 30 * 2 * SPEECH_SAMPLE_RATE  # bytes
    later = (bytes(2 * 100 * number) + said for number in range(4 * 120 - 1))
    yield from _long_clip(what, server, [pcm.ljust(window, b"\0") for pcm in later])


def _long_clip(what: str, server: Server, pcm: Sequence[bytes]) -> Iterator[Row]:
    """Send a clip of hours as a FLAC file, and one of seconds that arrives while it is transcribed."""
    short = upload(
        "/v1/audio/transcriptions", {"model": "whisper-1"}, spoken("Good morning, how are you today?")
    )
    asyncio.run(_ask(server, short))  # loads the recogniser
    clip = b"".join(encode_speech(iter(pcm), "flac"))
    request = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, clip)
    idle = memory_of_all(server.pid)
    with Watcher(server) as watcher:
        long, soon = asyncio.run(_behind(server, request, short))
    note = f"{soon.outcome}; the {len(clip) / 1000:.0f} kB before it: {long.outcome}"
    yield Row(f"{what}: 3 s of speech behind it", "s", soon.seconds, 5.0, 1.0, note)
    yield from _seen(what, watcher, idle, 150)


async def _behind(server: Server, first: bytes, second: bytes) -> tuple[Answer, Answer]:
    long = asyncio.create_task(_ask(server, first))
    await asyncio.sleep(1.0)
    soon = await _ask(server, second)
    return await long, soon


def _uploads(what: str, server: Server) -> Iterator[Row]:
    """Send many large uploads at once, none of which may be refused before it has waited for a while."""
    request = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, spoken_bytes(_LARGE))
    with Watcher(server) as watcher:
        answers = asyncio.run(_together([partial(_ask, server, request)] * 64))
    transcribed = [answer.seconds for answer in answers if answer.status == 200]
    refused = [answer.seconds for answer in answers if answer.status not in (200, None)]
    early = [seconds for seconds in refused if seconds < _TIMEOUT]
    note = f"{len(transcribed)} transcribed, {len(refused)} refused"
    if refused:
        note += f" (the first after {min(refused):.0f} s)"
    if unanswered := len(answers) - len(transcribed) - len(refused):
        note += f", {unanswered} without an answer within {_LOAD_SECONDS:.0f} s, then abandoned"
    yield Row(f"{what}: refused early", "", len(early), 1.0, 0.0, note)
    yield from _seen(what, watcher, 0, 700)


def _picture(what: str, server: Server) -> Iterator[Row]:
    clip = _with_cover(16_000)
    request = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, clip)
    yield from _answered(what, server, [request] * 6, status=200, room=100)


def _streams(what: str, server: Server) -> Iterator[Row]:
    body = {
        "model": "gpt-4o-mini-audio-preview",
        "modalities": ["text", "audio"],
        "audio": {"voice": "alloy", "format": "pcm16"},
        "stream": True,
        "messages": [{"role": "user", "content": f"Say: {PASSAGE}"}],
    }
    idle = memory_of_all(server.pid)
    with Watcher(server) as watcher:
        answers = asyncio.run(_together([partial(_ask, server, _chat(body))] * 300))
    broken = sum(not answer.body.rstrip().endswith(b"0") for answer in answers)
    unfinished = sum(b"data: [DONE]" not in answer.body for answer in answers)
    note = f"all within {max(answer.seconds for answer in answers):.1f} s"
    yield Row(f"{what}: unfinished", "", max(broken, unfinished), 1.0, 0.0, note)
    yield from _seen(what, watcher, idle, 700)


def _slow(what: str, server: Server) -> Iterator[Row]:
    """Connect clients that send hardly anything, or read nothing."""
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer sk-slow\r\n"
    body = b"Content-Type: application/json\r\nContent-Length: 100000\r\n\r\n{"
    chunked = (
        b"Content-Type: multipart/form-data; boundary=x\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n--\r\n"
    )
    for kind, count, sent in (
        ("heads", 700, head),
        ("bodies", 700, head + body),
        ("chunks", 200, head + chunked),
    ):
        idle = memory_of_all(server.pid)
        with Watcher(server) as watcher:
            asyncio.run(_together([partial(_stall, server, sent, 8.0)] * count))
        yield from _seen(f"{what}, {count} {kind}", watcher, idle, 200)
    speech = {"model": "gpt-4o-mini-tts", "voice": "alloy", "response_format": "wav", "input": PASSAGE * 10}
    stub = {"when": {"endpoint": "chat"}, "reply": {"body": "x" * _LARGE}}
    asyncio.run(_ask(server, _json("/_mock/stubs", json.dumps(stub).encode())))
    for answer, request in (
        ("speech", _json("/v1/audio/speech", json.dumps(speech).encode())),
        (
            "a scripted 20 MB",
            _chat({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi."}]}),
        ),
    ):
        idle = memory_of_all(server.pid)
        with Watcher(server) as watcher:
            asyncio.run(_together([partial(_stall, server, request, 8.0)] * 520))
        yield from _seen(f"{what}, 520 readers of {answer}", watcher, idle, 700)


def _vanishing(what: str, server: Server) -> Iterator[Row]:
    """Connect clients that leave in the middle of an upload."""
    request = upload("/v1/audio/transcriptions", {"model": "whisper-1"}, spoken_bytes(2_000_000))
    before = server.descriptors()
    idle = memory_of_all(server.pid)
    with Watcher(server) as watcher:
        asyncio.run(_together([partial(_stall, server, request[:1_500_000], 0.0)] * 200))
        asyncio.run(_together([partial(_stall, server, request, 0.0)] * 200))
    ended = time.monotonic() + _TIMEOUT
    while server.descriptors() > before + 10 and time.monotonic() < ended:
        time.sleep(0.1)
    yield Row(f"{what}: descriptors left over", "", server.descriptors() - before, 10.0, 1.0)
    yield from _seen(what, watcher, idle, 700)


def _crowd(what: str, server: Server) -> Iterator[Row]:
    """Open more idle connections than the server may hold, and send requests on new ones and on one in use."""
    with Watcher(server) as watcher:
        answers, kept = asyncio.run(_crowded(server, _NOFILE + 100))
    unanswered = sum(answer.status != 200 for answer in answers)
    yield Row(
        f"{what}: unanswered", "", unanswered, 1.0, 0.0, f"of {len(answers)} requests on new connections"
    )
    yield Row(f"{what}: unanswered on a connection in use", "", 50 - kept, 1.0, 0.0, "of 50 requests")
    checks = f"{watcher.seen.answers} health checks"
    yield Row(f"{what}: written to the log", "kB", server.output_size() / 1000, 20.0, 1.0, checks)


async def _crowded(server: Server, count: int) -> tuple[list[Answer], int]:
    """Return the answers on 50 new connections, and how many of 50 came on one that was in use before the crowd."""
    reader, writer = await asyncio.open_connection(*server.address)
    await _is_answered(reader, writer)
    crowd = [asyncio.create_task(_stall(server, b"", 5.0)) for _ in range(count)]
    await asyncio.sleep(1.0)
    answers = [await _ask(server, get("/v1/models")) for _ in range(50)]
    kept = 0
    while kept < 50 and await _is_answered(reader, writer):
        kept += 1
    writer.close()
    await asyncio.gather(*crowd)
    return answers, kept


async def _is_answered(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """Request the models on a connection that is kept; return whether the answer arrived."""
    try:
        writer.write(get("/v1/models"))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), _LOAD_SECONDS)
        if b"chunked" in head:
            await reader.readuntil(b"\r\n0\r\n\r\n")
        else:
            length = re.search(rb"(?i)content-length: (\d+)", head)
            await reader.readexactly(int(length[1]) if length else 0)
    except (OSError, EOFError, TimeoutError):
        return False
    return head.startswith(b"HTTP/1.1 200")


def _patterns(what: str, server: Server) -> Iterator[Row]:
    """Send patterns and templates that would never end."""
    texts = {"user_text": "(a+)+$"}
    asyncio.run(
        _ask(server, _json("/_mock/stubs", json.dumps({"when": texts, "reply": {"say": "never"}}).encode()))
    )
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "a" * 50_000 + "!"}]}
    yield from _answered(f"{what}, a regular expression", server, [_chat(body)] * 8, status=200, room=200)
    for name, template in (
        ("nested loops", "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"),
        (
            "doubled text",
            "{% set n = namespace(x='aaaaaaaa') %}{% for i in range(60) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        ),
        ("an indent", "{{ request | json(2000000000) }}"),
    ):
        stub = {"when": {"endpoint": "chat"}, "reply": {"say": template, "template": True}}
        asyncio.run(_ask(server, _json("/_mock/stubs", json.dumps(stub).encode())))
        idle = memory_of_all(server.pid)
        with Watcher(server) as watcher:
            (answer,) = asyncio.run(_together([partial(_ask, server, _chat(body))]))
        yield Row(f"{what}, {name}: answered", "s", answer.seconds, 10.0, 1.0, answer.outcome)
        yield from _seen(f"{what}, {name}", watcher, idle, 200)


def _many_scripts(what: str, server: Server) -> Iterator[Row]:
    """Send paths and patterns, each of which takes the allowed time."""
    deep: object = {}
    for _ in range(60):
        deep = {"a": deep}
    function = {"name": "f", "parameters": {"type": "object", "properties": {}, "default": deep}}
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
    chat["tools"] = [{"type": "function", "function": function}]
    paths = [f"$..[?(@..[?(@..[?(@..[?(@..x{number})])])])]" for number in range(300)]
    in_one = [{"when": {"fields": {path: {"present": False} for path in paths}}, "reply": {"say": "never"}}]
    in_many = [{"when": {"fields": {path: {"present": False}}}, "reply": {"say": "never"}} for path in paths]
    yield from _scripted(f"{what}, 300 paths in a stub", server, "stubs", in_one, chat)
    yield from _scripted(f"{what}, 300 paths in 300 stubs", server, "stubs", in_many, chat)
    faults = [{"error": "overloaded", "when": stub["when"]} for stub in in_many]
    yield from _scripted(f"{what}, 300 paths in 300 faults", server, "faults", faults, chat)
    letters = random.Random(1).choices("ab", k=300_000)
    text = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "".join(letters)}]}
    slow = [{"error": "overloaded", "when": {"user_text": f"(a|b)*a(a|b){{14}}x{n}"}} for n in range(1_000)]
    yield from _scripted(f"{what}, 1,000 patterns", server, "faults", slow, text)
    large = [{"error": "overloaded", "when": {"user_text": "((a?b?)*){1000}z"}}]
    yield from _scripted(f"{what}, a large pattern", server, "faults", large, text)


def _scripted(
    what: str, server: Server, kind: str, documents: Sequence[object], chat: object
) -> Iterator[Row]:
    """Add stubs or faults, none of which matches the chats that follow, several at once."""
    asyncio.run(_ask(server, _json("/_mock/reset", b"")))
    for document in documents:
        asyncio.run(_ask(server, _json(f"/_mock/{kind}", json.dumps(document).encode())))
    idle = memory_of_all(server.pid)
    with Watcher(server) as watcher:
        answers = asyncio.run(_together([partial(_ask, server, _chat(chat))] * 4))
    slowest = max(answer.seconds for answer in answers)
    note = f"statuses {sorted({answer.status or 0 for answer in answers})}"
    yield Row(f"{what}: 4 answers", "s", slowest, 4 * 10.0, 1.0, note)
    yield from _seen(what, watcher, idle, 300)


def _chat(body: object, **headers: str) -> bytes:
    return _json("/v1/chat/completions", json.dumps(body).encode(), **headers)


def _json(path: str, body: bytes, **headers: str) -> bytes:
    """Return a whole POST request of JSON; ``strictness="off"`` is the header ``x-mock-strictness: off``."""
    request = post(path, "application/json", body)
    lines = "".join(f"x-mock-{name}: {value}\r\n" for name, value in headers.items())
    return request.replace(b"\r\n", b"\r\n" + lines.encode(), 1)


async def _together(calls: Sequence[Callable[[], Awaitable[Answer]]]) -> list[Answer]:
    return list(await asyncio.gather(*(call() for call in calls)))


async def _ask(server: Server, request: bytes) -> Answer:
    """Send a request on a new connection and read all of the answer, for at most ``_LOAD_SECONDS``."""
    began = time.perf_counter()
    request = request.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
    raw = b""
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(_LOAD_SECONDS):
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(request)
            with contextlib.closing(writer):
                raw = await reader.read()
    head, _, body = raw.partition(b"\r\n\r\n")
    status = int(head.split(b" ", 2)[1]) if head else None
    return Answer(status, body, time.perf_counter() - began)


async def _stall(server: Server, sent: bytes, seconds: float) -> Answer:
    """Send some bytes, wait without reading, and leave."""
    with contextlib.suppress(OSError):
        _, writer = await asyncio.open_connection(*server.address, limit=1)
        writer.write(sent)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(writer.drain(), _LOAD_SECONDS)
        await asyncio.sleep(seconds)
        writer.transport.abort()
    return Answer(None, b"", 0.0)


def _with_cover(side: int) -> bytes:
    """Return a second of sound as an mp3 file with a square picture (PNG, RGBA, 16 bits a channel) attached."""
    row = b"\0" * (1 + side * 8)
    packer = zlib.compressobj(9)
    pixels = b"".join(packer.compress(row) for _ in range(side)) + packer.flush()
    header = struct.pack(">IIBBBBB", side, side, 16, 6, 0, 0, 0)
    png = (
        b"\x89PNG\r\n\x1a\n"
        + _png_chunk(b"IHDR", header)
        + _png_chunk(b"IDAT", pixels)
        + _png_chunk(b"IEND", b"")
    )
    picture = b"\0image/png\0\x03\0" + png
    frame = b"APIC" + struct.pack(">I", len(picture)) + b"\0\0" + picture
    size = bytes((len(frame) >> shift) & 0x7F for shift in (21, 14, 7, 0))
    return (
        b"ID3\x03\0\0" + size + frame + b"".join(encode_speech(iter([bytes(2 * SPEECH_SAMPLE_RATE)]), "mp3"))
    )


def _png_chunk(name: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))


_QUIET = ("--whisper-model", "none", "--no-rate-limits")
_WHISPER = ("--whisper-model", "embedded", "--no-rate-limits")
_LOADS: dict[str, tuple[str, tuple[str, ...], Callable[[str, Server], Iterator[Row]]]] = {
    "invalid": ("invalid messages", _QUIET, _invalid),
    "text": ("20 MB of text", _QUIET, _long_text),
    "silence": ("silence", _WHISPER, _silence),
    "speech": ("4 h of speech", (*_WHISPER, "--max-body-bytes", "200000000"), _speech),
    "uploads": ("64 uploads of 20 MB", _WHISPER, _uploads),
    "covers": ("6 covers of 16,000 x 16,000", _QUIET, _picture),
    "streams": ("300 spoken streams", _QUIET, _streams),
    "slow": ("slow clients", _QUIET, _slow),
    "vanishing": ("400 vanishing clients", _WHISPER, _vanishing),
    "descriptors": (f"{_NOFILE} descriptors", _QUIET, _crowd),
    "scripts": ("scripts", _QUIET, _patterns),
    "many": ("many scripts", _QUIET, _many_scripts),
}
PARTS = tuple(_LOADS)
