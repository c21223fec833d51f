"""Rivals of the benchmark ``http`` that run on Java: WireMock and MockServer, both from npm."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from benchmarks import npm
from benchmarks.processes import Server, clean_environment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class Stub(NamedTuple):
    """What a rival answers, with status 200, to every request of a method and path."""

    method: str
    path: str
    document: object


def find(name: str, folder: Path | None, scratch: Path) -> Path:
    """Return an installed package, as ``npm.find`` does. Raises ``npm.NotThere``, also without Java."""
    npm.need("java", "Java")
    return npm.find(name, folder, scratch)


def wiremock(package: Path, scratch: Path, stubs: Sequence[Stub]) -> Server:
    """Return WireMock with its usual settings, ready to be started."""
    mappings = [
        {
            "request": {"method": stub.method, "urlPath": stub.path},
            "response": {"headers": {"Content-Type": "application/json"}, "jsonBody": stub.document},
        }
        for stub in stubs
    ]
    root = scratch / "wiremock"
    (root / "mappings").mkdir(parents=True, exist_ok=True)
    (root / "mappings" / "stubs.json").write_text(json.dumps({"mappings": mappings}), "utf-8")
    command = ["java", "-jar", _jar(package / "build"), "--port", "PORT", "--root-dir", str(root)]
    return Server(command, environment=clean_environment(), ready="/__admin/health")


def mockserver(package: Path, scratch: Path, stubs: Sequence[Stub]) -> Server:
    """Return the MockServer of mock-server.com with its usual settings, but for its log; ready to be started."""
    expectations = [
        {
            "httpRequest": {"method": stub.method, "path": stub.path},
            "httpResponse": {
                "headers": {"Content-Type": ["application/json"]},
                "body": json.dumps(stub.document),
            },
        }
        for stub in stubs
    ]
    written = scratch / "expectations.json"
    written.write_text(json.dumps(expectations), "utf-8")
    settings = [f"-Dmockserver.initializationJsonPath={written}", "-Dmockserver.logLevel=WARN"]
    command = ["java", *settings, "-jar", _jar(package), "-serverPort", "PORT"]
    return Server(command, environment=clean_environment(), ready="/v1/models")


def _jar(folder: Path) -> str:
    found = next(folder.glob("*.jar"), None)
    if found is None:
        raise npm.NotThere(f"{folder} has no jar")
    return str(found)
