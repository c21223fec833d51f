"""The command ``mockserver mcp``."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from mockserver.app import build_services
from mockserver.commands.failures import exit_with_message, fail
from mockserver.commands.own_server import serving
from mockserver.commands.serve import start_log
from mockserver.control_client import ControlClient, ControlFailed
from mockserver.installation import origin_of, own_distribution

if TYPE_CHECKING:
    from mockserver.settings.model import Settings

_KEY = "sk-mock-me"  # of clients, if no key is given


@exit_with_message()
def run(settings: Settings, *, url: str | None, api_key: str | None, ca_file: str | None) -> None:
    """Serve MCP until standard input ends. Without a ``url``, a server of its own runs as long."""
    if origin_of("mcp") is None:
        fail(f'the package mcp is not installed. Install it: pip install "{own_distribution()}[mcp]"')
    from mockserver.agents.server import serve_stdio
    from mockserver.agents.tools import Toolbox

    start_log(settings.log_level)
    with _reached(settings, url, ca_file) as (server_url, authority):
        try:
            token = settings.control_token
            control = ControlClient(server_url, token=token, api_key=api_key or "", ca_file=authority)
        except ControlFailed as error:
            fail(f"--url: {error}")
        serve_stdio(Toolbox(control, api_key or ""), control.url, api_key or _KEY)


@contextlib.contextmanager
def _reached(settings: Settings, url: str | None, ca_file: str | None) -> Iterator[tuple[str, str | None]]:
    """Yield the URL of the server, and the file by which it is verified."""
    if url is not None:
        yield url, ca_file
        return
    with contextlib.closing(build_services(settings)) as services, serving(services) as server:
        yield server.url, str(server.ca_file) if server.ca_file else None
