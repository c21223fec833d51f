"""Requests that the server makes of itself, without HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account

_KEY = "mockserver.inner"  # of the WSGI environ, where no client can put anything


@dataclass(frozen=True, slots=True)
class InnerCall:
    """For whom the request is. No rate limit concerns it; it costs ``price_share`` of what others do."""

    account: Account
    price_share: float

    def mark(self, environ: dict[str, Any]) -> None:
        """Marks a request as an inner one."""
        environ[_KEY] = self


def inner_call(environ: Mapping[str, Any]) -> InnerCall | None:
    """What marks the request, if it is an inner one."""
    found: InnerCall | None = environ.get(_KEY)
    return found
