"""Counts and definitions of several real processes over one SQLite database."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.app import build_services
from mockserver.services import Services
from tests.shared_state.conftest import settings_of
from tests.state.processes import in_processes

ME, USES, STUBS = "org-me/proj_me", 60, 20


def work(store: str) -> tuple[int, list[str]]:
    """Add stubs and use one that answers 60 times. Return how often it was used, and the ids of the added stubs."""
    services = build_services(settings_of(store))
    try:
        shared = services.stubs.get("shared", None)
        assert shared is not None
        uses = [services.stubs.use.take(shared, ME) for _ in range(USES)]
        document = {"when": {}, "reply": {"text": "Hello."}}
        return sum(each is not None for each in uses), [
            services.stubs.add(document, ME).id for _ in range(STUBS)
        ]
    finally:
        services.close()


def ids_of(services: Services) -> list[str]:
    services.refresh()
    return [stub.id for stub in services.stubs.visible(ME)]


@pytest.mark.slow
def test_processes_use_a_stub_as_often_as_it_says_and_agree_on_the_others(tmp_path: Path) -> None:
    store = f"sqlite:{tmp_path / 'store.db'}"
    services = build_services(settings_of(store))
    try:
        services.stubs.add({"id": "shared", "times": USES, "when": {}, "reply": {"text": "Hello."}}, None)
        results = in_processes(3, work, store)
        assert sum(uses for uses, _ in results) == USES
        added = [id_ for _, ids in results for id_ in ids]
        assert sorted(added) == sorted(f"stub-{number}" for number in range(1, 3 * STUBS + 1))
        assert sorted(ids_of(services)) == sorted([*added, "shared"])
        late = build_services(settings_of(store))
        assert ids_of(late) == ids_of(services)
        late.close()
    finally:
        services.close()


def test_stubs_of_files_have_their_place_and_their_counters_in_all_processes(tmp_path: Path) -> None:
    stubs = tmp_path / "stubs"
    stubs.mkdir()
    text = "- {id: first, times: 1, when: {}, reply: {text: One.}}\n- {id: second, when: {}, reply: {text: Two.}}\n"
    (stubs / "a.yaml").write_text(text)
    settings = settings_of(f"sqlite:{tmp_path / 'store.db'}", stubs)
    one, other = build_services(settings), build_services(settings)
    try:
        one.stubs.add({"id": "added", "when": {}, "reply": {"text": "Added."}}, None)
        assert ids_of(other) == ["added", "first", "second"]
        first = other.stubs.get("first", None)
        assert first is not None
        assert [services.stubs.use.take(first, ME) for services in (other, one)] == [0, None]
        assert one.stubs.remove("first", None) is not None
        assert ids_of(other) == ["added", "second"]
        one.stubs.add({"id": "second", "when": {}, "reply": {"text": "Replaced."}}, None)
        assert ids_of(other) == ["second", "added"]
    finally:
        one.close()
        other.close()
