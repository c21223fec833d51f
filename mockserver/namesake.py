"""Notices the distribution mockserver-client, whose package is called ``mockserver``, too.

Of two distributions with one package, the one that is installed last overwrites files of the other. The module names
of theirs and ours differ, so only ``mockserver/__init__.py`` is lost. Imports nothing that takes time.
"""

from __future__ import annotations

import os
import re
import sys

_METADATA = re.compile(r"mockserver[-_.]client-([^-]+).*\.(dist|egg)-info", re.IGNORECASE)
_REMEDY = (
    "Keep one: `pip uninstall mockserver-client`, then `pip install --force-reinstall --no-deps audio-mockserver`. "
    "Or give each a virtual environment of its own; `uvx audio-mockserver serve` makes one for the server."
)


def version() -> str | None:
    """Return the version of mockserver-client where it is installed, else ``None``."""
    for folder in sys.path:
        try:
            names = os.listdir(folder or os.curdir)
        except OSError:
            continue
        for name in names:
            if found := _METADATA.fullmatch(name):
                return found[1]
    return None


def is_in_charge() -> bool:
    """Return whether ``import mockserver`` gives the package of mockserver-client, not ours."""
    return "create_app" not in getattr(sys.modules["mockserver"], "__all__", ())


def complaint() -> str | None:
    """Return what is wrong and what to do about it, or ``None`` where mockserver-client is not installed."""
    other = version()
    if other is None:
        return None
    lost = "audio-mockserver" if is_in_charge() else "mockserver-client"
    return (
        f"mockserver-client {other} is installed beside audio-mockserver, and both have a package `mockserver`: "
        f"what programs import from it is not what {lost} offers. {_REMEDY}"
    )
