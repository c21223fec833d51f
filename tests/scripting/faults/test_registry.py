"""The fault that hits a request: triggers, order, accounts, counters, snapshots."""

from __future__ import annotations

import threading
import timeit
from typing import Any

import pytest

from mockserver.clock import Clock
from mockserver.errors import ApiError, ErrorTable
from mockserver.scripting.faults.registry import Fault, Faults
from mockserver.state.memory.counters import MemoryCounters
from tests.matching.test_conditions import KnownFacts

ANN, BOB = "org-ann/proj", "org-bob/proj"
FACTS = KnownFacts()


def new_faults(clock: Clock | None = None, seed: str = "seed") -> Faults:
    return Faults(
        clock or Clock(frozen_at=100.0), seed, ErrorTable(), {"transcriptions", "chat"}, MemoryCounters()
    )


@pytest.fixture
def faults() -> Faults:
    return new_faults()


def hits(faults: Faults, count: int, account_id: str = ANN, header: str | None = None) -> str:
    """Return which of so many requests are hit, as in ``x..x``."""
    return "".join("x" if faults.due(FACTS, account_id, header) else "." for _ in range(count))


def kind_of(fault: Fault | None) -> str | None:
    return (fault.error or fault.kind) if fault else None


def counts(faults: Faults, account_id: str | None = ANN) -> list[tuple[str, int, int]]:
    return [(each.fault.id, each.hits, each.seen) for each in faults.visible(account_id)]


def test_without_faults_nothing_is_hit(faults: Faults) -> None:
    assert not faults
    assert hits(faults, 2) == ".."


def test_a_fault_without_a_trigger_hits_every_request(faults: Faults) -> None:
    faults.add({"fault": "hang"}, ANN)
    assert hits(faults, 3) == "xxx"


def test_times_hits_so_often_and_stays_listed(faults: Faults) -> None:
    faults.add({"error": "server_error", "times": 2}, ANN)
    assert hits(faults, 4) == "xx.."
    assert counts(faults) == [("fault-1", 2, 2)]


def test_every_hits_the_kth_request_first(faults: Faults) -> None:
    faults.add({"fault": "hang", "every": 3}, ANN)
    assert hits(faults, 7) == "..x..x."
    assert counts(faults) == [("fault-1", 2, 7)]


def test_every_and_times_go_together(faults: Faults) -> None:
    faults.add({"fault": "hang", "every": 2, "times": 1}, ANN)
    assert hits(faults, 6) == ".x...."


def test_probability_is_reproduced_from_the_seed() -> None:
    def drawn(seed: str) -> str:
        faults = new_faults(seed=seed)
        faults.add({"fault": "hang", "probability": 0.5}, ANN)
        return hits(faults, 100)

    assert drawn("seed") == drawn("seed")
    assert drawn("seed") != drawn("another")
    assert 30 < drawn("seed").count("x") < 70


def test_a_fault_may_have_a_seed_of_its_own() -> None:
    document = {"fault": "hang", "probability": 0.5, "seed": 7}
    one, other = new_faults(seed="a"), new_faults(seed="b")
    one.add(document, ANN)
    other.add({**document, "id": "by-any-name"}, BOB)
    assert hits(one, 50, ANN) == hits(other, 50, BOB)


def test_chance_does_not_depend_on_what_other_accounts_do(faults: Faults) -> None:
    faults.add({"fault": "hang", "probability": 0.5}, None)
    alone = hits(faults, 50, ANN)
    faults.reset(ANN)
    mixed = "".join(hits(faults, 1, ANN) + hits(faults, 1, BOB) for _ in range(50))
    assert mixed[::2] == mixed[1::2] == alone


@pytest.mark.parametrize(("probability", "expected"), [(0, "....."), (1, "xxxxx")])
def test_what_never_and_what_always_happens(faults: Faults, probability: float, expected: str) -> None:
    faults.add({"fault": "hang", "probability": probability}, ANN)
    assert hits(faults, 5) == expected


def test_a_window_is_one_of_the_clock() -> None:
    clock = Clock(frozen_at=100.0)
    faults = new_faults(clock)
    faults.add({"fault": "hang", "from": 110, "until": 120}, ANN)
    found = ""
    for now in (109.9, 110, 119.9, 120):
        clock.set(now)
        found += hits(faults, 1)
    assert found == ".xx."
    assert counts(faults) == [("fault-1", 2, 2)]


def test_only_requests_of_the_pattern_are_seen(faults: Faults) -> None:
    faults.add({"fault": "hang", "every": 2, "when": {"model": "whisper-*"}}, ANN)
    models = ["whisper-1", "tts-1", "tts-1", "whisper-1"]
    found = [faults.due(KnownFacts(model=model), ANN, None) is not None for model in models]
    assert found == [False, False, False, True]
    assert counts(faults) == [("fault-1", 1, 2)]


def test_the_most_recent_fault_hits_first(faults: Faults) -> None:
    faults.add({"error": "server_error", "times": 1}, ANN)
    faults.add({"fault": "hang", "times": 1}, None)
    faults.add({"error": "conflict", "times": 1}, ANN)
    found = [kind_of(faults.due(FACTS, ANN, None)) for _ in range(4)]
    assert found == ["conflict", "hang", "server_error", None]


def test_accounts_do_not_see_each_others_faults(faults: Faults) -> None:
    faults.add({"fault": "hang", "id": "mine"}, ANN)
    assert hits(faults, 2, BOB) == ".."
    assert faults.get("mine", BOB) is None
    assert not faults.remove("mine", BOB)
    assert counts(faults, BOB) == []


def test_a_fault_of_all_accounts_counts_for_each(faults: Faults) -> None:
    faults.add({"fault": "hang", "times": 1}, None)
    assert (hits(faults, 2, ANN), hits(faults, 2, BOB)) == ("x.", "x.")
    assert counts(faults, ANN) == [("fault-1", 1, 1)]
    assert counts(faults, None) == [("fault-1", 2, 2)]


def test_an_account_cannot_remove_what_is_of_all(faults: Faults) -> None:
    faults.add({"fault": "hang", "id": "of-all"}, None)
    assert not faults.remove("of-all", ANN)
    assert faults.remove("of-all", None)
    assert not faults


def test_the_same_id_replaces_a_fault_and_its_counters(faults: Faults) -> None:
    faults.add({"fault": "hang", "id": "it", "times": 1}, ANN)
    assert hits(faults, 2) == "x."
    faults.add({"error": "conflict", "id": "it", "times": 1}, ANN)
    assert [each.fault.kind for each in faults.visible(ANN)] == ["error"]
    assert hits(faults, 2) == "x."


def test_two_accounts_may_use_the_same_id(faults: Faults) -> None:
    for account_id in (ANN, BOB):
        faults.add({"fault": "hang", "id": "it"}, account_id)
    faults.remove("it", ANN)
    assert (hits(faults, 1, ANN), hits(faults, 1, BOB)) == (".", "x")


def test_a_header_is_a_fault_of_its_request(faults: Faults) -> None:
    hit = faults.due(FACTS, ANN, "rate_limit_tokens; after=2")
    assert hit is not None
    assert (hit.error, hit.retry_after) == ("rate_limit_tokens", 2)
    assert hits(faults, 1) == "."


def test_a_header_comes_before_the_faults_that_wait(faults: Faults) -> None:
    faults.add({"fault": "hang", "times": 1}, ANN)
    found = [kind_of(faults.due(FACTS, ANN, header)) for header in ("conflict", None, None)]
    assert found == ["conflict", "hang", None]


def test_a_header_with_times_counts_by_account_and_text(faults: Faults) -> None:
    assert hits(faults, 3, ANN, "500; times=2") == "xx."
    assert hits(faults, 3, BOB, "500; times=2") == "xx."
    assert hits(faults, 1, ANN, "500;times=2") == "x"


def test_a_bad_header_is_refused_with_the_reason(faults: Faults) -> None:
    with pytest.raises(ApiError) as refused:
        faults.due(FACTS, ANN, "rate_limit_token")
    assert refused.value.name == "bad_mock_header"
    assert "Did you mean 'rate_limit_tokens'?" in str(refused.value.values["message"])


def test_a_reset_forgets_faults_and_counters_of_the_account(faults: Faults) -> None:
    faults.add({"fault": "hang", "times": 1, "id": "of-all"}, None)
    faults.add({"fault": "hang", "times": 1}, BOB)
    faults.add({"fault": "hang", "times": 1}, ANN)
    assert hits(faults, 3, ANN) == "xx."
    faults.reset(ANN)
    assert counts(faults, ANN) == [("of-all", 0, 0)]
    assert (hits(faults, 2, ANN), hits(faults, 3, BOB)) == ("x.", "xx.")


def test_a_reset_of_all_forgets_everything(faults: Faults) -> None:
    faults.add({"fault": "hang"}, ANN)
    faults.add({"fault": "hang"}, None)
    assert hits(faults, 1, BOB, "500; times=1") == "x"
    faults.reset(None)
    assert not faults
    assert hits(faults, 1, BOB, "500; times=1") == "x"


@pytest.mark.parametrize("account_id", [ANN, None])
def test_a_snapshot_is_rewound_to(faults: Faults, account_id: str | None) -> None:
    faults.add({"fault": "hang", "times": 3}, ANN)
    faults.add({"error": "conflict", "times": 1}, None)
    assert hits(faults, 1, header="500; times=2") == "x"
    assert hits(faults, 2) == "xx"
    state = faults.snapshot(account_id)
    before = counts(faults)
    assert hits(faults, 3) == "xx."
    faults.add({"fault": "latency"}, ANN)
    faults.restore(state, account_id)
    assert counts(faults) == before
    assert hits(faults, 5, header="500; times=2") == "xxx.."


def test_a_snapshot_of_one_account_fits_another(faults: Faults) -> None:
    faults.add({"fault": "hang", "times": 2}, ANN)
    assert hits(faults, 1) == "x"
    faults.restore(faults.snapshot(ANN), BOB)
    assert hits(faults, 2, BOB) == "x."
    assert hits(faults, 2, ANN) == "x."


def test_a_snapshot_that_cannot_be_restored_changes_nothing(faults: Faults) -> None:
    faults.add({"fault": "hang"}, ANN)
    state: dict[str, Any] = {
        "faults": [{"account": None, "document": {"id": "it"}, "order": 1, "counts": {}}],
        "headers": {},
    }
    with pytest.raises(ValueError, match=r"^Give either"):
        faults.restore(state, ANN)
    assert hits(faults, 1) == "x"


def test_threads_share_the_times(faults: Faults) -> None:
    faults.add({"fault": "hang", "times": 100}, ANN)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(hits(faults, 50))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "".join(found).count("x") == 100


def test_the_headers_that_are_counted_for_an_account_are_bounded(faults: Faults) -> None:
    faults.add({"fault": "hang"}, None)
    for number in range(1100):
        faults.due(FACTS, ANN, f"500; seed={number}")
    assert faults.snapshot(ANN)["headers"].keys() >= {"500; seed=1099", "500; seed=200"}
    assert len(faults.snapshot(ANN)["headers"]) == 1000


def test_no_faults_cost_next_to_nothing(faults: Faults) -> None:
    assert min(timeit.repeat(lambda: faults.due(FACTS, ANN, None), number=1000, repeat=5)) < 0.01
