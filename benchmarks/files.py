"""The memory that a file of 200 MiB adds to the server while it is uploaded and downloaded."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from benchmarks.client import exchange, get, upload
from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.report import Options

_FILE_BYTES = 200 << 20
_SMALL_BYTES = 100_000
_MIB = 1 << 20
_MAX_MIB = 8.0  # MiB: pieces in transit, and modules that are loaded for the first time


def run(options: Options) -> Iterator[Row]:
    """Run a server without a state folder: the file is temporary."""
    fields = {"purpose": "evals"}
    large = upload("/v1/files", fields, bytes(_FILE_BYTES))
    arguments = ("--log-level", "warning", "--whisper-model", "none")
    with mockserver(*arguments, environment=clean_environment()) as server:
        exchange(server.address, upload("/v1/files", fields, bytes(_SMALL_BYTES)))
        server.forget_peak()
        before = server.memory()
        (reply,) = exchange(server.address, large)
        file_id = json.loads(reply.body)["id"]
        note = f"{_FILE_BYTES / _MIB / reply.seconds:.0f} MiB a second"
        peak = (server.memory("VmHWM") - before) / _MIB
        yield Row("200 MiB uploaded: peak", "MiB", peak, _MAX_MIB, 1.0, note=note)
        server.forget_peak()
        before = server.memory()
        (reply,) = exchange(server.address, get(f"/v1/files/{file_id}/content"))
        note = f"{_FILE_BYTES / _MIB / reply.seconds:.0f} MiB a second"
        peak = (server.memory("VmHWM") - before) / _MIB
        yield Row("200 MiB downloaded: peak", "MiB", peak, _MAX_MIB, 1.0, note=note)
