"""Reason phrases are those of Werkzeug, on every version of Python."""

from __future__ import annotations

from werkzeug.http import HTTP_STATUS_CODES

from mockserver.transport.reasons import REASONS


def test_each_status_has_the_reason_that_werkzeug_gives() -> None:
    assert REASONS == HTTP_STATUS_CODES
