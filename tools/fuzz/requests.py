"""Requests of a call: valid ones, and random changes of them."""

from __future__ import annotations

import json
from collections import deque
from random import Random
from typing import Any
from urllib.parse import quote

from mockserver.resources import data_folder
from tools.fuzz.calls import API_VERSION, Call, variables
from tools.fuzz.exchange import KEY, Request
from tools.fuzz.values import ODD_TEXTS, Values

_SERVED = 0.97  # share of the requests; the calls that are not served are many, and all alike
_STRICTNESSES = ("real", "real", "schema", "off", "nonsense")
_API_VERSIONS = (*["2025-04-01-preview"] * 6, "2024-05-01-preview", "v1", "2022-12-01", "", "%00")
_ODD_IDS = (
    *(
        "x",
        "%00",
        "..",
        "%2e%2e",
        "%ff",
        "a%0d%0ab",
        "%",
        "%zz",
        "%F0%9F%98%80",
        "a%2fb",
        '"',
        "{}",
        "%25",
        "+",
    ),
    *("%20", "a" * 3000, "ft:gpt-4o-mini:a::b", "9" * 5000, "0", "-1", "content", "a;b", "a?b=c"),
)
_HEADERS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "x-mock-fault",
        ("server_error", "500", "timeout; after=1", "{", "slow_drip", "9" * 5000, "x=1e999", "a;;="),
    ),
    ("x-mock-limits", ("requests_per_minute=1", "none", "x", "requests_per_minute=" + "9" * 5000)),
    ("x-mock-batch-seconds", ("nan", "1e999", "0", "-1")),
    ("x-mock-unknown-audio", ("error", "placeholder", "x")),
    ("x-mock-speech-language", ("de", "xx", "\xff")),
    (
        "Content-Type",
        ("text/plain", "", "application/json; charset=utf-16", "multipart/form-data", "a, b", "\xff"),
    ),
    ("Content-Type", ("multipart/form-data; boundary=" + "b" * 300, "application/x-www-form-urlencoded")),
    ("Content-Encoding", ("gzip", "br", "x")),
    (
        "Authorization",
        ("Bearer sk-mock-tier-1-other", "Bearer \xff", "Basic !!!", "", "x", "Bearer " + "k" * 5000),
    ),
    ("OpenAI-Organization", ("org-x", "\xff", "")),
    ("OpenAI-Project", ("\x7f",)),
    ("Origin", ("null", "http://[::1", "http://evil.example", "http://127.0.0.1:99999", "\xff")),
    ("Host", ("a_b.example", "evil@127.0.0.1", "", "[::1", "127.0.0.1:99999")),
    ("Range", ("bytes=0-", "bytes=9-1", "x")),
    ("Accept", ("text/event-stream", "\xff", "application/openmetrics-text")),
    ("If-None-Match", ('"x"', "*")),
    ("Cookie", ("\xff=\xff",)),
    ("Expect", ("100-continue", "x")),
    ("Idempotency-Key", ("x", "\xff" * 3000)),
    ("X-Forwarded-For", ("\xff", "::")),
)
_ODD_BODIES = (
    *(
        b"",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"\xef\xbb\xbf{}",
        b"\xff\xfe{\x00",
        b"\x00",
        b'{"a":NaN}',
        b"[" * 100_000,
    ),
    *(b'{"model":"\\ud800"}', b'{"a":' + b"1" * 5000 + b"}", b'{"a":1e999}', b'{"a":' * 50_000, b"a=b&c=d"),
)
_ODD_PARTS = ("file[]", "a[9999999999999]", "a[b]", "a[", "[]", "", "model", "temperature", "stream")


class Requests:
    """Makes requests: the same ``random`` and the same answers (``learn``) give the same requests."""

    def __init__(self, calls: list[Call], random: Random) -> None:
        self._calls = calls
        self._served = [call for call in calls if call.body != "any"]
        self._random = random
        self._ids = deque(["file-x", "gpt-4o", "chatcmpl-x", "stub-1"], maxlen=50)
        fixtures = data_folder("fixtures")
        clip = (fixtures / "hello.wav").read_bytes()
        line = b'{"custom_id":"1","method":"POST","url":"/v1/chat/completions","body":{}}\n'
        self._files = (clip[:6000], clip, (fixtures / "fox.mp3").read_bytes()[:5000], b"RIFF", b"", line)

    def learn(self, body: bytes) -> None:
        """Keep the ids in an answer for later requests."""
        try:
            answer = json.loads(body)
        except (ValueError, RecursionError):
            return
        listed = answer.get("data") if isinstance(answer, dict) else None
        for each in [answer, *(listed if isinstance(listed, list) else ())]:
            if isinstance(each, dict) and isinstance(each.get("id"), str):
                self._ids.append(each["id"])

    def next(self) -> Request:
        """Return a request of any call."""
        random = self._random
        call = random.choice(self._served if random.random() < _SERVED else self._calls)
        request = self._request(call)
        if random.random() < 0.03:
            return request.with_bytes(self._bytes_changed(request.data))
        return request

    def _request(self, call: Call) -> Request:
        random = self._random
        headers = {"x-mock-strictness": random.choice(_STRICTNESSES)}
        if not call.is_control or random.random() < 0.3:
            headers["Authorization"] = f"Bearer {KEY}"
        body, content_type = self._body(call)
        if body is not None:
            headers["Content-Type"] = content_type
        while random.random() < 0.15:
            name, values = random.choice(_HEADERS)
            headers[name] = random.choice(values)
        odd = ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "FOO")
        method = random.choice(odd) if random.random() < 0.03 else call.method
        return Request(method, self._path(call), tuple(headers.items()), body)

    def _path(self, call: Call) -> str:
        random, path = self._random, call.path
        for name in variables(path):
            ids = call.models if name == "deployment" else self._ids
            value = random.choice(_ODD_IDS) if random.random() < 0.3 else quote(random.choice(ids))
            path = path.replace(f"{{{name}}}", value)
        if not call.query and random.random() < 0.95:
            return path
        asked = [f"{API_VERSION}={random.choice(_API_VERSIONS)}"] if API_VERSION in call.query else []
        for _ in range(random.choice((0, 1, 2))):
            name = random.choice((*call.query, "limit", "after", "order", "metadata[a]", "%ff"))
            value = random.choice(
                ("1", "0", "-1", "x", "asc", random.choice(self._ids), random.choice(ODD_TEXTS))
            )
            asked.append(f"{quote(name, safe='%[]')}={quote(value)}")
        return f"{path}?{'&'.join(asked)}" if asked else path

    def _body(self, call: Call) -> tuple[bytes | None, str]:
        random = self._random
        form = call.body == "form" or (call.body == "either" and random.random() < 0.5)
        if call.body == "none" and random.random() < 0.95:
            return None, ""
        if random.random() < 0.03:
            return random.choice(_ODD_BODIES), "application/json"
        values = Values(random, lambda: random.choice(self._ids), call.models)
        document = dict(call.example) if call.example and random.random() < 0.5 else values.of(call.schema)
        if random.random() < 0.6:
            document = values.spoilt(document)
        if form:
            return self._form(call, document if isinstance(document, dict) else {})
        data = json.dumps(document, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")
        return data, "application/json"

    def _form(self, call: Call, document: dict[str, Any]) -> tuple[bytes, str]:
        random = self._random
        boundary = "b" * random.choice((1, 1, 1, 1, 1, 70, 257))
        parts = []
        for name, value in document.items():
            name = random.choice(_ODD_PARTS) if random.random() < 0.03 else name  # noqa: PLW2901
            if name in call.files:
                file_name = random.choice(("a.wav", "a.mp3", "a.jsonl", "a.txt", "", *ODD_TEXTS))
                parts.append((f'name="{name}"; filename="{file_name}"', random.choice(self._files)))
            elif isinstance(value, list):
                parts += [(f'name="{name}[]"', _field(each)) for each in value[:1100]]
            elif isinstance(value, dict) and random.random() < 0.5:
                parts += [(f'name="{name}[{key}]"', _field(each)) for key, each in value.items()]
            else:
                parts.append((f'name="{name}"', _field(value)))
        lines = b"".join(
            f"--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n".encode() + data + b"\r\n"
            for head, data in parts
        )
        return lines + f"--{boundary}--\r\n".encode(), f"multipart/form-data; boundary={boundary}"

    def _bytes_changed(self, data: bytes) -> bytes:
        random, changed = self._random, bytearray(data)
        for _ in range(random.choice((1, 2, 8))):
            place = random.randrange(min(len(changed), 600) or 1)
            match random.randrange(4):
                case 0:
                    changed[place : place + 1] = bytes([random.randrange(256)])
                case 1:
                    del changed[place : place + random.choice((1, 4, 40))]
                case 2:
                    changed[place:place] = random.choice((b"\r\n", b"\x00", b" ", b"\xff", b":", b"\n", b"%"))
                case _:
                    changed[place:place] = changed[place : place + random.choice((10, 100))]
        return bytes(changed)


def _field(value: Any) -> bytes:
    text = value if isinstance(value, str) else json.dumps(value)
    return text.encode("utf-8", "surrogatepass")
