"""Validates the documents of the mock itself, such as stubs and faults, against ``schemas/mock``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mockserver.validation.located import Place
    from mockserver.validation.schemas import Schemas
    from mockserver.validation.violations import Violation


class DocumentError(ValueError):
    """A document violates its schema. The message names the place in the document and what is allowed there.

    ``path`` leads to that place.
    """

    def __init__(self, message: str, path: Place = ()) -> None:
        super().__init__(message)
        self.path = path


def check(schemas: Schemas, name: str, document: object) -> None:
    """Raise ``DocumentError`` unless ``document`` satisfies ``schemas/mock/<name>.json``.

    ``document`` may have values that are not JSON.
    """
    try:
        if schemas.is_valid(f"mock/{name}", document):
            return
    except (TypeError, ValueError):  # values that are not JSON
        pass
    from mockserver.validation import explanations as explain

    violation = explain.most_relevant(schemas.violations(f"mock/{name}", as_json(document)))
    raise DocumentError(_message(violation), violation.path)


def _message(violation: Violation) -> str:
    from mockserver.validation import explanations as explain

    found = explain.standard(violation)
    if violation.keyword == "oneOf":
        members = " or ".join(name for branch in violation.expected for name in branch["required"])
        return f"{found.param + ': ' if found.param else ''}needs {members}, and just one of them."
    if violation.keyword == "additionalProperties":
        from mockserver.validation.spelling import hint

        meant = hint(str(violation.path[-1]), violation.schema.get("properties", {}))
        return f"Unknown parameter: '{found.param}'. {meant}"
    if violation.keyword == "minProperties":
        return f"{found.param or 'the document'}: is empty."
    named = found.param is None or f"'{found.param}'" in found.message
    return found.message if named else f"{found.param}: {found.message}"


def as_json(document: object) -> Any:
    """Return a value as JSON data. Raises ``DocumentError`` for a value that JSON cannot represent."""
    try:
        return json.loads(json.dumps(document, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise DocumentError(
            f"{error}. Use JSON values: strings, finite numbers, lists, dictionaries."
        ) from error
