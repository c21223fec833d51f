"""The tier tables: the limits of every model on every tier, and the sources of the figures."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from mockserver.catalog.records import ModelCard, TierLimits
from mockserver.catalog.tables import Catalog, CatalogError
from tests.catalog.test_tables import DOCUMENTED, TABLES

ANSWERING = {
    "v1/audio/transcriptions",
    "v1/audio/translations",
    "v1/audio/speech",
    "v1/chat/completions",
}
TIERS = ["free", "tier-1", "tier-2", "tier-3", "tier-4", "tier-5"]
MODELS = [model for model in Catalog().models if ANSWERING & set(model.endpoints)]
GROUPS = sorted({model.limit_group for model in MODELS})


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


def row(catalog: Catalog, model: str, tier: str) -> TierLimits:
    card = catalog.model(model)
    assert card is not None
    limits = catalog.tier_limits(card.limit_group, tier)
    assert limits is not None
    return limits


def test_the_tiers_are_free_and_one_to_five(catalog: Catalog) -> None:
    assert list(catalog.tiers) == TIERS


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.id)
def test_a_model_that_answers_has_limits_on_every_tier(catalog: Catalog, model: ModelCard) -> None:
    for tier in TIERS:
        limits = row(catalog, model.id, tier)
        assert (limits.requests_per_minute is not None) == limits.supported
        assert limits.supported or tier == "free"


@pytest.mark.parametrize("model", [model for model in MODELS if model.alias_of], ids=lambda model: model.id)
def test_a_snapshot_shares_the_limits_of_its_alias(catalog: Catalog, model: ModelCard) -> None:
    assert model.alias_of is not None
    for tier in TIERS:
        assert row(catalog, model.id, tier) is row(catalog, model.alias_of, tier)


def test_different_models_have_limits_of_their_own() -> None:
    shared = {"gpt-4-1106-preview": "gpt-4-turbo-preview"}
    models = {model.id for model in MODELS if not model.alias_of}
    assert sorted(models - shared.keys()) == GROUPS


@pytest.mark.parametrize("model", DOCUMENTED)
def test_a_documented_row_is_that_of_the_product_page(catalog: Catalog, model: str) -> None:
    table = DOCUMENTED[model]["tiers"]
    assert list(table) == TIERS
    for tier, stated in table.items():
        limits = row(catalog, model, tier)
        assert (limits.kinds() if limits.supported else "not supported") == stated
        assert (limits.source, limits.reference) == ("documented", f"product page {model}")


@pytest.mark.parametrize("model", ["gpt-4o-mini-transcribe", "gpt-audio-mini", "gpt-transcribe"])
def test_the_free_tier_cannot_use_a_model_whose_page_says_so(catalog: Catalog, model: str) -> None:
    free = row(catalog, model, "free")
    assert not free.supported
    assert free.source == "documented"


def test_the_free_tier_can_use_just_these_models(catalog: Catalog) -> None:
    free = [group for group in GROUPS if row(catalog, group, "free").supported]
    assert free == [
        "gpt-3.5-turbo",
        "gpt-3.5-turbo-16k",
        "gpt-4o-mini",
        "gpt-4o-mini-audio-preview",
        "tts-1",
        "tts-1-hd",
        "whisper-1",
    ]
    for group in free:
        limits = row(catalog, group, "free")
        assert (limits.requests_per_minute, limits.requests_per_day) == (3, 200)


@pytest.mark.parametrize(
    ("model", "tier", "requests_per_minute", "tokens_per_minute"),
    [
        ("whisper-1", "tier-5", 10_000, None),
        ("gpt-4o-transcribe-diarize", "tier-5", 3_000, 6_000_000),
        ("gpt-4o-mini-tts-2025-12-15", "tier-5", 30_000, 150_000_000),
        ("gpt-audio-1.5", "tier-5", 20_000, 15_000_000),
        ("gpt-4o-2024-08-06", "tier-1", 500, 30_000),
        ("gpt-4o-2024-08-06", "tier-5", 10_000, 30_000_000),
        ("gpt-4o-mini", "tier-1", 500, 200_000),
        ("gpt-5", "tier-1", 500, 500_000),
    ],
)
def test_limits_seen_in_answers_to_a_known_tier_hold(
    catalog: Catalog, model: str, tier: str, requests_per_minute: int, tokens_per_minute: int | None
) -> None:
    limits = row(catalog, model, tier)
    assert (limits.requests_per_minute, limits.tokens_per_minute) == (requests_per_minute, tokens_per_minute)


def test_tier_1_of_gpt_4o_mini_has_a_limit_per_day_too(catalog: Catalog) -> None:
    assert row(catalog, "gpt-4o-mini", "tier-1").requests_per_day == 10_000
    assert row(catalog, "gpt-4o-mini", "tier-2").requests_per_day is None


@pytest.mark.parametrize("model", ["whisper-1", "tts-1", "tts-1-hd"])
def test_models_not_billed_by_tokens_have_no_token_limit(catalog: Catalog, model: str) -> None:
    for tier in TIERS:
        assert set(row(catalog, model, tier).kinds()) <= {"requests_per_minute", "requests_per_day"}


@pytest.mark.parametrize("group", GROUPS)
@pytest.mark.parametrize("kind", ["requests_per_minute", "tokens_per_minute", "enqueued_tokens"])
def test_a_higher_tier_never_has_a_lower_limit(catalog: Catalog, group: str, kind: str) -> None:
    rows = [row(catalog, group, tier) for tier in TIERS]
    limits = [each.kinds().get(kind, 0) for each in rows if each.source != "observed"]
    assert limits == sorted(limits)


def test_a_tier_may_have_a_source_of_its_own(catalog: Catalog) -> None:
    assert row(catalog, "gpt-transcribe", "tier-1").source == "documented"
    assert row(catalog, "gpt-transcribe", "tier-1").kinds() == {
        "requests_per_minute": 500,
        "tokens_per_minute": 200_000,
    }
    assert [row(catalog, "gpt-transcribe", tier).source for tier in TIERS[2:]] == ["assumed"] * 4


def test_a_card_names_every_source_of_its_limits(catalog: Catalog) -> None:
    documented, assumed = catalog.card("gpt-transcribe")["sources"]["tiers"].split("; ")
    assert documented == "documented: product page gpt-transcribe"
    assert assumed.startswith("assumed: product page gpt-4o-mini-audio-preview")


def test_only_groups_with_a_product_page_are_documented(catalog: Catalog) -> None:
    sources = {group: row(catalog, group, "tier-1").source for group in GROUPS}
    documented = [group for group, source in sources.items() if source == "documented"]
    assert documented == sorted([*DOCUMENTED, "gpt-transcribe"])


@pytest.mark.parametrize("limit", [0, -3])
def test_a_limit_below_one_is_refused(catalog: Catalog, limit: int) -> None:
    with pytest.raises(ValueError, match=f"^tokens_per_minute is {limit}, below 1$"):
        replace(row(catalog, "gpt-4o", "tier-1"), tokens_per_minute=limit)


def test_a_limit_below_one_in_the_table_is_reported_with_file_key_and_remedy(tmp_path: Path) -> None:
    shutil.copytree(TABLES, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    file = tmp_path / "tiers.toml"
    file.write_text(file.read_text(encoding="utf-8").replace("= 30_000 }", "= 0 }", 1), encoding="utf-8")
    message = "^tiers.toml, groups 'gpt-audio-mini', tier-1: tokens_per_minute is 0, below 1; give the key"
    with pytest.raises(CatalogError, match=message):
        Catalog(tmp_path).tier_limits("gpt-audio-mini", "tier-1")


def test_a_model_whose_group_has_a_batch_queue_takes_batches(catalog: Catalog) -> None:
    for model in catalog.models:
        limits = [catalog.tier_limits(model.limit_group, tier) for tier in TIERS]
        if any(each and each.enqueued_tokens for each in limits):
            assert "v1/batch" in model.endpoints
