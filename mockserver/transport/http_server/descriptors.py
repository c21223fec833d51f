"""The limit of open files of the process, and the connections that it allows."""

from __future__ import annotations

import sys

_WANTED = 1 << 16  # open files; more would slow down some libraries
_WANTED_ON_MACOS = 10_240  # OPEN_MAX, the most that the system allows
_MIN_OTHER_FILES = 32  # open files other than connections
_MIN_CONNECTIONS = 16


def raise_limit() -> None:
    """Raise the limit of open files to the system's maximum, at most 65,536."""
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
        except (OSError, ValueError):  # the limit stays unchanged
            return


def room_for_connections(wanted: int) -> int:
    """Return the number of connections that the limit of open files allows, at most ``wanted``."""
    try:
        import resource
    except ImportError:
        return wanted
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return wanted
    return min(wanted, max(soft - max(soft // 4, _MIN_OTHER_FILES), _MIN_CONNECTIONS))
