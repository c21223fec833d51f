"""`GET /_mock/journal/events`: server-sent events of what happens in the journal."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import pytest

from mockserver.control.journal import events as journal_events
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.transport.http_server import workers
from tests.redis_process import redis_process
from tests.shared_state.conftest import settings_of
from tests.waiting import eventually

TEXT = {"model": "text-embedding-3-small", "input": "Hello."}


class Event(NamedTuple):
    """An event: its name and its data."""

    name: str
    data: dict[str, Any]


class Stream:
    """The events that a client receives. ``last_id`` is what it sends to go on."""

    def __init__(self, response: httpx.Response) -> None:
        self.response = response
        self.last_id = ""
        self._lines = response.iter_lines()

    def __iter__(self) -> Iterator[Event]:
        name, data = "message", ""
        for line in self._lines:
            field, _, value = line.partition(": ")
            if field == "event":
                name = value
            elif field == "data":
                data = value
            elif field == "id":
                self.last_id = value
            elif not line and data:
                yield Event(name, json.loads(data))
                name, data = "message", ""

    def next(self) -> Event:
        """Return the next event."""
        return next(iter(self))

    def begin(self) -> Stream:
        """Wait until the server listens."""
        for line in self._lines:
            if line.startswith("id: "):
                self.last_id = line.removeprefix("id: ")
                break
        return self


@contextmanager
def listening(server: MockServer, key: str | None = None, /, **query: str) -> Iterator[Stream]:
    """Open a stream of events, and close it."""
    headers = {"authorization": f"Bearer {key}"} if key else {}
    url = f"{server.url}/_mock/journal/events"
    with httpx.stream("GET", url, params=query, headers=headers, timeout=60) as response:
        assert response.status_code == 200, response.read()
        yield Stream(response).begin()


def embed(server: MockServer, key: str, **changes: Any) -> httpx.Response:
    return httpx.post(
        f"{server.url}/v1/embeddings",
        json=TEXT | changes,
        headers={"authorization": f"Bearer {key}"},
        timeout=60,
    )


def test_an_exchange_is_an_event(server: MockServer, api_key: str) -> None:
    with listening(server, api_key) as stream:
        assert stream.response.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.headers["cache-control"] == "no-store"
        answer = embed(server, api_key)
        event = stream.next()
    assert event.name == "entry"
    assert event.data["id"] == answer.headers["x-request-id"]
    assert (event.data["status"], event.data["model"]) == (200, "text-embedding-3-small")
    assert "account_id" not in event.data


def test_an_event_has_the_fields_that_were_asked_for(server: MockServer, api_key: str) -> None:
    with listening(server, api_key, fields="id,status,timing") as stream:
        embed(server, api_key)
        assert list(stream.next().data) == ["id", "status", "timing"]


def test_conditions_select_the_events(server: MockServer, api_key: str) -> None:
    when = json.dumps({"error": "model_not_found"})
    with listening(server, api_key, when=when, endpoint="embeddings", status="4xx") as stream:
        embed(server, api_key)
        embed(server, api_key, model="text-9")
        assert stream.next().data["model"] == "text-9"


def test_an_account_hears_of_its_own_exchanges(server: MockServer, api_key: str) -> None:
    with listening(server, api_key) as own, listening(server) as every:
        embed(server, f"{api_key}-other")
        theirs = every.next().data["id"]
        answer = embed(server, api_key)
        assert own.next().data["id"] == answer.headers["x-request-id"] != theirs


def test_a_client_goes_on_where_it_stopped(server: MockServer, api_key: str) -> None:
    cursor = httpx.get(f"{server.url}/_mock/journal", params={"limit": 1}).json()["cursor"]
    first, second = (embed(server, api_key).headers["x-request-id"] for _ in range(2))
    with listening(server, api_key, after=cursor) as stream:
        assert [stream.next().data["id"], stream.next().data["id"]] == [first, second]
        stream.begin()
        last_id = stream.last_id
    third = embed(server, api_key).headers["x-request-id"]
    with listening(server, api_key, after=last_id) as stream:
        assert stream.next().data["id"] == third


def test_a_client_may_send_the_header_of_browsers(server: MockServer, api_key: str) -> None:
    with listening(server, api_key) as stream:
        last_id = stream.last_id
    missed = embed(server, api_key).headers["x-request-id"]
    headers = {"authorization": f"Bearer {api_key}", "last-event-id": last_id}
    with httpx.stream("GET", f"{server.url}/_mock/journal/events", headers=headers, timeout=60) as response:
        assert Stream(response).next().data["id"] == missed


def test_a_client_hears_that_entries_were_deleted(server: MockServer, api_key: str) -> None:
    with listening(server, api_key) as stream:
        embed(server, api_key)
        assert stream.next().name == "entry"
        httpx.delete(f"{server.url}/_mock/journal", headers={"authorization": f"Bearer {api_key}"})
        assert stream.next() == Event("deleted", {})


def test_a_stream_is_an_event_while_it_is_sent_and_when_it_has_ended(
    server: MockServer, api_key: str
) -> None:
    headers = {"authorization": f"Bearer {api_key}"}
    fault = {"fault": "sse_delay", "after": 2, "seconds": 60, "times": 1}
    assert httpx.post(f"{server.url}/_mock/faults", json=fault, headers=headers).status_code == 201
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
    with listening(server, api_key, fields="in_flight,hung_up,bytes_sent") as stream:
        url = f"{server.url}/v1/chat/completions"
        with httpx.stream("POST", url, json=body, headers=headers, timeout=60):
            while not (event := stream.next().data)["bytes_sent"]:
                assert event["in_flight"]
        while (event := stream.next().data)["in_flight"]:
            pass
    assert event["hung_up"]


@pytest.fixture
def alone(tmp_path: Path) -> Iterator[MockServer]:
    """Yield a server that no other test changes, with an empty folder of stubs."""
    settings = Settings(port=0, whisper_model="none", stubs=(str(tmp_path),), log_level="error")
    with MockServer(settings) as running:
        yield running


CHANGES: dict[str, Callable[[MockServer], object]] = {
    "clock": lambda server: server.clock.advance(60),
    "faults": lambda server: control(server, "POST", "faults", {"error": "overloaded", "times": 1}),
    "limits": lambda server: control(server, "PUT", "limits", {"tier": "tier-1"}),
    "models": lambda server: control(server, "POST", "models", {"id": "mine", "like": "gpt-4o-mini"}),
    "settings": lambda server: control(server, "PATCH", "settings", {"strictness": "schema"}),
    "stubs": lambda server: control(server, "POST", "stubs", {"reply": {"say": "Yes."}}),
}


def control(server: MockServer, method: str, resource: str, body: dict[str, Any]) -> None:
    httpx.request(method, f"{server.url}/_mock/{resource}", json=body, timeout=60).raise_for_status()


@pytest.mark.parametrize("part", CHANGES)
def test_a_change_of_a_definition_is_an_event_for_who_asks(alone: MockServer, part: str) -> None:
    key = "sk-mock-tier-5-a"
    with listening(alone, key, changes="true") as stream, listening(alone, changes="false") as without:
        CHANGES[part](alone)
        assert stream.next() == Event("changed", {"parts": [part]})
        embed(alone, key)
        assert stream.next().name == without.next().name == "entry"


def test_a_drained_bucket_and_a_reset_are_changes(alone: MockServer) -> None:
    with listening(alone, changes="true") as stream:
        drain = {"group": "gpt-4o-mini", "kind": "requests_per_minute", "drain": True}
        control(alone, "PUT", "limits", drain)
        assert stream.next().data == {"parts": ["limits"]}
        alone.reset()
        parts = set[str]()
        while not parts >= {"clock", "stubs", "limits"}:
            parts |= set(stream.next().data.get("parts", []))


def test_a_scenario_that_is_set_is_a_change_of_the_stubs(alone: MockServer) -> None:
    with listening(alone, changes="true") as stream:
        headers = {"authorization": "Bearer sk-mock-a"}
        url = f"{alone.url}/_mock/scenarios/order"
        httpx.put(url, json={"state": "paid"}, headers=headers, timeout=60).raise_for_status()
        assert stream.next() == Event("changed", {"parts": ["stubs"]})


def test_a_stub_of_a_file_is_a_change(alone: MockServer, tmp_path: Path) -> None:
    with listening(alone, changes="true") as stream:
        (tmp_path / "new.yaml").write_text("reply: {say: Yes.}\n", "utf-8")
        assert stream.next() == Event("changed", {"parts": ["stubs"]})


def test_a_stream_begins_with_all_definitions(alone: MockServer) -> None:
    url = f"{alone.url}/_mock/journal/events"
    with httpx.stream("GET", url, params={"changes": "true"}, timeout=60) as response:
        assert Stream(response).next() == Event("changed", {"parts": sorted(CHANGES)})


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"changes": "yes"}, "changes: must be true or false, got 'yes'."),
        ({"after": "x"}, "after: 'x' is no id of an event. Send the last one."),
        ({"fields": "id,stat"}, "fields: 'stat' is no member of an entry. Did you mean 'status'?"),
        ({"fields": ""}, "fields: '' is no member of an entry."),
        ({"when": "{"}, "when: is not JSON"),
        ({"when": "[]"}, 'when: must be a JSON object, such as {"status": "4xx"}.'),
        ({"when": '{"colour": "red"}'}, "Unknown parameter: 'when.colour'."),
        ({"when": '{"status": 429}', "status": "4xx"}, "status: is also in when. Send it once."),
        ({"when": '{"a":' * 200 + "1" + "}" * 200}, "nested more than"),
        ({"limit": "3"}, "Unknown query argument 'limit'."),
    ],
)
def test_a_wrong_query_is_refused(server: MockServer, query: dict[str, str], message: str) -> None:
    response = httpx.get(f"{server.url}/_mock/journal/events", params=query, timeout=60)
    assert response.status_code == 400
    assert message in response.json()["error"]


def test_conditions_that_take_too_long_end_the_stream() -> None:
    settings = Settings(port=0, whisper_model="none", log_level="error", path_steps=1_000)
    when = json.dumps({"fields": {"$..*..*": "x"}})
    with MockServer(settings) as server, listening(server, when=when) as stream:
        content = [{"type": "text", "text": "x"}] * 300
        body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": content}]}
        headers = {"authorization": "Bearer sk-mock-tier-5-deep"}
        httpx.post(f"{server.url}/v1/chat/completions", json=body, headers=headers, timeout=60)
        event = stream.next()
        assert event.name == "failed"
        assert "path_steps" in event.data["error"]
        assert list(stream) == []


def test_the_end_of_the_server_ends_the_streams() -> None:
    with ExitStack() as open_streams:
        settings = Settings(port=0, whisper_model="none", log_level="warning", shutdown_seconds=30)
        with MockServer(settings) as server:
            streams = [open_streams.enter_context(listening(server)) for _ in range(3)]
        assert [list(each) for each in streams] == [[], [], []]


def test_a_stream_without_news_has_comments(monkeypatch: pytest.MonkeyPatch, server: MockServer) -> None:
    monkeypatch.setattr(journal_events, "_QUIET", 0.0)
    with listening(server, "sk-mock-tier-5-quiet") as stream:
        first = stream.last_id
        assert stream.begin().last_id >= first


@pytest.fixture
def crowded() -> Iterator[MockServer]:
    """Yield a server of four threads and one for the control API."""
    settings = Settings(port=0, whisper_model="none", max_threads=4, reserved_threads=1, log_level="error")
    with MockServer(settings) as running:
        yield running


def test_streams_take_no_thread_from_requests(crowded: MockServer) -> None:
    with ExitStack() as streams:
        opened = [streams.enter_context(listening(crowded)) for _ in range(20)]
        answer = embed(crowded, "sk-mock-tier-5-many")
        assert answer.status_code == 200
        assert {each.next().data["id"] for each in opened} == {answer.headers["x-request-id"]}


def test_streams_beyond_the_bound_are_refused(monkeypatch: pytest.MonkeyPatch, crowded: MockServer) -> None:
    monkeypatch.setattr(workers, "_LASTING", 2)
    url = f"{crowded.url}/_mock/journal/events"
    with ExitStack() as streams:
        opened = [streams.enter_context(listening(crowded)) for _ in range(2)]
        refused = httpx.get(url, timeout=60)
        assert len(opened) == 2
        assert refused.status_code == 503
        assert refused.json()["error"] == "Too many streams of events are open. Close one of them."

    def opens_again() -> bool:
        with httpx.stream("GET", url, timeout=60) as response:
            return response.status_code == 200

    assert eventually(opens_again)


def test_a_reader_that_hangs_up_gives_its_thread_back(crowded: MockServer) -> None:
    def busy() -> int:
        """Return how many threads of all servers answer a request."""
        return sum(
            isinstance(each, workers.Worker) and each.connection is not None for each in threading.enumerate()
        )

    for _ in range(3):
        with listening(crowded):
            pass
    assert eventually(lambda: busy() == 0)


def test_exchanges_of_another_worker_are_events(several: str, api_key: str) -> None:
    settings = settings_of(several)
    with MockServer(settings) as one, MockServer(settings) as other, listening(one) as stream:
        answer = embed(other, api_key)
        assert stream.next().data["id"] == answer.headers["x-request-id"]
        other.reset()
        assert stream.next().name == "deleted"


def test_a_definition_of_another_worker_is_a_change(several: str) -> None:
    settings = settings_of(several)
    with MockServer(settings) as one, MockServer(settings) as other, listening(one, changes="true") as stream:
        control(other, "POST", "stubs", {"reply": {"say": "Yes."}})
        assert stream.next() == Event("changed", {"parts": ["stubs"]})


def test_a_stream_goes_on_when_the_store_is_back(api_key: str) -> None:
    with (
        redis_process() as redis,
        MockServer(settings_of(redis.url())) as server,
        listening(server) as stream,
    ):
        embed(server, api_key)
        assert stream.next().name == "entry"
        redis.kill()
        assert embed(server, api_key).status_code == 503
        redis.start()
        assert eventually(lambda: embed(server, api_key).status_code == 200)
        assert stream.next().name == "deleted"


def test_the_head_of_a_stream_takes_no_thread(monkeypatch: pytest.MonkeyPatch, crowded: MockServer) -> None:
    monkeypatch.setattr(workers, "_LASTING", 2)
    answers = [httpx.head(f"{crowded.url}/_mock/journal/events", timeout=60) for _ in range(4)]
    assert {each.status_code for each in answers} == {200}
