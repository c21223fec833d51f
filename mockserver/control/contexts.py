"""The contexts of the control API's resources (see ``pipeline.provider.Fill``)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable

    from mockserver.accounts.accounts import Accounts
    from mockserver.accounts.settings import AccountSettings
    from mockserver.catalog.tables import Catalog
    from mockserver.clock import Clock
    from mockserver.engines.espeak.speaker import Pyttsx3Speaker
    from mockserver.engines.fixtures import FixtureTranscriber
    from mockserver.engines.spoken import SpokenMemory
    from mockserver.engines.transcription import Whisper
    from mockserver.errors import ErrorTable
    from mockserver.ids import Ids
    from mockserver.journal.journal import Journal
    from mockserver.journal.metrics import Metrics
    from mockserver.limits.costs import Ledger
    from mockserver.limits.limiter import Limiter
    from mockserver.pipeline.provider import Provider
    from mockserver.scripting.faults.registry import Faults
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.server_state import ServerState
    from mockserver.settings.model import Settings
    from mockserver.telephone import Telephone
    from mockserver.transport.answer_memory import AnswerMemory
    from mockserver.validation.schemas import Schemas
    from mockserver.webhooks.webhooks import Webhooks


class ControlContext(Struct, frozen=True):
    """The parts of a server that every call of the control API uses."""

    accounts: Accounts
    answer_memory: AnswerMemory
    errors: ErrorTable
    ids: Ids
    journal: Journal
    refresh: Callable[[], None]
    schemas: Schemas
    settings: Settings


class ServerContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/health``, ``/_mock/clock``, ``/_mock/shutdown`` and the probes use."""

    clock: Clock
    fixtures: FixtureTranscriber
    settings: Settings
    whisper: Whisper | None


class MetricsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/metrics`` uses."""

    journal: Journal
    limiter: Limiter
    metrics: Metrics


class ModelsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/models`` and ``/_mock/catalog`` use."""

    catalog: Catalog
    clock: Clock


class SettingsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/settings`` uses."""

    account_settings: AccountSettings


class LimitsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/limits`` and ``/_mock/costs`` use."""

    accounts: Accounts
    catalog: Catalog
    clock: Clock
    ledger: Ledger
    limiter: Limiter


class SnapshotContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/snapshot`` and ``/_mock/reset`` use."""

    accounts: Accounts
    clock: Clock
    server_state: ServerState
    spoken: SpokenMemory
    stubs: Stubs


class StubsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/stubs`` and ``/_mock/scenarios`` use."""

    accounts: Accounts
    stubs: Stubs


class FaultsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/faults`` uses."""

    accounts: Accounts
    faults: Faults


class JournalContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/journal``, ``/_mock/verify`` and ``/_mock/wait`` use.

    ``closing`` is set when the server closes.
    """

    catalog: Catalog
    closing: threading.Event
    journal: Journal
    schemas: Schemas
    server_state: ServerState
    settings: Settings
    speaker: Pyttsx3Speaker


class ExchangesContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/journal/<id>/code`` and ``/_mock/journal/<id>/near-misses`` use."""

    accounts: Accounts
    faults: Faults
    journal: Journal
    schemas: Schemas
    stubs: Stubs


class WebhooksContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/webhooks`` uses. ``closing`` is set when the server closes."""

    closing: threading.Event
    webhooks: Webhooks


class WorkContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/work`` uses."""

    accounts: Accounts
    clock: Clock
    providers: list[Provider]


class CallsContext(Struct, frozen=True):
    """The parts of a server that ``/_mock/calls`` uses. ``closing`` is set when the server closes."""

    catalog: Catalog
    closing: threading.Event
    speaker: Pyttsx3Speaker
    spoken: SpokenMemory
    telephone: Telephone
    webhooks: Webhooks
