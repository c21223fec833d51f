"""The bytes of responses and their events."""

from __future__ import annotations

import json

import pytest

from mockserver.wire import responses


def test_members_of_a_response_are_in_the_order_of_the_api() -> None:
    members = {"metadata": {}, "status": "completed", "id": "resp_1", "conversation": {"id": "conv_1"}}
    response = responses.response(members)
    assert list(response) == ["id", "object", "status", "billing", "conversation", "metadata"]
    assert "billing" not in responses.response(members, in_event=True)


def test_members_of_items_and_their_parts_are_in_the_order_of_the_api() -> None:
    part = {
        "text": "a",
        "annotations": [{"url": "u", "type": "url_citation", "end_index": 1}],
        "type": "output_text",
    }
    item = responses.ordered(
        {"role": "assistant", "content": [part], "id": "msg_1", "type": "message", "status": "x"}
    )
    assert list(item) == ["id", "type", "status", "content", "role"]
    assert list(item["content"][0]) == ["type", "annotations", "text"]
    assert list(item["content"][0]["annotations"][0]) == ["type", "end_index", "url"]


def test_events_are_numbered_and_alphabetical() -> None:
    events = responses.Events(None)
    assert (
        events.event("a", z=1, b="ü")
        == 'event: a\ndata: {"type":"a","b":"ü","sequence_number":0,"z":1}\n\n'.encode()
    )
    assert b'"sequence_number":1' in events.event("b")


@pytest.mark.parametrize("length", [0, 1, 15, 16, 17, 100])
def test_deltas_are_filled_up_to_a_multiple_of_16(length: int) -> None:
    events = responses.Events(lambda count: "x" * count)
    payload = json.loads(events.delta("d", "ä" * length).splitlines()[1][6:])
    assert len(payload["delta"] + payload["obfuscation"]) % 16 == 0
    assert list(payload) == ["type", "delta", "obfuscation", "sequence_number"]
    assert "obfuscation" not in json.loads(responses.Events(None).delta("d", "a").splitlines()[1][6:])


@pytest.mark.parametrize(
    "first", [b"", b"data: [DONE]\n\n", b"data: 7\n\n", b'data: {"response":7}\n\n', b"data: [1]\n\n"]
)
def test_a_failure_after_anything_is_two_events(first: bytes) -> None:
    error, failed = responses.failure(first, 3, "server_error", "")
    assert error.startswith(b"event: error\n")
    assert b'"sequence_number":4' in failed
