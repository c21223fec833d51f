"""Checks the packages and data that the program needs: what is missing or damaged, and the remedy.

A broken part affects only the requests that need it. They are answered with what ``broken_part`` says.
"""

from __future__ import annotations

import contextlib
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from importlib.metadata import PackagePath

log = logging.getLogger(__name__)

GONE = "it is not installed, or its files are missing"
_PACKAGE = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Part:
    """A package that the program uses: its module, its distribution, and what it does here.

    ``optional``: the light distribution goes without. ``needed_by`` is the module without which it is not needed.
    """

    module: str
    distribution: str
    does: str
    optional: bool = False
    needed_by: str = ""


PARTS = (
    Part("flask", "flask", "takes requests apart"),
    Part("jinja2", "jinja2", "fills in templates"),
    Part("cheroot", "cheroot", "listens for requests"),
    Part("click", "click", "reads the command line"),
    Part("rich", "rich", "prints tables"),
    Part("msgspec", "msgspec", "reads the tables of models"),
    Part("yaml", "pyyaml", "reads YAML"),
    Part("jsonschema_rs", "jsonschema-rs", "validates requests"),
    Part("jsonschema", "jsonschema", "says what is wrong with a request"),
    Part("python_multipart", "python-multipart", "takes uploads apart"),
    Part("pybase64", "pybase64", "decodes base64"),
    Part("jsonpath", "python-jsonpath", "finds members of requests"),
    Part("prometheus_client", "prometheus-client", "counts"),
    Part("re2", "google-re2", "matches patterns"),
    Part("numpy", "numpy", "calculates with samples"),
    Part("av", "av", "decodes and encodes audio"),
    Part("pyttsx3", "pyttsx3", "speaks"),
    Part("espeakng_loader", "espeakng-loader", "brings voices", optional=True),  # the system may have them
    Part("splintr", "splintr-rs", "counts text tokens", optional=True),
    Part("faster_whisper", "faster-whisper", "transcribes audio", optional=True),
    Part("ctranslate2", "ctranslate2", "runs Whisper", needed_by="faster_whisper"),
    Part("tokenizers", "tokenizers", "knows Whisper's tokens", needed_by="faster_whisper"),
    Part("onnxruntime", "onnxruntime", "finds silence for Whisper", needed_by="faster_whisper"),
)
_BY_MODULE = {part.module: part for part in PARTS}


def origin_of(module: str) -> str | None:
    """Return the file that a module would be loaded from; ``None`` where it is not installed. Imports nothing.

    A folder that is left of a package without its ``__init__.py`` is none.
    """
    try:
        spec = find_spec(module)
    except (ImportError, ValueError):
        return None
    return spec.origin if spec else None


def parts_in_use() -> list[Part]:
    """Return the parts that this installation needs or has."""
    return [
        part
        for part in PARTS
        if not (part.optional and origin_of(part.module) is None)
        and not (part.needed_by and origin_of(part.needed_by) is None)
    ]


def missing_parts() -> list[Part]:
    """Return the parts that are not there. Imports nothing."""
    return [part for part in parts_in_use() if origin_of(part.module) is None]


def complaint_about(part: Part, reason: str) -> str:
    """Return a line about a part that cannot be used, and why."""
    remedy = f"Reinstall it: pip install --force-reinstall {part.distribution}"
    return f"{part.distribution}, which {part.does} here, cannot be used: {reason}. {remedy}"


def own_damage(reason: str) -> str:
    """Return a line on the files of this very package that cannot be used, and why."""
    own = own_distribution()
    return f"{own} is damaged: {reason}. Reinstall it: pip install --force-reinstall --no-deps {own}"


def own_distribution() -> str:
    """Return the name of the distribution that this package came with: the whole one, or the light one."""
    from importlib import metadata

    for name in ("audio-mockserver", "audio-mockserver-light"):
        with contextlib.suppress(metadata.PackageNotFoundError):
            return metadata.distribution(name).name
    return "audio-mockserver"


def broken_part(error: BaseException) -> str | None:
    """Return which part is broken and the remedy, where that is what an error comes from; ``None`` for others."""
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
        return f"{_line(error)}. Reinstall what is missing: pip install --force-reinstall {module}"
    return None


def _part_of(error: BaseException) -> Part | None:
    """Return the part whose code or data an error says to be missing or damaged."""
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
    """Calls ``target``, in a thread of its own, say. That it lacks a part is logged in a line."""
    try:
        target()
    except Exception as error:
        if complaint := broken_part(error):
            log.error("%s", complaint)
        else:
            raise


def incomplete_distributions() -> Iterator[str]:
    """Yield a line about each installed distribution of which files are missing or cut short.

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
        lost = [str(file) for file in distribution.files or () if not _is_whole(file)]
        if lost:
            more = f" and {len(lost) - 1:,} more" if len(lost) > 1 else ""
            yield complaint_about(part, f"{lost[0]}{more} of its files are missing or cut short")


def _is_whole(file: PackagePath) -> bool:
    """Return whether a file is as long as it should be. Scripts beside the packages may be elsewhere, or nowhere."""
    if file.hash is None or file.parts[0] == "..":
        return True
    try:
        return Path(str(file.locate())).stat().st_size >= (file.size or 0)
    except OSError:
        return False
