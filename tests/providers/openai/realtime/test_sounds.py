"""The audio of items: kept in memory or on disk, cut, and sent in its encoding."""

from __future__ import annotations

import base64

import pytest

from mockserver.audio import content
from mockserver.audio.telephony import encode_g711
from mockserver.providers.openai.realtime import sounds
from mockserver.providers.openai.realtime.sounds import Sounds

SECOND = bytes(range(240)) * 200  # of 24 kHz


def test_a_sound_knows_its_duration_and_can_be_cut() -> None:
    sound = Sounds().keep(SECOND, 24_000)
    assert sound.ms == 1_000
    assert sound.cut(250).ms == 250
    assert sound.cut(250).data() == SECOND[:12_000]
    assert sound.cut(2_000).data() == sound.data() == SECOND


def test_a_sound_is_sent_in_its_encoding() -> None:
    pcm = Sounds().keep(SECOND, 24_000)
    assert base64.b64decode(pcm.base64()) == SECOND
    narrow = Sounds().keep(SECOND, 8_000, "g711_ulaw")
    assert base64.b64decode(narrow.base64()) == encode_g711(SECOND, "mu")


def test_what_does_not_fit_into_memory_is_on_disk() -> None:
    kept = Sounds()
    first = [kept.keep(SECOND, 24_000) for _ in range(21)]
    last = [kept.keep(bytes([number]) * 48_000, 24_000) for number in range(5)]
    assert {sound.data() for sound in first} == {SECOND}
    assert [sound.data()[0] for sound in last] == [0, 1, 2, 3, 4]
    assert kept._spool is not None
    assert kept._spool.size == 5 * 48_000


def test_without_room_on_disk_sounds_stay_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(content.Spool):
        def write(self, piece: bytes | memoryview) -> None:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(sounds, "Spool", Full)
    kept = Sounds()
    large = bytes(2 << 20)
    assert kept.keep(large, 24_000).data() == large
