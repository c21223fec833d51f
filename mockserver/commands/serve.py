"""``mockserver serve``."""

from __future__ import annotations

import ctypes
import gc
import logging
import signal
import sys
import threading
from typing import TYPE_CHECKING

from mockserver.app import create_app, services_of
from mockserver.commands.failures import STARTUP_FAILURES, fail
from mockserver.double.control_guard import exposure
from mockserver.engines.pyttsx3_driver import check_installed
from mockserver.engines.whisper_models import MISSING
from mockserver.server import listen
from mockserver.wire import tokens

if TYPE_CHECKING:
    from types import FrameType

    from mockserver.services import Services
    from mockserver.settings import Settings

log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
UNHEARD = {
    "placeholder": "unknown audio gets a marked placeholder",
    "error": "unknown audio is refused with a 503",
}
_COUNTS = {True: "exactly", False: "by estimate, because splintr-rs is not installed"}
_KEYS = {True: "any API key will do", False: "only the API keys of mockserver.toml will do"}
_ENDINGS = (signal.SIGINT, signal.SIGTERM)
_WARM_UP_DELAY = 0.3  # seconds; the first answers go out before the engines are loaded


def run(settings: Settings) -> None:
    """Serves until SIGINT or SIGTERM, then finishes the requests in flight."""
    logging.basicConfig(
        level=settings.log_level.upper(), format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )
    for library in ("faster_whisper", "python_multipart"):
        logging.getLogger(library).setLevel(logging.ERROR)
    return_memory_early()
    try:
        check_installed()
        app = create_app(settings)
        server = listen(settings, app, services_of(app).closing)
    except STARTUP_FAILURES as error:
        fail(error)

    def stop(_signal_number: int, _frame: FrameType | None) -> None:
        for ending in _ENDINGS:
            signal.signal(ending, signal.SIG_DFL)  # a second one ends the program at once
        server.end()

    for ending in _ENDINGS:
        signal.signal(ending, stop)
    services = services_of(app)
    if warning := exposure(settings):
        log.warning(warning)
    print(banner(server.url, services), flush=True)  # noqa: T201
    warm_up = threading.Timer(_WARM_UP_DELAY, services.start)
    warm_up.daemon = True
    warm_up.start()
    gc.freeze()
    gc.enable()
    server.serve()
    server.stop()  # returns when the requests in flight are finished
    warm_up.cancel()
    warm_up.join()
    services.close()


def banner(url: str, services: Services) -> str:
    """What is printed at the start: who answers, and lines to copy."""
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
    """Who hears audio that nobody knows."""
    whisper, settings = services.whisper, services.settings
    if whisper is None and settings.whisper_model != "none":
        return f"nobody: {UNHEARD[settings.unknown_audio]}. {MISSING}"
    if whisper is None:
        return f"nobody: {UNHEARD[settings.unknown_audio]}"
    limits = ", a Whisper that understands this server's voices, not people" if whisper.is_embedded else ""
    return f"{whisper.model_name}{limits}"


def return_memory_early() -> None:
    """Has glibc give large blocks back to the system at once, and keep few heaps for its threads.

    Else each thread keeps the memory of the largest upload it ever handled.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(_M_MMAP_THRESHOLD, 8 << 20)  # below, Whisper would pay for getting its arrays anew each time
    mallopt(_M_TRIM_THRESHOLD, 32 << 20)
    mallopt(_M_ARENA_MAX, 4)
