"""The guide to OpenTelemetry: its commands send traces, and its tables agree with the code."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest

from mockserver.telemetry import attributes, setup
from mockserver.telemetry.attributes import gen_ai_of
from tests.docs.guides import DOCS, NEEDS_SHELL, blocks
from tests.telemetry.collector import attributes_of, collecting
from tests.waiting import eventually

GUIDE = (DOCS / "opentelemetry.md").read_text("utf-8")
HELLO: Any = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}


@pytest.mark.slow
@NEEDS_SHELL
@pytest.mark.skipif(sys.platform == "win32", reason="needs signals")
def test_the_commands_send_a_trace_with_documented_attributes(tmp_path: Path) -> None:
    (commands,) = blocks(GUIDE, "sh", "<!-- a server -->\n")
    with collecting() as collector:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        program = commands.replace("http://127.0.0.1:4318", collector.url).replace(
            "mockserver serve",
            f"exec {sys.executable} -m mockserver serve --port {port} --whisper-model none",
        )
        environment = os.environ | {"PYTHONPATH": str(DOCS.parent)}
        with subprocess.Popen(
            ["bash", "-c", program], cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL
        ) as process:
            url = f"http://127.0.0.1:{port}/v1/chat/completions"
            headers = {"Authorization": "Bearer sk-mock-me"}

            def ask() -> bool:
                try:
                    return httpx.post(url, json=HELLO, headers=headers, trust_env=False).status_code == 200
                except httpx.TransportError:
                    return False

            assert eventually(ask)
            process.send_signal(signal.SIGTERM)
            assert process.wait(timeout=60) == 0
    (span,) = collector.spans
    assert [name for name in attributes_of(span) if name not in documented()] == []
    assert [metric.name for metric in collector.metrics if f"| `{metric.name}` |" not in GUIDE] == []


def documented() -> set[str]:
    """Return the names of attributes in the guide; ``.name`` continues the name before it."""
    names: set[str] = set()
    for row in re.findall(r"^\| (`(?:gen_ai|error|http|mockserver)\..*?) \|", GUIDE, re.MULTILINE):
        prefix = ""
        for name in re.findall(r"`([\w.]+)`", row):
            names.add(prefix + name if name.startswith(".") else name)
            prefix = prefix if name.startswith(".") else name.rpartition(".")[0]
    return names


def test_every_parameter_that_is_sent_is_documented() -> None:
    assert {name for name, _ in attributes._PARAMETERS.values()} <= documented()


def test_every_operation_is_named() -> None:
    row = next(line for line in GUIDE.splitlines() if line.startswith("| `gen_ai.operation.name`"))
    operations = {each.operation for name in attributes._rows() if (each := gen_ai_of(name))}
    assert [name for name in operations if f"`{name}`" not in row] == []


def test_every_exporter_is_named() -> None:
    row = next(line for line in GUIDE.splitlines() if line.startswith("| `OTEL_TRACES_EXPORTER`"))
    assert [name for name in setup._EXPORTERS if f"`{name}`" not in row] == []
    assert f"`{setup._PROTOCOL}`" in GUIDE
