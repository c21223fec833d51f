"""A server in this process, for tests.

::

    with MockServer() as server:
        client = openai.OpenAI(base_url=server.base_url, api_key="sk-mock-me")
"""

from __future__ import annotations

import itertools
import logging
import os
import threading
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

from mockserver.accounts.accounts import redact
from mockserver.app import context_of, create_app, services_of
from mockserver.errors import ApiError
from mockserver.journal import verification
from mockserver.journal.search import Range
from mockserver.logs import LOG_LEVELS
from mockserver.settings.loading import load_settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.context import ApiContext
from mockserver.testing.sdk_clients import SdkClients
from mockserver.transport.http_server.server import listen

if TYPE_CHECKING:
    from mockserver.settings.model import Settings


class MockServer(AudioApi):
    """A mock server in this process, with the Python API for all accounts. A context manager.

    Without ``settings`` it uses those of ``mockserver.toml`` and the environment, on a free port. ``tls`` changes the
    setting of that name: clients verify the server by ``ca_file``.
    """

    def __init__(self, settings: Settings | None = None, *, tls: bool | None = None) -> None:
        settings = settings or load_settings(environ=os.environ, port=0)
        if tls is not None:
            settings = replace(settings, tls=tls)
        # The package logs a warning for each malformed body.
        logging.getLogger("python_multipart").setLevel(logging.ERROR)
        with LOG_LEVELS.of_server(settings.log_level):
            self.app = create_app(settings)
            self._services = services_of(self.app)
            self._server = listen(settings, self.app, self._services.closing)
        self._running = ExitStack()
        self._thread = threading.Thread(target=self._server.serve, name="mockserver", daemon=True)
        self._account_numbers = itertools.count(1)
        clients = SdkClients(f"{self._server.url}/v1", self._server.ca_file)
        context = context_of(self._services, ApiContext)
        super().__init__(context, self._server.url, _some_key(settings), None, clients)

    def account(self, key: str | None = None, *, tier: str | None = None) -> AudioApi:
        """Return the Python API for one account: that of an API ``key``, or a new one.

        ``tier`` is its usage tier. Raises ``ValueError`` for a key that is refused, or an unknown tier.
        """
        if key is None:
            key = f"sk-mock-{self._services.settings.tier}-account-{next(self._account_numbers)}"
        try:
            account = self._context.accounts.authenticate(key)
        except ApiError as error:
            raise ValueError(f"key: {redact(key)!r} belongs to no account ({error.name}).") from error
        api = AudioApi(self._context, self.url, key, account, self._clients)
        if tier is not None:
            api.set_tier(tier)
        return api

    @property
    def latest_exchange(self) -> str | None:
        """Return the id of the latest exchange of all accounts; ``None`` if there is none."""
        return self._context.journal.latest_id

    def exchanges_after(self, entry_id: str | None) -> str:
        """Return the exchanges of all accounts after the one with that id as text; for ``None`` all."""
        journal = self._context.journal
        place = journal.place(None, entry_id) if entry_id else None
        return verification.report(journal.records(None, within=Range(after=place)))

    def reset(self) -> None:
        """Reset the state of all accounts and the clock. Stubs from files stay."""
        super().reset()
        self._context.spoken.forget()
        self.clock.reset()

    def start(self) -> MockServer:
        """Start to answer requests."""
        self._running.enter_context(LOG_LEVELS.of_server(self._services.settings.log_level))
        self._thread.start()
        self._services.start()
        return self

    def stop(self) -> None:
        """Finish the requests in flight and stop the server. Works if it was never started, too."""
        self._clients.close()
        self._server.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._services.close()
        self._running.close()

    def __enter__(self) -> MockServer:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()


def _some_key(settings: Settings) -> str:
    """Return an API key that the server accepts."""
    if settings.accept_any_key or not settings.accounts:
        return f"sk-mock-{settings.tier}-me"
    return settings.accounts[0].key
