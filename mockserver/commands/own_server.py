"""A server in the process of a command."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockserver.app import create_wsgi_app
from mockserver.transport.http_server.server import listen

if TYPE_CHECKING:
    from mockserver.services import Services
    from mockserver.transport.http_server.server import HttpServer


@contextlib.contextmanager
def serving(services: Services) -> Iterator[HttpServer]:
    """Serve in a thread while the block runs. The caller closes the ``services``. Raises ``OSError``."""
    server = listen(services.settings, create_wsgi_app(services), services.closing)
    thread = threading.Thread(target=server.serve, name="mockserver", daemon=True)
    thread.start()
    services.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
