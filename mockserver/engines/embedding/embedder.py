"""Computes the vectors of texts from their pieces.

Every piece adds to a few of the components of a sketch, at places and with signs that are hashes of it. Then a
Walsh-Hadamard transform spreads each component over the whole vector, so that the first components of a vector are a
good shorter one. All sums are of integers: the same text has the same vector in every request and on every machine.
"""

from __future__ import annotations

import zlib
from array import array
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from mockserver.catalog.reading import read_table
from mockserver.engines.embedding.pieces import Pieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_TABLE = Path(__file__).parents[2] / "catalog" / "embedding.toml"
_SIZE = 4096  # components of a sketch, a power of two; the most dimensions of a vector
_PLACES = 4  # components that a piece adds to
_LEAST = 8  # the factor of the weight of a piece at a place is a hash from 8 to 15
_TEXTS = 64  # texts that are transformed at a time


class Embedder:
    """An engine that embeds texts. Thread-safe."""

    @cached_property
    def _table(self) -> Mapping[str, Any]:
        return read_table(_TABLE)

    def vectors(
        self,
        texts: Sequence[str],
        dimensions: int,
        *,
        space: str,
        numbers: Literal["half", "single"] = "half",
    ) -> Iterator[NDArray[np.float32]]:
        """Yield the unit vectors of ``texts``.

        Vectors of different ``space``, the name of a model, have nothing in common. The components have the precision
        ``numbers``.
        """
        import numpy as np

        seed = zlib.crc32(space.encode())
        numbered = np.arange(_SIZE, dtype=np.uint64)
        signs = np.where(_mixed(numbered, seed) >> np.uint64(63), 1.0, -1.0)
        order = np.argsort(_mixed(numbered, seed + 1))[:dimensions]
        pieces = Pieces(frozenset(self._table["common_words"]), self._table["endings"])
        for start in range(0, len(texts), _TEXTS):
            sketches = _sketches(pieces, texts[start : start + _TEXTS], seed) * signs
            yield from _unit(_transformed(sketches)[:, order], numbers)


def _sketches(pieces: Pieces, texts: Sequence[str], seed: int) -> NDArray[np.float64]:
    """Return a row of integers for each text."""
    import numpy as np

    hashes, weights, lengths = array("Q"), array("L"), list[int]()
    for text in texts:
        before = len(hashes)
        for piece, weight in pieces.of(text):
            hashes.append(piece)
            weights.append(weight)
        lengths.append(len(hashes) - before)
    rows = np.repeat(np.arange(len(texts)), lengths) * _SIZE
    hashed, weight_of = np.array(hashes, dtype=np.uint64), np.array(weights, dtype=np.float64)
    sketches = np.zeros(len(texts) * _SIZE)
    for number in range(_PLACES):
        mixed = _mixed(hashed, seed + 2 + number)
        places = rows + (mixed % np.uint64(_SIZE)).astype(np.int64)
        weighted = weight_of * (_LEAST + (mixed >> np.uint64(32)) % np.uint64(_LEAST))
        signed = np.where(mixed >> np.uint64(63), weighted, -weighted)
        sketches += np.bincount(places, signed, len(sketches))
    return sketches.reshape(len(texts), _SIZE)


def _mixed(values: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return hashes of the values (the finalizer of SplitMix64)."""
    import numpy as np

    mixed = values * np.uint64(2) + np.uint64((seed * 0x9E3779B97F4A7C15) & (2**64 - 1))
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        mixed = (mixed ^ (mixed >> np.uint64(shift))) * np.uint64(factor)
    return mixed ^ (mixed >> np.uint64(31))


def _transformed(rows: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the Walsh-Hadamard transform of each row.

    Each step adds and subtracts neighbours; with the rows as columns, these are long contiguous additions.
    """
    import numpy as np

    columns = np.ascontiguousarray(rows.T, dtype=np.float32)
    following = np.empty_like(columns)
    half = _SIZE // 2
    for _ in range(_SIZE.bit_length() - 1):
        np.add(columns[0::2], columns[1::2], out=following[:half])
        np.subtract(columns[0::2], columns[1::2], out=following[half:])
        columns, following = following, columns
    return columns.T


def _unit(rows: NDArray[np.float32], numbers: Literal["half", "single"]) -> NDArray[np.float32]:
    """Return the rows, scaled to the length 1. Very few components may all be zero; they become equal."""
    import numpy as np

    exact = rows.astype(np.float64)
    exact[~exact.any(axis=1)] = 1.0
    vectors = exact / np.sqrt(np.einsum("ij,ij->i", exact, exact))[:, np.newaxis]
    if numbers == "half":
        vectors = vectors.astype(np.float16)
    written: NDArray[np.float32] = vectors.astype("<f4")
    return written
