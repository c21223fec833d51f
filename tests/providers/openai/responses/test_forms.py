"""The tables of built-in tools and of items."""

from __future__ import annotations

import pydantic
from openai.types.responses import ResponseOutputItem, Tool

from mockserver.providers.openai.response_work.items import prefix_of
from mockserver.providers.openai.responses.forms import built_in_tools, item_forms
from tests.docs.guides import DOCS, table

GIVEN = {
    "computer_use_preview": {"display_height": 1, "display_width": 1, "environment": "browser"},
}


def test_each_item_of_a_tool_has_a_form() -> None:
    forms = item_forms()
    for name, tool in built_in_tools().items():
        assert not tool.item or forms[tool.item].made_up or name.startswith("computer")


def test_the_sdk_knows_the_tools_and_items() -> None:
    tool: pydantic.TypeAdapter[object] = pydantic.TypeAdapter(Tool)
    for name, row in built_in_tools().items():
        tool.validate_python({"type": name, **row.echo, **GIVEN.get(name, {})})
    item: pydantic.TypeAdapter[object] = pydantic.TypeAdapter(ResponseOutputItem)
    for name, form in item_forms().items():
        assert prefix_of(name) != "item"
        shown = {"id": "i_1", "type": name, **form.members, **form.made_up_of("cats")}
        item.validate_python(shown)


def test_the_users_words_are_filled_in_everywhere() -> None:
    made_up = item_forms()["web_search_call"].made_up_of("cats")
    assert (made_up["action"]["query"], made_up["action"]["queries"]) == ("cats", ["cats"])


def test_the_guide_lists_the_tools_and_items() -> None:
    rows = table(DOCS / "responses.md", "tool")
    listed = {name.strip("` ") for row in rows for name in row[0].split(",")}
    known = {name for name, tool in built_in_tools().items() if tool.item and "_20" not in name}
    assert listed == known
    for row in rows:
        items = {built_in_tools()[name.strip("` ")].item for name in row[0].split(",")}
        assert all(f"`{item}`" in row[1] for item in items)
