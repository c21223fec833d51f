"""Makes a fixture of an exchange in the journal: the file that answers uploads of its audio with its transcript."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.transcripts import segments_of

if TYPE_CHECKING:
    from collections.abc import Mapping

_FACTS = ("container", "codec", "duration", "channels", "sample_rate", "pcm_sha256")
_LANGUAGE = re.compile("[a-z]{2,3}")
_ENGLISH = "en"


def fixture_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fixture of the last audio file whose transcript is known. Raises ``CannotReproduce``."""
    files = [each for each in entry["audio"] if each["heard"]]
    if not files:
        raise CannotReproduce(
            "A fixture needs an uploaded audio file with a transcript. This exchange has none."
        )
    file = files[-1]
    language = _language(entry, file)
    if entry["endpoint"] == "translations" and language != _ENGLISH:
        raise CannotReproduce(
            "The journal has the translation, but not what was said. Have the file transcribed, and save that exchange."
        )
    fixture: dict[str, Any] = {"sha256": file["sha256"]}
    if all(file[name] is not None for name in _FACTS) and file["duration"] > 0:
        fixture["facts"] = {name: file[name] for name in _FACTS}
    if language:
        fixture["language"] = language
    text = file["heard"].strip()
    segments = segments_of(file)
    fixture["text"] = text
    if segments and " ".join(each["text"] for each in segments) == text:
        fixture["segments"] = segments
    return fixture


def _language(entry: Mapping[str, Any], file: Mapping[str, Any]) -> str:
    """Return the code of the language that is spoken in a file; empty if it is not known."""
    known = (file["transcript"] or {}).get("language")
    for given in (known, entry["request"].get("language")):
        if isinstance(given, str) and _LANGUAGE.fullmatch(given):
            return given
    return ""
