"""Connecting: which session is opened, and how one is refused."""

from __future__ import annotations

from tests.providers.openai.realtime.conftest import Connect


def test_a_conversation_begins_with_its_session(connect: Connect) -> None:
    talk = connect("model=gpt-realtime-mini", created=False)
    event = talk.receive()
    assert list(event) == ["type", "event_id", "session"]
    assert (event["type"], event["session"]["model"]) == ("session.created", "gpt-realtime-mini")
