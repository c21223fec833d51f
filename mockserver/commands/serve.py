"""The command ``mockserver serve``."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import logging
import os
import signal
import threading
from functools import partial
from typing import TYPE_CHECKING

from mockserver.app import build_services, create_wsgi_app
from mockserver.commands import complaints
from mockserver.commands.failures import STARTUP_FAILURES, fail
from mockserver.commands.standard_streams import (
    at_end_of_input,
    flush_or_discard,
    log_handler,
    open_closed_streams,
    say,
)
from mockserver.engines.whisper.models import MISSING
from mockserver.installation import importing, run_or_complain
from mockserver.settings.hosts import is_loopback
from mockserver.transport.http_server.descriptors import raise_limit
from mockserver.transport.http_server.guardian import Guardian
from mockserver.transport.http_server.server import listen
from mockserver.wire import tokens

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path
    from types import FrameType

    from mockserver.engines.transcription import Whisper
    from mockserver.services import Services
    from mockserver.settings.model import Settings
    from mockserver.transport.http_server.server import HttpServer

log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # of glibc's malloc.h
UNKNOWN_AUDIO = {
    "placeholder": "unknown audio gets a marked placeholder",
    "error": "unknown audio is refused with a 503",
}
_COUNTS = {True: "exactly", False: "by estimate, because splintr-rs is not installed"}
_KEYS = {True: "any API key is accepted", False: "only the API keys of mockserver.toml are accepted"}
_TRUSTING = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")  # Python and others, curl, Node
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_CLOSING_SECONDS = 3.0  # for threads and processes to end after the last request
GUARDIAN_SECONDS = 4.0  # beyond ``shutdown_seconds``, after which this process is killed
_WARM_UP_DELAY = 0.3  # seconds; the first answers go out before the engines are loaded


def run(settings: Settings) -> None:
    """Serve until SIGINT or SIGTERM, then finish the requests in flight within ``shutdown_seconds``."""
    prepare(settings)
    try:
        services = build_services(settings)
        server = listen(settings, create_wsgi_app(services), services.closing)
    except STARTUP_FAILURES as error:
        fail(error)
    guardian = Guardian(settings.shutdown_seconds + GUARDIAN_SECONDS)

    def stop(_signal_number: int, _frame: FrameType | None) -> None:
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)  # a second signal ends the program at once
        server.end()

    for number in _STOP_SIGNALS:
        signal.signal(number, stop)
    if settings.stop_on_eof:
        at_end_of_input(stop_this_process if os.name == "posix" else server.end)
    complain(services)
    say(banner_of(server, services))
    serve_until_stopped(server, services, partial(warm_up, guardian, services.start))
    guardian.end()
    flush_or_discard()


def prepare(settings: Settings) -> None:
    """Prepare this process for a server."""
    open_closed_streams()
    start_log(settings.log_level)
    return_memory_early()
    raise_limit()


def complain(services: Services) -> None:
    """Log what is missing, and whom the server is open to."""
    if warning := exposure(services.settings):
        log.warning(warning)
    for complaint in complaints.missing(services.whisper, services.schemas):
        log.warning("%s", complaint)


def serve_until_stopped(server: HttpServer, services: Services, start: Callable[[], None]) -> None:
    """Serve until ``server`` is stopped, and then finish the requests in flight within ``shutdown_seconds``.

    ``start`` starts what the first answers do not need, a moment later.
    """
    seconds = services.settings.shutdown_seconds
    warming_up = threading.Timer(_WARM_UP_DELAY, start)
    warming_up.daemon = True
    warming_up.start()
    gc.freeze()
    gc.enable()
    server.serve()
    with exit_after(seconds + _CLOSING_SECONDS):
        server.stop()  # returns when the requests in flight are finished
        warming_up.cancel()
        warming_up.join()
        services.close()
        for thread in threading.enumerate():  # Python does so at exit, but without a time limit
            if not thread.daemon and thread is not threading.current_thread():
                thread.join()


def stop_this_process() -> None:
    """Send this process a stop signal, which the guardian sees, too."""
    os.kill(os.getpid(), signal.SIGTERM)


def exposure(settings: Settings) -> str | None:
    """Return a warning if the server listens beyond this machine and has no token, otherwise ``None``."""
    if settings.control_token or is_loopback(settings.host):
        return None
    return (
        f"The server listens on {settings.host}, and its control API (/_mock) answers this machine only. "
        "Set --control-token (MOCKSERVER_CONTROL_TOKEN) to open it to callers that send the token."
    )


def start_log(level: str, *, worker: int = 0) -> None:
    """Log to standard error from ``level`` on; of verbose libraries only errors. Lines name the ``worker``, if any."""
    source = f"worker {worker}: " if worker else ""
    form = f"%(asctime)s %(levelname)s {source}%(message)s"
    logging.basicConfig(level=level.upper(), format=form, handlers=[log_handler()], force=True)
    for library in ("faster_whisper", "python_multipart", "aioice", "aiortc"):
        logging.getLogger(library).setLevel(logging.ERROR)


def warm_up(guardian: Guardian, start_engines: Callable[[], None]) -> None:
    """Start what the first answers do not need: the guardian, the engines, the control API."""
    try:
        guardian.start()
    except OSError as error:
        log.warning("Cannot start the process that ends the server if it hangs (%s).", error)
    start_engines()
    run_or_complain(load_control)
    complain_of_damage()


def complain_of_damage() -> None:
    """Log what is damaged."""
    for complaint in complaints.damaged():
        log.warning("%s", complaint)


def load_control() -> None:
    """Import the control API and, with it, Flask, so that no request waits for the import."""
    with importing:
        importlib.import_module("mockserver.control.app")


@contextlib.contextmanager
def exit_after(seconds: float) -> Iterator[None]:
    """Exit with status 1 if the block takes longer than ``seconds``."""

    def give_up() -> None:
        log.error("The server has not stopped in time. Requests and engines that still run are aborted.")
        os._exit(1)

    timer = threading.Timer(seconds, give_up)
    timer.daemon = True
    timer.start()
    yield
    timer.cancel()


def banner_of(server: HttpServer, services: Services) -> str:
    """Return the text printed at the start of a server."""
    fixtures = len(services.fixtures.fixtures)
    return banner(server.url, services.settings, fixtures, services.whisper, server.ca_file)


def banner(
    url: str,
    settings: Settings,
    fixtures: int,
    whisper: Whisper | None,
    ca_file: Path | None = None,
) -> str:
    """Return the text printed at the start: the engines, with the number of ``fixtures``, and commands to copy.

    ``ca_file`` is the file by which clients verify a server that speaks TLS.
    """
    trusted = "" if ca_file is None else f"\n  export {' '.join(f'{name}={ca_file}' for name in _TRUSTING)}\n"
    known = f"{fixtures} fixtures"
    if settings.remember_speech:
        known += " and its own speech"
    return f"""\
audio-mockserver at {url}/v1 (strictness: {settings.strictness}; {_KEYS[settings.accept_any_key]})
  transcribes: {known} exactly; other audio by {_transcriber(settings, whisper)}
  speaks: pyttsx3 on espeak-ng
  counts: text tokens {_COUNTS[tokens.are_exact()]}
  dashboard: {url}/ in a browser
{trusted}
  curl {url}/v1/audio/speech -H "Authorization: Bearer sk-mock-me" -H "Content-Type: application/json" \\
    -d '{{"model": "gpt-4o-mini-tts", "voice": "alloy", "input": "Hello world."}}' -o hello.mp3
  curl {url}/v1/audio/transcriptions -H "Authorization: Bearer sk-mock-me" \\
    -F model=whisper-1 -F file=@hello.mp3

  export OPENAI_BASE_URL={url}/v1 OPENAI_API_KEY=sk-mock-me
  python -c 'import openai; hello = open("hello.mp3", "rb")
print(openai.OpenAI().audio.transcriptions.create(model="whisper-1", file=hello).text)'

Press Ctrl-C to stop."""


def _transcriber(settings: Settings, whisper: Whisper | None) -> str:
    """Return a description of the engine for audio that is not a fixture."""
    if whisper is None:
        remedy = "" if settings.whisper_model == "none" else f". {MISSING}"
        return f"no engine: {UNKNOWN_AUDIO[settings.unknown_audio]}{remedy}"
    limits = ", a Whisper that understands this server's voices, not people" if whisper.is_embedded else ""
    return f"{whisper.model_name}{limits}"


def return_memory_early() -> None:
    """Let glibc return large blocks to the system at once, and have one heap for all threads.

    Otherwise each thread keeps the memory of the largest upload that it has handled.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):  # another C library, or Windows
        return
    mallopt(_M_MMAP_THRESHOLD, 8 << 20)  # Whisper's arrays are smaller; mapping each of them would take time
    mallopt(_M_TRIM_THRESHOLD, 32 << 20)
    mallopt(_M_ARENA_MAX, 1)
