"""Damaged events and audio: they are broken in the promised way only."""

from __future__ import annotations

import base64
import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mockserver.scripting.faults.audio import Noise
from mockserver.scripting.faults.events import changed, garbled, is_done

SOUND = bytes(range(256)) * 40


def noise(seed: int = 1) -> Noise:
    return Noise(random.Random(seed))


def test_one_event_is_changed_and_the_others_pass() -> None:
    assert list(changed([b"a", b"b", b"c"], 1, lambda event: [event, event])) == [b"a", b"b", b"b", b"c"]


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_a_garbled_event_is_an_event_with_broken_json(end: bytes) -> None:
    broken = garbled(b'data: {"delta": "Hello"}' + end)
    assert broken.startswith(b'data: {"')
    assert broken.endswith(end)
    with pytest.raises(json.JSONDecodeError):
        json.loads(broken.removeprefix(b"data: "))


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n"])
def test_the_last_event_is_known(end: bytes) -> None:
    assert is_done(b"data: [DONE]" + end)
    assert not is_done(b'data: {"delta": "[DONE]"}' + end)


def test_noise_keeps_the_length_and_the_header() -> None:
    damaged = noise().on(SOUND)
    assert len(damaged) == len(SOUND)
    assert damaged[:64] == SOUND[:64]
    differing = sum(one != other for one, other in zip(damaged, SOUND, strict=True))
    assert len(SOUND) / 128 < differing < len(SOUND) / 32


def test_noise_is_that_of_its_seed() -> None:
    assert noise(1).on(SOUND) == noise(1).on(SOUND) != noise(2).on(SOUND)


@given(st.lists(st.integers(0, len(SOUND))))
def test_noise_does_not_depend_on_how_the_sound_is_cut(cuts: list[int]) -> None:
    cuts = sorted(cuts)
    pieces = [SOUND[start:stop] for start, stop in zip([0, *cuts], [*cuts, len(SOUND)], strict=True)]
    one = noise()
    assert b"".join(one.on(piece) for piece in pieces) == noise().on(SOUND)


@pytest.mark.parametrize("member", ["audio", "data"])
def test_only_the_sound_of_json_is_changed(member: str) -> None:
    document = {"text": 'He said: "data": "QUJDREVGR0g="', member: base64.b64encode(SOUND).decode(), "n": 1}
    damaged = json.loads(noise().on_json(json.dumps(document, indent=2).encode()))
    assert base64.b64decode(damaged.pop(member), validate=True) == noise().on(SOUND)
    del document[member]
    assert damaged == document
