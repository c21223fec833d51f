"""Waits before an answer and between its events, recorded instead of slept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import openai

from mockserver.app import services_of
from mockserver.scripting.stubs.pacing import Pacing
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.waiting import eventually

EVENTS = "text/event-stream; charset=utf-8"


def paced(
    reply: dict[str, Any], body: Any, content_type: str = EVENTS, tokens: int = 0
) -> tuple[Any, list[float]]:
    seconds: list[float] = []
    pacing = Pacing(reply, "seed", seconds.append)
    pacing.before_work()
    answer = pacing.paced(body, content_type, tokens)
    return answer if isinstance(answer, bytes) else list(answer), seconds


def test_a_delay_comes_before_the_work() -> None:
    assert paced({"delay": 2.0}, b"body") == (b"body", [2.0])


def test_a_whole_answer_waits_for_its_tokens() -> None:
    assert paced({"first_byte": 1.0, "tokens_per_second": 10}, b"body", tokens=5) == (b"body", [1.0, 0.5])


def test_a_stream_sends_its_events_one_by_one() -> None:
    pieces = [b"data: 1\n\ndata: 2\n\n", b"data: 3\n\n"]
    sent, seconds = paced({"first_byte": 1.0, "tokens_per_second": 4}, iter(pieces))
    assert sent == [b"data: 1\n\n", b"data: 2\n\n", b"data: 3\n\n"]
    assert seconds == [1.0, 0.25, 0.25]


def test_sound_waits_for_its_first_byte_only() -> None:
    assert paced({"first_byte": 1.0, "tokens_per_second": 4}, iter([b"a", b"b"]), "audio/mpeg") == (
        [b"a", b"b"],
        [1.0],
    )


def test_jitter_varies_each_wait_and_repeats_itself() -> None:
    reply = {"tokens_per_second": 10, "jitter": 0.5}
    pieces = [b"data: x\n\n"] * 20
    _, seconds = paced(reply, iter(pieces))
    assert all(0.05 <= each <= 0.15 for each in seconds)
    assert len(set(seconds)) > 10
    assert paced(reply, iter(pieces))[1] == seconds


def test_an_answer_without_a_pace_is_left_alone() -> None:
    body = iter([b"a"])
    assert Pacing({"text": "a"}, "", list[float]().append).paced(body, EVENTS, 3) is body


def test_closing_a_paced_stream_closes_what_it_is_made_of() -> None:
    closed = []

    def stream() -> Iterator[bytes]:
        try:
            yield b"data: 1\n\n"
            yield b"data: 2\n\n"
        finally:
            closed.append(True)

    answer = Pacing({"tokens_per_second": 4}, "", list[float]().append).paced(stream(), EVENTS, 0)
    iterator = iter(answer)
    next(iterator)
    iterator.close()  # type: ignore[attr-defined]
    assert closed == [True]


def test_a_server_that_closes_waits_no_longer() -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="warning")) as server:
        services = services_of(server.app)
        services.stubs.add({"reply": {"say": "Never.", "delay": 3600}}, None)
        with ThreadPoolExecutor() as pool:
            asked = pool.submit(_ask, server.base_url)
            assert eventually(lambda: services.metrics.counts().in_flight)
            server.stop()
            asked.result()
        assert services.metrics.counts().in_flight == 0
        assert [entry["stub"] for entry in server.journal] == ["stub-1"]


def _ask(base_url: str) -> None:
    with (
        contextlib.suppress(openai.OpenAIError),
        openai.OpenAI(base_url=base_url, api_key="sk-mock-me") as client,
    ):
        client.with_options(max_retries=0).chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
        )


def test_events_of_any_line_ends_are_paced() -> None:
    sent, seconds = paced({"tokens_per_second": 4}, iter([b"data: 1\r\n\r\ndata", b": 2\r\n\r\n"]))
    assert sent == [b"data: 1\r\n\r\n", b"data: 2\r\n\r\n"]
    assert seconds == [0.25]
