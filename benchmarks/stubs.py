"""Ten thousand stubs against ten: the cost of finding the matching one, by each exact fact."""

from __future__ import annotations

import hashlib
import statistics
from typing import TYPE_CHECKING, Any

from benchmarks.in_process import Asked, chat, seconds_of_cpu, transcription
from benchmarks.report import Row
from mockserver.app import create_app, services_of
from mockserver.audio.decode import decode
from mockserver.resources import data_folder
from mockserver.settings.model import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator

    import flask

    from benchmarks.report import Options

_FEW, _MANY = 10, 10_000
_ROUNDS = 40
_REQUESTS = 10  # per round
_ALLOWED = 1.2


def run(options: Options) -> Iterator[Row]:
    """Call two apps in this process in turn; return medians over the rounds."""
    audio = (data_folder("fixtures") / "hello.wav").read_bytes()
    pcm_sha256 = decode(audio, keep_seconds=0, max_seconds=60).facts.pcm_sha256
    facts: list[tuple[str, Any, Asked]] = [
        ("user_text", {"equals": "Good morning."}, chat("Good morning.")),
        ("file", "hello.wav", transcription("hello.wav", audio)),
        ("sha256", hashlib.sha256(audio).hexdigest(), transcription("a.wav", audio)),
        ("pcm_sha256", pcm_sha256, transcription("a.wav", audio)),
    ]
    for condition, value, asked in facts:
        few, many = (_app(condition, value, count) for count in (_FEW, _MANY))
        pairs = [(_median(few, asked), _median(many, asked)) for _ in range(_ROUNDS)]
        with_few, with_many = (statistics.median(column) for column in zip(*pairs, strict=True))
        yield Row(
            f"found by {condition}", "us", with_many, with_few, _ALLOWED, f"{_MANY:,} stubs against {_FEW}"
        )


def _app(condition: str, value: Any, count: int) -> flask.Flask:
    """Return an app with so many stubs with the same condition, one of which answers."""
    app = create_app(Settings(whisper_model="none", log_level="warning"))
    stubs = services_of(app).stubs
    for number in range(count):
        digest = hashlib.sha256(str(number).encode()).hexdigest()
        other = {"equals": digest} if isinstance(value, dict) else digest
        stubs.add({"when": {condition: other}, "reply": {"text": "Not this one."}}, None)
    stubs.add({"when": {condition: value}, "reply": {"text": "This one."}}, None)
    return app


def _median(app: flask.Flask, asked: Asked) -> float:
    """Return the median in microseconds."""
    return statistics.median(seconds_of_cpu(app, [asked] * _REQUESTS)) * 1e6
