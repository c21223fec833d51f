"""An exchange as code: everything that sends it again, or repeats its answer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mockserver.reproducing import python, shell
from mockserver.reproducing.fault import faults_of
from mockserver.reproducing.fixture import fixture_of
from mockserver.reproducing.pytest_file import test_of
from mockserver.reproducing.reasons import CannotReproduce
from mockserver.reproducing.sent import sent_request
from mockserver.reproducing.stub import stub_of


def code_of(entry: Mapping[str, Any], base_url: str) -> dict[str, Any]:
    """Return an entry as code, by kind; ``base_url`` is that of the server.

    ``curl``, ``python`` and ``test`` are texts, ``stub`` and ``fixture`` documents, ``fault`` is a list of documents.
    What cannot be made is ``None``, and ``missing`` has the reason.
    """
    makers: Mapping[str, Callable[[], Any]] = {
        "curl": lambda: _command(entry, base_url),
        "python": lambda: python.script(sent_request(entry), entry["operation"], base_url),
        "test": lambda: test_of(entry, sent_request(entry)),
        "stub": lambda: stub_of(entry),
        "fault": lambda: faults_of(entry),
        "fixture": lambda: fixture_of(entry),
    }
    made: dict[str, Any] = {}
    missing: dict[str, str] = {}
    for name, make in makers.items():
        try:
            made[name] = make()
        except CannotReproduce as reason:
            made[name], missing[name] = None, str(reason)
    return made | {"missing": missing}


def _command(entry: Mapping[str, Any], base_url: str) -> str:
    sent = sent_request(entry)
    is_binary = entry["endpoint"] == "speech" or entry["operation"] == "download_file"
    return shell.command(
        sent,
        base_url,
        answer_file=python.answer_file(sent) if is_binary else "",
        is_stream=entry["stream_events"] is not None,
    )
