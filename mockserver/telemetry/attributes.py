"""The attributes of spans and metrics: OpenTelemetry's conventions for HTTP and generative AI, and the mock's own.

They are made of the record of an exchange, whose secrets are hidden.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mockserver.catalog.reading import read_table, record

if TYPE_CHECKING:
    from mockserver.journal.record import RealtimeTurn, Record

Value = str | bool | int | float | Sequence[str]
Attributes = dict[str, Value]

_TABLE = Path(__file__).with_name("operations.toml")
_AZURE = "/openai/"  # the beginning of Azure's paths
_BY_RESOURCE = {"stt": "aimlapi"}  # providers of which the resource is known
_SERVER_ERROR = 500
_PARAMETERS = {  # of requests: the attribute, and the type of its values
    "temperature": ("gen_ai.request.temperature", float),
    "top_p": ("gen_ai.request.top_p", float),
    "frequency_penalty": ("gen_ai.request.frequency_penalty", float),
    "presence_penalty": ("gen_ai.request.presence_penalty", float),
    "max_tokens": ("gen_ai.request.max_tokens", int),
    "max_completion_tokens": ("gen_ai.request.max_tokens", int),
    "max_output_tokens": ("gen_ai.request.max_tokens", int),
    "seed": ("gen_ai.request.seed", int),
    "dimensions": ("gen_ai.embeddings.dimension.count", int),
}


class GenAi(Struct, frozen=True):
    """A row of ``operations.toml``."""

    operation: str
    output: str = ""


@cache
def gen_ai_of(resource: str | None) -> GenAi | None:
    """Return what an endpoint is in the conventions for generative AI; ``None`` for others."""
    return _rows().get(resource or "")


@cache
def _rows() -> Mapping[str, GenAi]:
    return {name: record(GenAi, row, f"operations.toml, {name}") for name, row in read_table(_TABLE).items()}


def provider_of(resource: str | None, path: str) -> str:
    """Return ``gen_ai.provider.name``."""
    if path.removeprefix("/v1").startswith(_AZURE):
        return "azure.ai.openai"
    return _BY_RESOURCE.get(resource or "", "openai")


def error_type(status: int | None, error: str | None, *, hung_up: bool) -> str:
    """Return ``error.type``: the catalog's name of the error, else the status; empty if there is no error."""
    if error:
        return error
    if hung_up:
        return "client_disconnected"
    if status is None:
        return "connection_lost"
    return str(status) if status >= _SERVER_ERROR else ""


def of_exchange(entry: Record, *, content: bool) -> Attributes:
    """Return the attributes of a finished exchange; with ``content`` also what was said and written."""
    found: Attributes = dict(_own(entry))
    if entry.status is not None:
        found["http.response.status_code"] = entry.status
    if entry.headers.get("user-agent"):
        found["user_agent.original"] = entry.headers["user-agent"]
    if entry.hung_up:
        found["mockserver.hung_up"] = True
    if error := error_type(entry.status, entry.error, hung_up=entry.hung_up):
        found["error.type"] = error
    resource = "realtime" if entry.realtime else entry.endpoint
    gen_ai = gen_ai_of(resource)
    if gen_ai is None:
        return found
    found["gen_ai.operation.name"] = gen_ai.operation
    found["gen_ai.provider.name"] = provider_of(entry.endpoint, entry.path)
    found |= _asked(entry.model, entry.request, gen_ai)
    if entry.realtime is None:
        found |= used_tokens(entry.usage)
    else:  # tokens and costs are those of its turns
        found["gen_ai.conversation.id"] = entry.realtime.session
        found["mockserver.turns"] = len(entry.realtime.turns) + entry.realtime.turns_dropped
    if content:
        reply = entry.reply or {}
        words = reply.get("text") or (entry.heard if entry.reply is None else None)
        found |= _content(entry.prompt, entry.user_text, words, reply.get("tool_calls") or ())
    return found


def of_turn(turn: RealtimeTurn, session: str, *, content: bool) -> Attributes:
    """Return the attributes of a turn of the Realtime ``session``."""
    gen_ai = gen_ai_of(f"turn.{turn.kind}")
    assert gen_ai is not None
    found: Attributes = {
        "gen_ai.operation.name": gen_ai.operation,
        "gen_ai.provider.name": "openai",
        "gen_ai.conversation.id": session,
        "mockserver.turn": turn.turn,
        **_present("gen_ai.request.model", turn.model),
        **_present("gen_ai.response.id", turn.response),
        **_present("gen_ai.output.type", gen_ai.output),
        **_present("mockserver.answered_by", turn.answered_by),
        **_present("mockserver.stub", turn.stub),
        **_present("mockserver.fault", turn.fault.kind if turn.fault else None),
        **_present("mockserver.cost_usd", turn.cost_usd),
        **_present("error.type", turn.error),
        **used_tokens(turn.usage),
    }
    return (
        found | _content(turn.prompt, turn.user_text or turn.heard, turn.said, turn.tools)
        if content
        else found
    )


def used_tokens(usage: Mapping[str, Any] | None) -> Attributes:
    """Return the tokens of a usage object, by whatever names it has them."""
    usage = usage or {}
    read, written = (
        next((usage[name] for name in names if isinstance(usage.get(name), int)), None)
        for names in (("input_tokens", "prompt_tokens"), ("output_tokens", "completion_tokens"))
    )
    return {
        **_present("gen_ai.usage.input_tokens", read),
        **_present("gen_ai.usage.output_tokens", written),
    }


def _own(entry: Record) -> Iterator[tuple[str, Value]]:
    """Yield the attributes of the mock server."""
    yield "mockserver.request.id", entry.id
    audio = [each.duration for each in entry.audio if each.duration is not None]
    values: Mapping[str, Value | None] = {
        "account": entry.account,
        "project": entry.project,
        "connection": entry.connection,
        "answered_by": entry.answered_by,
        "stub": entry.stub,
        "fault": entry.fault.kind if entry.fault else None,
        "cost_usd": entry.cost_usd if entry.realtime is None else None,
        "first_byte_ms": entry.timing.first_byte_ms,
        "audio_seconds": round(sum(audio), 3) if audio else None,
    }
    yield from ((f"mockserver.{name}", value) for name, value in values.items() if value is not None)


def _asked(model: str | None, request: Mapping[str, Any], gen_ai: GenAi) -> Attributes:
    """Return the attributes of what the request asks for."""
    found: Attributes = _present("gen_ai.request.model", model)
    for name, (attribute, kind) in _PARAMETERS.items():
        value = request.get(name)
        if isinstance(value, int | float) and not isinstance(value, bool):
            found[attribute] = kind(value)
    if isinstance(request.get("n"), int) and request["n"] != 1:
        found["gen_ai.request.choice.count"] = request["n"]
    stop = request.get("stop")
    stops = [stop] if isinstance(stop, str) else stop
    if isinstance(stops, list) and stops and all(isinstance(each, str) for each in stops):
        found["gen_ai.request.stop_sequences"] = stops
    tier = request.get("service_tier")
    if isinstance(tier, str) and tier != "auto":
        found["openai.request.service_tier"] = tier
    conversation = request.get("conversation")
    if isinstance(conversation, dict):
        conversation = conversation.get("id")
    if isinstance(conversation, str):
        found["gen_ai.conversation.id"] = conversation
    return found | _present("gen_ai.output.type", _output(request, gen_ai))


def _output(request: Mapping[str, Any], gen_ai: GenAi) -> str:
    """Return ``gen_ai.output.type``."""
    if gen_ai.operation != "chat":
        return gen_ai.output
    text = request.get("text")
    asked = request.get("response_format") or (text.get("format") if isinstance(text, dict) else None)
    if isinstance(asked, dict) and str(asked.get("type", "")).startswith("json"):
        return "json"
    modalities = request.get("modalities")
    return "speech" if isinstance(modalities, list) and "audio" in modalities else gen_ai.output


def _content(
    instructions: str | None, user: str | None, said: object, calls: Sequence[Mapping[str, Any]]
) -> Attributes:
    """Return the texts of an exchange: instructions, the last words of the user, and the reply."""
    found: Attributes = {}
    if instructions:
        found["gen_ai.system_instructions"] = _json([{"type": "text", "content": instructions}])
    if user:
        found["gen_ai.input.messages"] = _json(
            [{"role": "user", "parts": [{"type": "text", "content": user}]}]
        )
    parts: list[dict[str, Any]] = (
        [{"type": "text", "content": said}] if isinstance(said, str) and said else []
    )
    parts += [
        {"type": "tool_call", "name": each.get("name"), "arguments": each.get("arguments")} for each in calls
    ]
    if parts:
        message = {"role": "assistant", "parts": parts, "finish_reason": "tool_call" if calls else "stop"}
        found["gen_ai.output.messages"] = _json([message])
    return found


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "replace").decode()


def _present(name: str, value: Value | None) -> Attributes:
    return {} if value is None or value == "" else {name: value}
