"""Tells speakers apart by their voices: the pitch and the average spectrum of each stretch of speech.

Enough for clear recordings of a few different voices, one at a time; not for whispering, crowds or twins.
The figures below were chosen on the thirteen voices of ``catalog/voices.toml``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from mockserver.engines.transcription import Segment
