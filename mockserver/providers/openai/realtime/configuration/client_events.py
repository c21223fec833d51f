"""Validates the events of the client, at every level, and refuses them in the service's words."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from mockserver.errors import ApiError
from mockserver.validation import explanations as explain
from mockserver.wording import cut, enumeration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mockserver.validation.schemas import RequestSchemas, Schemas

Event = dict[str, Any]

EVENT_OF_BETA = "openai/realtime_beta_event.request"
_EVENT = "openai/realtime_client_event.request"
_SESSION = "openai/realtime_session.request"
_OF_TRANSLATIONS = ("session.close", "session.input_audio_buffer.append")
_OF_CONVERSATIONS = ("response.create", "response.cancel")
_MAX_REPAIRS = 50  # times that strictness ``off`` drops what is invalid; each finds many members
_TIMES = dict.fromkeys(("prefix_padding_ms", "silence_duration_ms", "idle_timeout_ms"))
_LIMITS = dict.fromkeys(("max_output_tokens", "max_response_output_tokens"))
# Where events and sessions have integers, also in the beta.
_INTEGERS: Mapping[str, Any] = {
    "content_index": None,
    "audio_end_ms": None,
    "response": _LIMITS,
    "session": {
        **_LIMITS,
        "truncation": {"token_limits": {"post_instructions": None}},
        "audio": {"input": {"turn_detection": _TIMES}},
        "turn_detection": _TIMES,
    },
}


def valid_event(
    event: Event,
    schemas: RequestSchemas,
    strictness: str,
    *,
    is_conversation: bool = True,
    has_media: bool = False,
) -> Event:
    """Return an event whose members handlers can rely on. Raises ``ApiError``.

    ``has_media``: the session's audio is media, of WebRTC or a telephone call, whose buffers the client can clear.
    """
    if "type" not in event:
        raise ApiError("realtime_no_type")
    kind = event["type"]
    given = valid_document(event, _EVENT, schemas, strictness)
    if kind == "output_audio_buffer.clear" and not has_media:
        raise _unknown(kind, schemas.documented)
    if kind in _OF_TRANSLATIONS:
        raise ApiError("realtime_only_translation", event=kind)
    if kind in _OF_CONVERSATIONS and not is_conversation:
        raise ApiError("realtime_only_conversation", event=kind)
    return given


def valid_session(session: Mapping[str, Any], schemas: RequestSchemas, strictness: str) -> Event:
    """Return the ``session`` of a request, as it can be used for an update. Raises ``ApiError``."""
    document = valid_document({"session": session}, _SESSION, schemas, strictness)
    given: Event = document["session"]
    return given


def valid_document(document: Event, name: str, schemas: RequestSchemas, strictness: str) -> Event:
    """Return a document that satisfies a schema. In strictness ``off``, what is invalid is dropped, if it can be.

    Raises ``ApiError``.
    """
    chosen = schemas.of(strictness)
    if chosen.is_valid(name, document):
        return _with_integers(document, _INTEGERS)
    if strictness == "off":
        with suppress(RecursionError):  # it is nested too deeply to be repaired
            repaired = _repaired(document, name, chosen)
            if chosen.is_valid(name, repaired):
                return _with_integers(repaired, _INTEGERS)
    raise explain.refusal(chosen.violations(name, document))


def _with_integers(given: Event, places: Mapping[str, Any]) -> Event:
    """Return an object whose integers are of this type, also those written with a fraction of zero: ``10.0``.

    ``places`` has the names of the integers, and of the objects that contain some.
    """
    changed: Event = {}
    for name in places.keys() & given.keys():
        value = given[name]
        if isinstance(value, float):
            changed[name] = int(value)
        elif isinstance(value, dict) and places[name] is not None:
            changed[name] = _with_integers(value, places[name])
    return {**given, **changed} if changed else given


def _repaired(document: Event, name: str, schemas: Schemas) -> Event:
    """Return a copy without the members and items that violate the schema, or that lack a member."""
    repaired = deepcopy(document)
    for _ in range(_MAX_REPAIRS):
        found = schemas.violations(name, repaired)
        wrong = {each.path for each in found if each.keyword != "required"}
        places = wrong or {each.path[:-1] for each in found}
        if not places - {(), ("type",)}:
            break
        for path in sorted(places, key=_order, reverse=True):
            _drop(repaired, path)
    return repaired


def _order(path: Sequence[str | int]) -> list[tuple[bool, str | int]]:
    """Return a key that puts places in the order of the document, an object before its members."""
    return [(isinstance(step, int), step) for step in path]


def _drop(document: Any, path: Sequence[str | int]) -> None:
    """Remove what is at a path, but not the type of the event."""
    if path in ((), ("type",)):
        return
    for step in path[:-1]:
        document = document[step]
    del document[path[-1]]


def _unknown(kind: str, schemas: Schemas) -> ApiError:
    known: Iterable[str] = schemas.properties(_EVENT)["type"]["enum"]
    listed = [each for each in known if each != kind]
    message = f"Invalid value: '{cut(kind)}'. Supported values are: {enumeration(listed, 'and')}."
    return ApiError("invalid_request", message=message, param="type", code="invalid_value")
