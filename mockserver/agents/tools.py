"""The tools of the MCP server: calls of the control API, and what is made of several of them."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from msgspec import Struct

from mockserver.agents.excerpts import excerpt
from mockserver.agents.schemas import input_schema, operations, reference
from mockserver.catalog.reading import read_file
from mockserver.catalog.tables import Catalog
from mockserver.control_client import ControlFailed
from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.stub import stub_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from mockserver.agents.schemas import Operation
    from mockserver.control_client import ControlClient

_TABLE = Path(__file__).with_name("tools.toml")
_UNVERIFIED = 422  # the status of a verification that fails
_LATEST, _MOST = 20, 100  # exchanges
_WAIT, _LONGEST_WAIT = 10.0, 60.0  # seconds
_NO_KEY = "sk-mock-me"  # for clients of a session without a key
_SUMMARY = ("id", "method", "path", "model", "status", "error", "answered_by", "stub", "cost_usd")
_TEXTS = ("heard", "user_text", "prompt")


class ToolRow(Struct, frozen=True):
    """A row of ``tools.toml``."""

    name: str
    operation: str = ""
    describes: str = ""
    reads: bool = False
    destroys: bool = False
    repeatable: bool = False
    refers: dict[str, str] = {}


class _Table(Struct, frozen=True):
    tools: list[ToolRow]


class ToolFailed(Exception):
    """A call of a tool that failed. The message says why, and what to do."""


@cache
def tool_rows() -> dict[str, ToolRow]:
    """Return the rows of the table of tools by name, in its order."""
    return {row.name: row for row in read_file(_Table, _TABLE).tools}


def description(row: ToolRow) -> str:
    """Return what a tool does."""
    summary = operations()[row.operation].summary if row.operation else ""
    return f"{summary} {row.describes}".strip()


def schema_of(row: ToolRow) -> dict[str, Any]:
    """Return the schema of a tool's arguments."""
    if row.operation:
        schema = input_schema(operations()[row.operation], row.refers)
        if row.name == "search_journal":
            described = f"The most exchanges, at most {_MOST}. Default: {_LATEST}."
            schema["properties"]["limit"] = {"type": "integer", "description": described}
        return schema
    if row.name != "stub_exchange":
        return {"type": "object", "properties": {}, "additionalProperties": False}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["id"],
        "properties": {
            "id": {"type": "string", "description": "The id of the exchange."},
            "turn": {"type": "integer", "minimum": 1, "description": "The turn of a Realtime session."},
            "times": {"type": "integer", "minimum": 1, "description": "Number of requests that it answers."},
            **{name: reference(name, tool) for name, tool in row.refers.items()},
        },
    }


class Toolbox:
    """The tools of a session with the server of ``control``; ``api_key`` is the account's, empty for all accounts."""

    def __init__(self, control: ControlClient, api_key: str) -> None:
        self._control = control
        self._api_key = api_key
        self._own: Mapping[str, Callable[[dict[str, Any]], Any]] = {
            "server_status": self._status,
            "search_journal": self._search,
            "wait_for_requests": self._wait,
            "stub_exchange": self._stub_exchange,
            "list_models": self._models,
        }

    def call(self, name: str, arguments: dict[str, Any]) -> Any:
        """Return the JSON result of a tool. Raises ``ToolFailed``."""
        row = tool_rows().get(name)
        if row is None:
            raise ToolFailed(f"Unknown tool {excerpt(name)!r}. The tools are {', '.join(tool_rows())}.")
        try:
            if own := self._own.get(name):
                return own(dict(arguments))
            return self._operate(operations()[row.operation], dict(arguments))
        except ControlFailed as error:
            if error.status == _UNVERIFIED:
                return error.document
            raise ToolFailed(str(error)) from error
        except CannotReproduce as error:
            raise ToolFailed(str(error)) from error

    def _operate(self, operation: Operation, arguments: dict[str, Any], **options: Any) -> Any:
        """Return the answer of an operation of the control API."""
        path = operation.path
        for name in operation.path_names:
            value = arguments.pop(name, None)
            if not isinstance(value, str) or not value:
                raise ToolFailed(f"{name}: is required, and a text.")
            path = path.replace(f"{{{name}}}", quote(value))
        query = {name: str(arguments.pop(name)) for name in operation.query_names if name in arguments}
        if not operation.body and arguments:
            raise ToolFailed(f"{next(iter(arguments))}: unknown argument. Leave it out.")
        return self._control.call(
            operation.method, path, arguments if operation.body else None, query, **options
        )

    def _status(self, _: dict[str, Any]) -> dict[str, Any]:
        url = self._control.url
        return {
            "url": url,
            "base_url": f"{url}/v1",
            "api_key": self._api_key or _NO_KEY,
            "tools_concern": "the account of the API key" if self._api_key else "every account",
            "health": self._control.call("GET", "/_mock/health"),
            "clock": self._control.call("GET", "/_mock/clock"),
        }

    def _search(self, arguments: dict[str, Any]) -> dict[str, Any]:
        limit = arguments.setdefault("limit", _LATEST)
        if isinstance(limit, int) and limit > _MOST:
            raise ToolFailed(f"limit: is at most {_MOST} here. Ask for later ones with `after`.")
        answer = self._operate(operations()["queryJournal"], arguments)
        return {"exchanges": [summary(each) for each in answer["entries"]], "dropped": answer["dropped"]}

    def _wait(self, arguments: dict[str, Any]) -> Any:
        timeout = arguments.setdefault("timeout", _WAIT)
        if not isinstance(timeout, int | float) or not timeout <= _LONGEST_WAIT:
            raise ToolFailed(f"timeout: must be a number of at most {_LONGEST_WAIT:g} seconds. Wait again.")
        return self._operate(operations()["wait"], arguments, timeout=timeout + _LONGEST_WAIT)

    def _stub_exchange(self, arguments: dict[str, Any]) -> Any:
        times = arguments.pop("times", None)
        reply, turn = arguments.pop("reply", None), arguments.pop("turn", None)
        if reply is not None and not isinstance(reply, dict):
            raise ToolFailed('reply: must be an object, such as {"text": "Hello."}.')
        entry = self._operate(operations()["getJournalEntry"], arguments)
        stub = stub_of(entry, reply=reply, turn=turn) | ({} if times is None else {"times": times})
        return self._operate(operations()["addStub"], stub)

    def _models(self, _: dict[str, Any]) -> dict[str, Any]:
        by_endpoint: dict[str, list[str]] = {}
        for model in Catalog().models_of(None):
            for endpoint in model.endpoints:
                by_endpoint.setdefault(endpoint, []).append(model.id)
        return {"models": by_endpoint, "added": self._control.call("GET", "/_mock/models")["models"]}


def summary(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the most important facts of a journal entry."""
    facts = {name: entry[name] for name in _SUMMARY if entry.get(name) is not None}
    if entry.get("fault"):
        facts["fault"] = entry["fault"]["kind"]
    if files := [each["file"] for each in entry.get("audio") or () if each["file"]]:
        facts["files"] = files
    facts |= {name: excerpt(entry[name]) for name in _TEXTS if entry.get(name)}
    said = (entry.get("reply") or {}).get("text")
    if isinstance(said, str):
        facts["said"] = excerpt(said)
    if session := entry.get("realtime"):
        facts["turns"] = len(session["turns"])
    for name in ("in_flight", "hung_up"):
        if entry.get(name):
            facts[name] = True
    return facts
