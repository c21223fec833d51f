"""The tables of the catalog, compared with the product pages that they were taken from."""

from __future__ import annotations

import json
import re
import shutil
import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES
from msgspec.structs import asdict

import mockserver.catalog
from mockserver.catalog.records import Voice
from mockserver.catalog.tables import Catalog, CatalogError
from tests.conftest import DATA

TABLES = Path(mockserver.catalog.__file__).parent
PAGES = tomllib.loads((DATA / "product_pages.toml").read_text("utf-8"))
DOCUMENTED: dict[str, Any] = PAGES["model"]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog()


@pytest.mark.parametrize("model", DOCUMENTED)
def test_tier_limits_are_those_of_the_product_page_digit_for_digit(catalog: Catalog, model: str) -> None:
    assert catalog.card(model)["tiers"] == DOCUMENTED[model]["tiers"]


@pytest.mark.parametrize("model", DOCUMENTED)
@pytest.mark.parametrize(
    "fact",
    ["name", "prices", "context_window", "max_output_tokens", "knowledge_cutoff", "ratings", "modalities"],
)
def test_what_the_product_page_states_is_in_the_catalog(catalog: Catalog, model: str, fact: str) -> None:
    assert catalog.card(model)[fact] == DOCUMENTED[model][fact]


@pytest.mark.parametrize("model", [model for model, page in DOCUMENTED.items() if "features" in page])
def test_features_are_those_of_the_product_page(catalog: Catalog, model: str) -> None:
    assert catalog.card(model)["features"] == DOCUMENTED[model]["features"]


@pytest.mark.parametrize("model", DOCUMENTED)
def test_the_snapshots_a_product_page_lists_are_known_models(catalog: Catalog, model: str) -> None:
    card = catalog.model(model)
    assert card is not None
    listed = DOCUMENTED[model]["snapshots"]
    assert card.listed_snapshots == tuple(listed)
    assert all(catalog.model(snapshot) for snapshot in listed)


def test_a_reseller_s_offer_is_kept_as_its_page_states_it(catalog: Catalog) -> None:
    (offer,) = (each for each in catalog.listings if each.provider == "reseller")
    assert offer.facts.items() >= PAGES["reseller"].items()


def test_the_aimlapi_offer_is_kept_as_its_page_documents_it(catalog: Catalog) -> None:
    page = PAGES["aimlapi"]
    (offer,) = (each for each in catalog.listings if [each.model] == page["models"])
    assert page["temperature"].items() >= offer.facts["temperature"].items()
    for fact in ("parameters", "required", "statuses", "server", "example_usage"):
        assert offer.facts[fact] == page[fact]


def test_a_tier_s_limits_are_read_by_group_and_tier(catalog: Catalog) -> None:
    limits = catalog.tier_limits("gpt-4o-mini-audio-preview", "free")
    assert limits is not None
    assert limits.source == "documented"
    assert limits.kinds() == {"requests_per_minute": 3, "requests_per_day": 200, "tokens_per_minute": 40_000}
    top = catalog.tier_limits("gpt-4o-mini-audio-preview", "tier-5")
    assert top is not None
    assert top.enqueued_tokens == 15_000_000_000
    assert top.requests_per_day is None


def test_a_tier_may_not_be_supported(catalog: Catalog) -> None:
    limits = catalog.tier_limits("gpt-audio-mini", "free")
    assert limits is not None
    assert not limits.supported
    assert limits.kinds() == {}


def test_limits_nobody_states_are_none(catalog: Catalog) -> None:
    assert catalog.tier_limits("gpt-image-1", "tier-1") is None


def test_an_unknown_tier_is_refused_with_the_tiers_there_are(catalog: Catalog) -> None:
    with pytest.raises(ValueError, match=r"unknown tier 'gold'; the tiers are free, tier-1, .*tier-5"):
        catalog.tier_limits("gpt-audio-mini", "gold")


def test_every_limit_group_of_the_tiers_belongs_to_a_model(catalog: Catalog) -> None:
    groups = re.findall(r'^name = "(.+)"$', (TABLES / "tiers.toml").read_text(encoding="utf-8"), re.MULTILINE)
    assert groups
    assert set(groups) <= {model.limit_group for model in catalog.every_model}


@pytest.mark.parametrize(
    ("alias", "snapshot"),
    [
        ("gpt-audio-mini", "gpt-audio-mini-2025-12-15"),
        ("gpt-4o-mini-audio-preview", "gpt-4o-mini-audio-preview-2024-12-17"),
        ("gpt-4o-mini-transcribe", "gpt-4o-mini-transcribe-2025-12-15"),
        ("gpt-audio-1.5", "gpt-audio-1.5"),
        ("whisper-1", "whisper-1"),
        ("gpt-audio-mini-2025-10-06", "gpt-audio-mini-2025-10-06"),
    ],
)
def test_a_model_resolves_to_its_snapshot(catalog: Catalog, alias: str, snapshot: str) -> None:
    model = catalog.model(alias)
    assert model is not None
    assert model.snapshot == snapshot


def test_a_snapshot_has_all_of_its_alias_but_what_tells_them_apart(catalog: Catalog) -> None:
    own = {"id", "created", "snapshot", "alias_of", "like", "listed_snapshots", "sources"}
    dated = {"shutdown_date", "conflicts", "context_window", "max_output_tokens", "chat", "owned_by"}
    for snapshot in catalog.models:
        if snapshot.alias_of:
            alias = catalog.model(snapshot.alias_of)
            assert alias is not None
            assert snapshot.id in catalog.snapshots(alias.id)
            differing = {key for key, value in asdict(snapshot).items() if asdict(alias)[key] != value}
            assert differing <= own | dated


OLDER_SNAPSHOTS = {  # observed answers and the API's own list of aliases
    "gpt-4o": "gpt-4o-2024-08-06",
    "gpt-3.5-turbo": "gpt-3.5-turbo-0125",
}


def test_an_alias_resolves_to_its_newest_snapshot_unless_the_service_keeps_an_older_one(
    catalog: Catalog,
) -> None:
    for model in catalog.models:
        snapshots = catalog.snapshots(model.id)
        assert model.snapshot == OLDER_SNAPSHOTS.get(model.id, max(snapshots, default=model.id))


def test_unknown_models_and_names_of_other_providers_are_not_openai_s(catalog: Catalog) -> None:
    assert catalog.model("gpt-nothing") is None
    assert catalog.model("openai/gpt-4o-mini-transcribe") is None


@pytest.mark.parametrize(
    ("endpoint", "model"),
    [
        ("v1/audio/transcriptions", "whisper-1"),
        ("v1/audio/translations", "whisper-1"),
        ("v1/audio/speech", "tts-1"),
        ("v1/chat/completions", "gpt-audio"),
    ],
)
def test_the_first_model_of_an_endpoint_stands_in_for_unknown_ones(
    catalog: Catalog, endpoint: str, model: str
) -> None:
    assert catalog.model_for(endpoint) == catalog.model(model)
    assert catalog.model_for("v1/teleportation") is None


def test_only_whisper_s_errors_are_written_in_its_own_style(catalog: Catalog) -> None:
    styles = {model.id: model.error_style for model in catalog.models}
    assert styles.pop("whisper-1") == "whisper"
    assert set(styles.values()) == {"engine"}


def test_no_price_is_negative_or_zero(catalog: Catalog) -> None:
    for model in catalog.models:
        assert all(price > 0 for price in catalog.card(model.id).get("prices", {}).values())


def test_every_figure_group_has_a_source(catalog: Catalog) -> None:
    for model in catalog.models:
        assert "created" in model.sources
        if model.transcription or model.speech:
            assert "rules" in model.sources
        if model.prices or model.context_window:
            assert "figures" in model.sources


def test_created_derived_from_a_snapshot_date_is_its_midnight(catalog: Catalog) -> None:
    derived = [model for model in catalog.models if model.sources["created"].startswith("derived")]
    assert derived
    for model in derived:
        assert (
            datetime.fromtimestamp(model.created, UTC).strftime("%Y-%m-%d %H:%M") == f"{model.id[-10:]} 00:00"
        )


def test_rules_are_there_exactly_for_the_models_with_that_endpoint(catalog: Catalog) -> None:
    for model in catalog.models:
        assert ("v1/audio/transcriptions" in model.endpoints) == (model.transcription is not None)
        assert ("v1/audio/speech" in model.endpoints) == (model.speech is not None)


@pytest.mark.parametrize(
    ("model", "response_formats"),
    [
        ("whisper-1", "json text srt verbose_json vtt"),
        ("gpt-transcribe", "json text"),
        ("gpt-4o-transcribe", "json text"),
        ("gpt-4o-mini-transcribe-2025-03-20", "json text"),
        ("gpt-4o-transcribe-diarize", "json text diarized_json"),
    ],
)
def test_a_transcription_model_has_its_response_formats(
    catalog: Catalog, model: str, response_formats: str
) -> None:
    card = catalog.model(model)
    assert card is not None
    assert card.transcription is not None
    assert card.transcription.response_formats == tuple(response_formats.split())


@pytest.mark.parametrize(
    ("model", "max_duration", "max_input_tokens", "chunking_required_above", "usage"),
    [
        ("whisper-1", None, None, None, "duration"),
        ("gpt-transcribe", None, None, None, "duration"),
        ("gpt-4o-transcribe", 1400.0, None, None, "tokens"),
        ("gpt-4o-mini-transcribe", None, 16_000, None, "tokens"),
        ("gpt-4o-transcribe-diarize", 1400.0, None, 30.0, "tokens"),
    ],
)
def test_a_transcription_model_has_its_caps(
    catalog: Catalog,
    model: str,
    max_duration: float | None,
    max_input_tokens: int | None,
    chunking_required_above: float | None,
    usage: str,
) -> None:
    card = catalog.model(model)
    assert card is not None
    rules = card.transcription
    assert rules is not None
    assert rules.min_duration == 0.1
    assert rules.max_duration == max_duration
    assert rules.max_input_tokens == max_input_tokens
    assert rules.chunking_required_above == chunking_required_above
    assert rules.usage == usage


def test_only_whisper_translates_and_ignores_stream(catalog: Catalog) -> None:
    transcribers = {model.id: model.transcription for model in catalog.models if model.transcription}
    translators = [model.id for model in catalog.models if "v1/audio/translations" in model.endpoints]
    assert translators == ["whisper-1"]
    assert [name for name, rules in transcribers.items() if not rules.streams] == ["whisper-1"]


def test_tts_1_has_nine_voices_in_the_order_of_its_error_message(catalog: Catalog) -> None:
    for name in ("tts-1", "tts-1-hd"):
        model = catalog.model(name)
        assert model is not None
        assert model.speech is not None
        assert " ".join(model.speech.voices) == "nova shimmer echo onyx fable alloy ash sage coral"
        assert model.speech.stream_formats == ("audio",)


def test_gpt_4o_mini_tts_has_thirteen_voices_and_streams_events(catalog: Catalog) -> None:
    model = catalog.model("gpt-4o-mini-tts")
    assert model is not None
    assert model.speech is not None
    assert len(set(model.speech.voices)) == 13
    assert model.speech.stream_formats == ("audio", "sse")
    assert model.speech.instructions
    assert model.speech.max_input_tokens == 2000
    assert model.speech.max_input_chars is None


def test_a_voice_is_a_row(tmp_path: Path) -> None:
    row = '[[voices]]\nname = "alloy"\nbase = "gmw/en-US"\nvariant = "f1"\npitch = 50\ngain = 1.5\n'
    (tmp_path / "voices.toml").write_text(row, encoding="utf-8")
    alloy = Voice(name="alloy", base="gmw/en-US", variant="f1", pitch=50, gain=1.5)
    assert Catalog(tmp_path).voice("alloy") == alloy
    assert Catalog(tmp_path).voices == (alloy,)


def test_every_voice_of_a_model_can_be_spoken_with(catalog: Catalog) -> None:
    for model in catalog.models:
        for name in model.speech.voices if model.speech else ():
            assert catalog.voice(name) is not None
    assert catalog.voice("nobody") is None


@pytest.mark.parametrize(
    ("model", "date"),
    [
        ("tts-1", "2027-01-06"),
        ("gpt-4o-mini-tts", "2027-01-06"),
        ("gpt-audio", "2027-01-20"),
        ("gpt-4o-audio-preview", "2026-05-07"),
        ("gpt-4o-audio-preview-2024-10-01", "2025-10-10"),
        ("gpt-4o-mini-audio-preview", "2026-05-07"),
        ("gpt-audio-mini", "2027-01-20"),
        ("gpt-4o", "2027-01-14"),
        ("gpt-4o-2024-05-13", "2026-10-23"),
        ("gpt-4.1", "2027-01-14"),
        ("gpt-3.5-turbo-0613", "2024-09-13"),
        ("gpt-5.1", "2027-04-01"),
        ("gpt-5.2", None),
        ("whisper-1", "2027-02-26"),
        ("gpt-4o-mini-transcribe", "2027-02-26"),
        ("gpt-transcribe", None),
        ("gpt-audio-1.5", None),
    ],
)
def test_a_deprecated_model_has_its_shutdown_date(catalog: Catalog, model: str, date: str | None) -> None:
    card = catalog.model(model)
    assert card is not None
    assert card.shutdown_date == date


def test_a_row_holds_what_other_sources_say_too(catalog: Catalog) -> None:
    card = catalog.card("gpt-4o-audio-preview")
    assert card["shutdown_date"] == "2026-05-07"
    assert card["sources"]["shutdown_date"] == "openai-python 3.57.0"
    assert card["conflicts"] == {"shutdown_date": "2027-01-20: deprecations page, read on 2026-11-20"}


def test_whisper_takes_one_more_file_extension_than_other_models(catalog: Catalog) -> None:
    assert " ".join(catalog.audio_extensions) == "flac m4a mp3 mp4 mpeg mpga oga ogg wav webm"
    for model in catalog.models:
        if model.transcription is not None:
            left_out = set(catalog.audio_extensions) - set(model.transcription.extensions)
            assert left_out == (set() if model.id == "whisper-1" else {"oga"}), model.id


def test_every_extension_of_a_model_that_believes_names_promises_a_container(catalog: Catalog) -> None:
    for model in catalog.models:
        rules = model.transcription
        for extension in rules.extensions if rules and rules.containers == "named" else ():
            assert catalog.misnamed(extension, "aac") is not None


def test_languages_have_whisper_s_english_names(catalog: Catalog) -> None:
    assert catalog.language_name("en") == "english"
    assert catalog.language_name("yue") == "cantonese"
    assert catalog.language_name("tlh") == "tlh"


def test_a_language_is_found_by_code_or_by_name(catalog: Catalog) -> None:
    assert catalog.language_code("DE") == "de"
    assert catalog.language_code("German") == "de"
    assert catalog.language_code("flemish") == "nl"
    assert catalog.language_code("zh-TW") == "zh"
    assert catalog.language_code("klingon") is None


def test_every_language_whisper_can_hear_has_a_name(catalog: Catalog) -> None:
    for code in _LANGUAGE_CODES:
        name = catalog.language_name(code)
        assert name != code
        assert catalog.language_code(name) == code


@pytest.mark.parametrize(
    ("family", "accepted", "refused"),
    [
        ("whisper", "en zh EN french Welsh", "bn te gu ml pa or my ga yue mya zh-CN bengali auto"),
        ("gpt-4o", "en bn te gu ml ka yue fil nb mya zh-CN ZH-tw", "my bur pt-BR pa or ga french auto zh-HK"),
        ("gpt-transcribe", "en bn te gu ml ka yue zh-cn zh-hk", "fil nb mya my pa or pt-BR english auto"),
    ],
)
def test_each_family_of_models_accepts_languages_of_its_own(
    catalog: Catalog, family: str, accepted: str, refused: str
) -> None:
    assert [each for each in accepted.split() if not catalog.accepts_language(family, each)] == []
    assert [each for each in refused.split() if catalog.accepts_language(family, each)] == []


@pytest.mark.parametrize("code", ["bn", "fil", "mya", "nb", "zh-CN", "zh-TW", "zh-HK"])
def test_every_accepted_language_is_one_that_whisper_can_hear(catalog: Catalog, code: str) -> None:
    assert catalog.language_code(code) in _LANGUAGE_CODES


def test_languages_are_distinguished_from_other_texts(catalog: Catalog) -> None:
    assert all(catalog.is_language(each) for each in ("ga", "or", "yue", "haw", "GA", "my", "french"))
    assert not any(catalog.is_language(each) for each in ("irish", "mya", "pt-BR", "auto", ""))


def test_a_card_is_plain_json_with_everything_known(catalog: Catalog) -> None:
    card = catalog.card("gpt-audio-mini-2025-10-06")
    assert json.loads(json.dumps(card)) == card
    assert card["alias_of"] == "gpt-audio-mini"
    assert card["snapshots"] == ["gpt-audio-mini-2025-10-06", "gpt-audio-mini-2025-12-15"]
    assert card["prices"] == {
        "text_input": 0.6,
        "text_output": 2.4,
        "audio_input": 10.0,
        "audio_output": 20.0,
    }
    assert card["tiers"]["tier-5"] == {"requests_per_minute": 10_000, "tokens_per_minute": 30_000_000}
    assert card["sources"]["tiers"] == "documented: product page gpt-audio-mini"
    assert [offer["provider"] for offer in catalog.card("gpt-audio-mini")["listings"]] == ["reseller"]


def test_a_card_leaves_out_what_nobody_knows(catalog: Catalog) -> None:
    assert "prices" not in catalog.card("gpt-audio-1.5")
    assert "max_duration" not in catalog.card("whisper-1")["transcription"]


def test_there_is_no_card_of_an_unknown_model(catalog: Catalog) -> None:
    with pytest.raises(KeyError, match="gpt-nothing"):
        catalog.card("gpt-nothing")


@pytest.fixture
def tables(tmp_path: Path) -> Path:
    """Return a copy of the tables, to be changed."""
    shutil.copytree(TABLES, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.py*"))
    return tmp_path


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def file_with(tables: Path, text: str) -> Path:
    """Return the first table of models, or of offers, that contains the text."""
    files = [*sorted((tables / "models").glob("*.toml")), tables / "listings.toml"]
    return next(file for file in files if text in file.read_text(encoding="utf-8"))


def test_a_malformed_extension_is_reported(tables: Path) -> None:
    change(tables / "audio.toml", 'extensions = ["flac",', "extensions = [1,")
    with pytest.raises(CatalogError, match=r"^audio.toml.*Expected `str`.*extensions\[0\]`; give"):
        _ = Catalog(tables).audio_extensions


def test_a_content_type_stands_for_an_extension() -> None:
    assert Catalog().audio_extension_of("Audio/WAV; codecs=1") == "wav"
    assert Catalog().audio_extension_of("text/plain") is None


def test_adding_a_model_is_adding_a_row(tables: Path) -> None:
    row = (
        '\n[[models]]\nid = "gpt-audio-mini-2027-01-01"\nalias_of = "gpt-audio-mini"\ncreated = 1798761600\n'
    )
    change(tables / "models" / "3-chat-with-audio.toml", "\n[[models]]\n", row + "\n[[models]]\n")
    model = Catalog(tables).model("gpt-audio-mini-2027-01-01")
    assert model is not None
    assert model.context_window == 128_000
    assert Catalog(tables).snapshots("gpt-audio-mini")[0] == "gpt-audio-mini-2027-01-01"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "created = 1677532384",
            'created = "2023"',
            r"models 'whisper-1': Expected `int`.*`\$.created`; give",
        ),
        ("created = 1677532384", "", r"models 'whisper-1': key 'created' is missing; add it"),
        ("created = 1677532384", "made = 1677532384", r"models 'whisper-1': unknown key 'made'; remove it"),
        ('usage = "duration"', 'usage = "bytes"', r"'whisper-1', transcription: .*'bytes'.*`\$.usage`; give"),
        ('usage = "duration"', "", r"'whisper-1', transcription: key 'usage' is missing; add it"),
        (
            "[models.speech]",
            "[models.transcription]",
            r"'tts-1', transcription: unknown key 'voices'; remove it",
        ),
        (
            'endpoints = ["v1/chat/completions"]',
            'endpoints = ["v1/audio/speech"]',
            r"key 'speech' is missing.*; add",
        ),
        (
            'alias_of = "gpt-5"',
            'alias_of = "gpt-7"',
            r"key 'alias_of': no alias has the id 'gpt-7'; add its row",
        ),
        (
            'snapshot = "gpt-5-2025-08-07"',
            'snapshot = "gpt-4o"',
            r"'gpt-5': key 'snapshot': 'gpt-4o' is not a snap.*; add",
        ),
        ('id = "tts-1-hd"', 'id = "tts-1"', r"models 'tts-1': another row has the same id; keep one"),
        ('id = "tts-1-hd"', "", r"models number \d+: key 'id' is missing or not a text; give one"),
        (
            'upstream = "gpt-audio-mini"',
            'upstream = "x"',
            r"key 'upstream': no model has the id 'x'; add its row",
        ),
        ("[[models]]", "[models", r"not valid TOML: .*; correct it"),
        ('like = "gpt-5"', 'like = "gpt-7"', r"key 'like': no model has the id 'gpt-7'; add its row"),
        ('like = "gpt-5"', 'like = "gpt-5-mini"', r"key 'like': 'gpt-5-mini' inherits from it; remove one"),
    ],
)
def test_a_malformed_row_is_reported_with_file_key_and_remedy(
    tables: Path, old: str, new: str, message: str
) -> None:
    file = file_with(tables, old)
    change(file, old, new)
    with pytest.raises(CatalogError, match=f"^{file.name}.*{message}"):
        _ = Catalog(tables).models, Catalog(tables).listings


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "tier-2 =",
            "gold =",
            r"groups 'gpt-audio-mini': unknown tier 'gold'; add it to 'tiers', or correct it",
        ),
        ("requests_per_minute = 500", "requests_per_month = 9", r"'gpt-audio-mini', tier-1: unknown key"),
        (
            "requests_per_minute = 500",
            "requests_per_minute = -0.5",
            r"'gpt-audio-mini', tier-1: Expected `int",
        ),
        (
            'free = "not supported"',
            'free = "unlimited"',
            r"groups 'gpt-audio-mini': .*; give the key a value",
        ),
        (
            'source = "documented"',
            'source = "rumour"',
            r"groups 'gpt-audio-mini': .*'rumour'.*`\$.source`; give",
        ),
    ],
)
def test_malformed_limits_are_reported_with_file_key_and_remedy(
    tables: Path, old: str, new: str, message: str
) -> None:
    change(tables / "tiers.toml", old, new)
    with pytest.raises(CatalogError, match=f"^tiers.toml.*{message}"):
        Catalog(tables).tier_limits("gpt-audio-mini", "tier-1")


def test_a_missing_table_is_reported_with_its_path(tables: Path) -> None:
    (tables / "languages.toml").unlink()
    with pytest.raises(CatalogError, match=r"^languages.toml: missing from .*; put it back, or reinstall"):
        Catalog(tables).language_name("en")


def test_missing_tables_of_models_are_reported_with_their_place(tables: Path) -> None:
    shutil.rmtree(tables / "models")
    with pytest.raises(CatalogError, match=r"^models/: has no tables of models; put them back"):
        Catalog(tables).model("whisper-1")


def test_a_model_stands_in_one_table_only(tables: Path) -> None:
    shutil.copy(tables / "models" / "4-chat.toml", tables / "models" / "9-more.toml")
    with pytest.raises(
        CatalogError, match=r"^9-more.toml, models 'gpt-4o': another table has a row with this id"
    ):
        Catalog(tables).model("whisper-1")


def test_a_table_is_not_read_before_it_is_asked_for(tables: Path) -> None:
    catalog = Catalog(tables)
    for file in tables.glob("*.toml"):
        if file.name != "tiers.toml":
            file.unlink()
    assert catalog.tiers[0] == "free"


def test_a_table_is_read_once(tables: Path) -> None:
    catalog = Catalog(tables)
    models = catalog.models
    shutil.rmtree(tables / "models")
    assert catalog.models is models
    assert catalog.model("whisper-1") is models[0]


REALTIME_LIMITS = {  # requests and tokens a minute, by tier (product pages)
    "gpt-realtime": [
        (200, 40_000),
        (400, 200_000),
        (5_000, 800_000),
        (10_000, 4_000_000),
        (20_000, 15_000_000),
    ],
    "gpt-realtime-mini": [
        (200, 40_000),
        (400, 200_000),
        (5_000, 800_000),
        (10_000, 4_000_000),
        (20_000, 15_000_000),
    ],
    "gpt-live-transcribe": [
        (500, 60_000),
        (2_000, 210_000),
        (5_000, 390_000),
        (10_000, 600_000),
        (10_000, 780_000),
    ],
}


@pytest.mark.parametrize("model", REALTIME_LIMITS)
def test_the_limits_of_realtime_models_are_those_of_their_pages(catalog: Catalog, model: str) -> None:
    rows = [catalog.tier_limits(model, tier) for tier in catalog.tiers]
    assert rows[0] is not None
    assert not rows[0].supported
    amounts = [(row.requests_per_minute, row.tokens_per_minute) for row in rows[1:] if row]
    assert amounts == REALTIME_LIMITS[model]
    a_day = [row.requests_per_day for row in rows[1:] if row]
    assert a_day == [1_000 if model == "gpt-realtime-mini" else None, None, None, None, None]


def test_the_audio_of_some_realtime_models_is_limited_by_its_minutes(catalog: Catalog) -> None:
    minutes = {
        "gpt-realtime-whisper": [100, 350, 650, 1_000, 1_300],
        "gpt-realtime-translate": [50, 200, 400, 650, 850],
    }
    for model, amounts in minutes.items():
        rows = [catalog.tier_limits(model, tier) for tier in catalog.tiers[1:]]
        assert [row.kinds() for row in rows if row] == [
            {"audio_seconds_per_minute": 60 * each} for each in amounts
        ]


def test_every_realtime_model_has_the_rules_of_conversations_or_of_transcriptions(catalog: Catalog) -> None:
    for model in catalog.models:
        kinds = (model.realtime, model.live_transcription)
        serves = "v1/realtime" in model.endpoints and model.id != "gpt-realtime-translate"
        assert sum(kind is not None for kind in kinds) == serves, model.id
        if model.realtime is not None:
            assert model.realtime.voice in model.realtime.voices
            assert all(catalog.voice(voice) for voice in model.realtime.voices)
            assert model.context_window
            assert model.max_output_tokens


def test_the_instructions_of_realtime_sessions_are_the_recorded_ones(catalog: Catalog) -> None:
    assert len(catalog.realtime_instructions) == 505
    assert len(catalog.realtime_instructions.encode()) == 507
