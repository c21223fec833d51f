"""Values to send: mostly valid for a JSON Schema, with odd ones in place of any part."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableMapping, MutableSequence
from random import Random
from typing import Any

_MAX_DEPTH = 12  # levels of a schema that are followed
_FAULTS = 0.02  # probability that a part is valid
_OPTIONAL = 0.3  # probability that an optional member is present

ODD_TEXTS = (
    *("", " ", "\x00", "a\x00b", "\r\nx-injected: 1", "\ufeff", "\ue000-Å", "\u202e", "é" * 300, "😀"),
    *("../../etc/passwd", "..%2f", "%00", "%", "a/b", "C:\\x", "'; --", "{{ 7 * 7 }}", "{% for %}", "${x}"),
    *(
        "(a+)+$",
        "(",
        "[",
        "$..a",
        "a[0]",
        "a[99999999999999999999]",
        "http://[::1",
        "http://127.0.0.1:9/a.wav",
    ),
    *("file:///etc/passwd", "data:audio/wav;base64,", "data:image/png;base64,AAAA", "x" * 300, "x" * 5000),
    *("https://json-schema.org/draft/2020-12/schema", "#/$defs/a", "NaN", "1e999", "-0", "null", "true"),
    *("٣", "1_0", "0x10", "9" * 30, "9" * 5000, "real", "off", "en", "auto", "sk-mock-tier-1-other"),
)
ODD_NUMBERS = (
    *(0, -1, 1, 2, -0.0, 0.5, 1.5, 5.0, 127, 128, 2**31, 2**53 + 1, 2**63, -(2**63) - 1, 2**64, 10**30),
    *(10**400, 1e16, 1e308, -1e308, 5e-324, 1e-10),
)
KNOWN_TEXTS: Mapping[str, tuple[str, ...]] = {
    "role": ("user", "system", "developer", "assistant", "tool", "function"),
    "content": ("Hello.", "What is the weather? Answer in json."),
    "purpose": ("batch", "user_data", "assistants"),
    "language": ("en", "de", "fr"),
    "voice": ("alloy", "coral"),
    "name": ("get_weather", "x"),
    "endpoint": ("chat", "speech", "transcriptions", "/v1/chat/completions"),
    "fault": ("timeout", "sse_cut", "slow_drip", "malformed_json", "truncate"),
    "error": ("server_error", "rate_limit_requests", "overloaded"),
    "url": ("http://127.0.0.1:9/a.wav", "data:audio/wav;base64,UklGRg=="),
    "data": ("UklGRiQAAABXQVZF", "====", "AAAA"),
    "arguments": ("{}", "{"),
    "completion_window": ("24h",),
    "mime_type": ("audio/wav", "text/jsonl"),
    "say": ("Said.",),
    "text": ("Written.", "{{ request.model }}"),
    "transcript": ("Heard.",),
}


class Values:
    """Makes values, the same for the same ``random``. ``ids`` returns an id that the server has sent."""

    def __init__(self, random: Random, ids: Callable[[], str], models: tuple[str, ...]) -> None:
        self._random = random
        self._ids = ids
        self._models = models

    def of(self, schema: Any, name: str = "", depth: int = 0) -> Any:
        """Return a value of ``schema`` (references resolved), mostly a valid one, for the member ``name``."""
        random = self._random
        if random.random() < _FAULTS or depth > _MAX_DEPTH:
            return self.odd()
        if not isinstance(schema, dict):
            return self.plain(name)
        schema = self._chosen(schema)
        if "const" in schema:
            return schema["const"]
        if "enum" in schema:
            return random.choice(schema["enum"])
        match self._type(schema):
            case "object":
                return self._object(schema, depth)
            case "array":
                size = random.choice((0, 1, 1, 2, 3))
                return [self.of(schema.get("items", True), name, depth + 1) for _ in range(size)]
            case "integer" | "number":
                least = schema.get("minimum", 0)
                return random.choice((least, schema.get("maximum", least + 1), least + 1, 1))
            case "boolean":
                return random.random() < 0.5
            case "null":
                return None
            case "string":
                return self._text(name)
        return self.plain(name)

    def plain(self, name: str) -> Any:
        """Return a value of any kind for a member without a schema."""
        return self._random.choice((self._text(name), 1, True, {"type": "object"}, [], {}, None))

    def odd(self, depth: int = 0) -> Any:
        """Return an unusual value."""
        random = self._random
        kind = random.random()
        if kind < 0.4 or depth > 3:
            return random.choice((None, True, False, *ODD_NUMBERS))
        if kind < 0.7:
            return random.choice(ODD_TEXTS)
        if kind < 0.8:
            return [self.odd(depth + 1) for _ in range(random.choice((0, 1, 2, 5)))]
        if kind < 0.9:
            names = ("type", "id", "name", "role", "matches", "contains", "$ref", "", "a.b[0]", "\x00")
            return {random.choice(names): self.odd(depth + 1) for _ in range(random.choice((0, 1, 2)))}
        return self._large()

    def spoilt(self, document: Any) -> Any:
        """Return ``document`` with one to three of its parts changed."""
        spoilt = json.loads(json.dumps(document))
        for _ in range(self._random.choice((1, 1, 2, 3))):
            places = list(_places(spoilt))
            if places:
                self._change(*self._random.choice(places))
        return spoilt

    def _change(self, parent: Any, step: Any) -> None:
        random = self._random
        match random.randrange(7):
            case 0:
                del parent[step]
            case 1 if isinstance(parent, list):
                parent.extend([parent[step]] * random.choice((1, 10, 200)))
            case 2 if isinstance(parent, dict):
                parent[random.choice(ODD_TEXTS)] = parent.pop(step)
            case 3:
                parent[step] = [parent[step]]
            case 4:
                parent[step] = {"type": parent[step]}
            case _:
                parent[step] = self.odd()

    def _large(self) -> Any:
        random = self._random
        size = random.choice((1000, 20_000))
        match random.randrange(4):
            case 0:
                return [self.odd(9)] * size
            case 1:
                return {f"name {number}": 1 for number in range(size)}
            case 2:
                deep: Any = None
                for _ in range(random.choice((60, 300, 900))):
                    deep = [deep] if random.random() < 0.5 else {"items": deep}
                return deep
        return random.choice("xé,\n") * 100 * size

    def _text(self, name: str) -> str:
        random = self._random
        if name == "model" and self._models:
            return random.choice(self._models)
        if name in KNOWN_TEXTS:
            return random.choice(KNOWN_TEXTS[name])
        return random.choice((self._ids(), "text", "Hello.", random.choice(ODD_TEXTS)))

    def _type(self, schema: Mapping[str, Any]) -> str:
        declared = schema.get("type")
        if isinstance(declared, list):
            return str(self._random.choice(declared))
        return declared or ("object" if "properties" in schema else "array" if "items" in schema else "")

    def _chosen(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Return ``schema`` with one of its alternatives taken: a branch of ``anyOf``, a ``then`` of ``allOf``."""
        random = self._random
        for keyword in ("anyOf", "oneOf"):
            if keyword in schema:
                rest = {key: value for key, value in schema.items() if key != keyword}
                schema = joined(rest, random.choice(schema[keyword]))
        for part in [random.choice(schema["allOf"])] if schema.get("allOf") else []:
            met = joined(part.get("if", {}), part.get("then", {}))
            schema = joined(schema, joined(part, met))
        if "if" in schema and random.random() < 0.5:
            schema = joined(schema, joined(schema["if"], schema.get("then", {})))
        return schema

    def _object(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        random, made = self._random, dict[str, Any]()
        for name, part in schema.get("properties", {}).items():
            if name in schema.get("required", ()) or random.random() < _OPTIONAL / (1 + depth):
                made[name] = self.of(part, name, depth + 1)
        others = schema.get("additionalProperties")
        if isinstance(others, dict) or (others is None and not made):
            made.update(
                {f"name {number}": self.of(others, "", depth + 1) for number in range(random.randrange(3))}
            )
        return made


def joined(one: Any, other: Any) -> dict[str, Any]:
    """Return a schema that demands both; of ``properties`` and ``required``, the unions."""
    one, other = (part if isinstance(part, dict) else {} for part in (one, other))
    both = {**one, **other}
    if "properties" in one and "properties" in other:
        both["properties"] = {**one["properties"], **other["properties"]}
    if "required" in one and "required" in other:
        both["required"] = list(dict.fromkeys((*one["required"], *other["required"])))
    return both


def _places(value: Any) -> Iterator[tuple[MutableMapping[str, Any] | MutableSequence[Any], Any]]:
    """Yield every member and item inside ``value``, as its parent and its step."""
    waiting = [value] if isinstance(value, (dict, list)) else []
    while waiting:
        parent = waiting.pop()
        steps = list(parent) if isinstance(parent, dict) else range(min(len(parent), 50))
        for step in steps:
            yield parent, step
            if isinstance(parent[step], (dict, list)):
                waiting.append(parent[step])
