"""Finds Whisper models on this machine and downloads new ones."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING

from mockserver import strict_json
from mockserver.engines.transcription import EngineFailed
from mockserver.installation import origin_of
from mockserver.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Callable

# The distribution audio-mockserver-light does not include it.
MISSING = "Whisper is not installed. Install it with: pip install faster-whisper"
EMBEDDED = "embedded"  # the name of the embedded model, which ships with the server

TRAINED_ON = "the voices of this mock server"  # the value in its config.json
_PROGRESS_INTERVAL = 0.2  # seconds
_IN_CACHE = "models--*whisper*/snapshots/*/model.bin"
_FILES = ("model.bin", "tokenizer.json")  # files that every model needs
_FILES_OF_EMBEDDED = (*_FILES, "config.json", "preprocessor_config.json", "vocabulary.json")

log = logging.getLogger(__name__)


def find_model(setting: str) -> str | None:
    """Return the folder of a model on this machine. Nothing is downloaded.

    ``setting`` is a folder, a name ("tiny", or a Hugging Face repository "owner/name") in the local Hugging Face
    cache, "none", "embedded", or "auto": the smallest model in the cache, multilingual models first (a test double
    should answer fast), else the embedded model, or none if Whisper is not installed.
    Raises ``EngineFailed`` if a named model cannot be used.
    """
    if setting == "none":
        return None
    if not is_installed():
        if setting == "auto":
            return None
        raise EngineFailed(f"cannot use the Whisper model {setting!r}: {MISSING}")
    if setting == EMBEDDED:
        return str(embedded_model())
    if setting == "auto":
        return _smallest_model() or str(embedded_model())
    folder = _expanded(setting)
    if not os.path.isdir(folder):
        folder = Path(_fetch(setting, local_files_only=True))
    if not os.path.isfile(folder / "model.bin"):
        raise EngineFailed(f"not a Whisper model in CTranslate2 format: {folder} has no model.bin")
    return str(folder)


def is_installed() -> bool:
    """Return whether faster-whisper, which runs the models, is installed."""
    return origin_of("faster_whisper") is not None


def embedded_model() -> Path:
    """Return the folder of the embedded model, which understands the server's voices (docs/embedded-whisper.md)."""
    return data_folder("fixtures") / "whisper" / EMBEDDED


def is_embedded(folder: Path) -> bool:
    """Return whether ``folder`` contains the embedded model or a copy of it, according to its ``config.json``."""
    try:
        config = strict_json.parse((folder / "config.json").read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(config, dict) and config.get("trained_on") == TRAINED_ON


def check_complete(folder: Path) -> None:
    """Raise ``EngineFailed`` if a file of the model is missing.

    faster-whisper would look for a missing ``tokenizer.json`` on the network.
    """
    is_shipped = folder == embedded_model()
    missing = [
        name for name in (_FILES_OF_EMBEDDED if is_shipped else _FILES) if not os.path.isfile(folder / name)
    ]
    if missing:
        remedy = "Reinstall this server" if is_shipped else "Download or convert the model again"
        raise EngineFailed(f"{', '.join(missing)} is missing. {remedy}")


def _smallest_model() -> str | None:
    try:
        folder = _cache_folder()
        sizes = {
            file.parent: file.stat().st_size for file in folder.glob(_IN_CACHE) if _is_complete(file.parent)
        }
    except EngineFailed:  # Without a home folder there is no cache.
        return None
    except OSError as error:
        log.warning(
            "The cache of Whisper models cannot be read (%s): %s. The embedded model is used. Set HF_HOME to "
            "another cache, or name a model with --whisper-model.",
            error.strerror,
            error.filename,
        )
        return None
    models = sorted(sizes, key=lambda folder: (".en" in str(folder), sizes[folder]))
    return str(models[0]) if models else None


def _is_complete(folder: Path) -> bool:
    """Return whether a model in the cache was downloaded completely, as far as its files show."""
    return all(os.path.isfile(folder / name) and os.path.getsize(folder / name) for name in _FILES)


def pull_model(name: str, on_progress: Callable[[int], None]) -> str:
    """Download a model ("tiny", "base", ... or a Hugging Face repository) to the local cache. Return its folder.

    ``on_progress`` is called every 0.2 s with the number of bytes downloaded so far. Raises ``EngineFailed``.
    """
    bytes_before = _cached_bytes()
    from concurrent.futures import ThreadPoolExecutor, wait

    with ThreadPoolExecutor(1) as downloads:
        download = downloads.submit(_fetch, name)
        while wait([download], timeout=_PROGRESS_INTERVAL).not_done:
            on_progress(_cached_bytes() - bytes_before)
        return download.result()


def _fetch(name: str, *, local_files_only: bool = False) -> str:
    if not is_installed():
        raise EngineFailed(MISSING)
    _cache_folder()  # Without a home folder, huggingface_hub would create a folder named "~".
    from faster_whisper.utils import download_model

    try:
        return str(download_model(name, local_files_only=local_files_only))
    except (OSError, ValueError) as error:
        remedy = f" (download it with: mockserver models pull {name})" if local_files_only else ""
        raise EngineFailed(f"cannot find the Whisper model {name!r}{remedy}: {error}") from error


def _cache_folder() -> Path:
    """Return the folder of huggingface_hub's downloads, without importing huggingface_hub, which is slow.

    Raises ``EngineFailed`` if it is in the user's home folder and there is none.
    """
    cache = os.environ.get("XDG_CACHE_HOME", "~/.cache")
    home = os.environ.get("HF_HOME", f"{cache}/huggingface")
    return _expanded(os.environ.get("HF_HUB_CACHE", f"{home}/hub"))


def _expanded(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise EngineFailed(f"no home folder to look for {path} in: set HF_HOME or HOME") from error


def _cached_bytes() -> int:
    return sum(file.stat().st_size for file in _cache_folder().glob("models--*/blobs/*"))


def display_name(folder: Path) -> str:
    """Return a model's name: the name of its folder, or of its repository in the Hugging Face cache.

    ``embedded`` is the embedded model and its copies. The name of any other model named so is prefixed with its owner
    or parent folder: ``mine/embedded``.
    """
    if is_embedded(folder):
        return EMBEDDED
    folder = Path(os.path.abspath(folder))
    repository = next((part for part in folder.parts if part.startswith("models--")), "")
    owner, name = repository.split("--")[-2:] if repository else (folder.parent.name, folder.name)
    return f"{owner}/{name}" if name == EMBEDDED else name
