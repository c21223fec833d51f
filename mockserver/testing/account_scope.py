"""The base class of the parts of the Python API."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.services import Services


class OfAccount:
    """A part of the Python API for one account of a server (``None``: every account)."""

    def __init__(self, services: Services, account_id: str | None) -> None:
        self._services = services
        self._account_id = account_id
