"""Refuses items of an input that do not belong together, and files and images that the API does not read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from mockserver.errors import ApiError
from mockserver.providers.openai.image_urls import check_image_url
from mockserver.providers.openai.response_work.items import OUTPUTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from mockserver.catalog.tables import Catalog
    from mockserver.providers.openai.response_work.records import Item
    from mockserver.remote.sources import UrlSources

_CALLS = {output: call for call, output in OUTPUTS.items()}
_FILE_SOURCES = ("file_data", "file_id", "file_url")
_NOT_FILES = ("audio/", "video/")  # media types that files must not have


def check_pairs(earlier: Sequence[Item], given: Sequence[Item]) -> None:
    """Raise ``ApiError`` unless calls have outputs, outputs have calls, and something follows each reasoning.

    ``given`` are the items of the input, ``earlier`` those before them, which may end with reasoning: that of a
    response that reached its limit. All have a type.
    """
    items = [*earlier, *given]
    called = {(item["type"], item["call_id"]) for item in items if item["type"] in OUTPUTS}
    answered = {(_CALLS[item["type"]], item.get("call_id")) for item in items if item["type"] in _CALLS}
    for item in items:
        kind, call_id = item["type"], item.get("call_id")
        if kind in OUTPUTS and (kind, call_id) not in answered:
            raise ApiError("response_call_unanswered", kind=_named(kind), id=call_id)
        if kind in _CALLS and call_id is not None and (_CALLS[kind], call_id) not in called:
            raise ApiError("response_output_unasked", kind=_named(kind), id=call_id)
    for place, item in enumerate(given):
        following = given[place + 1] if place + 1 < len(given) else None
        if item["type"] == "reasoning" and (following is None or not _is_by_model(following)):
            raise ApiError("response_reasoning_alone", id=item["id"])


def _named(kind: str) -> str:
    return kind.replace("_", " ")


def _is_by_model(item: Item) -> bool:
    """Return whether an item comes from the model, not from the user or a tool."""
    if item["type"] == "message":
        return bool(item.get("role") == "assistant")
    return item["type"] not in _CALLS


def check_parts(catalog: Catalog, sources: UrlSources, items: Sequence[Item]) -> None:
    """Raise ``ApiError`` for an image or a file that the API could not read, as far as it is known here."""
    for place, part in _parts(items):
        if part.get("type") == "input_file":
            _check_file(catalog, sources, part, place)
        elif part.get("type") == "input_image" and isinstance(part.get("image_url"), str):
            check_image_url(sources, part["image_url"])


def _check_file(catalog: Catalog, sources: UrlSources, part: Mapping[str, Any], place: str) -> None:
    data, url = part.get("file_data"), part.get("file_url")
    if all(part.get(name) is None for name in _FILE_SOURCES):
        raise ApiError("response_file_missing", param=place)
    if isinstance(data, str):
        if data[:5].lower() != "data:":
            raise ApiError("response_file_not_data_url", param=f"{place}.file_data")
        media_type = data[5:].partition(",")[0].partition(";")[0].strip().lower()
        if media_type.startswith(_NOT_FILES):
            raise ApiError("response_file_type", param=f"{place}.file_data", type=media_type[:200])
        if sources.local(data) is None:
            raise ApiError("response_file_bad_base64", param=f"{place}.file_data")
    if isinstance(url, str) and _extension(url) in catalog.audio_extensions:
        raise ApiError("response_file_url_type")


def _parts(items: Sequence[Item]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the parts of messages and of the outputs of functions with their places."""
    for number, item in enumerate(items):
        for name in ("content", "output"):
            parts = item.get(name)
            for index, part in enumerate(parts if isinstance(parts, list) else ()):
                yield f"input[{number}].{name}[{index}]", part


def _extension(url: str) -> str:
    try:
        path = urlsplit(url).path
    except ValueError:
        return ""
    return path.rpartition(".")[2].lower()
