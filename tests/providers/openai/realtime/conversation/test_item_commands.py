"""The client's events for items, and the events that answer them."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from mockserver.testing.audio_api import AudioApi
from tests.providers.openai.realtime.conftest import Body, Talk, kinds, silence

WRITTEN = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hi."}]}
PIXEL = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def create(talk: Talk, item: Body | None = None, **members: Any) -> Body:
    """Create an item, and return the event that it is done."""
    talk.send("conversation.item.create", item=item or WRITTEN, **members)
    added, done = talk.until("conversation.item.done")
    assert added["type"] == "conversation.item.added"
    assert {**added, "type": done["type"], "event_id": done["event_id"]} == done
    assert list(done) == ["type", "event_id", "previous_item_id", "item"]
    return done


def error_of(talk: Talk, kind: str, **members: Any) -> tuple[str | None, str | None, str]:
    """Return code, param and message of the error that answers an event."""
    talk.send(kind, event_id="mine", **members)
    error = talk.error()
    anonymous = kind.endswith((".delete", ".retrieve"))
    assert error["event_id"] == (None if anonymous else "mine")
    return error["code"], error["param"], error["message"]


def spoken_reply(talk: Talk, api: AudioApi) -> Body:
    """Have the model say something, and return the item."""
    api.on("realtime").say("I am doing fine today, thanks!")
    talk.say("How are you?")
    item: Body = talk.until("rate_limits.updated")[-2]["response"]["output"][0]
    return item


@pytest.mark.parametrize(
    ("item", "members"),
    [
        (WRITTEN, ["id", "type", "status", "role", "content"]),
        (
            {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"},
            ["id", "type", "status", "name", "call_id", "arguments"],
        ),
        (
            {
                "type": "message",
                "role": "assistant",
                "content": [{"type": "output_text", "text": "Hello."}],
            },
            ["id", "type", "status", "role", "content"],
        ),
        (
            {"type": "message", "role": "system", "content": [{"type": "input_text", "text": "Be kind."}]},
            ["id", "type", "status", "role", "content"],
        ),
    ],
)
def test_an_item_is_echoed_whole_and_completed(talk: Talk, item: Body, members: list[str]) -> None:
    echoed = create(talk, item)["item"]
    assert list(echoed) == members
    assert echoed["id"].startswith("item_")
    assert echoed == {"id": echoed["id"], "status": "completed"} | item


def test_items_follow_one_another_unless_the_client_says_where(talk: Talk) -> None:
    first = create(talk, WRITTEN | {"id": "first"})
    assert (first["previous_item_id"], first["item"]["id"]) == (None, "first")
    assert create(talk, WRITTEN | {"id": "last"}, previous_item_id=None)["previous_item_id"] == "first"
    assert create(talk, WRITTEN | {"id": "root"}, previous_item_id="root")["previous_item_id"] is None
    assert create(talk, WRITTEN | {"id": "mid"}, previous_item_id="first")["previous_item_id"] == "first"
    assert create(talk, previous_item_id="")["previous_item_id"] == "last"
    refused = error_of(talk, "conversation.item.create", item=WRITTEN, previous_item_id="nope")
    message = "Error adding item: the previous item with id 'nope' does not exist."
    assert refused == ("item_create_invalid_previous_item_id", None, message)


def test_an_id_can_be_given_twice(talk: Talk) -> None:
    create(talk, WRITTEN | {"id": "twice"})
    again = create(talk, WRITTEN | {"id": "twice"})
    assert (again["previous_item_id"], again["item"]["id"]) == ("twice", "twice")
    other = create(talk, WRITTEN | {"id": "other"})
    assert other["previous_item_id"] == "twice"
    assert create(talk, WRITTEN | {"id": "twice"})["previous_item_id"] == "twice"
    for _ in range(3):
        talk.send("conversation.item.delete", item_id="twice")
        talk.until("conversation.item.deleted")
    assert create(talk, WRITTEN | {"id": "twice"})["previous_item_id"] == "other"


def test_the_result_of_a_call_has_no_status(talk: Talk) -> None:
    call = {"type": "function_call", "name": "f", "call_id": "call_1", "arguments": "{}"}
    create(talk, call)
    output = {"type": "function_call_output", "call_id": "call_1", "output": ""}
    assert list(create(talk, output)["item"]) == ["id", "type", "call_id", "output"]


def test_the_result_of_an_unknown_call_is_refused(talk: Talk) -> None:
    output = {"type": "function_call_output", "call_id": "call_1", "output": "{}"}
    refused = error_of(talk, "conversation.item.create", item=output)
    assert refused == ("invalid_tool_call_id", None, "Tool call ID 'call_1' not found in conversation.")
    talk.send("conversation.item.retrieve", item_id="item_1")
    assert talk.error()["code"] == "item_retrieve_invalid_item_id"  # nothing was added before


def test_items_of_mcp_servers_are_accepted(talk: Talk) -> None:
    item = {"approval_request_id": "mcpr_1", "approve": True, "id": "mine", "type": "mcp_approval_response"}
    echoed = create(talk, item)["item"]
    assert list(echoed) == ["id", "type", "approval_request_id", "approve"]
    assert echoed == item


def test_pictures_are_accepted(talk: Talk) -> None:
    content = [{"type": "input_image", "image_url": PIXEL}]
    shown = create(talk, WRITTEN | {"content": content})["item"]["content"]
    assert shown == [{"type": "input_image", "image_url": PIXEL, "detail": "auto"}]


def test_sound_is_accepted_and_can_be_retrieved(talk: Talk) -> None:
    sound = base64.b64encode(silence(200)).decode()
    item = create(talk, WRITTEN | {"content": [{"type": "input_audio", "audio": sound}]})["item"]
    assert item["content"] == [{"type": "input_audio", "transcript": None}]
    talk.send("conversation.item.retrieve", item_id=item["id"])
    (event,) = talk.until("conversation.item.retrieved")
    assert list(event) == ["type", "event_id", "item"]
    assert list(event["item"]) == ["id", "object", "type", "status", "role", "content"]
    part = {"type": "input_audio", "transcript": None, "audio": sound, "format": "pcm16"}
    assert event["item"]["content"] == [part]


def test_sound_that_is_no_base64_is_refused(talk: Talk) -> None:
    content = [{"type": "input_text", "text": "Hi."}, {"type": "input_audio", "audio": "*"}]
    code, param, _ = error_of(talk, "conversation.item.create", item=WRITTEN | {"content": content})
    assert (code, param) == ("invalid_value", "item.content[1].audio")


def test_items_are_deleted_once(talk: Talk) -> None:
    create(talk, WRITTEN | {"id": "a"})
    create(talk, WRITTEN | {"id": "b"})
    talk.send("conversation.item.delete", item_id="b")
    (event,) = talk.until("conversation.item.deleted")
    assert {name: event[name] for name in list(event)[2:]} == {"item_id": "b"}
    message = "Error deleting item: the item with id 'b' does not exist."
    refused = error_of(talk, "conversation.item.delete", item_id="b")
    assert refused == ("item_delete_invalid_item_id", None, message)
    assert create(talk)["previous_item_id"] == "a"


def test_an_unknown_item_cannot_be_retrieved(talk: Talk) -> None:
    message = "Error retrieving item: the item with id 'x' does not exist."
    refused = error_of(talk, "conversation.item.retrieve", item_id="x")
    assert refused == ("item_retrieve_invalid_item_id", None, message)


def test_what_the_model_said_is_cut_and_its_words_are_dropped(talk: Talk, api: AudioApi) -> None:
    item_id = spoken_reply(talk, api)["id"]
    talk.send("conversation.item.truncate", item_id=item_id, content_index=0.0, audio_end_ms=500.0)
    (event,) = talk.until("conversation.item.truncated")
    assert {name: event[name] for name in list(event)[2:]} == {
        "item_id": item_id,
        "content_index": 0,
        "audio_end_ms": 500,
    }
    talk.send("conversation.item.retrieve", item_id=item_id)
    (part,) = talk.receive()["item"]["content"]
    assert list(part) == ["type", "transcript", "audio", "format"]
    assert (part["type"], part["transcript"], part["format"]) == ("audio", "", "pcm16")
    assert len(base64.b64decode(part["audio"])) == len(silence(500))
    refused = error_of(
        talk, "conversation.item.truncate", item_id=item_id, content_index=0, audio_end_ms=9_000
    )
    assert refused == ("invalid_value", None, "Audio content of 500ms is already shorter than 9000ms")


def test_only_what_the_model_said_can_be_cut(talk: Talk, api: AudioApi) -> None:
    create(talk, WRITTEN | {"id": "mine"})
    at = {"content_index": 0, "audio_end_ms": 0}
    refused = error_of(talk, "conversation.item.truncate", item_id="mine", **at)
    message = "Only model output audio messages can be truncated"
    assert refused == ("unsupported_content_type", None, message)
    item_id = spoken_reply(talk, api)["id"]
    other = error_of(talk, "conversation.item.truncate", item_id=item_id, **at | {"content_index": 1})
    assert other == refused
    unknown = error_of(talk, "conversation.item.truncate", item_id="item_x", **at)
    assert unknown == ("item_truncate_invalid_item_id", None, "Item with item_id not found: item_x")


def test_items_are_added_while_a_response_is_in_progress(talk: Talk, api: AudioApi) -> None:
    api.on("realtime").say("This takes a while, because it is a long answer.")
    talk.say("Go on.")
    reply = talk.until("response.output_item.added")[-1]["item"]["id"]
    talk.send("conversation.item.create", item=WRITTEN)
    until = talk.until("response.done")
    added = [event for event in until if event["type"] == "conversation.item.added"]
    assert added[-1]["previous_item_id"] == reply
    assert kinds(until)[-1] == "response.done"
