"""What the parts of the Python API have in common: a server, and the account they concern."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mockserver.services import Services


class OfAccount:
    """Concerns one account of a server; every account where ``account_id`` is ``None``."""

    def __init__(self, services: Services, account_id: str | None) -> None:
        self._services = services
        self._account_id = account_id
