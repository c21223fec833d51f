"""The scripts that Redis executes, in Lua. Each is atomic."""

from __future__ import annotations

import hashlib
from pathlib import Path

from msgspec import Struct

LATE = "LATE"  # the error of a script that began later than its caller waits for it

# Redis executes a command even if its client has given it up, when it was stopped meanwhile.
_IN_TIME = f"""
local time = redis.call('TIME')
if time[1] * 1000 + time[2] / 1000 > tonumber(ARGV[1]) then return redis.error_reply('{LATE}') end
"""


class Script(Struct, frozen=True):
    """A script, and the SHA-1 by which Redis knows it once it was sent.

    ``ARGV[1]`` is the time until which it may begin, in milliseconds of Redis's clock; ``time`` is the time now, as
    ``TIME`` returns it.
    """

    source: str
    sha: str


def script(*names: str) -> Script:
    """Return the script in files beside this module, which are executed one after another."""
    folder = Path(__file__).parent
    bodies = [(folder / f"{name}.lua").read_text("utf-8") for name in names]
    source = "\n".join((_IN_TIME, *bodies))
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())
