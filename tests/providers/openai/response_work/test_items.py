"""The items of inputs: their form, their ids, and what is shown of them."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from mockserver.providers.openai.response_work.items import prefix_of, read_items, shown

TEXT = {"type": "input_text", "text": "Hi"}
ANSWER = {"type": "output_text", "annotations": [], "logprobs": [], "text": "Hello"}


def read(given: object) -> list[dict[str, Any]]:
    numbers = itertools.count(1)
    return read_items(given, lambda prefix: f"{prefix}_{next(numbers)}")


def test_a_text_is_a_message() -> None:
    (item,) = read("Hi")
    assert list(item.items()) == [
        ("id", "msg_1"),
        ("type", "message"),
        ("status", "completed"),
        ("content", [TEXT]),
        ("role", "user"),
    ]


@pytest.mark.parametrize(
    ("role", "part"), [("user", TEXT), ("system", TEXT), ("developer", TEXT), ("assistant", ANSWER)]
)
def test_the_text_of_a_message_becomes_a_part(role: str, part: dict[str, Any]) -> None:
    (item,) = read([{"role": role, "content": part["text"]}])
    assert item["content"] == [part]
    assert list(item["content"][0]) == list(part)


@pytest.mark.parametrize(
    ("given", "members"),
    [
        (
            {"type": "function_call", "name": "f", "call_id": "c", "arguments": "{}"},
            ["id", "type", "status", "arguments", "call_id", "name"],
        ),
        (
            {"type": "function_call_output", "output": "7", "call_id": "c"},
            ["id", "type", "status", "call_id", "output"],
        ),
        ({"type": "reasoning", "summary": []}, ["id", "type", "content", "summary"]),
        ({"type": "compaction", "encrypted_content": "x"}, ["id", "type", "encrypted_content"]),
    ],
    ids=lambda given: given["type"] if isinstance(given, dict) else "",
)
def test_members_are_in_the_order_of_the_api(given: dict[str, Any], members: list[str]) -> None:
    (item,) = read([given])
    assert list(item) == members
    assert item["id"] == f"{prefix_of(given['type'])}_1"


def test_parts_have_all_their_members() -> None:
    content = [
        {"type": "input_image", "image_url": "https://x/y.png"},
        {"type": "input_file", "file_id": "f"},
    ]
    (item,) = read([{"role": "user", "content": content}])
    assert [list(part) for part in item["content"]] == [
        ["type", "detail", "file_id", "image_url"],
        ["type", "file_id", "filename"],
    ]


def test_ids_that_are_given_are_kept_and_references_too() -> None:
    items = read([{"type": "message", "id": "msg_own", "role": "user", "content": "Hi"}, {"id": "rs_7"}])
    assert items[0]["id"] == "msg_own"
    assert items[1] == {"type": "item_reference", "id": "rs_7"}


@pytest.mark.parametrize("given", [None, 7, "", [], [7, None], {"role": "user"}])
def test_what_is_no_item_is_left_out(given: object) -> None:
    assert read(given) == []


@pytest.mark.parametrize(
    ("include", "item", "hidden", "visible"),
    [
        ("code_interpreter_call.outputs", {"type": "code_interpreter_call", "outputs": [1]}, "outputs", None),
        ("file_search_call.results", {"type": "file_search_call", "results": [1]}, "results", None),
        ("reasoning.encrypted_content", {"type": "reasoning", "encrypted_content": "x"}, "", None),
        ("web_search_call.results", {"type": "web_search_call", "results": [1]}, "", None),
    ],
)
def test_some_members_are_shown_on_request(
    include: str, item: dict[str, Any], hidden: str, visible: None
) -> None:
    name = next(name for name in item if name != "type")
    assert shown(item, [include]) == item
    assert shown(item) == ({"type": item["type"]} | ({hidden: visible} if hidden else {}))
    assert item[name], "the stored item is as it was"


def test_members_of_parts_and_actions_are_shown_on_request() -> None:
    image = {"type": "input_image", "detail": "auto", "file_id": None, "image_url": "https://x/y.png"}
    message = {"type": "message", "content": [image, ANSWER | {"logprobs": [{"token": "H"}]}]}
    assert [part.get("image_url") for part in shown(message)["content"]] == [None, None]
    assert shown(message)["content"][1]["logprobs"] == []
    both = ["message.input_image.image_url", "message.output_text.logprobs"]
    assert shown(message, both) == message
    search = {"type": "web_search_call", "action": {"type": "search", "sources": [1]}}
    assert shown(search)["action"] == {"type": "search"}
    assert shown(search, ["web_search_call.action.sources"]) == search


def test_the_bytes_of_files_are_never_shown() -> None:
    part = {"type": "input_file", "file_data": "data:,x", "file_id": None, "filename": "x.txt"}
    (listed,) = shown({"type": "message", "content": [part]})["content"]
    assert listed == {"type": "input_file", "file_id": None, "filename": "x.txt"}
