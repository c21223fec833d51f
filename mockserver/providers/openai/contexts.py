"""The contexts of OpenAI's endpoints (see ``pipeline.provider.Fill``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from mockserver.accounts.accounts import Accounts
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.answers import AnswerChain
    from mockserver.engines.dialogue import Responder
    from mockserver.engines.embedding.embedder import Embedder
    from mockserver.engines.espeak.speaker import Pyttsx3Speaker
    from mockserver.engines.excerpts.known import KnownSpeech
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.logs import Notices
    from mockserver.providers.openai.batch_work.batches import Batches
    from mockserver.providers.openai.model_list import ModelList
    from mockserver.providers.openai.realtime_work.ephemeral import ClientSecrets
    from mockserver.providers.openai.realtime_work.live_calls import LiveCalls
    from mockserver.providers.openai.realtime_work.live_sessions import LiveSessions
    from mockserver.providers.openai.response_work.background import Background
    from mockserver.providers.openai.response_work.busy import BusyConversations
    from mockserver.remote.sources import UrlSources
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.settings.model import Settings
    from mockserver.state.files import Files
    from mockserver.state.held_leases import HeldLeases
    from mockserver.state.protocols import BlobStore, Documents
    from mockserver.telephone import Telephone
    from mockserver.validation.schemas import RequestSchemas
    from mockserver.webhooks.webhooks import Webhooks


class OpenAiContext(Struct, frozen=True):
    """The parts of a server that the provider itself uses."""

    accounts: Accounts
    clock: Clock
    errors: ErrorTable
    ids: Ids
    leases: HeldLeases
    notices: Notices
    settings: Settings
    store: Documents


class AudioContext(Struct, frozen=True):
    """The parts of a server that the endpoints below ``/v1/audio`` use."""

    catalog: Catalog
    clock: Clock
    errors: ErrorTable
    ids: Ids
    request_schemas: RequestSchemas
    speaker: Pyttsx3Speaker
    spoken: SpokenMemory
    store: Documents


class ChatContext(Struct, frozen=True):
    """The parts of a server that the endpoints below ``/v1/chat`` use."""

    catalog: Catalog
    clock: Clock
    errors: ErrorTable
    ids: Ids
    request_schemas: RequestSchemas
    responders: tuple[Responder, ...]
    speaker: Pyttsx3Speaker
    spoken: SpokenMemory
    store: Documents
    url_sources: UrlSources


class ResponsesContext(Struct, frozen=True):
    """The parts of a server that the endpoints below ``/v1/responses`` and ``/v1/conversations`` use."""

    background: Background
    busy: BusyConversations
    catalog: Catalog
    clock: Clock
    closing: threading.Event
    errors: ErrorTable
    ids: Ids
    request_schemas: RequestSchemas
    responders: tuple[Responder, ...]
    store: Documents
    url_sources: UrlSources


class RealtimeContext(Struct, frozen=True):
    """The parts of a server that the endpoints below ``/v1/realtime`` use."""

    accounts: Accounts
    catalog: Catalog
    client_secrets: ClientSecrets
    clock: Clock
    closing: threading.Event
    errors: ErrorTable
    faults: Faults
    ids: Ids
    journal: Journal
    known_speech: KnownSpeech
    ledger: Ledger
    limiter: Limiter
    live_calls: LiveCalls
    live_sessions: LiveSessions
    metrics: Metrics
    refresh: Callable[[], None]
    request_schemas: RequestSchemas
    responders: tuple[Responder, ...]
    settings: Settings
    speaker: Pyttsx3Speaker
    spoken: SpokenMemory
    store: Documents
    stubs: Stubs
    telephone: Telephone
    transcribers: AnswerChain


class EmbeddingsContext(Struct, frozen=True):
    """The parts of a server that ``/v1/embeddings`` uses."""

    embedder: Embedder


class ModerationsContext(Struct, frozen=True):
    """The parts of a server that ``/v1/moderations`` uses."""

    ids: Ids
    url_sources: UrlSources


class CompletionsContext(Struct, frozen=True):
    """The parts of a server that ``/v1/completions`` uses."""

    clock: Clock
    ids: Ids
    responders: tuple[Responder, ...]


class FilesContext(Struct, frozen=True):
    """The parts of a server that ``/v1/files`` and ``/v1/uploads`` use."""

    blobs: BlobStore
    clock: Clock
    files: Files
    ids: Ids
    request_schemas: RequestSchemas
    store: Documents


class BatchesContext(Struct, frozen=True):
    """The parts of a server that ``/v1/batches`` uses."""

    batches: Batches
    request_schemas: RequestSchemas


class ModelsContext(Struct, frozen=True):
    """The parts of a server that ``/v1/models`` and the project's rate limits use."""

    catalog: Catalog
    clock: Clock
    limiter: Limiter
    model_list: ModelList


class UnservedContext(Struct, frozen=True):
    """The parts of a server that the refusals of requests without an endpoint use."""

    accounts: Accounts
    notices: Notices
    stubs: Stubs


class WebhooksContext(Struct, frozen=True):
    """The parts of a server that ``/v1/webhook_endpoints`` uses."""

    notices: Notices
    request_schemas: RequestSchemas
    webhooks: Webhooks
