"""Notices other distributions whose package is called ``mockserver``, too.

Of two distributions with one package, the one that is installed last overwrites files of the other. The module names
of mockserver-client and ours differ, so only ``mockserver/__init__.py`` is lost; audio-mockserver and
audio-mockserver-light share every file. Imports nothing that takes time.
"""

from __future__ import annotations

import os
import re
import sys

_METADATA = re.compile(
    r"(mockserver[-_.]client|audio[-_.]mockserver(?:[-_.]light)?)-([^-]+).*\.(dist|egg)-info", re.IGNORECASE
)
_CLIENT, _WHOLE, _LIGHT = "mockserver-client", "audio-mockserver", "audio-mockserver-light"


def is_in_charge() -> bool:
    """Return whether ``import mockserver`` gives the package of mockserver-client, not ours."""
    return "create_app" not in getattr(sys.modules["mockserver"], "__all__", ())


def complaint() -> str | None:
    """Return what is wrong and what to do about it, or ``None`` where no other such distribution is installed."""
    folders = [_distributions(folder or os.curdir) for folder in sys.path]
    everywhere = {name: version for folder in reversed(folders) for name, version in folder.items()}
    if _CLIENT in everywhere:
        own = _LIGHT if _LIGHT in everywhere and _WHOLE not in everywhere else _WHOLE
        lost = own if is_in_charge() else _CLIENT
        return (
            f"{_CLIENT} {everywhere[_CLIENT]} is installed beside {own}, and both have a package `mockserver`: "
            f"what programs import from it is not what {lost} offers. Keep one: `pip uninstall {_CLIENT}`, then "
            f"`pip install --force-reinstall --no-deps {own}`. Or give each a virtual environment of its own; "
            f"`uvx {own} serve` makes one for the server."
        )
    both = next((folder for folder in folders if _WHOLE in folder and _LIGHT in folder), None)
    if both is not None:
        return (
            f"{_WHOLE} {both[_WHOLE]} and {_LIGHT} {both[_LIGHT]} are both installed and consist of the same files: "
            "the one that was installed last has overwritten the other, and uninstalling either breaks both. "
            f"Keep one: `pip uninstall {_WHOLE} {_LIGHT}`, then install {_WHOLE} or {_LIGHT} again."
        )
    return None


def _distributions(folder: str) -> dict[str, str]:
    """Return the versions of the distributions with a package `mockserver` whose metadata are in a folder, by name."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    found = (match for name in names if (match := _METADATA.fullmatch(name)))
    return {re.sub("[-_.]", "-", match[1]).lower(): match[2] for match in found}
