"""Clients of the official SDK for a server in this process."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl
    from pathlib import Path
    from types import ModuleType

    import openai


class SdkClients:
    """The SDK's clients for one server. Those of all accounts share connections, so that a client is cheap.

    They do not retry. For retries, use ``client.with_options(max_retries=2)``.
    """

    def __init__(self, base_url: str, ca_file: Path | None = None) -> None:
        """``ca_file`` is the file (PEM) by which they verify a server that speaks TLS."""
        self._base_url = base_url
        self.ca_file = ca_file
        self._lock = threading.Lock()
        self._sync: openai.OpenAI | None = None
        self._async: openai.AsyncOpenAI | None = None

    def sync(self, api_key: str) -> openai.OpenAI:
        """Return a client with an API key. Raises ``ModuleNotFoundError`` without the package ``openai``."""
        with self._lock:
            if self._sync is None or self._sync.is_closed():
                sdk = _sdk()
                self._sync = sdk.OpenAI(
                    api_key=api_key,
                    base_url=self._base_url,
                    max_retries=0,
                    http_client=sdk.DefaultHttpxClient(verify=self._verified(), trust_env=False),
                )
            return self._sync.with_options(api_key=api_key)

    def asynchronous(self, api_key: str) -> openai.AsyncOpenAI:
        """Return an asyncio client. Connections are not reused, because each belongs to the loop that opened it."""
        with self._lock:
            if self._async is None or self._async.is_closed():
                sdk = _sdk()
                self._async = sdk.AsyncOpenAI(
                    api_key=api_key,
                    base_url=self._base_url,
                    max_retries=0,
                    default_headers={"Connection": "close"},
                    http_client=sdk.DefaultAsyncHttpxClient(verify=self._verified(), trust_env=False),
                )
            return self._async.with_options(api_key=api_key)

    def _verified(self) -> ssl.SSLContext | bool:
        """Return how to verify the server. ``False`` reads no certificates of the system, which takes time."""
        if self.ca_file is None:
            return False
        import ssl

        return ssl.create_default_context(cafile=self.ca_file)

    def close(self) -> None:
        """Close the connections."""
        with self._lock:
            if self._sync is not None:
                self._sync.close()


def _sdk() -> ModuleType:
    try:
        import openai
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "The package openai is not installed. Install it, or use another client with `base_url` and `api_key`.",
            name=error.name,
        ) from error
    return openai
