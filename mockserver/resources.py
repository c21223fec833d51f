"""Finds the data folders that ship with the package (``schemas/`` and ``fixtures/``)."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data_folder(name: str) -> Path:
    """The folder ``name``: inside the package in an installed wheel, beside it in a source checkout."""
    packaged = _PACKAGE / name
    return packaged if packaged.is_dir() else _PACKAGE.parent / name
