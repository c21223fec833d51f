"""The parts of a running server. ``app.py`` creates them, and gives each room the parts that it uses."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from msgspec import Struct

from mockserver.installation import run_or_complain
from mockserver.wire import tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from mockserver.accounts.accounts import Accounts
    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.dialogue import Responder
    from mockserver.engines.espeak.speaker import Pyttsx3Speaker
    from mockserver.engines.excerpts.known import KnownSpeech
    from mockserver.engines.fixtures import FixtureTranscriber
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.engines.transcription import Whisper
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.logs import Notices
    from mockserver.pipeline.provider import Provider
    from mockserver.remote.sources import UrlSources
    from mockserver.replicas import Replicas
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.files import StubWatcher
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.server_state import ServerState
    from mockserver.settings.model import Settings
    from mockserver.state.files import Files
    from mockserver.state.held_leases import HeldLeases
    from mockserver.state.protocols import BlobStore, Documents
    from mockserver.state.shared import SharedState
    from mockserver.telemetry.setup import Telemetry
    from mockserver.telemetry.tracing import Tracing
    from mockserver.telephone import Telephone
    from mockserver.transport.answer_memory import AnswerMemory
    from mockserver.validation.schemas import RequestSchemas, Schemas
    from mockserver.webhooks.webhooks import Webhooks


def _nothing() -> None:
    """Do nothing."""


class Services(Struct, frozen=True):
    """The parts of one server, which hold all of its state.

    ``schemas`` are the documented ones; ``request_schemas`` also has those of the real service.
    ``closing`` is set when the server stops, and ends every wait.
    ``replicas`` keep the parts equal of which every process has a copy; ``None`` if there is one process.
    ``providers`` are the hosted APIs that it serves; the list is empty if only the engines are used.
    """

    settings: Settings
    catalog: Catalog
    schemas: Schemas
    request_schemas: RequestSchemas
    errors: ErrorTable
    accounts: Accounts
    ids: Ids
    clock: Clock
    shared: SharedState
    leases: HeldLeases
    replicas: Replicas | None
    server_state: ServerState
    store: Documents
    blobs: BlobStore
    files: Files
    fixtures: FixtureTranscriber
    spoken: SpokenMemory
    known_speech: KnownSpeech
    whisper: Whisper | None
    transcribers: AnswerChain
    speaker: Pyttsx3Speaker
    limiter: Limiter
    ledger: Ledger
    responders: tuple[Responder, ...]
    account_settings: AccountSettings
    stubs: Stubs
    stub_watcher: StubWatcher | None
    faults: Faults
    journal: Journal
    metrics: Metrics
    notices: Notices
    webhooks: Webhooks
    telephone: Telephone
    url_sources: UrlSources
    answer_memory: AnswerMemory
    closing: threading.Event
    telemetry: Telemetry | None
    providers: list[Provider] = []

    @property
    def refresh(self) -> Callable[[], None]:
        """Return a function that makes the changes that other processes have made to the parts of this one."""
        return _nothing if self.replicas is None else self.replicas.refresh

    @property
    def tracing(self) -> Tracing | None:
        """Return what makes spans; ``None`` if the setting ``otel`` is off."""
        return self.telemetry.tracing if self.telemetry else None

    def start(self) -> None:
        """Start the engines in the background, so that the first request does not wait for them."""
        if self.replicas is not None:
            self.replicas.start()
        self.fixtures.start()
        if self.stub_watcher is not None:
            self.stub_watcher.start()
        if self.whisper is not None:
            self.whisper.start()
        self.speaker.start()
        threading.Thread(target=run_or_complain, args=[tokens.load], name="tokens", daemon=True).start()
        for provider in self.providers:
            provider.start()
        if self.shared.changes is not None:
            threading.Thread(
                target=self.journal.tend, args=[self.closing], name="journal", daemon=True
            ).start()

    def close(self) -> None:
        """Stop the threads and processes of the engines, end every wait, and unlock the state folder."""
        self.closing.set()
        for provider in self.providers:
            provider.close()
        self.webhooks.close()
        self.leases.close()
        self.journal.close()
        if self.whisper is not None:
            self.whisper.close()
        self.speaker.close()
        self.metrics.close()
        self.store.close()
        self.blobs.close()
        if self.replicas is not None:
            self.replicas.close()
        self.shared.close()
        if self.telemetry is not None:
            self.telemetry.close()
