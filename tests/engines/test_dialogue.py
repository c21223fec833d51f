"""The built-in responder: its replies and its calls of tools."""

from __future__ import annotations

import json

import jsonschema
import pytest

from mockserver.engines.answered_by import AnsweredBy
from mockserver.engines.dialogue import (
    GREETING,
    Conversation,
    FixedResponder,
    Reply,
    ReplyFailed,
    Tool,
    ToolCall,
    Turn,
)

WEATHER = Tool("get_weather", {"type": "object", "properties": {"city": {"type": "string"}}})
CLOCK = Tool("currentTime", {"type": "object"})
SHELL = Tool("shell", {}, custom=True)


def reply(*turns: Turn, **wishes: object) -> Reply:
    return FixedResponder().reply(Conversation(turns, **wishes))  # type: ignore[arg-type]


def names(answer: Reply) -> list[str]:
    return [call.name for call in answer.tool_calls]


@pytest.mark.parametrize(
    ("turn", "said"),
    [
        (Turn("user", "Hi"), "You wrote: Hi."),
        (Turn("user", "Really?"), "You wrote: Really?"),
        (Turn("user", transcript="Good morning"), "I heard you say: Good morning."),
        (Turn("user", "Hi", "Hello!"), "You wrote: Hi. And I heard you say: Hello!"),
        (Turn("user", transcript=""), "I heard nothing but silence."),
        (Turn("user"), GREETING),
        (Turn("system", "Be kind."), GREETING),
        (Turn("tool", "18 degrees"), "The tool answered: 18 degrees"),
        (Turn("function", ""), "The tool answered nothing."),
    ],
)
def test_it_repeats_the_turn(turn: Turn, said: str) -> None:
    assert reply(turn) == Reply(AnsweredBy("responder"), said)


def test_it_answers_the_last_user() -> None:
    said = reply(Turn("user", "One"), Turn("assistant", "1"), Turn("user", "Two"), Turn("assistant", "2"))
    assert said.text == "You wrote: Two."


def test_it_greets_whoever_says_nothing() -> None:
    assert reply().text == GREETING


@pytest.mark.parametrize(
    ("words", "called"),
    [
        ("How is the weather?", ["get_weather"]),
        ("WEATHER and time", ["get_weather", "currentTime"]),
        ("Get me a coffee", []),
        ("Whether or not", []),
    ],
)
def test_it_calls_the_tools_that_are_spoken_of(words: str, called: list[str]) -> None:
    assert names(reply(Turn("user", words), tools=(WEATHER, CLOCK))) == called
    assert names(reply(Turn("user", transcript=words), tools=(WEATHER, CLOCK))) == called


def test_one_call_at_a_time_where_more_are_forbidden() -> None:
    turn = Turn("user", "weather and time")
    assert names(reply(turn, tools=(WEATHER, CLOCK), parallel_tool_calls=False)) == ["get_weather"]


def test_a_demanded_tool_is_called_even_after_a_result() -> None:
    assert names(reply(Turn("user", "Hi"), tools=(WEATHER,), demanded=(WEATHER,))) == ["get_weather"]
    assert names(reply(Turn("tool", "x"), tools=(WEATHER,), demanded=(WEATHER,))) == ["get_weather"]


def calling(tool: Tool) -> Turn:
    return Turn("assistant", calls={f"call_{tool.name}": ToolCall(tool.name, "{}", tool.custom)})


def test_a_demanded_tool_is_not_called_twice_before_the_others() -> None:
    tools = (WEATHER, CLOCK, SHELL)
    conversation = [Turn("user", "What time is it?")]
    called = []
    for _ in range(5):
        answer = reply(*conversation, tools=tools, demanded=tools)
        called += names(answer)
        tool = next(tool for tool in tools if tool.name == called[-1])
        conversation += [calling(tool), Turn("tool", "done", answers=f"call_{tool.name}")]
    assert called == ["currentTime", "get_weather", "shell", "shell", "shell"]
    assert names(reply(*conversation, Turn("user", "Again"), tools=tools, demanded=tools)) == ["get_weather"]


def test_the_only_demanded_tool_is_called_again() -> None:
    asked = (
        Turn("user", "What time is it?"),
        calling(CLOCK),
        Turn("tool", "noon", answers="call_currentTime"),
    )
    assert names(reply(*asked, tools=(WEATHER, CLOCK), demanded=(CLOCK,))) == ["currentTime"]


def test_what_is_no_schema_asks_for_nothing() -> None:
    assert reply(Turn("user", "Hi"), json_schema={"type": "strin"}).text == '{"reply":"Hi"}'


def test_of_several_demanded_tools_the_one_that_is_spoken_of_is_called() -> None:
    both = (WEATHER, CLOCK)
    assert names(reply(Turn("user", "What time is it?"), tools=both, demanded=both)) == ["currentTime"]


def test_a_result_is_repeated_and_the_tool_is_not_called_again() -> None:
    turns = (Turn("user", "weather?"), Turn("assistant"), Turn("tool", "The weather is fine"))
    assert reply(*turns, tools=(WEATHER,)).text == "The tool answered: The weather is fine"


def test_arguments_are_valid_json_made_from_the_words() -> None:
    schema = {**WEATHER.parameters, "required": ["city"]}
    (call,) = reply(Turn("user", "weather"), tools=(Tool("get_weather", schema),)).tool_calls
    jsonschema.validate(json.loads(call.arguments), schema)


def test_a_custom_tool_gets_the_words_themselves() -> None:
    (call,) = reply(Turn("user", "ls -l"), tools=(SHELL,), demanded=(SHELL,)).tool_calls
    assert (call.arguments, call.custom) == ("ls -l", True)


def test_json_is_an_object_of_the_words_or_of_the_schema() -> None:
    turn = Turn("user", transcript="Grüße")
    assert json.loads(reply(turn, json_schema={}).text) == {"reply": "Grüße"}
    schema = {"type": "array", "items": {"type": "integer"}, "minItems": 2}
    jsonschema.validate(json.loads(reply(turn, json_schema=schema).text), schema)


def test_a_schema_that_nothing_satisfies_is_a_failure_to_reply() -> None:
    with pytest.raises(ReplyFailed, match="no value fits the schema"):
        reply(Turn("user", "Hi"), json_schema={"type": "integer", "minimum": 2, "maximum": 1})


def test_the_same_conversation_gets_the_same_reply() -> None:
    turns = (Turn("user", "The weather and the time, please"),)
    assert reply(*turns, tools=(WEATHER, CLOCK)) == reply(*turns, tools=(WEATHER, CLOCK))
