"""The contexts of the AI/ML API (see ``pipeline.provider.Fill``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import threading

    from mockserver.accounts.accounts import Accounts
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.answers import AnswerChain
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.remote.sources import UrlSources
    from mockserver.settings.model import Settings
    from mockserver.state.held_leases import HeldLeases
    from mockserver.state.protocols import BlobStore, Documents
    from mockserver.work_queue import WorkQueue


class AimlApiContext(Struct, frozen=True):
    """The parts of a server that the provider itself uses."""

    accounts: Accounts
    catalog: Catalog
    clock: Clock
    errors: ErrorTable
    ids: Ids
    settings: Settings


class JobsContext(Struct, frozen=True):
    """The parts of a server that speech-to-text jobs use; ``queue`` has the jobs with audio to fetch or transcribe."""

    blobs: BlobStore
    catalog: Catalog
    clock: Clock
    closing: threading.Event
    errors: ErrorTable
    ids: Ids
    leases: HeldLeases
    queue: WorkQueue
    settings: Settings
    store: Documents
    transcribers: AnswerChain
    url_sources: UrlSources
