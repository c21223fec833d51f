"""An offline mock server and test double of the hosted audio APIs.

Public names: ``create_app`` (makes the WSGI application), ``MockServer`` (a server in this process, and the test double
of all accounts), ``AudioApi`` (the test double of one account), ``Settings``, and ``load_settings``.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import TYPE_CHECKING

from mockserver import namesake
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.app import create_app
    from mockserver.settings.loading import load_settings
    from mockserver.settings.model import Settings
    from mockserver.testing.audio_api import AudioApi
    from mockserver.testing.mock_server import MockServer

__all__ = ["AudioApi", "MockServer", "Settings", "__version__", "create_app", "load_settings"]

_HOMES = {
    "AudioApi": "testing.audio_api",
    "MockServer": "testing.mock_server",
    "Settings": "settings.model",
    "create_app": "app",
    "load_settings": "settings.loading",
}


def __getattr__(name: str) -> object:
    """Import and return a public name at its first use. The speech processes import the package without them."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"mockserver.{_HOMES[name]}"), name)


if _complaint := namesake.complaint():
    warnings.warn(_complaint, RuntimeWarning, stacklevel=2)
