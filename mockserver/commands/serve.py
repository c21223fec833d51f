"""``mockserver serve``."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import signal
import threading
from typing import TYPE_CHECKING

from mockserver.app import create_app, services_of
from mockserver.commands.complaints import seen_at_once, seen_by_reading
from mockserver.commands.failures import STARTUP_FAILURES, fail
from mockserver.commands.standard_streams import let_go, log_handler, open_closed_ones, say
from mockserver.control.guard import exposure
from mockserver.engines.whisper.models import MISSING
from mockserver.installation import run_or_complain
from mockserver.transport.http_server.descriptors import raise_limit
from mockserver.transport.http_server.guardian import Guardian
from mockserver.transport.http_server.server import listen
from mockserver.wire import tokens

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from mockserver.services import Services
    from mockserver.settings.model import Settings

log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
UNHEARD = {
    "placeholder": "unknown audio gets a marked placeholder",
    "error": "unknown audio is refused with a 503",
}
_COUNTS = {True: "exactly", False: "by estimate, because splintr-rs is not installed"}
_KEYS = {True: "any API key will do", False: "only the API keys of mockserver.toml will do"}
_ENDINGS = (signal.SIGINT, signal.SIGTERM)
_CLOSING_SECONDS = 3.0  # that threads and processes have to end once the requests are finished
_GUARDIAN_SECONDS = 4.0  # beyond ``shutdown_seconds``, after which the guardian kills this process
_WARM_UP_DELAY = 0.3  # seconds; the first answers go out before the engines are loaded


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests in flight, within ``shutdown_seconds``."""
    open_closed_ones()
    start_log(settings.log_level)
    return_memory_early()
    raise_limit()
    try:
        app = create_app(settings)
        server = listen(settings, app, services_of(app).closing)
    except STARTUP_FAILURES as error:
        fail(error)
    guardian = Guardian(settings.shutdown_seconds + _GUARDIAN_SECONDS)

    def stop(_signal_number: int, _frame: FrameType | None) -> None:
        for ending in _ENDINGS:
            signal.signal(ending, signal.SIG_DFL)  # a second one ends the program at once
        server.end()

    for ending in _ENDINGS:
        signal.signal(ending, stop)
    services = services_of(app)
    if warning := exposure(settings):
        log.warning(warning)
    for complaint in seen_at_once(services):
        log.warning("%s", complaint)
    say(banner(server.url, services))

    warming_up = threading.Timer(_WARM_UP_DELAY, warm_up, (guardian, services))
    warming_up.daemon = True
    warming_up.start()
    gc.freeze()
    gc.enable()
    server.serve()
    with exit_after(settings.shutdown_seconds + _CLOSING_SECONDS):
        server.stop()  # returns when the requests in flight are finished
        warming_up.cancel()
        warming_up.join()
        services.close()
        for thread in threading.enumerate():  # as Python does at its end, which nothing watches any more
            if not thread.daemon and thread is not threading.current_thread():
                thread.join()
    guardian.end()
    let_go()


def start_log(level: str) -> None:
    """Log to standard error from ``level`` on; of two chatty libraries errors only."""
    logging.basicConfig(
        level=level.upper(), format="%(asctime)s %(levelname)s %(message)s", handlers=[log_handler()]
    )
    for library in ("faster_whisper", "python_multipart"):
        logging.getLogger(library).setLevel(logging.ERROR)


def warm_up(guardian: Guardian, services: Services) -> None:
    """Start what the first answers can do without: the guardian, the engines, the control API."""
    try:
        guardian.start()
    except OSError as error:
        log.warning("No process can be started that ends the server should it hang (%s).", error)
    services.start()
    run_or_complain(load_control)
    for complaint in seen_by_reading():
        log.warning("%s", complaint)


def load_control() -> None:
    """Import the control API, so that its first call need not wait for that."""
    importlib.import_module("mockserver.control.app")


@contextlib.contextmanager
def exit_after(seconds: float) -> Iterator[None]:
    """End the program if what is done meanwhile takes longer than ``seconds``."""

    def give_up() -> None:
        log.error("The server has not ended in time. What still runs is broken off.")
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


def banner(url: str, services: Services) -> str:
    """Return what is printed at the start: who answers, and lines to copy."""
    settings = services.settings
    known = f"{len(services.fixtures.fixtures)} fixtures"
    if settings.remember_speech:
        known += " and its own speech"
    return f"""\
audio-mockserver at {url}/v1 (strictness: {settings.strictness}; {_KEYS[settings.accept_any_key]})
  hears:  {known} exactly; other audio by {_listener(services)}
  speaks: pyttsx3 on espeak-ng
  counts: text tokens {_COUNTS[tokens.are_exact()]}

  curl {url}/v1/audio/speech -H "Authorization: Bearer sk-mock-me" -H "Content-Type: application/json" \\
    -d '{{"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello world."}}' -o hello.mp3
  curl {url}/v1/audio/transcriptions -H "Authorization: Bearer sk-mock-me" \\
    -F model=whisper-1 -F file=@hello.mp3

  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=sk-mock-me
  python -c 'import openai; hello = open("hello.mp3", "rb")
print(openai.OpenAI().audio.transcriptions.create(model="whisper-1", file=hello).text)'

Ctrl-C ends it."""


def _listener(services: Services) -> str:
    """Return what transcribes audio that is no fixture."""
    whisper, settings = services.whisper, services.settings
    if whisper is None and settings.whisper_model != "none":
        return f"nobody: {UNHEARD[settings.unknown_audio]}. {MISSING}"
    if whisper is None:
        return f"nobody: {UNHEARD[settings.unknown_audio]}"
    limits = ", a Whisper that understands this server's voices, not people" if whisper.is_embedded else ""
    return f"{whisper.model_name}{limits}"


def return_memory_early() -> None:
    """Have glibc give large blocks back to the system at once, and keep few heaps for its threads.

    Else each thread keeps the memory of the largest upload it ever handled.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(_M_MMAP_THRESHOLD, 8 << 20)  # Whisper's arrays are smaller; mapping each anew takes time
    mallopt(_M_TRIM_THRESHOLD, 32 << 20)
    mallopt(_M_ARENA_MAX, 4)
