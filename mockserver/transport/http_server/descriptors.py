"""How many files and connections the process may have open."""

from __future__ import annotations

import sys

_WANTED = 1 << 16  # open files; more would only make some libraries slow
_WANTED_ON_MACOS = 10_240  # OPEN_MAX, beyond which the system refuses to go
_OTHER_FILES = 32  # that are open beside connections, at least
_FEWEST_CONNECTIONS = 16


def raise_limit() -> None:
    """Allow as many open files as the system lets this process have, up to 65,536."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED_ON_MACOS if sys.platform == "darwin" else _WANTED
    if hard != resource.RLIM_INFINITY:
        wanted = min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        except (OSError, ValueError):  # it stays as it is
            return


def room_for_connections(most: int) -> int:
    """Return how many connections may be open: what the limit of open files leaves, at most ``most``."""
    try:
        import resource
    except ImportError:
        return most
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return most
    return min(most, max(soft - max(soft // 4, _OTHER_FILES), _FEWEST_CONNECTIONS))
