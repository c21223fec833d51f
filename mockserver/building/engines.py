"""Builds what hears, speaks and answers."""

from __future__ import annotations

import logging
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver.engines.dialogue import FixedResponder, Responder
from mockserver.engines.espeak.helper import SpeechLimits
from mockserver.engines.espeak.speaker import Pyttsx3Speaker
from mockserver.engines.fixtures import Fixture, FixtureError, FixtureTranscriber, load_fixtures
from mockserver.engines.whisper.models import check_complete, find_model
from mockserver.installation import own_damage
from mockserver.remote.sources import UrlSources
from mockserver.remote.url_map import UrlMap, load_url_map
from mockserver.resources import data_folder
from mockserver.state.shared import check_for_workers

if TYPE_CHECKING:
    from collections.abc import Iterable

    from mockserver.catalog.tables import Catalog
    from mockserver.engines.transcription import Whisper
    from mockserver.engines.whisper.recogniser import Recogniser
    from mockserver.remote.fetch import Fetcher
    from mockserver.scripting.stubs.files import StubWatcher
    from mockserver.scripting.stubs.stubs import Stubs
    from mockserver.settings.model import Settings
    from mockserver.validation.schemas import Schemas


log = logging.getLogger(__name__)


def speaker_of(settings: Settings) -> Pyttsx3Speaker:
    """Return the voices, within the limits of the settings."""
    limits = SpeechLimits(settings.speech_seconds, settings.speech_memory)
    return Pyttsx3Speaker(slots=settings.speech_slots, limits=limits)


def fixtures_of(settings: Settings, catalog: Catalog, schemas: Schemas) -> Iterable[Fixture]:
    """Return the clips with known transcripts, of the settings and included ones. Raises ``FixtureError``."""

    def explain_fixture(document: object) -> str | None:
        fault = schemas.fault("mock/fixture", document)
        return fault and fault.message

    own = load_fixtures([Path(folder) for folder in settings.fixtures], catalog, explain_fixture)
    try:
        # The included fixtures are not validated: that would load the validator before the first answer.
        shipped = load_fixtures([data_folder("fixtures")], catalog, lambda _: None)
    except (FixtureError, LookupError, TypeError) as error:
        log.error("The included fixtures cannot be loaded. %s", own_damage(str(error).rstrip(".")))
        shipped = []
    return [*own, *shipped]


def watch_stubs(
    settings: Settings, schemas: Schemas, stubs: Stubs, closing: threading.Event
) -> StubWatcher | None:
    """Load the stubs of the settings' folders, and return the watcher that reloads them; ``None`` without folders."""
    if not settings.stubs:
        return None
    from mockserver.scripting.stubs.files import StubWatcher, load_stubs

    folders = [Path(folder) for folder in settings.stubs]
    watcher = StubWatcher(folders, stubs.load, stubs.check, closing)
    stubs.load(load_stubs(folders, stubs.check, schemas))
    return watcher


def url_sources_of(settings: Settings, fixtures: FixtureTranscriber) -> UrlSources:
    """Return where audio that is named by a URL comes from."""
    allowed = tuple(filter(None, (each.strip() for each in settings.fetch_urls.split(","))))
    url_map = UrlMap({})
    if settings.url_map:
        named = {fixture.name: fixture.audio for fixture in fixtures.fixtures if fixture.audio is not None}
        url_map = load_url_map(Path(settings.url_map), named)
    folder = Path(settings.url_folder) if settings.url_folder else None

    def make_fetcher() -> Fetcher:
        from mockserver.remote.fetch import Fetcher

        return Fetcher(allowed, settings.max_body_bytes, settings.fetch_seconds)

    return UrlSources(url_map, folder, make_fetcher, settings.max_body_bytes)


def responders_of(settings: Settings) -> tuple[Responder, ...]:
    """Return what answers chats, in the order in which they are asked."""
    if not settings.reply_from:
        return (FixedResponder(),)
    from mockserver.engines.remote_dialogue import RemoteResponder

    return (RemoteResponder(settings.reply_from), FixedResponder())


def whisper_of(settings: Settings) -> Whisper | None:
    """Return Whisper, in this process or in workers; ``None`` without a model. Raises ``StateFolderError``."""
    if settings.leaves_heavy_work:
        return _queued_whisper(settings)
    model = find_model(settings.whisper_model)
    if model is None:
        return None
    from mockserver.engines.whisper.transcriber import WhisperTranscriber

    def load() -> Recogniser:
        check_complete(Path(model))  # before the import of the recogniser, which can fail, too
        from mockserver.engines.whisper.recogniser import Recogniser

        return Recogniser(
            model,
            device=settings.whisper_device,
            compute_type=settings.whisper_compute_type,
            cpu_threads=settings.whisper_cpu_threads,
            num_workers=settings.whisper_workers,
            beam_size=settings.whisper_beam_size,
            vad_filter=settings.whisper_vad_filter,
            temperature_fallback=settings.whisper_temperature_fallback,
        )

    return WhisperTranscriber(
        model,
        load,
        num_workers=settings.whisper_workers,
        queue_size=settings.whisper_queue,
        queue_seconds=settings.whisper_queue_seconds,
    )


def _queued_whisper(settings: Settings) -> Whisper:
    """Return the Whisper of workers. Raises ``StateFolderError`` if they could not be reached."""
    check_for_workers(settings.store)
    from mockserver.engines.queued.client import QueuedWhisper
    from mockserver.state.redis.opening import connect

    return QueuedWhisper(connect(settings.store), settings.whisper_queue)
