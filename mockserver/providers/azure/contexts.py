"""The contexts of Azure's endpoints (see ``pipeline.provider.Fill``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Accounts
    from mockserver.catalog.tables import Catalog
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.pipeline.provider import Handler
    from mockserver.settings.model import Settings
    from mockserver.state.protocols import Documents


class AzureContext(Struct, frozen=True):
    """The parts of a server that the provider itself uses."""

    accounts: Accounts
    catalog: Catalog
    errors: ErrorTable
    ids: Ids
    settings: Settings


class ChangedContext(Struct, frozen=True):
    """What the handlers use that change OpenAI's answers: ``answer`` is its handler."""

    answer: Handler


class StoredContext(Struct, frozen=True):
    """What the handlers use that change OpenAI's answers of what is stored."""

    answer: Handler
    store: Documents
