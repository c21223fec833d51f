"""The console of tables."""

from __future__ import annotations

import io

import pytest

from mockserver.commands.consoles import table_console


def test_names_are_not_folded_where_there_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS")
    monkeypatch.setattr("sys.stdout", io.StringIO())
    assert table_console().width >= 140


def test_a_width_that_is_asked_for_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert table_console().width == 60
