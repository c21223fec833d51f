"""Refuses what a transcription model cannot do, by the rules of its row in the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.validation import explanations as explain
from mockserver.validation.violations import Violation
from mockserver.wording import enumeration

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.catalog.records import TranscriptionRules
    from mockserver.catalog.tables import Catalog

_MAX_SINGLE = 3.4028234e38  # the largest number in single precision


def check_transcription(catalog: Catalog, rules: TranscriptionRules, form: Mapping[str, Any]) -> None:
    """Raise ``ApiError`` for the first thing the model cannot do (API reference, Create transcription)."""
    _check_response_format(rules, form.get("response_format", "json"))
    check_temperature(form)
    _check_timestamps(rules, form)
    _check_logprobs(rules, form)
    if form.get("prompt") and not rules.prompt:
        raise ApiError("prompt_not_supported")
    _check_language(catalog, rules, form)
    if rules.keywords:
        _check_keywords(form)


def temperature_of(form: Mapping[str, Any]) -> float:
    """Return the sampling temperature. Raises ``ApiError`` for a number that single precision cannot hold.

    Answers have it in single precision. Strictness ``real`` has refused other values than 0 to 1 before.
    """
    temperature: float = form.get("temperature", 0.0)
    if abs(temperature) > _MAX_SINGLE:
        check_temperature(form)
    return temperature


def check_temperature(form: Mapping[str, Any]) -> None:
    """Raise ``ApiError`` unless the temperature is between 0 and 1 (API reference, Create transcription)."""
    temperature = form.get("temperature", 0.0)
    if 0 <= temperature <= 1:
        return
    keyword, bound = ("minimum", 0) if temperature < 0 else ("maximum", 1)
    violation = Violation(("temperature",), keyword, bound, temperature)
    raise ApiError("invalid_request", message=explain.pydantic([violation], form=True), param=None, code=None)


def _check_response_format(rules: TranscriptionRules, response_format: str) -> None:
    if response_format not in rules.response_formats:
        supported = enumeration(rules.alternatives or rules.response_formats, "or")
        raise ApiError(
            "response_format_incompatible",
            response_format=response_format,
            model=rules.internal_name,
            supported=supported,
        )


def _check_timestamps(rules: TranscriptionRules, form: Mapping[str, Any]) -> None:
    if not form.get("timestamp_granularities") or rules.timestamps == "ignored":
        return
    if rules.timestamps == "refused":
        raise ApiError("timestamps_not_supported", model=rules.internal_name)
    if form.get("response_format", "json") != "verbose_json":
        raise ApiError("timestamps_need_verbose_json")


def _check_logprobs(rules: TranscriptionRules, form: Mapping[str, Any]) -> None:
    if "logprobs" not in form.get("include", ()):
        return
    if rules.logprobs == "refused":
        raise ApiError("logprobs_not_supported")
    if rules.logprobs == "supported" and form.get("response_format", "json") != "json":
        raise ApiError("logprobs_need_json")


def _check_language(catalog: Catalog, rules: TranscriptionRules, form: Mapping[str, Any]) -> None:
    language, languages = form.get("language"), form.get("languages", ()) if rules.languages else ()
    if language and languages:
        raise ApiError("language_and_languages")
    for code in languages:
        if not catalog.accepts_language(rules.language_codes, code):
            raise ApiError("unrecognized_language", language=code, param="languages")
    if not language or catalog.accepts_language(rules.language_codes, language):
        return
    if rules.error_style != "whisper":
        raise ApiError("unrecognized_language", language=language)
    known = catalog.is_language(language)
    raise ApiError("unsupported_language" if known else "invalid_language", language=language)


def _check_keywords(form: Mapping[str, Any]) -> None:
    for keyword in form.get("keywords", ()):
        if any(mark in keyword for mark in "<>\r\n"):
            raise ApiError("invalid_keyword")
