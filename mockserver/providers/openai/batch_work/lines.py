"""The input file of a batch: reads its lines and validates them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple

from mockserver import strict_json
from mockserver.catalog.paths import VERSION, without_version
from mockserver.catalog.reading import read_table
from mockserver.wording import cut

if TYPE_CHECKING:
    from mockserver.catalog.records import ModelCard
    from mockserver.pipeline.operation import Operation
    from mockserver.validation.schemas import Schemas

MAX_LINES = 50_000  # requests in a batch (API reference, Create batch)
MAX_BYTES = 200 << 20  # bytes of an input file (API reference, Create batch)
MAX_INPUTS = 50_000  # texts to embed in all requests of a batch (API reference, Create batch)

_TABLE = Path(__file__).parents[3] / "catalog" / "batch_errors.toml"
_LINE_SCHEMA = "openai/batch_line"
_MAX_ERRORS = 100  # errors that a batch reports
_PIECE = 1 << 16  # bytes that are read at a time

Error = dict[str, Any]


class BatchErrors:
    """The rows of ``catalog/batch_errors.toml``."""

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Return every error by its name."""
        return read_table(_TABLE)

    def error(self, name: str, line: int | None = None, /, **values: object) -> Error:
        """Return an entry of ``errors.data``. ``values`` fill in its message; ``line`` counts from 1."""
        row = self.rows[name]
        message, param = (text and text.format_map(values) for text in (row["message"], row.get("param")))
        return {"code": row["code"], "line": line, "message": message, "param": param}

    def line_error(self, name: str) -> Error:
        """Return the ``error`` of a request without an HTTP response."""
        row = self.rows[name]
        return {"code": row["code"], "message": row["message"]}


def path_of(url: str, mount: str) -> str:
    """Return the path of a line with a ``url``: below a ``mount``, ``/v1`` may be missing."""
    return mount + VERSION + without_version(url) if mount else url


class Line(NamedTuple):
    """A line that is not empty: its number, counted from 1, the offset of the next line, and its bytes."""

    number: int
    end: int
    data: bytes


def read_lines(file: BinaryIO, max_bytes: int, *, offset: int = 0, number: int = 0) -> Iterator[Line]:
    """Yield the lines after the first ``offset`` bytes, which are ``number`` lines.

    A line longer than ``max_bytes`` is cut after one byte more.
    """
    file.seek(offset)
    while data := file.readline(max_bytes + 1):
        number, offset = number + 1, offset + len(data)
        if len(data) > max_bytes and not data.endswith(b"\n"):
            offset += _skip_line(file)
        if not data.isspace():
            yield Line(number, offset, data)


def _skip_line(file: BinaryIO) -> int:
    """Read the rest of a line, and return the number of its bytes."""
    skipped = 0
    while piece := file.readline(_PIECE):
        skipped += len(piece)
        if piece.endswith(b"\n"):
            break
    return skipped


class InputCheck:
    """Validates the lines of an input file in turn.

    ``mount`` is what precedes the paths of the service; one with a mount also has paths without ``/v1``.
    ``find_model`` returns the model with a name, or ``None`` if it cannot be used in batches. A line with more than
    ``max_values`` values and names counts as invalid JSON. The results are the attributes ``model``, ``total`` (lines),
    ``tokens`` and ``errors``.
    """

    def __init__(
        self,
        operation: Operation,
        schemas: Schemas,
        errors: BatchErrors,
        find_model: Callable[[str], ModelCard | None],
        max_values: int | None = None,
        mount: str = "",
    ) -> None:
        self._operation = operation
        self._path = path_of(operation.path, mount) if mount else VERSION + operation.path
        self._mount = mount
        self._schemas = schemas
        self._table = errors
        self._find_model = find_model
        self._max_values = max_values
        self._ids: set[bytes] = set()
        self._model_name: str | None = None
        self.model: ModelCard | None = None
        self.total = 0
        self.inputs = 0
        self.tokens = 0
        self.errors: list[Error] = []

    def add(self, line: Line) -> None:
        """Validate a line."""
        self.total += 1
        error = self._line_error(line)
        if error is not None:
            self.errors.append(error)

    @property
    def is_finished(self) -> bool:
        """Return whether the other lines make no difference: there are too many lines or errors already."""
        return self._is_too_large or len(self.errors) >= _MAX_ERRORS

    @property
    def _is_too_large(self) -> bool:
        return self.total > MAX_LINES or self.inputs > MAX_INPUTS

    def finish(self) -> None:
        """Check the number of lines, after the last one."""
        if not self.total:
            self.errors = [self._table.error("empty_file")]
        elif self.total > MAX_LINES:
            self.errors = [self._table.error("too_many_tasks", most=f"{MAX_LINES:,}")]
        elif self.inputs > MAX_INPUTS:
            self.errors = [self._table.error("too_many_inputs", most=f"{MAX_INPUTS:,}")]

    def _line_error(self, line: Line) -> Error | None:
        try:
            request = strict_json.parse(line.data, self._max_values)
        except ValueError:
            request = None
        if not isinstance(request, dict):
            return self._table.error("invalid_json_line", line.number)
        if not self._schemas.is_valid(_LINE_SCHEMA, request):
            return self._schema_error(line, request)
        if path_of(request["url"], self._mount) != self._path:
            return self._table.error("invalid_url", line.number)
        digest = hashlib.blake2b(request["custom_id"].encode(), digest_size=16).digest()
        if digest in self._ids:
            return self._table.error("duplicate_custom_id", line.number, custom_id=request["custom_id"])
        self._ids.add(digest)
        return self._body_error(line, request["body"])

    def _schema_error(self, line: Line, request: dict[str, Any]) -> Error:
        from mockserver.validation import explanations as explain

        found = explain.standard(explain.most_relevant(self._schemas.violations(_LINE_SCHEMA, request)))
        return {
            "code": found.code,
            "line": line.number,
            "message": found.message,
            "param": found.param,
        }

    def _body_error(self, line: Line, body: dict[str, Any]) -> Error | None:
        for name in self._schemas.required(self._operation.schema):
            if name not in body:
                title = name.capitalize()
                return self._table.error("parameter_required", line.number, parameter=name, title=title)
        if body.get("stream"):
            return self._table.error("streaming_unsupported", line.number)
        error = self._model_error(line, str(body.get("model") or self._operation.default_model))
        if error is None and self._operation.inputs is not None:
            self.inputs += self._operation.inputs(body)
        if error is None and self._operation.estimate is not None:
            self.tokens += self._operation.estimate(body)
        return error

    def _model_error(self, line: Line, name: str) -> Error | None:
        if self._model_name is None:
            self.model, self._model_name = self._find_model(name), name
        if name != self._model_name:
            return self._table.error("mismatched_model", line.number, model=cut(name))
        return None if self.model else self._table.error("model_not_found", line.number, model=cut(name))
