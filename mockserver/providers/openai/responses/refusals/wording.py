"""The words in which requests for responses are refused that violate their schemas.

They are those of ``validation.explanations.standard``, with a few differences. Schemas say more than JSON Schema has
words for:

- ``x-listed``: the values that a refusal lists, if they are not those of ``enum``.
- ``x-elsewhere``: values that are valid at other places of this kind; a value outside them is refused with their list.
- ``x-named`` is ``parent`` if ``param`` names the object with the value, not the value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mockserver.errors import ApiError
from mockserver.validation import explanations as explain
from mockserver.wording import cut, enumeration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mockserver.validation.violations import Violation

_MOVED = {
    "messages": "input",
    "response_format": "text.format",
    "reasoning_effort": "reasoning.effort",
    "max_completion_tokens": "max_output_tokens",
}
_SIMILAR = 2  # letters that are inserted, deleted or replaced
_AUDIO = "input_audio"
_REQUIRED_TEXTS = (("model",), ("input",))


def refusal(violations: Iterable[Violation]) -> ApiError:
    """Return the error for the violation that the service reports first."""
    found = list(violations)
    moved = next((each for each in found if _has_moved(each)), None)
    if moved is not None:
        name = str(moved.path[0])
        return ApiError("response_moved_parameter", parameter=name, moved=_MOVED[name])
    return _worded(explain.most_relevant(found))


def _has_moved(violation: Violation) -> bool:
    """Return whether this is a parameter of chats that has another name here.

    It is refused even if the parameter is missing that took its place: reported bodies had ``messages`` and no
    ``input``.
    """
    return (
        violation.keyword == "additionalProperties"
        and len(violation.path) == 1
        and violation.path[0] in _MOVED
    )


def _worded(violation: Violation) -> ApiError:
    path, keyword, found = violation.path, violation.keyword, violation.found
    if keyword == "required" and path[-1] == "role":
        role = violation.schema["properties"]["role"]
        return _unlisted("", role.get("enum", [role.get("const")]), path[:-1])
    if keyword == "enum" and isinstance(found, str):
        return _of_enumeration(violation)
    if keyword == "type" and found is None and path in _REQUIRED_TEXTS:  # the service calls null an object
        message = f"Invalid type for '{path[0]}': expected a string, but got an object instead."
        return _invalid(message, str(path[0]), "invalid_type")
    if keyword == "pattern" and path == ("previous_response_id",):
        message = (
            f"Invalid 'previous_response_id': '{cut(found)}'. Expected an ID that contains letters, numbers, "
            "underscores, or dashes, but this value contained additional characters."
        )
        return _invalid(message, "previous_response_id", "invalid_value")
    if keyword == "additionalProperties" and len(path) == 1:
        name = explain.dotted(path)
        suggested = _suggestion(str(path[0]), violation.expected or ())
        return _invalid(f"Unknown parameter: '{name}'.{suggested}", name, "unknown_parameter")
    standard = explain.standard(violation)
    return ApiError("invalid_request", message=standard.message, param=standard.param, code=standard.code)


def _of_enumeration(violation: Violation) -> ApiError:
    schema, path, found = violation.schema, violation.path, violation.found
    elsewhere = schema.get("x-elsewhere")
    if elsewhere and found == _AUDIO:
        return ApiError("response_no_audio_input", param=explain.dotted(path))
    if elsewhere and found not in elsewhere:
        return _unlisted(found, elsewhere, path)
    unlisted = schema.get("x-unlisted", ())
    listed = schema.get("x-listed") or [
        each for each in schema["enum"] if each is not None and each not in unlisted
    ]
    return _unlisted(found, listed, path[:-1] if schema.get("x-named") == "parent" else path)


def _unlisted(found: str, listed: Sequence[str], path: Sequence[str | int]) -> ApiError:
    message = f"Invalid value: '{cut(found)}'. Supported values are: {enumeration(listed, 'and')}."
    return _invalid(message, explain.dotted(path), "invalid_value")


def _invalid(message: str, param: str, code: str) -> ApiError:
    return ApiError("invalid_request", message=message, param=param, code=code)


def _suggestion(name: str, known: Iterable[str]) -> str:
    """Return a sentence with the ``known`` names that are similar to ``name``, the most similar ones first."""
    distances = {each: distance(name, each, _SIMILAR) for each in known}
    similar = sorted(
        (each for each, letters in distances.items() if letters <= _SIMILAR),
        key=lambda each: distances[each],
    )
    return f" Did you mean {enumeration(similar, 'or')}?" if similar else ""


def distance(one: str, other: str, most: int) -> int:
    """Return how many letters must be inserted, deleted or replaced to turn ``one`` into ``other``.

    More than ``most`` are not counted exactly.
    """
    if abs(len(one) - len(other)) > most:
        return most + 1
    above = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        current = [row]
        for column, wanted in enumerate(other, 1):
            replaced = above[column - 1] + (letter != wanted)
            current.append(min(replaced, above[column] + 1, current[-1] + 1))
        above = current
    return above[-1]
