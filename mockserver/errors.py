"""The errors of the API: raised by name, and rendered byte for byte as the real service does."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from msgspec import Struct

from mockserver import json_styles
from mockserver.catalog.reading import CatalogError, read_table
from mockserver.wording import cut, shown, suggestion

_CATALOG = Path(__file__).parent / "catalog"
_TABLE = _CATALOG / "errors.toml"
_UNSET = "\0"
_MAX_MESSAGE = 1 << 18  # characters; a message can quote the request


class ApiError(Exception):
    """The refusal of a request: ``name`` is a row of ``catalog/errors.toml``, ``values`` fill in its message.

    ``param`` and ``code`` replace those of the row. ``is_scripted``: it is the answer of the stub that was found.
    ``is_before_upgrade``: it refuses a WebSocket with its status, even if the API refuses sessions by an event.
    """

    is_scripted = False
    is_before_upgrade = False

    def __init__(
        self,
        name: str,
        *,
        param: str | None = _UNSET,
        code: str | None = _UNSET,
        headers: tuple[tuple[str, str], ...] = (),
        **values: object,
    ) -> None:
        super().__init__(name)
        self.name = name
        self.headers = headers
        self.values = values
        self.changes = {field: v for field, v in (("param", param), ("code", code)) if v != _UNSET}


class Refusal(Struct, frozen=True):
    """The response to an ``ApiError``: status, body and headers."""

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[str, str], ...] = ()
    from_gateway: bool = False


class ErrorTable:
    """The rows of ``catalog/errors.toml``."""

    @cached_property
    def rows(self) -> Mapping[str, Mapping[str, Any]]:
        """Return every error by its name. Raises ``CatalogError`` for a row without a status."""
        rows = read_table(_TABLE)
        for name, row in rows.items():
            if not isinstance(row, dict) or not isinstance(row.get("status"), int):
                raise CatalogError(f"{_TABLE.name}: {name} has no status; put it back, or reinstall")
        return rows

    def check_name(self, name: str) -> None:
        """Raise ``ValueError``, with a suggestion, for an unknown name."""
        if name not in self.rows:
            hint = suggestion(name, self.rows, "docs/faults.md lists them.")
            raise ValueError(f"error: unknown error {shown(name)}. {hint}")

    @cached_property
    def examples(self) -> Mapping[str, Any]:
        """Return the table ``catalog/error_examples.toml``: names ``by_status``, ``values`` of messages by name."""
        return read_table(_CATALOG / "error_examples.toml")

    def name_of(self, wanted: str | int) -> str:
        """Return the name of an error given by name or by status. Raises ``ValueError`` for an unknown one."""
        if isinstance(wanted, str):
            self.check_name(wanted)
            return wanted
        by_status = self.examples["by_status"]
        if str(wanted) not in by_status:
            raise ValueError(f"error: none has the status {wanted}. Known: {', '.join(by_status)}.")
        name: str = by_status[str(wanted)]
        return name

    def fields(self, error: ApiError) -> dict[str, object]:
        """Return the ``error`` object of the response: message, type, param and code."""
        row = self.rows[error.name]
        fields: dict[str, object] = {
            "message": cut(row["message"].format_map(error.values | error.changes), _MAX_MESSAGE),
            "type": row.get("type", "invalid_request_error"),
            "param": row.get("param"),
            "code": row.get("code"),
        }
        fields.update(error.changes)
        return fields

    def refusal(self, error: ApiError) -> Refusal:
        """Return the response to ``error`` by the gateway, or by a service behind it."""
        row, fields = self.rows[error.name], self.fields(error)
        body: dict[str, object] = {"error": fields}
        if row["origin"] == "gateway":
            written, vary = json_styles.four_spaces(body), (("vary", "Origin"),)
            return Refusal(row["status"], written, "application/json; charset=utf-8", vary, from_gateway=True)
        if row.get("detail"):
            body["detail"] = {name: fields[name] for name in ("message", "code")}
        return Refusal(row["status"], json_styles.two_spaces(body), "application/json")
