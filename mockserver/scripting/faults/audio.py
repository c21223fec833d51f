"""Sound with wrong bytes in it, where the rest of the answer is as it should be."""

from __future__ import annotations

import random
import re

_HEADER = 64  # bytes that stay as they are, so that players still see which container it is
_GAP = 64  # bytes from one wrong byte to the next, on average
_IN_JSON = re.compile(rb'("(?:audio|data)"\s*:\s*")([A-Za-z0-9+/]{4,}={0,2})(")')


class Noise:
    """Changes some bytes of a sound that comes in pieces: the same ones for the same ``chance``."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._next = _HEADER + chance.randrange(_GAP)  # place of the next wrong byte

    def on(self, sound: bytes) -> bytes:
        """Return the next piece of the sound, as long as before."""
        damaged = bytearray(sound)
        while self._next < len(damaged):
            damaged[self._next] ^= self._chance.randrange(1, 256)
            self._next += self._chance.randrange(1, 2 * _GAP)
        self._next -= len(damaged)
        return bytes(damaged)

    def on_json(self, text: bytes) -> bytes:
        """Return a whole JSON text, or event, of which only the sound in base64 is changed."""
        import pybase64

        def damaged(found: re.Match[bytes]) -> bytes:
            before, encoded, after = found.groups()
            return before + pybase64.b64encode(self.on(pybase64.b64decode(encoded))) + after

        return _IN_JSON.sub(damaged, text)
