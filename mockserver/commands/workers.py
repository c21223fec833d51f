"""Serves a port with several processes, on systems that can fork (POSIX).

The supervisor opens the port, a store if none is named, and a Unix socket for the requests that one worker answers
for all: those for calls (WebRTC, telephone), which live in the memory of one process.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import sys
import tempfile
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from mockserver.app import build_services, create_wsgi_app
from mockserver.commands.failures import STARTUP_FAILURES, fail, one_line
from mockserver.commands.serve import (
    GUARDIAN_SECONDS,
    banner_of,
    complain,
    complain_of_damage,
    load_control,
    prepare,
    serve_until_stopped,
    start_log,
)
from mockserver.commands.supervisor import Message, Supervisor
from mockserver.installation import run_or_complain
from mockserver.settings.model import SettingsError
from mockserver.state.shared import MEMORY
from mockserver.transport.http_server.passing import Passing
from mockserver.transport.http_server.server import Address, Family, HttpServer, open_address
from mockserver.transport.http_server.turns import Turn, Turns

if TYPE_CHECKING:
    from types import FrameType

    from mockserver.commands.supervisor import Link
    from mockserver.services import Services
    from mockserver.settings.model import Settings
    from mockserver.transport.http_server.heads import Head

_WITH_CALLS = 1  # the number of the worker that has the calls
_OF_CALLS = re.compile(r".*/realtime/calls(/.*)?|/_mock/calls(/.*)?")
_SOCKET = "calls.sock"
_PREFIX = "audio-mockserver-"
_MAX_SOCKET_PATH = 103  # bytes, on macOS; 107 on Linux
_BACKLOG = 128


class Shared(NamedTuple):
    """What the workers share: the address, the socket for requests about calls, and a private ``folder``."""

    settings: Settings
    address: Address
    calls: socket.socket
    turns: Turns
    folder: Path


def run(settings: Settings) -> None:
    """Serve with the workers of the settings until SIGINT or SIGTERM, then finish the requests in flight."""
    prepare(settings)
    try:
        shared = _open(settings)
    except STARTUP_FAILURES as error:
        fail(error)
    patience = settings.shutdown_seconds + GUARDIAN_SECONDS
    supervisor = Supervisor(
        settings.workers, partial(_work, shared), patience, on_end=lambda number: shared.turns.end(number - 1)
    )
    try:
        status = supervisor.run(stop_on_eof=settings.stop_on_eof, on_stop=shared.address.listener.close)
    finally:
        shared.address.close()
        _remove(shared.folder)
    if status < 0:
        signal.signal(-status, signal.SIG_DFL)
        os.kill(os.getpid(), -status)
    sys.exit(status)


def is_of_calls(head: Head) -> bool:
    """Return whether a request is about calls: it begins one, controls one, or takes part in one."""
    if _OF_CALLS.fullmatch(head.path):
        return True
    return head.path.endswith("/realtime") and (head.method == "POST" or "call_id=" in head.query)


def _open(settings: Settings) -> Shared:
    """Open what the workers share. Raises ``SettingsError``, ``PortInUse`` and ``OSError``."""
    if not hasattr(os, "fork"):
        raise SettingsError(
            "workers: this system cannot run more than 1. Start several servers, each with its port and "
            "--store redis://HOST:PORT, behind a load balancer."
        )
    address = open_address(settings)
    folder = _private_folder()
    try:
        calls = socket.socket(socket.AF_UNIX)
        calls.bind(str(folder / _SOCKET))
        calls.listen(_BACKLOG)
        calls.settimeout(0)
    except OSError:
        address.close()
        _remove(folder)
        raise
    if settings.store == MEMORY:
        settings = replace(settings, store=f"sqlite:{folder / 'state.sqlite'}")
    return Shared(settings, address, calls, Turns(settings.workers), folder)


def _private_folder() -> Path:
    """Return a new folder for the workers, whose path is short enough for a Unix socket. Raises ``OSError``."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    if len(os.fsencode(folder / _SOCKET)) <= _MAX_SOCKET_PATH:
        return folder
    folder.rmdir()
    return Path(tempfile.mkdtemp(prefix=_PREFIX, dir="/tmp"))


def _work(shared: Shared, link: Link) -> int:
    """Be a worker: serve until the supervisor ends it, or ends. Return the exit status."""
    settings = shared.settings
    start_log(settings.log_level, worker=link.number)
    try:
        services = build_services(settings)
        services.metrics.share(shared.folder / f"{link.number}.metrics")
        server = HttpServer(
            _without_files(shared.address),
            settings,
            create_wsgi_app(services),
            services.closing,
            _family(shared, link.number),
        )
    except STARTUP_FAILURES as error:
        link.say(Message("failed", one_line(str(error))))
        return 1
    _end_with_supervisor(server, services, link)
    is_first = link.number == 1
    if is_first:
        complain(services)
    link.say(Message("ready", banner_of(server, services)))
    serve_until_stopped(server, services, partial(_warm_up, services, complains=is_first))
    if link.is_orphaned:  # the supervisor was killed, and cannot
        _remove(shared.folder)
    return 0


def _end_with_supervisor(server: HttpServer, services: Services, link: Link) -> None:
    """Stop the server with its supervisor, and the supervisor if a request stops the server.

    A worker that gets a signal itself is replaced by another one.
    """
    alone = threading.Event()

    def stop_alone(_signal_number: int, _frame: FrameType | None) -> None:
        alone.set()
        server.end()

    def follow() -> None:
        link.wait_for_end()
        server.end()

    def ask() -> None:
        services.closing.wait()
        if not alone.is_set():
            link.say(Message("stop"))

    signal.signal(signal.SIGTERM, stop_alone)
    for act in (follow, ask):
        threading.Thread(target=act, name="supervised", daemon=True).start()


def _warm_up(services: Services, *, complains: bool) -> None:
    """Start what the first answers do not need: the engines, the control API."""
    services.start()
    run_or_complain(load_control)
    if complains:
        complain_of_damage()


def _family(shared: Shared, number: int) -> Family:
    """Return what the worker with a ``number`` knows of the others."""
    listener = shared.calls if number == _WITH_CALLS else None
    passing = Passing(is_of_calls, str(shared.folder / _SOCKET), listener)
    return Family(Turn(shared.turns, number - 1), passing)


def _without_files(address: Address) -> Address:
    """Return the address as a worker uses it, which does not remove the files of a certificate at its end."""
    certificate = address.certificate
    if certificate is None:
        return address
    from mockserver.transport.http_server.certificates import Certificate

    return Address(address.listener, Certificate(certificate.context, certificate.ca_file))


def _remove(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
