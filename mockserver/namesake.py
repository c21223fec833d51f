"""Detects other installed distributions with a package ``mockserver``.

If two distributions have the same package, the one installed last overwrites files of the other. mockserver-client
shares only ``mockserver/__init__.py`` with this package; audio-mockserver and audio-mockserver-light share every file.
This module is imported at every start and has only cheap imports.
"""

from __future__ import annotations

import os
import re
import sys

_METADATA = re.compile(
    r"(mockserver[-_.]client|audio[-_.]mockserver(?:[-_.]light)?)-([^-]+).*\.(dist|egg)-info", re.IGNORECASE
)
_CLIENT, _FULL, _LIGHT = "mockserver-client", "audio-mockserver", "audio-mockserver-light"


def is_in_charge() -> bool:
    """Return whether ``import mockserver`` imports mockserver-client rather than this package."""
    return "create_app" not in getattr(sys.modules["mockserver"], "__all__", ())


def complaint() -> str | None:
    """Return a message with the problem and the remedy; ``None`` if no other such distribution is installed."""
    folders = [_distributions(folder or os.curdir) for folder in sys.path]
    installed = {name: version for folder in reversed(folders) for name, version in folder.items()}
    if _CLIENT in installed:
        own = _LIGHT if _LIGHT in installed and _FULL not in installed else _FULL
        lost = own if is_in_charge() else _CLIENT
        return (
            f"{_CLIENT} {installed[_CLIENT]} is installed beside {own}, and both have a package `mockserver`: "
            f"what programs import from it is not what {lost} offers. Keep one: `pip uninstall {_CLIENT}`, then "
            f"`pip install --force-reinstall --no-deps {own}`. Or give each a virtual environment of its own; "
            f"`uvx {own} serve` makes one for the server."
        )
    both = next((folder for folder in folders if _FULL in folder and _LIGHT in folder), None)
    if both is not None:
        return (
            f"{_FULL} {both[_FULL]} and {_LIGHT} {both[_LIGHT]} are both installed and consist of the same files: "
            "the one that was installed last has overwritten the other, and uninstalling either breaks both. "
            f"Keep one: `pip uninstall {_FULL} {_LIGHT}`, then install {_FULL} or {_LIGHT} again."
        )
    return None


def _distributions(folder: str) -> dict[str, str]:
    """Return the versions, by name, of the distributions in ``folder`` that have a package ``mockserver``."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    found = (match for name in names if (match := _METADATA.fullmatch(name)))
    return {re.sub("[-_.]", "-", match[1]).lower(): match[2] for match in found}
