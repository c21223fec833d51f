"""Formats durations as the API writes them in headers and messages."""

from __future__ import annotations


def go_duration(milliseconds: int) -> str:
    """Return whole milliseconds as Go prints a ``time.Duration``: ``0s``, ``120ms``, ``8.64s``, ``114h18m0s``."""
    if milliseconds < 1000:
        return f"{milliseconds}ms" if milliseconds else "0s"
    minutes, rest = divmod(milliseconds, 60_000)
    seconds = f"{rest / 1000:.3f}".rstrip("0").rstrip(".") + "s"
    if not minutes:
        return seconds
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes}m{seconds}" if hours else f"{minutes}m{seconds}"
