"""Finds out quickly that a document can be recorded as it is: nothing in it is secret, long, or nested deep."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from mockserver.accounts.redaction import are_secret

if TYPE_CHECKING:
    from mockserver.accounts.redaction import Secrets

_SCALARS = frozenset({int, float, bool, type(None)})
_MAX_NAME = 200  # characters of a name that are examined
_FEW = 100  # names of a document that are remembered


def is_plain(whole: Any, secrets: Secrets, *, characters: int, values: int, depth: int, items: int) -> bool:
    """Return whether a JSON value is short and free of secrets.

    Its texts have at most so many ``characters``, its lists at most so many ``items``; it has at most so many
    ``values``, nested at most so many levels deep.
    """
    names: set[str] = set()
    texts: list[str] = []
    level: list[Any] = [[whole]]
    for _ in range(depth):
        below: list[Any] = []
        for each in level:
            if each.__class__ is dict:
                names.update(each)
                inner: Iterable[Any] = each.values()
            else:
                inner = each
                if len(each) > items:
                    return False
            values -= len(each)
            for value in inner:
                kind = value.__class__
                if kind is str:
                    texts.append(value)
                elif kind is dict or kind is list:
                    below.append(value)
                elif kind not in _SCALARS:
                    return False
        if values < 0:
            return False
        if not below:
            return _are_plain(names, texts, secrets, characters)
        level = below
    return False


def _are_plain(names: set[str], texts: list[str], secrets: Secrets, characters: int) -> bool:
    """Return whether the names and texts of a document are short and free of secrets."""
    joined = "\n".join((*texts, *names))
    return (
        (len(joined) <= characters or max(map(len, texts), default=0) <= characters)
        and "://" not in joined
        and not secrets.may_be_in(joined)
        and (_are_public if len(names) <= _FEW else _are_public.__wrapped__)(frozenset(names))
    )


@lru_cache(maxsize=256)
def _are_public(names: frozenset[str]) -> bool:
    """Return whether the names of members are short, and none is that of a secret."""
    return max(map(len, names), default=0) <= _MAX_NAME and not are_secret("members", names)
