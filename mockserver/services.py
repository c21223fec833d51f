"""What a running server consists of. ``app.create_app`` builds it once; endpoints are given it."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    from mockserver.engines.fixtures import FixtureTranscriber
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.engines.whisper.transcriber import WhisperTranscriber
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.logs import Notices
    from mockserver.providers.openai.batch_work.batches import Batches
    from mockserver.remote.sources import UrlSources
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.files import StubWatcher
    from mockserver.scripting.stubs.registry import Stubs
    from mockserver.settings.model import Settings
    from mockserver.state.blobs import Blobs
    from mockserver.state.files import Files
    from mockserver.state.memory import MemoryStore
    from mockserver.transport.answer_memory import AnswerMemory
    from mockserver.validation.schemas import Schemas
    from mockserver.work_queue import WorkQueue


@dataclass(frozen=True, slots=True)
class Services:
    """The rooms of one server, wired together. No state lives outside of them.

    ``schemas`` are the documented ones, ``real_schemas`` those that the real service is known to have.
    ``resume`` goes on with work that an earlier server left unfinished in the state folder.
    ``closing`` is set when the server is about to end, so that nothing goes on waiting.
    """

    settings: Settings
    catalog: Catalog
    schemas: Schemas
    real_schemas: Schemas
    errors: ErrorTable
    accounts: Accounts
    ids: Ids
    clock: Clock
    store: MemoryStore
    blobs: Blobs
    batches: Batches
    files: Files
    fixtures: FixtureTranscriber
    spoken: SpokenMemory
    whisper: WhisperTranscriber | None
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
    url_sources: UrlSources
    stt_queue: WorkQueue
    answer_memory: AnswerMemory
    closing: threading.Event
    resume: Callable[[Services], None]

    def schemas_for(self, strictness: str) -> Schemas:
        """Return the schemas that hold in ``strictness``: those of the real service, or the documented ones."""
        return self.real_schemas if strictness == "real" else self.schemas

    def start(self) -> None:
        """Readies the engines in the background, so that the first request need not wait for them."""
        self.fixtures.start()
        if self.stub_watcher is not None:
            self.stub_watcher.start()
        if self.whisper is not None:
            self.whisper.start()
        self.speaker.start()
        threading.Thread(target=run_or_complain, args=[tokens.load], name="tokens", daemon=True).start()
        self.resume(self)

    def close(self) -> None:
        """Ends the engines' threads and processes and whatever waits for ``closing``; gives the state folder free."""
        self.closing.set()
        self.batches.close()
        self.stt_queue.close()
        if self.whisper is not None:
            self.whisper.close()
        self.speaker.close()
        self.blobs.close()
