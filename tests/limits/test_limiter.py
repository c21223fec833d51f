"""Admission by tier, model and account: exactly the limit, from any number of threads."""

from __future__ import annotations

import math
import re
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from mockserver.accounts.accounts import Account, Accounts
from mockserver.catalog.records import ModelCard
from mockserver.catalog.tables import Catalog
from mockserver.clock import Clock
from mockserver.errors import ApiError
from mockserver.limits.limiter import Gauge, Limiter
from mockserver.limits.queue import QueueFull
from mockserver.settings.model import AccountRow, LimitRow, Settings, SettingsError
from mockserver.state.memory.buckets import MemoryBuckets
from mockserver.state.memory.counters import MemoryCounters

CATALOG = Catalog()
NOON = 1_800_000_000.0


class Api:
    """A limiter on a clock that stands still, and its accounts."""

    def __init__(self, **settings: Any) -> None:
        self.clock = Clock(frozen_at=NOON)
        self.settings = Settings(**settings)
        self.limiter = Limiter(CATALOG, self.clock, self.settings, MemoryBuckets(), MemoryCounters())

    def account(self, key: str = "sk-mock-tier-1-me") -> Account:
        return Accounts(self.settings).authenticate(key)

    def ask(
        self, model: str, tokens: int = 1, *, key: str = "sk-mock-tier-1-me", overrides: str = ""
    ) -> None:
        """Send a request. Raise ``ApiError`` when it is refused."""
        self.limiter.admit(
            self.account(key), model_card(model), tokens, has_token_headers=True, overrides=overrides
        )

    def admitted(self, model: str, times: int, *, key: str = "sk-mock-tier-1-me") -> int:
        """Return how many of ``times`` requests are admitted."""
        return sum(self.refusal(model, key=key) is None for _ in range(times))

    def refusal(
        self, model: str, tokens: int = 1, *, key: str = "sk-mock-tier-1-me", overrides: str = ""
    ) -> ApiError | None:
        try:
            self.ask(model, tokens, key=key, overrides=overrides)
        except ApiError as error:
            return error
        return None


def model_card(name: str) -> ModelCard:
    card = CATALOG.model(name)
    assert card is not None
    return card


@pytest.fixture
def eager_threads() -> Iterator[None]:
    """Make threads interrupt one another as often as possible, so that races show."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.usefixtures("eager_threads")
def test_64_threads_admit_exactly_the_limit() -> None:
    api = Api()
    account, model, gate = api.account(), model_card("gpt-4o"), threading.Barrier(64)

    def hammer(_: int) -> int:
        gate.wait()
        admitted = 0
        for _ in range(20):
            try:
                api.limiter.admit(account, model, 10, has_token_headers=True)
            except ApiError:
                continue
            admitted += 1
        return admitted

    with ThreadPoolExecutor(64) as threads:
        assert sum(threads.map(hammer, range(64))) == 500


@pytest.mark.usefixtures("eager_threads")
def test_64_threads_settle_every_token() -> None:
    api = Api()
    account, model = api.account(), model_card("gpt-audio-mini")

    def talk(_: int) -> None:
        for _ in range(5):
            admission = api.limiter.admit(account, model, 10, has_token_headers=True)
            api.limiter.settle(admission, 60)

    with ThreadPoolExecutor(64) as threads:
        list(threads.map(talk, range(64)))
    headers = dict(api.limiter.admit(account, model, 0, has_token_headers=True).headers)
    assert headers["x-ratelimit-remaining-tokens"] == str(30_000 - 64 * 5 * 60)


def test_a_free_account_gets_three_requests_a_minute() -> None:
    api = Api()
    assert api.admitted("gpt-4o-mini-audio-preview", 5, key="sk-mock-free-me") == 3
    api.clock.advance(20)
    assert api.admitted("gpt-4o-mini-audio-preview", 5, key="sk-mock-free-me") == 1


def test_a_day_of_requests_is_used_up_three_a_minute() -> None:
    api = Api()
    admitted = 0
    for _ in range(100):  # minutes
        admitted += api.admitted("gpt-4o-mini-audio-preview", 4, key="sk-mock-free-me")
        api.clock.advance(60)
    assert admitted == 200 + 99 * 60 // 432
    refusal = api.refusal("gpt-4o-mini-audio-preview", key="sk-mock-free-me")
    assert refusal is not None
    assert refusal.values["label"] == "requests per day (RPD)"


def test_accounts_do_not_share_their_limits() -> None:
    api = Api()
    assert api.admitted("gpt-4o-mini-audio-preview", 3, key="sk-mock-free-me") == 3
    assert api.admitted("gpt-4o-mini-audio-preview", 3, key="sk-mock-free-you") == 3


def test_a_snapshot_shares_the_limits_of_its_alias() -> None:
    api = Api()
    assert api.admitted("gpt-4o-mini-audio-preview", 2, key="sk-mock-free-me") == 2
    assert api.admitted("gpt-4o-mini-audio-preview-2024-12-17", 2, key="sk-mock-free-me") == 1


def test_models_do_not_share_their_limits() -> None:
    api = Api()
    assert api.admitted("gpt-4o-mini-audio-preview", 3, key="sk-mock-free-me") == 3
    assert api.admitted("whisper-1", 3, key="sk-mock-free-me") == 3


def test_an_account_can_be_moved_to_another_tier() -> None:
    api = Api()
    assert api.admitted("gpt-4o-mini-audio-preview", 5, key="sk-mock-free-me") == 3
    api.limiter.policy.set_tier(api.account("sk-mock-free-me").id, "tier-1")
    assert api.admitted("gpt-4o-mini-audio-preview", 500, key="sk-mock-free-me") == 497


def test_a_limit_can_be_taken_away() -> None:
    api = Api()
    api.limiter.policy.override(None, "gpt-4o-mini-audio-preview", {"requests_per_minute": None})
    assert api.admitted("gpt-4o-mini-audio-preview", 201, key="sk-mock-free-me") == 200


def test_without_rate_limits_everything_is_admitted() -> None:
    api = Api(rate_limits=False)
    assert api.admitted("gpt-4o-mini-audio-preview", 1000, key="sk-mock-free-me") == 1000


def test_a_reset_fills_the_buckets_of_one_account_or_of_all() -> None:
    api = Api()
    mine, yours = "sk-mock-free-me", "sk-mock-free-you"
    for key in (mine, yours):
        api.admitted("whisper-1", 3, key=key)
    api.limiter.reset(api.account(mine).id)
    assert (api.admitted("whisper-1", 9, key=mine), api.admitted("whisper-1", 9, key=yours)) == (3, 0)
    api.limiter.reset()
    assert (api.admitted("whisper-1", 9, key=mine), api.admitted("whisper-1", 9, key=yours)) == (3, 3)


@pytest.mark.parametrize("scale", [60, 1, 0.5])
def test_retry_after_is_in_the_seconds_that_clients_sleep(scale: float) -> None:
    api = Api()
    api.clock.set_scale(scale)
    api.clock.freeze(False)
    api.ask("whisper-1", overrides="requests_per_day=1")
    refusal = api.refusal("whisper-1", overrides="requests_per_day=1")
    assert refusal is not None
    wait = milliseconds(str(refusal.values["wait"]))
    assert dict(refusal.headers)["retry-after-ms"] == str(math.ceil(wait / scale))
    assert dict(refusal.headers)["retry-after"] == str(math.ceil(wait / scale / 1000))


def test_a_clock_that_stands_still_has_no_pace() -> None:
    api = Api()
    api.clock.set_scale(60)
    api.admitted("whisper-1", 3, key="sk-mock-free-me")
    refusal = api.refusal("whisper-1", key="sk-mock-free-me")
    assert refusal is not None
    assert refusal.headers[:2] == (("retry-after", "20"), ("retry-after-ms", "20000"))


def milliseconds(duration: str) -> int:
    hours, minutes, seconds = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?([\d.]+)s", duration).groups("0")  # type: ignore[union-attr]
    return round(((int(hours) * 60 + int(minutes)) * 60 + float(seconds)) * 1000)


def test_the_control_api_is_heard_while_requests_come() -> None:
    api = Api()
    assert api.admitted("gpt-4o", 1) == 1
    api.limiter.policy.override(None, "gpt-4o", {"requests_per_minute": 1})
    assert api.admitted("gpt-4o", 1) == 0


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"limits": "requests_per_week=3"},
            "argument limits: 'requests_per_week' is not one of requests_per_minute, requests_per_hour, ",
        ),
        (
            {"limits": "requests_per_minute=-3"},
            "argument limits: requests_per_minute='-3' is not a whole number above 0 or none.",
        ),
        (
            {"limit_rows": (LimitRow("gpt-4.0", None, (("requests_per_minute", 3),)),)},
            "limits.gpt-4.0: unknown limit group. Did you mean 'gpt-4.1'?",
        ),
        (
            {"accounts": (AccountRow("sk-me", limits=(LimitRow("gpt-4.0", None, ()),)),)},
            "accounts[0].limits.gpt-4.0: unknown limit group. Did you mean 'gpt-4.1'?",
        ),
    ],
)
def test_limits_that_make_no_sense_stop_the_start(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Api(**settings)
    assert str(refusal.value).startswith(message)


def test_buckets_do_not_wait_for_a_clock_that_was_set_back() -> None:
    clock = Clock(frozen_at=1_700_000_000.0)
    limiter = Limiter(Catalog(), clock, Settings(), MemoryBuckets(), MemoryCounters())
    account = Accounts(Settings()).authenticate("sk-mock-free-back")
    model = Catalog().model("whisper-1")
    assert model is not None
    for _ in range(3):
        limiter.admit(account, model, 1, has_token_headers=False)
    clock.advance(-3600)
    with pytest.raises(ApiError):
        limiter.admit(account, model, 1, has_token_headers=False)
    clock.advance(20)
    limiter.admit(account, model, 1, has_token_headers=False)


def test_a_drained_bucket_refuses_on_every_tier() -> None:
    limiter = Limiter(
        Catalog(), Clock(frozen_at=1_700_000_000.0), Settings(), MemoryBuckets(), MemoryCounters()
    )
    account = Accounts(Settings()).authenticate("sk-mock-tier-5-drained")
    model = Catalog().model("gpt-4o-mini")
    assert model is not None
    limiter.set_level(account.id, model.limit_group, "tokens_per_minute", None)
    with pytest.raises(ApiError):
        limiter.admit(account, model, 1, has_token_headers=True)


def test_an_override_opens_a_model_that_the_tier_lacks() -> None:
    limiter = Limiter(Catalog(), Clock(), Settings(), MemoryBuckets(), MemoryCounters())
    account = Accounts(Settings()).authenticate("sk-mock-free-open")
    model = Catalog().model("gpt-4o-mini-transcribe")
    assert model is not None
    with pytest.raises(ApiError):
        limiter.admit(account, model, 1, has_token_headers=False)
    limiter.admit(account, model, 1, has_token_headers=False, overrides="requests_per_minute=7")


def test_a_restored_snapshot_has_every_bucket_as_full_as_it_was_whatever_the_clock_says() -> None:
    api, other = Api(), Api()
    api.ask("gpt-4o", 1000)
    api.clock.advance(0.05)
    other.clock.advance(-86_400)
    before = api.limiter.gauges(api.account(), model_card("gpt-4o"))
    other.limiter.restore(api.limiter.snapshot(None), None)
    assert other.limiter.gauges(other.account(), model_card("gpt-4o")) == before
    assert before[0].used == 1


def test_a_restored_bucket_refills_from_where_it_was() -> None:
    api = Api()
    assert api.admitted("whisper-1", 1000) == 500
    state = api.limiter.snapshot(None)
    api.limiter.reset(None)
    api.clock.advance(3600)
    api.limiter.restore(state, None)
    assert api.admitted("whisper-1", 1) == 0
    api.clock.advance(60)
    assert api.admitted("whisper-1", 1000) == 500


def test_a_snapshot_of_one_account_can_become_anothers_and_touches_no_third() -> None:
    api = Api()
    mine, yours, theirs = (f"sk-mock-tier-1-{name}" for name in ("mine", "yours", "theirs"))
    api.limiter.policy.set_tier(api.account(mine).id, "free")
    api.limiter.policy.override(api.account(mine).id, "whisper-1", {"requests_per_minute": 7})
    api.limiter.policy.override(api.account(theirs).id, "whisper-1", {"requests_per_minute": 9})
    api.ask("whisper-1", key=mine)
    api.ask("whisper-1", key=theirs)
    api.limiter.restore(api.limiter.snapshot(api.account(mine).id), api.account(yours).id)
    assert api.limiter.policy.tier_of(api.account(yours)) == "free"
    gauges = [
        api.limiter.gauges(api.account(key), model_card("whisper-1"))[0] for key in (mine, yours, theirs)
    ]
    assert [(gauge.limit, gauge.used) for gauge in gauges] == [(7, 1), (7, 1), (9, 1)]


@pytest.mark.parametrize("everything", [True, False])
def test_a_drain_that_nobody_has_met_yet_is_in_the_snapshot(everything: bool) -> None:
    api = Api()
    scope = None if everything else api.account().id
    api.limiter.set_level(None, "whisper-1", "requests_per_minute", None)
    state = api.limiter.snapshot(scope)
    api.limiter.reset(None)
    assert api.admitted("whisper-1", 1) == 1
    api.limiter.restore(state, scope)
    api.clock.advance(3600)
    assert api.admitted("whisper-1", 1) == 0
    api.clock.advance(1)
    assert api.admitted("whisper-1", 1) == 1


def test_who_has_met_a_drain_of_all_does_not_meet_it_again_after_a_restore() -> None:
    api = Api()
    api.limiter.set_level(None, "whisper-1", "requests_per_minute", None)
    assert api.admitted("whisper-1", 1) == 0
    api.clock.advance(60)
    api.limiter.restore(api.limiter.snapshot(None), None)
    assert api.admitted("whisper-1", 1) == 1
    assert api.admitted("whisper-1", 1, key="sk-mock-tier-1-other") == 0


def queue_is_full(api: Api, tokens: int, batch_id: str = "batch_1", **options: Any) -> bool:
    key = options.pop("key", "sk-mock-tier-1-me")
    try:
        api.limiter.enqueue(api.account(key), model_card("gpt-4o-mini"), batch_id, tokens, **options)
    except QueueFull:
        return True
    return False


def test_the_batch_queue_is_as_long_as_the_tier_has_it() -> None:
    api = Api()
    assert not queue_is_full(api, 2_000_000)
    assert queue_is_full(api, 1, "batch_2")
    api.limiter.policy.set_tier(api.account().id, "tier-2")
    assert not queue_is_full(api, 1, "batch_2")


def test_a_tier_without_a_batch_queue_has_no_room_where_others_have_one() -> None:
    api = Api()
    assert queue_is_full(api, 1, key="sk-mock-free-me")
    assert not queue_is_full(api, 1, key="sk-mock-free-me", overrides="enqueued_tokens=none")
    assert not queue_is_full(Api(rate_limits=False), 1, key="sk-mock-free-me")


def test_the_gauges_tell_how_full_the_batch_queue_is() -> None:
    api = Api()
    queue_is_full(api, 500_000)
    gauge = api.limiter.gauges(api.account(), model_card("gpt-4o-mini"))[-1]
    assert gauge == Gauge("enqueued_tokens", 2_000_000, 500_000, 1_500_000, 0, 0)
    assert api.limiter.groups_in_use() == {api.account().id: ["gpt-4o-mini"]}
    api.limiter.queue.leave(api.account().id, "batch_1")
    assert api.limiter.groups_in_use() == {}


def test_audio_is_limited_by_its_seconds_where_there_is_any() -> None:
    api = Api()
    account, model = api.account(), model_card("gpt-realtime-whisper")
    api.limiter.admit(account, model, 0, audio_seconds=6_000, has_token_headers=False)
    api.limiter.admit(account, model, 0, has_token_headers=False)
    with pytest.raises(ApiError) as refusal:
        api.limiter.admit(account, model, 0, audio_seconds=1, has_token_headers=False)
    assert refusal.value.name == "rate_limit_audio_seconds"
    assert refusal.value.values["label"] == "audio seconds per min"
    assert (refusal.value.values["limit"], refusal.value.values["used"]) == (6_000, 6_000)
