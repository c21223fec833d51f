"""A test of an exchange, for pytest with the plugin: it scripts the answer, sends the request, and verifies it."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mockserver.reproducing.literals import Expression, call, quoted
from mockserver.reproducing.python import Target, python_call
from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.stub import stub_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.reproducing.python import PythonCall
    from mockserver.reproducing.sent import SentRequest

_RECORDING = b"a recording"  # in place of every file
_INDENT = 4
_FAILED = 400  # the lowest status of an error
# The ends of the names of methods: ``on_chat``, ``verify_chat``.
_METHODS = {
    "transcriptions": "transcription",
    "translations": "translation",
    "speech": "speech",
    "chat": "chat",
    "responses": "response",
    "embeddings": "embedding",
    "moderations": "moderation",
    "completions": "completion",
}
_ONLY_SCRIPTED = ("embeddings", "moderations", "completions")  # endpoints without a method ``verify_…``
# What has the text of the reply in an answer of the SDK.
_TEXTS = {
    "transcriptions": "answer.text",
    "translations": "answer.text",
    "chat": "answer.choices[0].message.content",
    "responses": "answer.output_text",
    "completions": "answer.choices[0].text",
}


def test_of(entry: Mapping[str, Any], sent: SentRequest) -> str:
    """Return a module with one test, which passes by itself. Raises ``CannotReproduce``."""
    if entry["status"] is None:
        raise CannotReproduce("The exchange has no answer that a test could expect.")
    target = Target(
        client="audio_api.client",
        url=lambda path: 'f"{audio_api.url}' + quoted(path.replace("{", "{{").replace("}", "}}"))[1:],
        key="audio_api.api_key",
        content=lambda _: "RECORDING",
        in_base64=lambda _: "RECORDING_IN_BASE64",
    )
    fails = entry["status"] >= _FAILED
    sending = python_call(sent, entry["operation"], target, indent=_INDENT, taken=len("answer = "))
    imports = [*sending.imports, *([] if sending.library == "openai" else [sending.library])]
    if fails and sending.library == "openai":
        imports += ["openai", "pytest"]
        within = python_call(sent, entry["operation"], target, indent=2 * _INDENT)
        acted = [
            "with pytest.raises(openai.APIStatusError) as refused:",
            f"    {within.code}",
            "",
            f"assert refused.value.status_code == {entry['status']}",
        ]
    else:
        acted = [f"answer = {sending.code}", "", *_assertions(entry, sending)]
    arranged = _arranged(entry)
    lines = [*arranged, *([""] if arranged else []), *acted, *_verified(entry)]
    return _module(entry, sent, imports, lines)


def _module(entry: Mapping[str, Any], sent: SentRequest, names: Sequence[str], lines: Sequence[str]) -> str:
    """Return the module: what it imports, the recording that it sends, and the test."""
    constants = []
    if sent.files:
        names = [*names, "pytest"]
        constants = ['pytestmark = pytest.mark.audio_api(strictness="schema")  # any bytes are audio', ""]
        in_base64 = base64.b64encode(_RECORDING).decode()
        constants.append(
            f'RECORDING_IN_BASE64 = "{in_base64}"'
            if sent.kind == "json"
            else f'RECORDING = b"{_RECORDING.decode()}"'
        )
    imports = [f"import {name}" for name in sorted({*names})]
    name = re.sub(r"\W", "_", entry["endpoint"] or "exchange", flags=re.ASCII).lower()
    test = f"def test_{name}(audio_api):\n" + "\n".join(f"{' ' * _INDENT}{line}".rstrip() for line in lines)
    head = "\n".join([*imports, *([""] if constants and imports else []), *constants])
    return f"{head}\n\n\n{test}\n" if head else f"{test}\n"


def _arranged(entry: Mapping[str, Any]) -> list[str]:
    """Return the lines that script the answer."""
    if entry["error"]:
        if entry["operation"] is None:
            return []  # a call that is not served is refused as it is
        return [call("audio_api.fail_next", [("", entry["error"])], _INDENT)]
    stub = stub_of(entry)
    method, conditions = _method("on", stub["when"], entry)
    selected = call(f"audio_api.{method}", conditions, _INDENT)
    last = selected.rpartition("\n")[2]
    return [selected + _reply(stub["reply"], entry, len(last) - _INDENT)]


def _method(
    verb: str, when: Mapping[str, Any], entry: Mapping[str, Any]
) -> tuple[str, list[tuple[str, Any]]]:
    """Return the method of the Python API for an endpoint, and its arguments."""
    conditions = {name: value for name, value in when.items() if name != "endpoint"}
    if conditions.keys() & {"sha256", "pcm_sha256"}:  # the test sends another recording
        conditions = {"file": re.sub(r"[*?[]", "?", entry["audio"][-1]["file"])}
        if entry["model"]:
            conditions = {"model": entry["model"], **conditions}
    arguments: list[tuple[str, Any]] = list(conditions.items())
    is_short = verb == "on" or when["endpoint"] not in _ONLY_SCRIPTED
    short = _METHODS.get(when["endpoint"]) if is_short else None
    return (f"{verb}_{short}", arguments) if short else (verb, [("", when["endpoint"]), *arguments])


def _reply(reply: Mapping[str, Any], entry: Mapping[str, Any], taken: int) -> str:
    """Return the call that adds a stub."""
    options = dict(reply)
    if "segments" in options:
        options = {"text": entry["heard"]}
    for member, method in (("say", ".say"), ("json", ".reply_json"), ("text", ".reply")):
        if member in options:
            first = options.pop(member)
            return call(method, [("", first), *options.items()], _INDENT, taken)
    if "body" in options:
        options["body"] = Expression(f"{quoted(options['body'])}.encode()")
        first = options.pop("body")
        return call(".reply_bytes", [("", first), *options.items()], _INDENT, taken)
    return call(".reply", list(options.items()), _INDENT, taken)


def _assertions(entry: Mapping[str, Any], sending: PythonCall) -> list[str]:
    """Return the lines that check the answer."""
    if sending.gives == "response":
        return [f"assert answer.status_code == {entry['status']}"]
    if sending.gives == "stream":
        return ["assert list(answer)"]
    if sending.gives == "binary":
        return ["assert answer.content"]
    reply = stub_of(entry)["reply"]
    text = entry["heard"] if "segments" in reply else reply.get("text")
    if text is None or entry["endpoint"] not in _TEXTS:
        return ["assert answer"]
    if sending.gives == "text":
        is_plain = entry["request"].get("response_format") == "text"
        return [f"assert answer.strip() == {quoted(text.strip())}" if is_plain else "assert answer"]
    has_audio = isinstance(entry["request"].get("audio"), Mapping) and entry["endpoint"] == "chat"
    place = "answer.choices[0].message.audio.transcript" if has_audio else _TEXTS[entry["endpoint"]]
    return [f"assert {place} == {quoted(text)}"]


def _verified(entry: Mapping[str, Any]) -> list[str]:
    """Return the lines that verify the request."""
    when = {"endpoint": entry["path"], "method": entry["method"]}
    if not entry["error"]:
        when = stub_of(entry)["when"]
    elif entry["endpoint"] in _METHODS and entry["operation"]:
        when = {"endpoint": entry["endpoint"]}
    method, conditions = _method("verify", when, entry)
    return [call(f"audio_api.{method}", [*conditions, ("status", entry["status"]), ("times", 1)], _INDENT)]
