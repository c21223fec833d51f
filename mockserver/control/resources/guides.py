"""``/_mock/llms.txt`` and ``/_mock/docs``: the guides, for agents and people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask

from mockserver import guides
from mockserver.control.operation import NotFound

if TYPE_CHECKING:
    from mockserver.control.contexts import ServerContext
    from mockserver.control.operation import Call


def show_index(_: ServerContext, __: Call) -> flask.Response:
    """Return the index of the guides for language models."""
    return flask.Response(guides.llms_file().read_bytes(), content_type="text/plain; charset=utf-8")


def show(_: ServerContext, call: Call) -> flask.Response:
    """Return a guide, in Markdown."""
    guide = guides.guide(call.path["name"])
    if guide is None or not guide.path.is_file():
        raise NotFound(f"Unknown guide {call.path['name']!r}. GET /_mock/llms.txt lists them.")
    return flask.Response(guide.path.read_bytes(), content_type="text/markdown; charset=utf-8")
