"""The voices that requests name, custom and unknown ones included."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from msgspec.structs import replace

if TYPE_CHECKING:
    from mockserver.catalog.records import Voice
    from mockserver.catalog.tables import Catalog

_MAX_NAME = 64  # characters of a custom voice's id in a response header


def voice_of(catalog: Catalog, name: str) -> Voice:
    """Return a voice of the catalog. A custom or unknown voice gets a sound that depends on its id alone."""
    return catalog.voice(name) or _custom_voice(catalog, name)


def _custom_voice(catalog: Catalog, voice_id: str) -> Voice:
    """Return one of the catalog's voices with another pitch and tempo, all chosen by a hash of the id."""
    kind, pitch, tempo = hashlib.sha256(voice_id.encode("utf-8", "replace")).digest()[:3]
    bounds = catalog.custom_voices
    return replace(
        catalog.voices[kind % len(catalog.voices)],
        name=voice_id[:_MAX_NAME],
        pitch=round(_between(bounds.pitch, pitch / 255)),
        tempo=_between(bounds.tempo, tempo / 255),
    )


def _between(bounds: tuple[float, float], share: float) -> float:
    lowest, highest = bounds
    return lowest + (highest - lowest) * share
