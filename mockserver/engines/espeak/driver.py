"""Loads espeak-ng and starts pyttsx3 with the driver of this package (``pcm``).

The espeakng-loader wheel contains the library and its data, so that no system package is needed. If the wheel cannot be
used (none for the platform, or an incompatible C library), a system-wide libespeak-ng is loaded.
"""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.engines.speech import SpeechFailed
from mockserver.installation import broken_part, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER_NAME = "mockserver_pcm"
MAX_DATA_PATH = 140  # bytes; espeak-ng has a buffer of 160 bytes for file names in its data folder
_VOICE_DATA = ("intonations", "phondata", "phonindex", "phontab", "en_dict", "lang", "voices")
REMEDY = "install it with `pip install espeakng-loader`, or with your system's packages (libespeak-ng1)"


class EspeakFacts(NamedTuple):
    """The loaded espeak-ng: its library file, its version, and its number of voices."""

    library: str
    version: str
    voices: int


def init_engine() -> Any:
    """Return a ``pyttsx3.Engine`` whose ``say`` and ``runAndWait`` produce PCM (see ``pcm``).

    Call it once per process: espeak-ng keeps its state in global variables.
    Raises ``SpeechFailed`` if there is no usable espeak-ng.
    """
    try:
        import pyttsx3

        with _found_by_pyttsx3(_load_wheel()):
            from mockserver.engines.espeak import pcm
    except RuntimeError as error:
        raise SpeechFailed(f"espeak-ng was not found; {REMEDY}") from error
    except (ImportError, AttributeError, SyntaxError, OSError) as error:
        reason = broken_part(error) or f"pyttsx3 cannot be loaded: {error}"
        raise SpeechFailed(reason) from error
    sys.modules[f"pyttsx3.drivers.{DRIVER_NAME}"] = pcm
    return pyttsx3.init(DRIVER_NAME)


def check_installed() -> None:
    """Raise ``SpeechFailed``, with the remedy, if espeak-ng is not installed. Nothing is loaded."""
    loader = origin_of("espeakng_loader")
    data = Path(loader or "").parent / "espeak-ng-data"
    if loader is None or not data.is_dir():
        from ctypes.util import find_library

        if find_library("espeak-ng") is None:
            raise SpeechFailed(f"espeak-ng was not found; {REMEDY}")
        return
    missing = [name for name in _VOICE_DATA if not (data / name).exists()]
    if missing:
        raise SpeechFailed(
            f"espeak-ng's voice data is incomplete: {data} lacks {', '.join(missing)}; "
            "reinstall it: pip install --force-reinstall espeakng-loader"
        )


def espeak_facts() -> EspeakFacts:
    """Return the facts for ``mockserver doctor``. Raises ``SpeechFailed`` if there is no usable espeak-ng."""
    engine = init_engine()
    from pyttsx3.drivers import _espeak

    version = _espeak.Info(None).decode().split(" ")[0]
    return EspeakFacts(_espeak.dll._name, version, len(engine.getProperty("voices")))


def short_data_path(data: Path) -> Path:
    """Return ``data``; if its path is too long, a temporary link to it, which is removed when the process ends.

    Raises ``SpeechFailed`` if the path of the link is too long as well.
    """
    if len(os.fsencode(data)) <= MAX_DATA_PATH:
        return data
    folder = Path(tempfile.mkdtemp(prefix="espeak-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / data.name
    if len(os.fsencode(link)) > MAX_DATA_PATH:
        raise SpeechFailed(f"the path of espeak-ng's data is too long: {data}; set TMPDIR to a shorter one")
    link.symlink_to(data, target_is_directory=True)
    return link


def _load_wheel() -> ctypes.CDLL | None:
    """Load the wheel's library and set ``ESPEAK_DATA_PATH``; return ``None`` if the wheel cannot be used."""
    try:
        import espeakng_loader

        library = ctypes.CDLL(espeakng_loader.get_library_path())
        data = Path(espeakng_loader.get_data_path())
    except (ImportError, OSError, RuntimeError):
        return None
    os.environ["ESPEAK_DATA_PATH"] = str(short_data_path(data))
    return library


@contextmanager
def _found_by_pyttsx3(library: ctypes.CDLL | None) -> Iterator[None]:
    """Make pyttsx3's driver, which looks for espeak-ng when it is imported, find ``library`` (unless ``None``)."""
    if library is None:
        yield
        return
    vars(ctypes.cdll)["LoadLibrary"] = lambda _name: library
    try:
        yield
    finally:
        del vars(ctypes.cdll)["LoadLibrary"]
