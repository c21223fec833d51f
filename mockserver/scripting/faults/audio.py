"""Damages audio: changes some of its bytes and leaves the rest of the answer intact."""

from __future__ import annotations

import random
import re

_HEADER = 64  # bytes left intact, so that players still recognise the container
_GAP = 64  # bytes from one changed byte to the next, on average
_IN_JSON = re.compile(rb'("(?:audio|data)"\s*:\s*")([A-Za-z0-9+/]{4,}={0,2})(")')


class Noise:
    """Changes some bytes of audio that arrives in pieces: the same ones for the same ``chance``."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next = _HEADER + chance.randrange(_GAP)  # offset of the next byte to change

    def on(self, sound: bytes) -> bytes:
        """Return the next piece of the audio with some bytes changed; its length stays the same."""
        damaged = bytearray(sound)
        while self._next < len(damaged):
            damaged[self._next] ^= self._chance.randrange(1, 256)
            self._next += self._chance.randrange(1, 2 * _GAP)
        self._next -= len(damaged)
        return bytes(damaged)

    def on_json(self, text: bytes) -> bytes:
        """Return a JSON text or an event in which only the base64 audio is changed."""
        import pybase64

        def damaged(found: re.Match[bytes]) -> bytes:
            before, encoded, after = found.groups()
            return before + pybase64.b64encode(self.on(pybase64.b64decode(encoded))) + after

        return _IN_JSON.sub(damaged, text)
