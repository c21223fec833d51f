"""Responses in the background: states by the clock, cancelling, streams, restarts; through the official SDK."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from time import sleep
from typing import Any
from unittest.mock import Mock

import openai
import pytest

from mockserver.app import services_of
from mockserver.providers.openai.response_work import progress
from mockserver.settings.model import Settings
from mockserver.state.disk import StateFailed
from mockserver.testing.mock_server import MockServer
from mockserver.webhooks.webhooks import Webhooks
from tests.conftest import RawResponse
from tests.waiting import eventually

Send = Callable[..., RawResponse]

NOON = 1_800_000_000
STATE = 60  # seconds in each state


@contextmanager
def serving(**options: Any) -> Iterator[tuple[MockServer, openai.OpenAI]]:
    """Yield a server with a frozen clock, and a client of it."""
    frozen: dict[str, Any] = {"frozen_time": float(NOON), "background_seconds": float(STATE)}
    common: dict[str, Any] = {"port": 0, "whisper_model": "none", "log_level": "warning"}
    with (
        MockServer(Settings(**common | frozen | options)) as server,
        openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-work", max_retries=0) as client,
    ):
        yield server, client


@pytest.fixture
def frozen() -> Iterator[tuple[MockServer, openai.OpenAI]]:
    with serving() as served:
        yield served


def begun(client: openai.OpenAI, **members: Any) -> Any:
    create: Any = client.responses.create
    return create(**{"model": "gpt-4o-mini", "input": "Hello there", "background": True} | members)


def streamed(client: openai.OpenAI) -> str:
    """Begin a response with a stream, and leave after its first event; return its id."""
    with begun(client, stream=True) as stream:
        return str(next(stream).response.id)


def reaches(client: openai.OpenAI, identifier: str, status: str) -> bool:
    return bool(eventually(lambda: client.responses.retrieve(identifier).status == status))


class TestStates:
    def test_it_is_queued_then_in_progress_then_completed(
        self, frozen: tuple[MockServer, openai.OpenAI]
    ) -> None:
        server, client = frozen
        response = begun(client)
        assert (response.status, response.output, response.usage) == ("queued", [], None)
        assert (response.service_tier, response.completed_at, response.background) == ("auto", None, True)
        assert client.responses.retrieve(response.id) == response
        server.clock.advance(STATE)
        assert reaches(client, response.id, "in_progress")
        assert client.responses.retrieve(response.id).output == []
        server.clock.advance(STATE)
        assert reaches(client, response.id, "completed")
        completed = client.responses.retrieve(response.id)
        assert completed.output_text
        assert completed.usage is not None
        assert (completed.completed_at, completed.service_tier) == (NOON + 2 * STATE, "default")

    def test_the_answer_has_the_members_in_order(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        _, client = frozen
        raw = client.responses.with_raw_response.create(model="gpt-4o-mini", input="Hi", background=True)
        document = raw.http_response.json()
        assert list(document)[:7] == [
            *("id", "object", "created_at", "status", "background", "billing", "completed_at")
        ]

    def test_without_seconds_it_is_completed_at_once(self) -> None:
        with serving(background_seconds=0.0) as (_, client):
            response = begun(client)
            assert response.status == "queued"
            assert reaches(client, response.id, "completed")

    def test_a_header_sets_the_seconds(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        _, client = frozen
        response = begun(client, extra_headers={"x-mock-background-seconds": "0"})
        assert reaches(client, response.id, "completed")

    def test_it_does_not_wait_for_a_clock_that_was_set_back(
        self, frozen: tuple[MockServer, openai.OpenAI]
    ) -> None:
        server, client = frozen
        response = begun(client)
        server.clock.set(NOON - 10_000)
        assert reaches(client, response.id, "queued")
        server.clock.set(NOON - 10_000 + STATE)
        assert reaches(client, response.id, "in_progress")

    def test_a_conversation_gets_its_items_at_the_end(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        server, client = frozen
        conversation = client.conversations.create()
        response = begun(client, conversation=conversation.id)
        server.clock.advance(STATE)
        assert reaches(client, response.id, "in_progress")
        assert client.conversations.items.list(conversation.id).data == []
        with pytest.raises(openai.BadRequestError) as refused:
            client.responses.create(model="gpt-4o-mini", input="Hi", conversation=conversation.id)
        assert refused.value.code == "conversation_locked"
        server.clock.advance(STATE)
        assert reaches(client, response.id, "completed")
        assert len(client.conversations.items.list(conversation.id).data) == 2
        assert client.responses.create(model="gpt-4o-mini", input="Hi", conversation=conversation.id).id

    def test_it_can_be_continued_before_its_end(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        _, client = frozen
        response = begun(client)
        second = client.responses.create(model="gpt-4o-mini", input="And?", previous_response_id=response.id)
        assert second.status == "completed"

    def test_a_stub_answers_and_costs_are_counted_once(
        self, frozen: tuple[MockServer, openai.OpenAI]
    ) -> None:
        server, client = frozen
        server_api = f"{server.url}/_mock"
        stub = {"when": {"endpoint": "responses"}, "reply": {"text": "scripted"}, "times": 1}
        client.post(f"{server_api}/stubs", body=stub, cast_to=object)
        response = begun(client)
        server.clock.advance(2 * STATE)
        assert reaches(client, response.id, "completed")
        assert client.responses.retrieve(response.id).output_text == "scripted"
        costs: Any = client.get(f"{server_api}/costs", cast_to=object)
        assert json.dumps(costs).count("gpt-4o-mini") >= 1


class TestCancelling:
    @pytest.mark.parametrize("passed", [0, STATE])
    def test_an_unfinished_one_is_cancelled(
        self, frozen: tuple[MockServer, openai.OpenAI], passed: int
    ) -> None:
        server, client = frozen
        response = begun(client)
        server.clock.advance(passed)
        assert reaches(client, response.id, "in_progress" if passed else "queued")
        cancelled = client.responses.cancel(response.id)
        assert (cancelled.status, cancelled.output, cancelled.usage) == ("cancelled", [], None)
        assert client.responses.cancel(response.id) == cancelled
        server.clock.advance(10 * STATE)
        assert client.responses.retrieve(response.id) == cancelled

    def test_an_ended_one_stays_as_it_is(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        server, client = frozen
        response = begun(client)
        server.clock.advance(2 * STATE)
        assert reaches(client, response.id, "completed")
        assert client.responses.cancel(response.id) == client.responses.retrieve(response.id)

    def test_others_are_refused(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        _, client = frozen
        response = client.responses.create(model="gpt-4o-mini", input="Hi")
        with pytest.raises(openai.BadRequestError, match=r"Cannot cancel a synchronous response\."):
            client.responses.cancel(response.id)
        with pytest.raises(openai.NotFoundError, match=r"Response with id 'resp_x' not found\."):
            client.responses.cancel("resp_x")

    def test_a_cancelled_one_frees_its_conversation(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        _, client = frozen
        conversation = client.conversations.create()
        client.responses.cancel(begun(client, conversation=conversation.id).id)
        assert client.conversations.items.list(conversation.id).data == []
        assert client.responses.create(model="gpt-4o-mini", input="Hi", conversation=conversation.id).id
        client.responses.delete(begun(client, conversation=conversation.id).id)
        assert client.responses.create(model="gpt-4o-mini", input="Hi", conversation=conversation.id).id


class TestStreams:
    def test_all_events_are_read_later_from_any_number(self) -> None:
        with serving(background_seconds=0.0) as (_, client):
            events = list(begun(client, stream=True))
            names = [event.type.removeprefix("response.") for event in events]
            assert names[:4] == ["created", "queued", "in_progress", "output_item.added"]
            assert names[-1] == "completed"
            assert [event.sequence_number for event in events] == list(range(len(events)))
            assert [event.response.status for event in events[:3]] == ["queued", "queued", "in_progress"]
            identifier = events[0].response.id
            assert list(client.responses.retrieve(identifier, stream=True)) == events
            assert list(client.responses.retrieve(identifier, stream=True, starting_after=4)) == events[5:]
            assert list(client.responses.retrieve(identifier, stream=True, starting_after=10_000)) == []
            final = client.responses.retrieve(identifier).to_dict()
            assert events[-1].response.to_dict() == {
                name: value for name, value in final.items() if name != "billing"
            }

    def test_deltas_are_filled_up_or_not(self) -> None:
        def fillings(events: Any) -> list[str | None]:
            deltas = [event.to_dict() for event in events if event.type == "response.output_text.delta"]
            return [each.get("obfuscation") for each in deltas]

        with serving(background_seconds=0.0) as (_, client):
            events = list(begun(client, stream=True))
            assert None not in fillings(events)
            retrieve = client.responses.retrieve
            plain = retrieve(events[0].response.id, stream=True, include_obfuscation=False)
            assert set(fillings(plain)) == {None}
            options = {"include_obfuscation": False}
            bare = list(begun(client, stream=True, stream_options=options))
            assert set(fillings(bare)) == {None}
            filled = retrieve(bare[0].response.id, stream=True, include_obfuscation=True)
            assert None not in fillings(filled)

    def test_events_come_when_they_are_due_from_any_connection(
        self, frozen: tuple[MockServer, openai.OpenAI]
    ) -> None:
        server, client = frozen
        first: list[Any] = []
        stream = begun(client, stream=True)
        reader = Thread(target=lambda: first.extend(stream))
        reader.start()
        assert eventually(lambda: len(first) == 2)
        identifier = first[0].response.id
        server.clock.advance(STATE + STATE / 2)
        assert eventually(lambda: len(first) > 3)
        assert "response.completed" not in [event.type for event in first]
        second: list[Any] = []
        late = client.responses.retrieve(identifier, stream=True, starting_after=1)
        other = Thread(target=lambda: second.extend(late))
        other.start()
        server.clock.advance(STATE)
        reader.join(30)
        other.join(30)
        assert first[-1].type == second[-1].type == "response.completed"
        assert first[2:] == second

    def test_a_stream_ends_when_the_response_is_cancelled(
        self, frozen: tuple[MockServer, openai.OpenAI]
    ) -> None:
        _, client = frozen
        stream = begun(client, stream=True)
        identifier = next(stream).response.id
        client.responses.cancel(identifier)
        assert [event.type for event in stream] == ["response.queued"]
        replayed = client.responses.retrieve(identifier, stream=True)
        assert [event.type for event in replayed] == ["response.created", "response.queued"]

    def test_a_client_that_leaves_does_not_stop_the_work(
        self, frozen: tuple[MockServer, openai.OpenAI]
    ) -> None:
        server, client = frozen
        identifier = streamed(client)
        server.clock.advance(2 * STATE)
        assert reaches(client, identifier, "completed")

    def test_refusals(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        server, client = frozen
        at_once = client.responses.create(model="gpt-4o-mini", input="Hi").id
        unstreamed = begun(client).id
        left = streamed(client)
        server.clock.advance(300)
        for identifier, message, code in (
            (at_once, "cannot be streamed because it was not created with background=true.", "stream"),
            (unstreamed, "cannot be streamed because it was not created with stream=true.", "stream"),
            (left, "can no longer be streamed because it is more than 5 minutes old", None),
        ):
            with pytest.raises(openai.BadRequestError) as refused:
                client.responses.retrieve(identifier, stream=True)
            assert refused.value.body["message"] == f"This response {message}"  # type: ignore[index]
            assert refused.value.param == code
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve("resp_x", stream=True)

    def test_events_are_forgotten_after_five_minutes(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        server, client = frozen
        identifier = streamed(client)

        def kept() -> list[str]:
            ((_, _, value),) = services_of(server.app).store.all("response")
            return list(value["background"]["events"])

        server.clock.advance(2 * STATE)
        assert reaches(client, identifier, "completed")
        assert kept()
        server.clock.advance(300)
        assert eventually(lambda: not kept())

    @pytest.mark.parametrize(
        "query", ["stream=x", "starting_after=x", "include_obfuscation=7", "include[]=everything"]
    )
    def test_bad_queries_are_refused(
        self, send: Send, client: openai.OpenAI, api_key: str, query: str
    ) -> None:
        identifier = client.responses.create(model="gpt-4o-mini", input="Hi").id
        response = send("GET", f"/v1/responses/{identifier}?{query}", key=api_key)
        assert response.status == 400, response.body

    @pytest.mark.parametrize("given", [2**63, 10**30, -1, -(10**30)])
    def test_an_integer_that_is_no_number_of_an_event_is_called_an_integer(
        self, send: Send, client: openai.OpenAI, api_key: str, given: int
    ) -> None:
        identifier = client.responses.create(model="gpt-4o-mini", input="Hi", background=True).id
        path = f"/v1/responses/{identifier}?stream=true&starting_after={given}"
        response = send("GET", path, key=api_key)
        error: Any = response.json()
        bound = "above maximum value" if given > 0 else "below minimum value"
        sign = "<= 9223372036854775807" if given > 0 else ">= 0"
        assert error["error"]["message"] == (
            f"Invalid 'starting_after': integer {bound}. Expected a value {sign}, but got {given} instead."
        )

    def test_a_huge_limit_is_called_an_integer(self, send: Send, client: openai.OpenAI, api_key: str) -> None:
        identifier = client.responses.create(model="gpt-4o-mini", input="Hi").id
        path = f"/v1/responses/{identifier}/input_items?limit={10**30}"
        error: Any = send("GET", path, key=api_key).json()
        assert error["error"]["code"] == "integer_above_max_value"
        lenient = send("GET", path, headers={"x-mock-strictness": "schema"}, key=api_key)
        assert lenient.status == 200


class TestRepliesOfAnotherServer:
    """With ``reply_from`` the output is made in the background, too, because it takes as long as the other server."""

    @pytest.fixture
    def silent(self) -> Iterator[str]:
        """Yield the address of a server that accepts requests, and answers none."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1"

    def test_they_are_in_the_response(self) -> None:
        with (
            serving() as (other, _),
            serving(reply_from=f"{other.url}/v1", background_seconds=0.0) as (_, client),
        ):
            response = begun(client)
            assert response.status == "queued"
            assert reaches(client, response.id, "completed")
            assert "Hello there" in client.responses.retrieve(response.id).output_text
            events = list(begun(client, stream=True))
            assert [event.sequence_number for event in events] == list(range(len(events)))
            assert events[-1].type == "response.completed"
            assert list(client.responses.retrieve(events[0].response.id, stream=True)) == events

    def test_a_failure_fails_the_response(self) -> None:
        with serving(reply_from="http://127.0.0.1:9/v1", background_seconds=0.0) as (_, client):
            conversation = client.conversations.create()
            response = begun(client, conversation=conversation.id)
            assert reaches(client, response.id, "failed")
            failed = client.responses.retrieve(response.id)
            assert failed.error is not None
            assert (failed.error.code, failed.output) == ("server_error", [])
            assert "gave no reply" in failed.error.message
            assert client.conversations.items.list(conversation.id).data == []
            create: Any = client.responses.with_raw_response.create
            body = create(model="gpt-4o-mini", input="Hi", background=True, stream=True).http_response.read()
            assert [line for line in body.decode().splitlines() if line.startswith("event: ")] == [
                *("event: response.created", "event: response.queued", "event: response.in_progress"),
                *("event: error", "event: response.failed"),
            ]

    def test_waiting_ones_are_cancelled(self, silent: str) -> None:
        with serving(reply_from=silent, background_seconds=0.0) as (_, client):
            response = begun(client)
            assert reaches(client, response.id, "in_progress")
            assert client.responses.cancel(response.id).status == "cancelled"

    def test_after_a_restart_waiting_ones_have_failed(self, silent: str, tmp_path: Path) -> None:
        state = str(tmp_path / "state")
        with serving(reply_from=silent, background_seconds=0.0, state=state) as (_, client):
            response = begun(client)
            assert reaches(client, response.id, "in_progress")
        with serving(state=state) as (_, client):
            assert reaches(client, response.id, "failed")
            failed = client.responses.retrieve(response.id)
            assert failed.error is not None
            assert failed.error.message == "The server was stopped before the output was made."

    def test_stubs_answer_at_once(self, silent: str) -> None:
        with serving(reply_from=silent, background_seconds=0.0) as (server, client):
            stub = {"when": {"endpoint": "responses"}, "reply": {"text": "scripted"}}
            client.post(f"{server.url}/_mock/stubs", body=stub, cast_to=object)
            response = begun(client)
            assert reaches(client, response.id, "completed")


class TestRestarts:
    def test_unfinished_ones_continue(self, tmp_path: Path) -> None:
        state = str(tmp_path / "state")
        with serving(state=state) as (_, client):
            conversation = client.conversations.create()
            response = begun(client, conversation=conversation.id)
            left = streamed(client)
        with serving(state=state) as (server, client):
            assert client.responses.retrieve(response.id) == response
            with pytest.raises(openai.BadRequestError):
                client.responses.create(model="gpt-4o-mini", input="Hi", conversation=conversation.id)
            server.clock.advance(2 * STATE)
            assert reaches(client, response.id, "completed")
            assert reaches(client, left, "completed")
            assert len(client.conversations.items.list(conversation.id).data) == 2
            replayed = list(client.responses.retrieve(left, stream=True))
            assert replayed[-1].type == "response.completed"

    @pytest.mark.parametrize("status", ["completed", "cancelled"])
    def test_webhooks_are_sent_once_although_a_server_is_killed_at_the_end(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: str
    ) -> None:
        state = str(tmp_path / "state")
        with monkeypatch.context() as killed, serving(state=state) as (server, client):
            killed.setattr(Webhooks, "announce", Mock(side_effect=StateFailed("killed")))
            server.webhooks.add("http://127.0.0.1:9/", events=["response.*"])
            response = begun(client)
            if status == "cancelled":
                client.responses.cancel(response.id)
            server.clock.advance(2 * STATE)
            assert reaches(client, response.id, status)
        for _ in range(2):
            with serving(state=state) as (server, _):
                (sent,) = server.webhooks.wait_for("response.*", status="pending")
                assert (sent.type, sent.event["data"]) == (f"response.{status}", {"id": response.id})

    def test_a_reset_removes_them(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        server, client = frozen
        stream = begun(client, stream=True)
        identifier = next(stream).response.id
        client.post(f"{server.url}/_mock/reset", cast_to=object)
        assert [event.type for event in stream] in (["response.queued"], [])
        with pytest.raises(openai.NotFoundError):
            client.responses.retrieve(identifier)

    def test_a_snapshot_brings_them_back(self, frozen: tuple[MockServer, openai.OpenAI]) -> None:
        server, client = frozen
        response = begun(client)
        snapshot: Any = client.get(f"{server.url}/_mock/snapshot", cast_to=object)
        client.post(f"{server.url}/_mock/reset", cast_to=object)
        client.put(f"{server.url}/_mock/snapshot", body=snapshot, cast_to=object)
        server.clock.advance(2 * STATE)
        assert reaches(client, response.id, "completed")


def test_readers_of_a_stream_wait_for_a_disk_with_patience(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = 0
    due = progress.events_due

    def counted(value: Any, now: float) -> int:
        nonlocal looks
        looks += 1
        return due(value, now)

    monkeypatch.setattr(progress, "events_due", counted)
    with serving(state=str(tmp_path / "state")) as (server, client):
        store = services_of(server.app).store
        stream = begun(client, stream=True)
        next(stream)
        monkeypatch.setattr(store, "_draft", Mock(side_effect=StateFailed("full")))
        server.clock.advance(STATE)
        sleep(0.5)
        monkeypatch.undo()
        assert looks < 200
        server.clock.advance(STATE)
        assert [event.type for event in stream][-1] == "response.completed"


def test_a_stream_is_read_to_its_end_although_the_clock_leaps(
    frozen: tuple[MockServer, openai.OpenAI],
) -> None:
    server, client = frozen
    stream = begun(client, stream=True)
    identifier = next(stream).response.id
    server.clock.advance(86_400)
    assert [event.type for event in stream][-1] == "response.completed"
    with pytest.raises(openai.BadRequestError, match="more than 5 minutes old"):
        client.responses.retrieve(identifier, stream=True)
    store = services_of(server.app).store
    assert eventually(lambda: store.all("response")[0][2]["background"]["events"] == [])
