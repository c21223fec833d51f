"""Readies espeak-ng for pyttsx3 and starts pyttsx3 on our own driver (``pyttsx3_pcm``).

The espeakng-loader wheel brings the library and its data, so no system package is needed; a system-wide
libespeak-ng serves where the wheel cannot (none for the platform, or a C library it was not built for).
"""

from __future__ import annotations

import atexit
import ctypes
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mockserver.engines.speech import SpeechFailed
from mockserver.installation import broken_part, origin_of

if TYPE_CHECKING:
    from collections.abc import Iterator

DRIVER_NAME = "mockserver_pcm"
MAX_DATA_PATH = 140  # bytes; espeak-ng keeps file names below its data folder in a buffer of 160 bytes
_VOICE_DATA = ("intonations", "phondata", "phonindex", "phontab", "en_dict", "lang", "voices")
REMEDY = "install it with `pip install espeakng-loader`, or with your system's packages (libespeak-ng1)"


@dataclass(frozen=True, slots=True)
class EspeakFacts:
    """Which espeak-ng speaks: the file it was loaded from, its version, and how many voices it lists."""

    library: str
    version: str
    voices: int


def init_engine() -> Any:
    """Return a ``pyttsx3.Engine`` whose ``say`` and ``runAndWait`` hand out PCM (see ``pyttsx3_pcm``).

    Call it once in a process: espeak-ng is one set of global variables.
    Raises ``SpeechFailed`` when there is no usable espeak-ng.
    """
    try:
        import pyttsx3

        with _found_by_pyttsx3(_load_wheel()):
            from mockserver.engines.espeak import pcm as pyttsx3_pcm
    except RuntimeError as error:
        raise SpeechFailed(f"espeak-ng was not found; {REMEDY}") from error
    except (ImportError, AttributeError, SyntaxError, OSError) as error:
        complaint = broken_part(error) or f"pyttsx3 cannot be loaded: {error}"
        raise SpeechFailed(complaint) from error
    sys.modules[f"pyttsx3.drivers.{DRIVER_NAME}"] = pyttsx3_pcm
    return pyttsx3.init(DRIVER_NAME)


def check_installed() -> None:
    """Raise ``SpeechFailed``, naming the remedy, when there is no espeak-ng to load. Loads nothing."""
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
            f"espeak-ng's voice data is not whole: {data} lacks {', '.join(missing)}; "
            "reinstall it: pip install --force-reinstall espeakng-loader"
        )


def espeak_facts() -> EspeakFacts:
    """Return facts for ``mockserver doctor``. Raises ``SpeechFailed`` when there is no usable espeak-ng."""
    engine = init_engine()
    from pyttsx3.drivers import _espeak

    version = _espeak.Info(None).decode().split(" ")[0]
    return EspeakFacts(_espeak.dll._name, version, len(engine.getProperty("voices")))


def short_data_path(data: Path) -> Path:
    """Return ``data``, or a temporary link to it, which this process removes, if its path is too long.

    Raises ``SpeechFailed`` when the link would be too long as well.
    """
    if len(os.fsencode(data)) <= MAX_DATA_PATH:
        return data
    folder = Path(tempfile.mkdtemp(prefix="espeak-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    link = folder / data.name
    if len(os.fsencode(link)) > MAX_DATA_PATH:
        raise SpeechFailed(
            f"the path of espeak-ng's data is too long for it: {data}; set TMPDIR to a shorter one"
        )
    link.symlink_to(data, target_is_directory=True)
    return link


def _load_wheel() -> ctypes.CDLL | None:
    """Return the wheel's library, its data in ``ESPEAK_DATA_PATH``; ``None`` when it cannot be used here."""
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
    """Make pyttsx3, which looks for espeak-ng when its driver is imported, find ``library`` (if not None)."""
    if library is None:
        yield
        return
    vars(ctypes.cdll)["LoadLibrary"] = lambda _name: library
    try:
        yield
    finally:
        del vars(ctypes.cdll)["LoadLibrary"]
