"""Parts of sounds are found in known ones; what is only similar is not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mockserver.engines.excerpts.fingerprints import VALUES, Fingerprint
from mockserver.engines.excerpts.locating import Library, Part

Values = NDArray[np.int8]


def sound(seed: int, *lengths: int) -> Fingerprint:
    """Return a made-up sound: active and silent frames in turn, beginning with silent ones."""
    rng = np.random.default_rng(seed)
    active = np.concatenate([np.full(length, number % 2 == 1) for number, length in enumerate(lengths)])
    values = rng.integers(-120, 121, (len(active), VALUES)).astype(np.int8)
    return Fingerprint(np.where(active[:, np.newaxis], values, 0).astype(np.int8), active)


def piece(of: Fingerprint, begin: int, end: int, before: int = 12, after: int = 12) -> Fingerprint:
    """Return some frames of a sound with silent frames around them."""
    around = ((before, after), (0, 0))
    return Fingerprint(np.pad(of.values[begin:end], around), np.pad(of.active[begin:end], around[0]))


def joined(*sounds: Fingerprint) -> Fingerprint:
    return Fingerprint(
        np.concatenate([each.values for each in sounds]), np.concatenate([each.active for each in sounds])
    )


LONG, SHORT, OTHER = sound(1, 5, 60, 10, 40, 10, 80, 5), sound(2, 5, 20, 5), sound(3, 5, 70, 5)
LIBRARY = Library([LONG, SHORT, OTHER])


def locate(heard: Fingerprint, library: Library = LIBRARY) -> list[Part] | None:
    return library.locate(heard, heard)


def test_a_whole_sound_is_found() -> None:
    assert locate(piece(LONG, 0, 210)) == [Part(0, 17, 217, 5)]
    assert locate(piece(SHORT, 0, 30)) == [Part(1, 17, 37, 5)]


def test_a_part_between_pauses_is_found() -> None:
    assert locate(piece(LONG, 70, 120)) == [Part(0, 17, 57, 75)]
    assert locate(piece(LONG, 120, 205)) == [Part(0, 17, 97, 125)]


def test_several_sounds_are_found_in_their_order() -> None:
    heard = joined(piece(OTHER, 0, 80), piece(SHORT, 0, 30), piece(LONG, 0, 70))
    found = locate(heard)
    assert found is not None
    assert [part.number for part in found] == [2, 1, 0]


def test_unknown_speech_anywhere_makes_the_whole_unknown() -> None:
    unknown = sound(9, 5, 50, 5)
    assert locate(unknown) is None
    assert locate(joined(piece(OTHER, 0, 80), unknown)) is None
    assert locate(joined(unknown, piece(OTHER, 0, 80))) is None


def test_another_word_in_the_middle_makes_the_whole_unknown() -> None:
    heard = piece(OTHER, 0, 80)
    heard.values[40:60] = sound(7, 0, 20).values
    assert locate(heard) is None


def test_a_click_is_no_word() -> None:
    assert locate(joined(piece(OTHER, 0, 80), sound(8, 6, 6, 12))) == [Part(2, 17, 87, 5)]
    assert locate(joined(piece(OTHER, 0, 80), sound(8, 6, 20, 12))) is None


def test_the_cut_off_begin_of_a_word_at_the_end_is_no_word() -> None:
    assert locate(joined(piece(OTHER, 0, 80), sound(8, 6, 13, 3))) == [Part(2, 17, 87, 5)]
    assert locate(joined(piece(OTHER, 0, 80), sound(8, 6, 13, 30))) is None


def test_a_short_piece_from_within_words_is_not_enough() -> None:
    assert locate(piece(OTHER, 30, 50)) is None
    # Longer ones are, and those that begin or end with the audio.
    assert locate(piece(OTHER, 10, 70)) == [Part(2, 12, 72, 10)]
    assert locate(piece(OTHER, 50, 80, before=5)) == [Part(2, 5, 30, 50)]


def test_short_pieces_cannot_be_put_together() -> None:
    assert locate(joined(piece(LONG, 70, 120), piece(LONG, 70, 120))) is None


def test_of_equal_sounds_the_whole_one_is_taken_then_the_last_one() -> None:
    same = sound(2, 5, 20, 5)
    within = joined(same, OTHER)
    assert locate(piece(same, 0, 30), Library([within, SHORT])) == [Part(1, 17, 37, 5)]
    assert locate(piece(same, 0, 30), Library([SHORT, within])) == [Part(0, 17, 37, 5)]
    assert locate(piece(same, 0, 30), Library([SHORT, SHORT])) == [Part(1, 17, 37, 5)]


def test_a_sound_that_is_muted_on_its_way_is_unknown() -> None:
    heard = piece(OTHER, 0, 80)
    heard.values[25:55] = 0
    heard.active[25:55] = False
    assert locate(heard) is None


def test_silence_has_no_parts() -> None:
    assert locate(sound(1, 40)) == []


def test_sounds_shorter_than_what_is_looked_for() -> None:
    assert locate(piece(SHORT, 0, 30), Library([sound(5, 1, 3)])) is None
    assert locate(sound(6, 1, 12), Library([sound(6, 1, 12)])) == [Part(0, 1, 13, 1)]
