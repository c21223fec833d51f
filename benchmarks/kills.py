"""``kill -9`` under load, two hundred times: compares what a server acknowledged with the state of the next one."""

from __future__ import annotations

import contextlib
import itertools
import json
import random
import tempfile
import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from benchmarks.processes import clean_environment, mockserver
from benchmarks.report import Row, print_progress
from mockserver.resources import data_folder
from mockserver.state.inspection import content_of
from mockserver.state.value_rules import ValueRules
from mockserver.validation.schemas import Schemas

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from benchmarks.processes import Server
    from benchmarks.report import Options

_KILLS = 200
_CALLERS = 6
_MIN_LOAD, _MAX_LOAD = 0.3, 1.5  # seconds of load before a kill
_LINES = 3_000  # of a batch
_LIVE = 20  # objects of a kind that a caller keeps; older ones are deleted
_STEP = 10  # kills between two reports of progress
PATIENCE = 60.0  # seconds

_CLIP = (data_folder("fixtures") / "hello.wav").read_bytes()

# The names of the counts: acknowledged actions, and errors.
DONE = ("files", "deletions", "stored chats", "jobs", "uploads", "batches", "batch lines")
WRONG = (
    "lost",
    "deleted and there again",
    "half",
    "twice or out of order",
    "left over after the next start",
)


def run(options: Options) -> Iterator[Row]:
    """Run ``kills`` and return its counts as rows."""
    found = kills(_KILLS, report=partial(print_progress, "kills"))
    for name in DONE:
        yield Row(f"acknowledged {name}", "", float(found[name]))
    for name in WRONG:
        yield Row(name, "", float(found[name]), float(done(found)), 0.0, "against all that was acknowledged")
    yield Row("longest start", "ms", float(found["longest start, ms"]))
    yield Row(
        "left over by the kills", "files", float(found["leftovers"]), note="the next start removes them"
    )


def kills(
    count: int,
    *,
    callers: int = _CALLERS,
    lines: int = _LINES,
    seed: int = 1,
    report: Callable[[str], None] = lambda progress: None,
) -> Counter[str]:
    """Start a server in one state folder and kill it under load, ``count`` times; return its counts by name.

    Each of the ``callers`` has a batch of ``lines`` lines in progress. ``report`` gets the progress now and then.
    """
    found: Counter[str] = Counter(dict.fromkeys((*DONE, *WRONG), 0))
    dice = random.Random(seed)
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        accounts = [Account(f"sk-mock-tier-5-{number}", found, lines) for number in range(callers)]
        for number in range(1, count + 1):
            _start_and_kill(state, accounts, found, dice.uniform(_MIN_LOAD, _MAX_LOAD))
            if number % _STEP == 0:
                report(f"{number} of {count} kills; {done(found):,} acknowledged, {wrong(found):,} wrong")
        with _served(state) as server:
            for account in accounts:
                account.check(server)
                account.finish(server)
    return found


def _start_and_kill(state: Path, accounts: list[Account], found: Counter[str], seconds: float) -> None:
    leftovers = _leftovers(state)
    found["leftovers"] += len(leftovers)
    with _served(state) as server:
        found["longest start, ms"] = max(found["longest start, ms"], round(server.started_in * 1000))
        found["left over after the next start"] += sum(path.exists() for path in leftovers)
        for account in accounts:
            account.check(server)
        threads = [threading.Thread(target=account.work, args=(server,)) for account in accounts]
        before, deadline = done(found), time.monotonic() + PATIENCE
        for thread in threads:
            thread.start()
        while done(found) == before and time.monotonic() < deadline:
            time.sleep(0.01)
        time.sleep(seconds)
        server.kill()
        for thread in threads:
            thread.join()


def done(found: Counter[str]) -> int:
    return sum(found[name] for name in DONE)


def wrong(found: Counter[str]) -> int:
    return sum(found[name] for name in WRONG)


def _served(state: Path) -> Server:
    arguments = ("--state", str(state), "--whisper-model", "none", "--log-level", "error")
    return mockserver(*arguments, environment=clean_environment())


def _leftovers(state: Path) -> list[Path]:
    """Return the files that a killed server left incomplete or that no object names."""
    if not state.exists():
        return []
    found = content_of(state, ValueRules(Schemas(data_folder("schemas"))))
    assert not found.damaged, found.damaged
    return [*found.incomplete, *found.unnamed]


class Account:
    """A caller and its acknowledged objects.

    An object without an answered request may exist or not, but not in part.
    """

    def __init__(self, key: str, found: Counter[str], lines: int) -> None:
        self._headers = {"authorization": f"Bearer {key}"}
        self._found = found
        self._lines = lines
        self._numbers = itertools.count()
        self._there: dict[str, dict[str, bytes]] = {"files": {}, "chat/completions": {}, "stt": {}}
        self._gone: dict[str, set[str]] = {"files": set(), "chat/completions": set()}
        self._uploads: dict[str, dict[str, bytes]] = {}
        self._batches: dict[str, int] = {}

    def work(self, server: Server, stop: threading.Event | None = None) -> None:
        """Make calls until the connection breaks off, or ``stop`` is set."""
        steps = (self._add_file, self._add_chat, self._add_job, self._add_upload, self._delete)
        with contextlib.suppress(httpx.TransportError), self._client(server) as client:
            if not self._batches:
                self._add_batch(client)
            for step in itertools.cycle(steps):
                if stop is not None and stop.is_set():
                    return
                step(client)

    def check(self, server: Server) -> None:
        """Compare the state of the server with what it acknowledged, and complete the uploads."""
        with self._client(server) as client:
            self._check_files(client)
            chats = self._listed(client, "chat/completions")
            self._compare("chat/completions", set(chats))
            self._check_jobs(client)
            self._check_uploads(client)
            self._check_batches(client)

    def finish(self, server: Server) -> None:
        """Wait until the batches are completed; the lines of the others count as lost."""
        deadline = time.monotonic() + PATIENCE
        with self._client(server) as client:
            while self._batches and time.monotonic() < deadline:
                self._check_batches(client)
                time.sleep(0.1)
        self._found["lost"] += sum(self._batches.values())

    def _client(self, server: Server) -> httpx.Client:
        host, port = server.address
        return httpx.Client(base_url=f"http://{host}:{port}/v1", headers=self._headers, timeout=PATIENCE)

    def _add_file(self, client: httpx.Client) -> None:
        number = next(self._numbers)
        content = f"{number}.".encode() * (50_000 if number % 3 else 10)
        answer = client.post("/files", files={"file": (f"{number}.bin", content)}, data={"purpose": "evals"})
        self._keep("files", answer, "id", content, "files")

    def _add_chat(self, client: httpx.Client) -> None:
        asked = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}], "store": True}
        self._keep(
            "chat/completions", client.post("/chat/completions", json=asked), "id", b"", "stored chats"
        )

    def _add_job(self, client: httpx.Client) -> None:
        answer = client.post(
            "/stt/create", files={"audio": ("a.wav", _CLIP)}, data={"model": "#g1_whisper-tiny"}
        )
        self._keep("stt", answer, "generation_id", b"", "jobs")

    def _add_upload(self, client: httpx.Client) -> None:
        parts = [f"{next(self._numbers)};".encode() * 20_000 for _ in range(2)]
        asked = {
            "filename": "a",
            "purpose": "evals",
            "bytes": sum(map(len, parts)),
            "mime_type": "text/plain",
        }
        upload = client.post("/uploads", json=asked).raise_for_status().json()["id"]
        kept = self._uploads[upload] = {}
        for part in parts:
            answer = client.post(f"/uploads/{upload}/parts", files={"data": ("a", part)}).raise_for_status()
            kept[answer.json()["id"]] = part
        self._found["uploads"] += 1

    def _add_batch(self, client: httpx.Client) -> None:
        chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}
        line = {"method": "POST", "url": "/v1/chat/completions", "body": chat}
        lines = [json.dumps({"custom_id": str(number), **line}).encode() for number in range(self._lines)]
        content = b"\n".join(lines)
        answer = client.post("/files", files={"file": ("a.jsonl", content)}, data={"purpose": "batch"})
        asked = {
            "input_file_id": answer.raise_for_status().json()["id"],
            "endpoint": "/v1/chat/completions",
            "completion_window": "24h",
        }
        self._there["files"][asked["input_file_id"]] = content
        batch = client.post("/batches", json=asked).raise_for_status().json()["id"]
        self._batches[batch] = self._lines
        self._found["batches"] += 1
        self._found["batch lines"] += self._lines

    def _delete(self, client: httpx.Client) -> None:
        """Delete the oldest objects of each kind, except ``_LIVE``."""
        for path, gone in self._gone.items():
            there = self._there[path]
            while len(there) > _LIVE:
                each = next(iter(there))
                del there[each]
                client.delete(f"/{path}/{each}").raise_for_status()
                gone.add(each)
                self._found["deletions"] += 1
        while len(self._there["stt"]) > _LIVE:
            del self._there["stt"][next(iter(self._there["stt"]))]

    def _keep(self, path: str, answer: httpx.Response, name: str, content: bytes, what: str) -> None:
        self._there[path][answer.raise_for_status().json()[name]] = content
        self._found[what] += 1

    def _listed(self, client: httpx.Client, path: str) -> dict[str, Any]:
        """Return all objects of a kind by id."""
        listed: dict[str, Any] = {}
        asked: dict[str, Any] = {"limit": 100}
        while True:
            page = client.get(f"/{path}", params=asked).raise_for_status().json()
            listed |= {each["id"]: each for each in page["data"]}
            if not page["has_more"]:
                return listed
            asked["after"] = page["last_id"]

    def _compare(self, path: str, listed: set[str]) -> None:
        self._found["lost"] += len(self._there[path].keys() - listed)
        self._found["deleted and there again"] += len(self._gone[path] & listed)

    def _check_files(self, client: httpx.Client) -> None:
        """Compare the content of every listed file; delete those whose creation was not answered."""
        listed = self._listed(client, "files")
        self._compare("files", set(listed))
        for each, about in listed.items():
            content = client.get(f"/files/{each}/content").raise_for_status().content
            expected = self._there["files"].get(each)
            if expected is None and about["purpose"] == "evals":
                expected = _content_of(about)
                client.delete(f"/files/{each}").raise_for_status()
                self._gone["files"].add(each)
            self._found["half"] += len(content) != about["bytes"] or expected not in (None, content)

    def _check_jobs(self, client: httpx.Client) -> None:
        for each in self._there["stt"]:
            answer = client.get(f"/stt/{each}")
            self._found["lost"] += answer.status_code >= 400 or answer.json()["status"] == "error"

    def _check_uploads(self, client: httpx.Client) -> None:
        """Complete the uploads of which all parts were acknowledged, and cancel the others."""
        for upload, parts in self._uploads.items():
            if len(parts) < 2:
                client.post(f"/uploads/{upload}/cancel")
                continue
            answer = client.post(f"/uploads/{upload}/complete", json={"part_ids": list(parts)})
            if answer.status_code != 200:
                self._found["lost"] += 1
                continue
            file = answer.json()["file"]["id"]
            content = client.get(f"/files/{file}/content").content
            self._found["half"] += content != b"".join(parts.values())
            client.delete(f"/files/{file}").raise_for_status()
            self._gone["files"].add(file)
        self._uploads.clear()

    def _check_batches(self, client: httpx.Client) -> None:
        """Check that each completed batch has every line once and in order."""
        for batch, lines in list(self._batches.items()):
            about = client.get(f"/batches/{batch}").raise_for_status().json()
            if about["status"] in ("validating", "in_progress", "finalizing"):
                continue
            del self._batches[batch]
            if about["status"] != "completed":
                self._found["lost"] += lines
                continue
            file = about["output_file_id"]
            answered = client.get(f"/files/{file}/content").raise_for_status().content.splitlines()
            ids = [json.loads(line)["custom_id"] for line in answered]
            self._found["lost"] += len({str(number) for number in range(lines)} - set(ids))
            self._found["twice or out of order"] += ids != sorted(set(ids), key=int)
            for each in (file, about["input_file_id"]):
                client.delete(f"/files/{each}")
                self._there["files"].pop(each, None)


def _content_of(about: dict[str, Any]) -> bytes:
    """Return the content of a file whose creation was not answered, from its name and size."""
    number, _, _ = str(about["filename"]).partition(".")
    return f"{number}.".encode() * (int(about["bytes"]) // (len(number) + 1))
