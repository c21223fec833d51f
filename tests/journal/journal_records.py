"""Records of journal entries for tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mockserver.clock import Clock
from mockserver.journal.entries import OVERHEAD
from mockserver.journal.journal import Journal
from mockserver.journal.kept_audio import KeptAudio
from mockserver.journal.record import Record, records_of
from mockserver.state.memory.leases import MemoryLeases
from mockserver.state.memory.log import MemoryLog
from mockserver.state.presence import Presence
from mockserver.state.protocols import Bounds

NOON = 1_800_000_000.0  # 08:00 UTC

HELLO: Mapping[str, Any] = {
    "place": "file",
    "file": "hello.wav",
    "size": 99_634,
    "sha256": "ab" * 32,
    "container": "wav",
    "codec": "pcm_s16le",
    "duration": 2.07,
    "channels": 1,
    "sample_rate": 24_000,
    "pcm_sha256": "cd" * 32,
    "heard": "Hello world.",
    "transcript": {
        "language": "en",
        "segments": [{"start": 0.0, "end": 2.07, "text": "Hello world.", "speaker": None}],
        "words": None,
        "segments_dropped": 0,
    },
    "at_ms": None,
}

TRANSCRIPTION: dict[str, Any] = {
    "id": "req_1",
    "time": NOON,
    "connection": None,
    "account_names": ["org-ann/proj_ann", "org-ann", "proj_ann"],
    "account_id": "org-ann/proj_ann",
    "account": "sk-ann",
    "organization": "org-ann",
    "project": "proj_ann",
    "endpoint": "transcriptions",
    "operation": "create_transcription",
    "endpoint_names": ["transcriptions", "create_transcription", "/v1/audio/transcriptions"],
    "method": "POST",
    "path": "/v1/audio/transcriptions",
    "query": {},
    "headers": {"user-agent": "test"},
    "model": "whisper-1",
    "request": {"model": "whisper-1", "language": "en"},
    "audio": [HELLO],
    "said_audio": [],
    "heard": "Hello world.",
    "user_text": None,
    "prompt": None,
    "status": 200,
    "error": None,
    "answered_by": "fixture; name=hello",
    "stub": None,
    "fault": None,
    "response_headers": {"content-type": "application/json"},
    "response": {"text": "Hello world."},
    "reply": None,
    "realtime": None,
    "usage": {"type": "duration", "seconds": 3},
    "cost_usd": None,
    "limits": {},
    "timing": {"first_byte_ms": 1.5, "total_ms": 2.5},
    "stream_events": None,
    "stream_pieces": None,
    "pieces": None,
    "pieces_dropped": 0,
    "bytes_sent": 79,
    "in_flight": False,
    "hung_up": False,
}


def record(**changes: Any) -> Record:
    """Return the record of a transcription, with changes."""
    assert changes.keys() <= TRANSCRIPTION.keys()
    return records_of([{**TRANSCRIPTION, **changes}])[0]


def chat(text: str, **changes: Any) -> Record:
    """Return the record of a chat in which the user wrote ``text``."""
    return record(
        endpoint="chat",
        operation="create_chat_completion",
        endpoint_names=["chat", "create_chat_completion"],
        path="/v1/chat/completions",
        model="gpt-4o-mini",
        request={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]},
        audio=[],
        heard=None,
        user_text=text,
        answered_by="fixed reply",
        **changes,
    )


def journal_of(
    *records: Record, entries: int = 1_000, max_bytes: int = 1 << 20, keep_audio: int = 0
) -> Journal:
    """Return a journal that holds the records."""
    journal = Journal(
        Clock(frozen_at=NOON),
        MemoryLog(Bounds(entries, max_bytes, OVERHEAD)),
        KeptAudio(MemoryLog(Bounds(entries, keep_audio)), keep_audio) if keep_audio else None,
        Presence(MemoryLeases()),
        is_kept=entries > 0,
    )
    for each in records:
        journal.add(each)
    return journal
