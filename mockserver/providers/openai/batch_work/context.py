"""The context of the work on batches (see ``pipeline.provider.Fill``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import threading

    from mockserver.accounts.accounts import Accounts
    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.limits.limiter import Limiter
    from mockserver.settings.model import Settings
    from mockserver.state.files import Files
    from mockserver.state.held_leases import HeldLeases
    from mockserver.state.protocols import BlobStore, Documents
    from mockserver.validation.schemas import RequestSchemas
    from mockserver.webhooks.webhooks import Webhooks


class BatchWorkContext(Struct, frozen=True):
    """The parts of a server that store batches, validate their input and answer their lines."""

    account_settings: AccountSettings
    accounts: Accounts
    blobs: BlobStore
    catalog: Catalog
    clock: Clock
    closing: threading.Event
    files: Files
    ids: Ids
    leases: HeldLeases
    limiter: Limiter
    request_schemas: RequestSchemas
    settings: Settings
    store: Documents
    webhooks: Webhooks
