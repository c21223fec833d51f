"""Events of streams are found whole, however the streams are cut."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.wire.sse import events


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
@given(st.data())
def test_events_are_found_however_the_stream_is_cut(end: bytes, data: st.DataObject) -> None:
    sent = [b'data: {"n": %d}' % number + end for number in range(5)]
    stream = b"".join(sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)))))
    pieces = [stream[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert list(events(pieces)) == sent


def test_an_event_is_passed_on_before_the_next_one_comes() -> None:
    def stream() -> Iterator[bytes]:
        yield b"data: 1\n\ndata: 2"
        pytest.fail("read on too early")

    assert next(events(stream())) == b"data: 1\n\n"
