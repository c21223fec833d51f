"""Suggests a known name for an unknown one."""

from __future__ import annotations

from collections.abc import Collection

from mockserver.wording import suggestion

# Names of conditions in other tools, with the name here.
_OTHER_NAMES = {
    "filename": "file",
    "file_name": "file",
    "text": "user_text",
    "input": "user_text",
    "message": "user_text",
    "content": "user_text",
    "transcript": "heard",
    "key": "account",
    "api_key": "account",
    "header": "headers",
    "field": "fields",
    "json": "fields",
    "body": "fields",
    "path": "endpoint",
    "url": "endpoint",
    "count": "times",
}


def hint(name: str, known: Collection[str], as_field: str = "") -> str:
    """Return a sentence that suggests one of the ``known`` names for ``name``, or lists all of them.

    ``as_field`` is the condition ``fields`` for a member of requests, if it is not written in YAML.
    """
    other = _OTHER_NAMES.get(name)
    if other in known:
        return f"Did you mean '{other}'?"
    if "fields" in known and _is_request_member(name):
        return f"For a member of the request use {as_field or f'fields: {{{name}: …}}'}."
    return suggestion(name, sorted(known))


def _is_request_member(name: str) -> bool:
    """Return whether the request of any endpoint has a member of that name."""
    from mockserver.resources import data_folder
    from mockserver.validation.schemas import Schemas

    schemas = Schemas(data_folder("schemas"))
    requests = sorted(data_folder("schemas").glob("*/*.request.json"))
    return any(name in schemas.properties(f"{each.parent.name}/{each.stem}") for each in requests)
