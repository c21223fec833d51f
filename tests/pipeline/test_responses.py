"""``Reply``: the headers fit the body."""

from __future__ import annotations

import pytest

from mockserver.pipeline.adapters.flask_adapter import response_of
from mockserver.pipeline.responses import Reply

TEXT = "text/plain"


def test_a_whole_body_tells_its_length_after_the_headers_that_were_given() -> None:
    reply = Reply(b"12345", 201, TEXT, [("x-one", "1"), ("x-one", "2")])
    assert list(reply.headers) == [
        ("x-one", "1"),
        ("x-one", "2"),
        ("Content-Type", TEXT),
        ("Content-Length", "5"),
    ]


def test_a_body_that_is_sent_in_chunks_tells_no_length_and_neither_does_a_stream() -> None:
    chunked = Reply(b"12345", 200, TEXT)
    chunked.send_in_chunks()
    for reply in (chunked, Reply(iter([b"12345"]), 200, TEXT)):
        sent = response_of(reply)
        assert "content-length" not in sent.get_wsgi_headers({})
        assert b"".join(sent.iter_encoded()) == b"12345"


def test_a_length_that_is_wrong_stays_so() -> None:
    reply = Reply(b"12345", 200, TEXT)
    reply.headers["Content-Length"] = "7"
    reply.body = iter([b"12345"])
    assert response_of(reply).get_wsgi_headers({})["content-length"] == "7"


@pytest.mark.parametrize(
    ("content_type", "is_json"),
    [
        ("application/json; charset=utf-8", True),
        ("application/problem+json", True),
        ("text/json", False),
        ("text/event-stream", False),
    ],
)
def test_json_is_known_by_its_content_type(content_type: str, is_json: bool) -> None:
    assert Reply(b"{}", 200, content_type).is_json is is_json


def test_a_header_of_several_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="newline"):
        Reply(b"", 200, TEXT, [("x-one", "1\r\nx-two: 2")])


def test_a_header_that_is_set_takes_the_place_of_those_with_its_name() -> None:
    reply = Reply(b"", 200, TEXT, [("X-One", "1"), ("x-two", "2"), ("x-one", "3")])
    reply.headers["x-one"] = "4"
    reply.headers.add_missing([("X-TWO", "5"), ("x-three", "6")])
    reply.headers.extend([("x-two", "7")])
    del reply.headers["content-length"]
    assert list(reply.headers) == [
        ("x-one", "4"),
        ("x-two", "2"),
        ("Content-Type", TEXT),
        ("x-three", "6"),
        ("x-two", "7"),
    ]
    assert reply.headers.get("X-Two") == "2"
    assert "X-Four" not in reply.headers


@pytest.mark.parametrize("value", ["1\r\nx-two: 2", "1\n"])
def test_a_header_of_several_lines_cannot_be_added(value: str) -> None:
    reply = Reply(b"", 200, TEXT)
    with pytest.raises(ValueError, match="newline"):
        reply.headers["x-one"] = value
    with pytest.raises(ValueError, match="newline"):
        reply.headers.extend([("x-one", value)])
    assert "x-one" not in reply.headers


def test_what_waits_for_the_end_of_a_reply_is_called_when_it_was_sent() -> None:
    ended: list[str] = []
    reply = Reply(iter([b"1", b"2"]), 200, TEXT)
    reply.call_on_close(lambda: ended.append("closed"))
    response = response_of(reply)
    assert b"".join(response.iter_encoded()) == b"12"
    assert ended == []
    response.close()
    assert ended == ["closed"]
