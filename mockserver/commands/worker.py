"""The command ``mockserver worker``: does the heavy work of servers with the same store."""

from __future__ import annotations

import signal
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.app import build_services, create_wsgi_app
from mockserver.commands.failures import STARTUP_FAILURES, fail
from mockserver.commands.serve import exit_after, return_memory_early, start_log
from mockserver.commands.standard_streams import open_closed_streams, say
from mockserver.state.shared import check_for_workers

if TYPE_CHECKING:
    from mockserver.settings.model import Settings

_CLOSING_SECONDS = 3.0  # for threads to end after the last piece of work


def run(settings: Settings) -> None:
    """Work until SIGINT or SIGTERM, then finish what was begun within ``shutdown_seconds``."""
    open_closed_streams()
    start_log(settings.log_level)
    return_memory_early()
    settings = replace(settings, heavy_work="server", workers=1)  # this process does it
    try:
        check_for_workers(settings.store)
        services = build_services(settings)
        create_wsgi_app(services)  # lines of batches call it; it continues batches, webhooks and responses
    except STARTUP_FAILURES as error:
        fail(error)
    if services.whisper is None:
        fail(
            "whisper_model: a worker needs a Whisper model. Name one with --whisper-model, or install faster-whisper."
        )
    from mockserver.engines.queued.worker import TranscriptionWorker
    from mockserver.state.redis.opening import connect

    worker = TranscriptionWorker(connect(settings.store), services.whisper, settings.whisper_workers)
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    services.start()
    services.whisper.wait()
    if services.whisper.error:
        services.close()
        fail(services.whisper.error)
    worker.start()
    say(
        f"A worker of the store {settings.store.rpartition('@')[2]} transcribes {settings.whisper_workers} at a time "
        f"with Whisper ({services.whisper.model_name}), and processes {settings.batch_workers} batches at a time.\n\n"
        "Press Ctrl-C to stop."
    )
    ended.wait()
    with exit_after(settings.shutdown_seconds + _CLOSING_SECONDS):
        worker.close(settings.shutdown_seconds)
        services.close()
