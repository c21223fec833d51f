"""The bodies of calls: JSON objects, or YAML, whose refusals name a line and a column; answers in YAML."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import flask
from werkzeug.datastructures import MIMEAccept
from werkzeug.http import parse_accept_header

from mockserver.control.operation import MAX_DEPTH, ControlError, TooLarge
from mockserver.errors import ApiError
from mockserver.pipeline.request_body import parse_json
from mockserver.transport.bodies import BodyReader
from mockserver.validation import documents
from mockserver.validation.documents import DocumentError
from mockserver.validation.located import Mark, SourceError

if TYPE_CHECKING:
    from mockserver.control.contexts import ControlContext
    from mockserver.control.operation import ControlOperation
    from mockserver.pipeline.request import Request
    from mockserver.settings.model import Settings
    from mockserver.validation.located import Located
    from mockserver.validation.schemas import Schemas

MAX_BODY = 1 << 20  # bytes, unless a setting applies
YAML = "application/yaml"

_YAML_TYPES = {YAML, "application/x-yaml", "text/yaml", "text/x-yaml"}
_MAX_YAML_VALUES = 100_000  # whose places take more memory and time than the values
_BYTES_OF_A_VALUE = 16  # a body may have one value for this many bytes of the largest size


def read_body(
    control: ControlContext, operation: ControlOperation, request: Request
) -> tuple[dict[str, Any], Located | None]:
    """Return the body, validated against the operation's schema, and of YAML the places of its values.

    Raises ``ControlError``.
    """
    settings = control.settings
    max_bytes: int = getattr(settings, operation.size_setting) if operation.size_setting else MAX_BODY
    body, source = _parsed(request, operation, max_bytes, settings)
    check(control.schemas, operation.schema, body, max_depth=operation.max_depth, source=source)
    return body, source


def check(
    schemas: Schemas,
    name: str,
    body: dict[str, Any],
    *,
    max_depth: int = MAX_DEPTH,
    source: Located | None = None,
) -> None:
    """Raise ``ControlError`` unless a body satisfies the schema ``name``, and is nested at most ``max_depth`` deep."""
    if _is_deeper(body, max_depth):
        raise ControlError(f"The body is nested more than {max_depth} deep. Send a flatter one.")
    try:
        documents.check(schemas, name, body)
    except DocumentError as error:
        raise ControlError(str(error), source.mark_of(error.path) if source else None) from error


def wants_yaml(request: Request) -> bool:
    """Return whether the header ``Accept`` of a call prefers YAML to JSON."""
    accepted = parse_accept_header(request.headers.get("accept"), MIMEAccept)
    return accepted.best_match(["application/json", *sorted(_YAML_TYPES)]) in _YAML_TYPES


def answer_yaml(document: dict[str, Any]) -> flask.Response:
    """Return a response with the YAML of a JSON value."""
    from mockserver.validation import written_yaml

    return flask.Response(written_yaml.write(document), content_type=YAML)


def _parsed(
    request: Request, operation: ControlOperation, max_bytes: int, settings: Settings
) -> tuple[dict[str, Any], Located | None]:
    """Read an object of at most ``max_bytes`` bytes. Raises ``ControlError``."""
    reader = BodyReader(max_bytes, settings.socket_timeout)
    max_values = max(settings.max_json_values, max_bytes // _BYTES_OF_A_VALUE)
    try:
        with reader.slot() as slot:
            data = reader.read(request.body, request.length, slot)
            if operation.body_is_optional and not data:
                return {}, None
            if _is_yaml(request):
                source = _yaml(data, min(max_values, _MAX_YAML_VALUES))
                return source.value, source
            return parse_json(data, max_values), None
    except ApiError as error:
        if error.name == "too_many_values":
            raise ControlError(
                f"The body has more than {max_values} values and names. Send fewer."
            ) from error
        if error.name == "body_too_large":
            raise TooLarge(f"The body is larger than {max_bytes} bytes. Send a smaller one.") from error
        raise ControlError(f"The body is not a JSON object of at most {max_bytes} bytes.") from error


def _is_yaml(request: Request) -> bool:
    given = request.headers.get("content-type") or ""
    return given.partition(";")[0].strip().lower() in _YAML_TYPES


def _yaml(data: bytes, max_values: int) -> Located:
    """Return the only document of a YAML text, which is an object. Raises ``ControlError``."""
    from mockserver.validation import located_yaml

    try:
        found = located_yaml.read(data, max_values)
    except SourceError as error:
        raise ControlError(f"The body: {error}", error.mark) from error
    if len(found) != 1 or not isinstance(found[0].value, dict):
        mark = found[-1].mark_of(()) if found else Mark(1)
        raise ControlError("The body is not one object. Send one document with names and values.", mark)
    return found[0]


def _is_deeper(value: Any, max_depth: int) -> bool:
    level = [value]
    for _ in range(max_depth + 1):
        containers = [each for each in level if isinstance(each, dict | list)]
        if not containers:
            return False
        level = [it for each in containers for it in (each.values() if isinstance(each, dict) else each)]
    return True
