"""Stubs for requests that continue a response or a conversation, with the official SDK."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import openai
import pytest

from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer

MODEL = "gpt-4o-mini"


@pytest.fixture
def weather(api: AudioApi) -> AudioApi:
    """Return the account with a stub that calls a tool, and then says what the tool found."""
    api.on_response(user_text="weather").call_tool("get_weather", city="Rome").then.say("It is sunny.")
    return api


@pytest.fixture
def asked(client: openai.OpenAI) -> Callable[..., Any]:
    create: Any = client.responses.create
    return lambda given, **members: create(model=MODEL, input=given, **members)


@pytest.fixture
def stranger(server: MockServer) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=server.base_url, api_key="sk-mock-tier-5-stranger", max_retries=0) as client:
        yield client


def result_of(response: Any) -> list[dict[str, Any]]:
    """Return the input with the result of the tool that a response calls."""
    (call,) = response.output
    assert call.type == "function_call"
    return [{"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}]


def test_results_alone_are_matched_by_the_question_of_the_response(
    weather: AudioApi, asked: Callable[..., Any]
) -> None:
    first = asked("How is the weather?")
    second = asked(result_of(first), previous_response_id=first.id)
    assert second.output_text == "It is sunny."
    weather.verify_response(user_text={"equals": "How is the weather?"}, times=2)


def test_the_question_may_be_several_responses_before(weather: AudioApi, asked: Callable[..., Any]) -> None:
    weather.on_response(user_text="weather").call_tool("a").then.call_tool("b").then.say("Done.")
    response = asked("Hello.")
    response = asked("How is the weather?", previous_response_id=response.id)
    for _ in range(2):
        response = asked(result_of(response), previous_response_id=response.id)
    assert response.output_text == "Done."


def test_a_message_of_its_own_comes_first(weather: AudioApi, asked: Callable[..., Any]) -> None:
    first = asked("How is the weather?")
    own = {"role": "user", "content": "Thanks."}
    second = asked([*result_of(first), own], previous_response_id=first.id)
    assert second.output_text == "You wrote: Thanks."


def test_results_alone_are_matched_by_the_question_of_the_conversation(
    weather: AudioApi, client: openai.OpenAI, asked: Callable[..., Any]
) -> None:
    conversation = client.conversations.create().id
    first = asked("How is the weather?", conversation=conversation)
    assert asked(result_of(first), conversation=conversation).output_text == "It is sunny."
    weather.verify_response(user_text="weather", times=2)


def test_the_question_may_be_in_the_conversation_from_the_beginning(
    weather: AudioApi, client: openai.OpenAI, asked: Callable[..., Any]
) -> None:
    items: Any = [{"role": "user", "content": "Hello."}, {"role": "user", "content": "How is the weather?"}]
    conversation = client.conversations.create(items=items).id
    assert result_of(asked([], conversation=conversation))


def test_what_another_account_continues_is_not_read(
    server: MockServer, asked: Callable[..., Any], stranger: openai.OpenAI
) -> None:
    first = asked("How is the weather?")
    api = server.account(stranger.api_key)
    api.on_response(user_text="weather").say("Heard.")
    create: Any = stranger.responses.create
    given = {"model": MODEL, "input": [{"role": "developer", "content": "Go on."}]}
    given["previous_response_id"] = first.id
    with pytest.raises(openai.BadRequestError, match="not found"):
        create(**given)
    answered = create(**given, extra_headers={"x-mock-strictness": "schema"})
    assert answered.output_text != "Heard."
    assert [entry["user_text"] for entry in api.journal] == [None, None]


def test_what_does_not_exist_is_refused_as_without_stubs(
    weather: AudioApi, asked: Callable[..., Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refused:
        asked([], previous_response_id="resp_" + "0" * 48)
    assert refused.value.code == "previous_response_not_found"
    with pytest.raises(openai.NotFoundError):
        asked([], conversation="conv_" + "0" * 48)
