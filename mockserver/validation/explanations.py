"""The API's wording of violations, which has three styles.

``standard`` is that of chat, images, files, most others and the control API: one error that names the parameter.
``python`` is that of embeddings and completions: one error, worded by Python's library ``jsonschema``.
``pydantic`` is that of the audio endpoints: the printed list of all errors, worded by the Python library of that name.
Source of the wordings: refusals of the live API that users published. The others follow the same pattern.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.errors import ApiError
from mockserver.wording import cut

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from mockserver.validation.violations import Violation

_EXPECTED_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a decimal",
    "boolean": "a boolean",
    "array": "an array",
    "object": "an object",
    "null": "null",
}
_FOUND_TYPES = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a decimal number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}
# Keyword: (phrase, sign, end of the error code).
_BOUNDS = {
    "minimum": ("below minimum value", ">=", "below_min_value"),
    "exclusiveMinimum": ("below minimum value", ">", "below_min_value"),
    "maximum": ("above maximum value", "<=", "above_max_value"),
    "exclusiveMaximum": ("above maximum value", "<", "above_max_value"),
}
# Keyword: (noun with article, word for the fault, word for the bound, error code).
_LENGTHS = {
    "minLength": ("a string", "too short", "minimum", "string_below_min_length"),
    "maxLength": ("a string", "too long", "maximum", "string_above_max_length"),
    "minItems": ("an array", "too short", "minimum", "array_below_min_length"),
    "maxItems": ("an array", "too long", "maximum", "array_above_max_length"),
}
_PYTHON_BOUNDS = {"minimum": "less than the minimum", "maximum": "greater than the maximum"}
_ALTERNATIVES = ("input", "prompt")  # parameters with values of several types: what is wrong is not said
# Keyword: (pydantic's error type, its wording before the bound, the bound's name).
_PYDANTIC_BOUNDS = {
    "minimum": ("greater_than_equal", "greater than or equal to", "ge"),
    "exclusiveMinimum": ("greater_than", "greater than", "gt"),
    "maximum": ("less_than_equal", "less than or equal to", "le"),
    "exclusiveMaximum": ("less_than", "less than", "lt"),
}
# Expected JSON type: (pydantic's error type, its message).
_PYDANTIC_TYPES = {
    "string": ("string_type", "Input should be a valid string"),
    "integer": ("int_type", "Input should be a valid integer"),
    "number": ("float_type", "Input should be a valid number"),
    "boolean": ("bool_type", "Input should be a valid boolean"),
    "array": ("list_type", "Input should be a valid list"),
    "object": (
        "model_attributes_type",
        "Input should be a valid dictionary or object to extract fields from",
    ),
    "null": ("none_required", "Input should be None"),
}
# The same for a string that cannot be parsed as the expected type.
_PYDANTIC_UNREADABLE = {
    "integer": ("int_parsing", "Input should be a valid integer, unable to parse string as an integer"),
    "number": ("float_parsing", "Input should be a valid number, unable to parse string as a number"),
    "boolean": ("bool_parsing", "Input should be a valid boolean, unable to interpret input"),
}


class Explanation(NamedTuple):
    """The fields of an error of type ``invalid_request_error``."""

    message: str
    param: str | None
    code: str | None


def most_relevant(violations: Iterable[Violation]) -> Violation:
    """Return the violation that ``standard`` reports.

    The service reports a missing parameter first, then an unknown one, then the violations of the others in declared
    order, and so on within each of them. Raises ``ValueError`` without violations.
    Source: answers of the live API to requests with two faults, published by a user.
    """
    return min(violations, key=_precedence)


def refusal(violations: Iterable[Violation]) -> ApiError:
    """Return the error for the most relevant violation, in ``standard``."""
    found = standard(most_relevant(violations))
    return ApiError("invalid_request", message=found.message, param=found.param, code=found.code)


def standard(violation: Violation) -> Explanation:
    """Return the explanation in the style of most endpoints, e.g. ``Missing required parameter: 'messages'.``"""
    param = dotted(violation.path)
    message, code = _message_and_code(violation, param)
    return Explanation(message, param or None, code)


def listed(violation: Violation) -> Explanation:
    """Return the explanation of a value outside an enumeration, in the words of the files service."""
    param = dotted(violation.path)
    found = cut(str(violation.found))
    return Explanation(f"{found!r} is not one of {_values(violation)!r} - '{param}'", param, None)


def python_refusal(violations: Iterable[Violation]) -> ApiError:
    """Return the error for the most relevant violation, in ``python``."""
    found = most_relevant(violations)
    if found.path[:1] and found.path[0] in _ALTERNATIVES and found.keyword != "required":
        return ApiError("value_invalid", parameter=found.path[0])
    return ApiError("invalid_request", message=python(found), param=None, code=None)


def python(violation: Violation) -> str:
    """Return the message in the style of embeddings and completions: ``0 is less than the minimum of 1 - 'n'``."""
    param, found = dotted(violation.path), _repr(violation.found)
    keyword, expected = violation.keyword, violation.expected
    if keyword == "required":
        return f"{param!r} is a required property"
    if keyword == "additionalProperties":
        return f"Unrecognized request argument supplied: {param}"
    if keyword in _PYTHON_BOUNDS:
        return f"{_number(violation.found)} is {_PYTHON_BOUNDS[keyword]} of {_number(expected)} - '{param}'"
    if values := _values(violation):
        return f"{found} is not one of {values!r} - '{param}'"
    if keyword == "type":
        types = expected if isinstance(expected, list) else [expected]
        return f"{found} is not of type {', '.join(map(repr, types))} - '{param}'"
    fault = "short" if keyword.startswith("min") else "long"
    return f"{found} is too {fault} - '{param}'"


def pydantic(violations: Iterable[Violation], *, form: bool = False, inputs: bool = True) -> str:
    """Return the message in the style of the audio endpoints: Python's ``repr`` of pydantic's list of errors.

    With ``form``, for multipart requests, array fields are named ``name[]`` and missing fields have the input
    ``None``. ``inputs=False`` leaves the values out, as the speech endpoint does in most reports.
    """
    ordered = sorted(violations, key=lambda violation: violation.order)
    return f"[{', '.join(_pydantic_error(violation, form, inputs) for violation in ordered)}]"


def no_file(name: str, text: str) -> str:
    """Return the message, in the style of the audio endpoints, for a ``text`` that was sent in place of a file."""
    problem = f"Expected UploadFile, received: {str}"
    message, context = f"Value error, {problem}", {"error": ValueError(problem)}
    return str(
        [{"type": "value_error", "loc": ("body", name), "msg": message, "input": cut(text), "ctx": context}]
    )


def _precedence(violation: Violation) -> tuple[int, int, int]:
    path = violation.path
    first = ("required", "additionalProperties")
    rank = first.index(violation.keyword) if len(path) == 1 and violation.keyword in first else len(first)
    return rank, violation.order, violation.sequence


def dotted(path: Sequence[str | int]) -> str:
    """Return the place ``messages[0].role`` for ``("messages", 0, "role")``; a very long name is cut."""
    written = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return cut(written.removeprefix("."))


def _message_and_code(violation: Violation, param: str) -> tuple[str, str]:
    keyword, expected, found = violation.keyword, violation.expected, violation.found
    if keyword == "required":
        return f"Missing required parameter: '{param}'.", "missing_required_parameter"
    if keyword == "additionalProperties":
        return f"Unknown parameter: '{param}'.{_suggestion(violation)}", "unknown_parameter"
    if keyword == "maxProperties":
        noun = f"an object with {len(found)} properties"
        return (
            f"Invalid '{param}': too many properties. "
            f"Expected an object with at most {expected} properties, but got {noun} instead."
        ), "object_above_max_properties"
    if keyword == "propertyNames":
        short_name, owner = f"{found[:3]}...{found[-3:]}", dotted(violation.path[:-1])
        return (
            f"Invalid property name in '{owner}': '{short_name}' is too long. "
            f"Expected a string with maximum length {expected}, but got a string with length {len(found)} instead."
        ), "property_name_above_max_length"
    if keyword in ("enum", "const") and isinstance(found, str):
        supported = _listed(_quoted(_values(violation)), ", and ", " and ")
        return f"Invalid value: '{cut(found)}'. Supported values are: {supported}.", "invalid_value"
    if keyword in ("type", "enum", "const"):
        return (
            f"Invalid type for '{param}': expected {_expected_type(violation)}, "
            f"but got {_FOUND_TYPES[type(found)]} instead."
        ), "invalid_type"
    if keyword in _BOUNDS:
        phrase, sign, code = _BOUNDS[keyword]
        sort = "integer" if _is_integer(violation) else "decimal"
        return (
            f"Invalid '{param}': {sort} {phrase}. "
            f"Expected a value {sign} {_number(expected)}, but got {_number(found)} instead."
        ), f"{sort}_{code}"
    if keyword in _LENGTHS:
        return _wrong_length(violation, param)
    if keyword == "pattern":
        return (
            f"Invalid '{param}': string does not match pattern. "
            f"Expected a string that matches the pattern '{expected}'."
        ), "invalid_value"
    return f"Invalid value for '{param}'.", "invalid_value"


def _suggestion(violation: Violation) -> str:
    """Return a sentence with the known parameters that differ in one letter; empty below the top level."""
    if len(violation.path) > 1:
        return ""
    similar = [name for name in violation.expected or () if _is_one_edit(str(violation.path[0]), name)]
    return f" Did you mean {_listed(_quoted(similar), ', or ', ' or ')}?" if similar else ""


def _is_one_edit(one: str, other: str) -> bool:
    """Return whether one inserted, deleted or replaced letter turns ``one`` into ``other``."""
    short, long = sorted((one, other), key=len)
    same = next(
        (place for place, pair in enumerate(zip(short, long, strict=False)) if len({*pair}) == 2), len(short)
    )
    if len(short) == len(long):
        return short != long and short[same + 1 :] == long[same + 1 :]
    return len(long) == len(short) + 1 and short[same:] == long[same + 1 :]


def _wrong_length(violation: Violation, param: str) -> tuple[str, str]:
    noun, fault, bound, code = _LENGTHS[violation.keyword]
    sort = noun.split()[1]
    length = len(violation.found)
    got = f"{noun} with length {length}"
    if length == 0:
        fault, got, code = f"empty {sort}", f"an empty {sort}", f"empty_{sort}"
    else:
        fault = f"{sort} {fault}"
    return (
        f"Invalid '{param}': {fault}. "
        f"Expected {noun} with {bound} length {violation.expected}, but got {got} instead."
    ), code


def _expected_type(violation: Violation) -> str:
    """Return e.g. ``a string``, ``an array of objects``, ``one of a string or object``, ``one of 'a' or 'b'``."""
    if values := _values(violation):
        expected = _quoted(values)
    else:
        types = violation.expected if isinstance(violation.expected, list) else [violation.expected]
        nouns = _EXPECTED_TYPES | _particular_nouns(violation.schema)
        expected = [nouns[name] for name in types if name != "null" or len(types) == 1]
        expected[1:] = [noun.split(maxsplit=1)[-1] for noun in expected[1:]]
    return _one_of(expected)


def _particular_nouns(schema: Mapping[str, Any]) -> dict[str, str]:
    """Return more precise nouns for the JSON types that ``schema`` expects."""
    nouns = {}
    if title := schema.get("title"):
        nouns["object"] = f"{'an' if title[0] in 'aeiou' else 'a'} {title}"
    items = schema.get("items", {})
    if item := items.get("title", items.get("type")):
        nouns["array"] = f"an array of {item}s"
    for branch in schema.get("anyOf", ()):
        if "enum" in branch:  # the service also says "one of one of 'none' or 'auto' or object"
            nouns[branch["type"]] = _one_of(_quoted(branch["enum"]))
    return nouns


def _one_of(expected: Sequence[str]) -> str:
    if len(expected) == 1:
        return expected[0]
    return f"one of {_listed(expected, ', or ', ' or ')}"


def _pydantic_error(violation: Violation, form: bool, inputs: bool) -> str:
    kind, message, context = _pydantic(violation)
    place = ("body", *(_form_path(violation) if form else violation.path))
    members = f"'type': {kind!r}, 'loc': {place!r}, 'msg': {message!r}"
    if inputs:
        found = None if form and violation.keyword == "required" else violation.found
        members += f", 'input': {_repr(found)}"
    if context:
        members += f", 'ctx': {context!r}"
    return f"{{{members}}}"


def _form_path(violation: Violation) -> tuple[str | int, ...]:
    name, *rest = violation.path
    array = violation.keyword in ("minItems", "maxItems") or (rest and isinstance(rest[0], int))
    return (f"{name}[]" if array else name, *rest)


def _pydantic(violation: Violation) -> tuple[str, str, dict[str, Any]]:
    """Return pydantic's error type, message and context."""
    keyword, expected, found = violation.keyword, violation.expected, violation.found
    if keyword == "required":
        return "missing", "Field required", {}
    if keyword == "additionalProperties":
        return "extra_forbidden", "Extra inputs are not permitted", {}
    if values := _values(violation):
        listed = _listed(_quoted(values), " or ", " or ")
        kind = "literal_error" if keyword == "const" else "enum"
        return kind, f"Input should be {listed}", {"expected": listed}
    if keyword == "type":
        return *_pydantic_type(expected if isinstance(expected, str) else expected[0], found), {}
    if keyword in _PYDANTIC_BOUNDS:
        kind, phrase, name = _PYDANTIC_BOUNDS[keyword]
        bound = expected if _is_integer(violation) else float(expected)
        return kind, f"Input should be {phrase} {_number(expected)}", {name: bound}
    if keyword in _LENGTHS:
        return _pydantic_length(violation)
    if keyword == "pattern":
        return "string_pattern_mismatch", f"String should match pattern '{expected}'", {"pattern": expected}
    return "value_error", "Value error, invalid input", {}


def _pydantic_type(expected: str, found: object) -> tuple[str, str]:
    if isinstance(found, str) and expected in _PYDANTIC_UNREADABLE:
        return _PYDANTIC_UNREADABLE[expected]
    if isinstance(found, float) and expected == "integer":
        return "int_from_float", "Input should be a valid integer, got a number with a fractional part"
    return _PYDANTIC_TYPES[expected]


def _pydantic_length(violation: Violation) -> tuple[str, str, dict[str, Any]]:
    noun, fault, _, _ = _LENGTHS[violation.keyword]
    bound = violation.expected
    kind, least = fault.replace(" ", "_"), "least" if fault == "too short" else "most"
    name = "min_length" if fault == "too short" else "max_length"
    plural = "" if bound == 1 else "s"
    if noun == "a string":
        return f"string_{kind}", f"String should have at {least} {bound} character{plural}", {name: bound}
    length = len(violation.found)
    message = f"List should have at {least} {bound} item{plural} after validation, not {length}"
    return kind, message, {"field_type": "List", name: bound, "actual_length": length}


def _values(violation: Violation) -> list[Any]:
    """Return the values that are allowed at the place of a violation, if they are enumerated.

    Null and the values in the schema's ``x-unlisted`` are left out: the service accepts them without listing them.
    """
    if violation.keyword == "const":
        return [violation.expected]
    values = violation.expected if violation.keyword == "enum" else violation.schema.get("enum", ())
    unlisted = violation.schema.get("x-unlisted", ())
    return [value for value in values if value is not None and value not in unlisted]


def _is_integer(violation: Violation) -> bool:
    return "integer" in violation.schema.get("type", ())


def _quoted(values: Iterable[object]) -> list[str]:
    return [f"'{value}'" for value in values]


def _listed(items: Sequence[str], last: str, both: str) -> str:
    """Return ``a``, ``a both b``, ``a, b last c``."""
    if len(items) < 3:
        return both.join(items)
    return ", ".join(items[:-1]) + last + items[-1]


def _number(value: float) -> str:
    return repr(value).removesuffix(".0")


def _repr(value: object) -> str:
    return repr(cut(value)) if isinstance(value, str) else cut(repr(value))
