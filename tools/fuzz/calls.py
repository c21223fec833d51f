"""The calls to be fuzzed: all that the server has routes for, with the schemas of their bodies."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast

from mockserver.app import OPERATIONS, create_app, services_of
from mockserver.catalog.paths import VERSION, known_calls
from mockserver.control.openapi import documentation
from mockserver.control.operation import ControlOperation, braced
from mockserver.control.operations import OPERATIONS as CONTROL_OPERATIONS
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.validation.schemas import Schemas

if TYPE_CHECKING:
    from mockserver.pipeline.operation import Operation

Body = Literal["none", "json", "form", "either", "any"]

_ENDS_THE_RUN = frozenset({"POST /_mock/shutdown"})


@dataclass(frozen=True, slots=True)
class Call:
    """A call that can be made. ``path`` has its variables in braces: ``/v1/files/{id}``.

    ``schema`` is that of its body, with references resolved; ``files`` are the members that are sent as files,
    ``models`` those that the endpoint serves, ``query`` the names of its query arguments.
    """

    name: str
    method: str
    path: str
    body: Body
    schema: Mapping[str, Any] = field(default_factory=dict)
    files: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    query: tuple[str, ...] = ()
    example: Mapping[str, Any] | None = None

    @property
    def is_control(self) -> bool:
        """Return whether it is a call of the control API."""
        return self.path.startswith("/_mock")


def every_call() -> list[Call]:
    """Return the calls of the API, of the control API, and of the endpoints that are not served."""
    schemas = Schemas(data_folder("schemas"))
    app = create_app(Settings(whisper_model="none"))
    models = services_of(app).catalog.every_model
    served = [_served(operation, schemas, models) for operation in OPERATIONS]
    control = [_of_control(operation, schemas) for operation in CONTROL_OPERATIONS]
    unserved = [
        Call(f"unserved {each.resource}", each.method, VERSION + _braced(each.path), "any")
        for each in known_calls()
    ]
    known = {(call.method, call.path) for call in served}
    return [
        *served,
        *(call for call in control if call.name not in _ENDS_THE_RUN),
        *(call for call in unserved if (call.method, call.path) not in known),
    ]


API_VERSION = "api-version"  # of Azure's calls


def _served(operation: Operation, schemas: Schemas, models: Any) -> Call:
    files: tuple[str, ...] = ()
    if operation.file_field is not None:
        files = (operation.file_field.name,)
    elif operation.body in ("multipart", "either"):
        files = (operation.audio_field,)
    is_form = operation.file_field is not None or operation.body in ("multipart", "sdp")
    # A call that needs no body, and accepts any: JSON is tried.
    plain = "json" if operation.body == "any" else operation.body
    body: Body = "form" if is_form else cast("Body", plain)
    schema = schemas.resolved(operation.schema) if operation.schema else {}
    query = tuple(schema.get("properties", ())) if body == "none" else ()
    serving = tuple(model.id for model in models if operation.endpoint in model.endpoints)
    path = (VERSION if operation.is_versioned else "") + braced(operation.path)
    if not operation.is_versioned:
        query += (API_VERSION,)
    return Call(operation.name, operation.method, path, body, schema, files, serving, query)


def _of_control(operation: ControlOperation, schemas: Schemas) -> Call:
    return Call(
        operation.name,
        operation.method,
        operation.path,
        "json" if operation.schema else "none",
        schemas.resolved(f"mock/{operation.schema}") if operation.schema else {},
        query=operation.query,
        example=documentation()[operation.name].get("example"),
    )


def _braced(path: str) -> str:
    return braced(path) if "<" in path else path


def variables(path: str) -> Iterator[str]:
    """Yield the names of the variables of a path."""
    for part in path.split("{")[1:]:
        yield part.partition("}")[0]
