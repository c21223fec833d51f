"""Checks the packages and data that the program needs, and names the remedy for missing or damaged ones.

A broken part affects only the requests that need it. Their answer is the message of ``broken_part``.
"""

from __future__ import annotations

import contextlib
import logging
import sys
import threading
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from importlib.metadata import PackagePath

log = logging.getLogger(__name__)

# Held by imports that wait for the request that needs them. Modules of Werkzeug import each other in a circle: two
# threads that begin it at different modules would see modules that are not complete.
importing = threading.RLock()

GONE = "it is not installed, or its files are missing"
_PACKAGE = Path(__file__).parent


class Part(NamedTuple):
    """A package that the program uses: its module, its distribution, and its purpose (``does``), a verb phrase.

    ``optional`` packages are not part of the light distribution. A part with ``needed_by`` is needed only if that
    module is installed.
    """

    module: str
    distribution: str
    does: str
    optional: bool = False
    needed_by: str = ""


PARTS = (
    Part("flask", "flask", "parses requests"),
    Part("jinja2", "jinja2", "renders templates"),
    Part("click", "click", "parses the command line"),
    Part("rich", "rich", "prints tables"),
    Part("msgspec", "msgspec", "encodes and decodes JSON"),
    Part("yaml", "pyyaml", "reads YAML"),
    Part("jsonschema_rs", "jsonschema-rs", "validates requests"),
    Part("jsonschema", "jsonschema", "explains why a request is invalid"),
    Part("python_multipart", "python-multipart", "parses uploads"),
    Part("pybase64", "pybase64", "decodes base64"),
    Part("jsonpath", "python-jsonpath", "evaluates JSONPaths"),
    Part("prometheus_client", "prometheus-client", "collects metrics"),
    Part("re2", "google-re2", "matches regular expressions"),
    Part("websockets", "websockets", "reads and writes WebSocket frames"),
    Part("trustme", "trustme", "makes certificates for TLS", optional=True),
    Part("aiortc", "aiortc", "carries the media of WebRTC calls", optional=True),
    Part("mcp", "mcp", "serves agents", optional=True),
    Part("opentelemetry.sdk.trace", "opentelemetry-sdk", "makes traces", optional=True),
    Part("redis", "redis", "connects to a store in Redis", optional=True),
    Part("hiredis", "hiredis", "reads the answers of Redis", needed_by="redis"),
    Part("dramatiq", "dramatiq", "runs the queue of heavy work", optional=True),
    Part("numpy", "numpy", "processes samples"),
    Part("av", "av", "decodes and encodes audio"),
    Part("pyttsx3", "pyttsx3", "synthesizes speech"),
    Part("espeakng_loader", "espeakng-loader", "provides voices", optional=True),  # the system can have them
    Part("splintr", "splintr-rs", "counts text tokens", optional=True),
    Part("faster_whisper", "faster-whisper", "transcribes audio", optional=True),
    Part("ctranslate2", "ctranslate2", "runs Whisper", needed_by="faster_whisper"),
    Part("tokenizers", "tokenizers", "encodes Whisper's tokens", needed_by="faster_whisper"),
    Part("onnxruntime", "onnxruntime", "detects silence for Whisper", needed_by="faster_whisper"),
)
_BY_MODULE = {part.module: part for part in PARTS}


def origin_of(module: str) -> str | None:
    """Return the file that a module would be loaded from; ``None`` if it is not installed. Imports nothing.

    A folder without ``__init__.py``, the remains of a package, does not count.
    """
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec else None


def parts_in_use() -> list[Part]:
    """Return the parts that are required or installed."""
    return [
        part
        for part in PARTS
        if not (part.optional and origin_of(part.module) is None)
        and not (part.needed_by and origin_of(part.needed_by) is None)
    ]


def missing_parts() -> list[Part]:
    """Return the required parts that are not installed. Imports nothing."""
    return [part for part in parts_in_use() if origin_of(part.module) is None]


def complaint_about(part: Part, reason: str) -> str:
    """Return a message about a part that cannot be used: the ``reason`` and the remedy."""
    remedy = f"Reinstall it: pip install --force-reinstall {part.distribution}"
    return f"{part.distribution}, which {part.does} here, cannot be used: {reason}. {remedy}"


def own_damage(reason: str) -> str:
    """Return a message about damaged files of this package: the ``reason`` and the remedy."""
    own = own_distribution()
    return f"{own} is damaged: {reason}. Reinstall it: pip install --force-reinstall --no-deps {own}"


def own_distribution() -> str:
    """Return the name of the distribution that this package is installed from: the full or the light one."""
    from importlib import metadata

    for name in ("audio-mockserver", "audio-mockserver-light"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.distribution(name).name
    return "audio-mockserver"


def broken_part(error: BaseException) -> str | None:
    """Return a message about the broken part that caused ``error``, with the remedy; ``None`` for other errors."""
    from mockserver.catalog.reading import CatalogError
    from mockserver.validation.schemas import SchemaError

    if isinstance(error, CatalogError | SchemaError):
        return own_damage(_line(error))
    part = _part_of(error)
    if part is not None:
        return complaint_about(part, GONE if isinstance(error, ModuleNotFoundError) else _line(error))
    if isinstance(error, ImportError):
        module = (error.name or "").partition(".")[0]
        if module in ("", "mockserver"):
            return own_damage(_line(error))
        return f"{_line(error)}. Reinstall it: pip install --force-reinstall {module}"
    return None


def _part_of(error: BaseException) -> Part | None:
    """Return the part with the missing or damaged module or file that ``error`` names."""
    if isinstance(error, ImportError):
        return _BY_MODULE.get((error.name or "").partition(".")[0])
    if isinstance(error, AttributeError) and isinstance(error.obj, ModuleType):
        return _BY_MODULE.get(error.obj.__name__.partition(".")[0])
    if isinstance(error, OSError | SyntaxError) and isinstance(error.filename, str):
        return _part_with(Path(error.filename))
    return None


def _part_with(file: Path) -> Part | None:
    for part in PARTS:
        module = sys.modules.get(part.module)
        origin = getattr(module, "__file__", None)
        if origin and file.is_relative_to(Path(origin).parent) and Path(origin).name == "__init__.py":
            return part
    return None


def _line(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__


def run_or_complain(target: Callable[[], object]) -> None:
    """Call ``target``. An error about a broken part is logged in one line; others are raised."""
    try:
        target()
    except Exception as error:
        if complaint := broken_part(error):
            log.error("%s", complaint)
        else:
            raise


def incomplete_distributions() -> Iterator[str]:
    """Yield a message about each installed distribution with missing or truncated files.

    The expected files are listed in its metadata (PEP 376, ``RECORD``); a checkout has none.
    """
    from importlib import metadata

    for part in (Part("mockserver", own_distribution(), "is this server"), *parts_in_use()):
        try:
            distribution = metadata.distribution(part.distribution)
        except metadata.PackageNotFoundError:
            continue
        if part.module == "mockserver" and Path(str(distribution.locate_file("mockserver"))) != _PACKAGE:
            continue
        damaged = [str(file) for file in distribution.files or () if not _is_complete(file)]
        if damaged:
            more = f" and {len(damaged) - 1:,} more" if len(damaged) > 1 else ""
            yield complaint_about(part, f"{damaged[0]}{more} of its files are missing or truncated")


def _is_complete(file: PackagePath) -> bool:
    """Return whether a file has its recorded size; ``True`` for scripts outside the packages, which can be moved."""
    if file.hash is None or file.parts[0] == "..":
        return True
    try:
        return Path(str(file.locate())).stat().st_size >= (file.size or 0)
    except OSError:
        return False
