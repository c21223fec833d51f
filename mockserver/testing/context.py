"""What the parts of the Python API share: the parts of the server that they use, and an account."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import threading

    from mockserver.accounts.accounts import Accounts
    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.speech import Speaker
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.journal.journal import Journal
    from mockserver.limits.limiter import Limiter
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.server_state import ServerState
    from mockserver.telephone import Telephone
    from mockserver.validation.schemas import Schemas
    from mockserver.webhooks.webhooks import Webhooks


class ApiContext(Struct, frozen=True):
    """The parts of a server that the Python API uses. ``closing`` is set when the server closes."""

    accounts: Accounts
    account_settings: AccountSettings
    catalog: Catalog
    clock: Clock
    faults: Faults
    journal: Journal
    limiter: Limiter
    schemas: Schemas
    server_state: ServerState
    speaker: Speaker
    spoken: SpokenMemory
    stubs: Stubs
    telephone: Telephone
    webhooks: Webhooks
    closing: threading.Event


class OfAccount:
    """A part of the Python API for one account of a server (``None``: every account)."""

    def __init__(self, context: ApiContext, account_id: str | None) -> None:
        self._context = context
        self._account_id = account_id
