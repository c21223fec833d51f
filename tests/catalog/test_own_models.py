"""Custom models: in `mockserver.toml`, over the control API, and in Python."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mockserver.catalog.model_rows import CONFIGURABLE
from mockserver.resources import data_folder
from mockserver.settings.loading import catalog_of, load_settings
from mockserver.settings.model import Settings, SettingsError
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.keywords import ModelChanges
from mockserver.testing.mock_server import MockServer

FINE_TUNED = "ft:gpt-4o-mini-2024-07-18:acme::abc123"
CONFIG = """
port = 0
whisper_model = "none"
log_level = "warning"

[[models]]
id = "my-model"
like = "gpt-5.1"

[[models]]
id = "my-small-model"
like = "my-model"
max_output_tokens = 100
snapshot = "my-small-model-2027-01-01"
prices = { text_input = 1.0, text_output = 2.0 }
limit_group = "my-small-model"
chat = { efforts = ["low"], effort = "low" }

[[models]]
id = "ft:gpt-4o-mini-2024-07-18:acme::abc123"

[limits.my-small-model]
requests_per_minute = 7
"""


@pytest.fixture(scope="module")
def configured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MockServer]:
    """Return a server with the models of a file."""
    file = tmp_path_factory.mktemp("configured") / "mockserver.toml"
    file.write_text(CONFIG, "utf-8")
    with MockServer(load_settings(file)) as running:
        yield running


@pytest.fixture
def api(configured: MockServer) -> Iterator[AudioApi]:
    account = configured.account()
    yield account
    account.reset()


def ask(api: AudioApi, model: str, **parameters: Any) -> Any:
    messages = [{"role": "user", "content": "Hi"}]
    return api.client.chat.completions.with_raw_response.create(
        model=model,
        messages=messages,  # type: ignore[arg-type]
        **parameters,
    )


def control(api: AudioApi, method: str, path: str = "", body: object = None, *, key: bool = True) -> Any:
    headers = {"Authorization": f"Bearer {api.api_key}"} if key else {}
    return httpx.request(method, f"{api.url}/_mock/models{path}", json=body, headers=headers, timeout=30)


def test_a_configured_model_answers_under_its_own_name(api: AudioApi) -> None:
    assert ask(api, "my-model").parse().model == "my-model"
    assert ask(api, "my-small-model", max_completion_tokens=50).parse().model == "my-small-model-2027-01-01"


def test_a_configured_model_has_the_rules_of_the_one_it_is_like(api: AudioApi) -> None:
    assert ask(api, "my-model", temperature=0.5).parse().choices
    with pytest.raises(openai.BadRequestError, match=r"'temperature' does not support 0\.5"):
        ask(api, "my-model", temperature=0.5, reasoning_effort="high")
    with pytest.raises(openai.BadRequestError, match=r"does not support 'none'.*values are: 'low'\."):
        ask(api, "my-small-model", reasoning_effort="none")
    with pytest.raises(openai.BadRequestError, match="supports at most 100 completion tokens"):
        ask(api, "my-small-model", max_completion_tokens=101)


def test_a_configured_model_shares_the_limits_of_the_one_it_is_like(api: AudioApi) -> None:
    mine, theirs = ask(api, "my-model").headers, ask(api, "gpt-5.1").headers
    assert mine["x-ratelimit-limit-tokens"] == theirs["x-ratelimit-limit-tokens"]
    remaining = [int(each["x-ratelimit-remaining-requests"]) for each in (mine, theirs)]
    assert remaining[0] - remaining[1] in (0, 1)  # one bucket for both
    assert ask(api, "my-small-model").headers["x-ratelimit-limit-requests"] == "7"


def test_a_configured_model_costs_what_the_one_it_is_like_costs(api: AudioApi) -> None:
    assert ask(api, "my-model").headers["x-mock-cost-usd"] == "unknown"
    assert float(ask(api, "my-small-model").headers["x-mock-cost-usd"]) > 0
    api.add_model("my-speech", like="gpt-audio-mini")
    audio = {"voice": "alloy", "format": "wav"}
    answer = ask(api, "my-speech", modalities=["text", "audio"], audio=audio)
    assert float(answer.headers["x-mock-cost-usd"]) > 0


def test_configured_models_are_listed_after_those_of_the_api(api: AudioApi) -> None:
    listed = [model.id for model in api.client.models.list()]
    assert listed[0] == "whisper-1"
    assert listed[-3:] == ["my-model", "my-small-model", FINE_TUNED]
    model = api.client.models.retrieve("my-model")
    assert (model.created, model.owned_by) == (1_762_800_673, "system")


def test_a_fine_tuned_model_is_like_its_base_and_can_be_deleted(
    api: AudioApi, configured: MockServer
) -> None:
    assert ask(api, FINE_TUNED, temperature=0.5).parse().model == FINE_TUNED
    assert api.client.models.retrieve(FINE_TUNED).owned_by == "acme"
    assert api.client.models.delete(FINE_TUNED).deleted
    with pytest.raises(openai.NotFoundError):
        ask(api, FINE_TUNED)
    assert ask(configured.account(), FINE_TUNED).parse().choices  # other accounts still have the model
    with pytest.raises(openai.PermissionDeniedError):
        api.client.models.delete("my-model")


def test_a_model_of_a_test_is_that_test_s_alone_until_it_is_reset(
    api: AudioApi, configured: MockServer
) -> None:
    api.add_model("tomorrow-1", like="whisper-1")
    assert control(api, "GET", "/tomorrow-1").json()["like"] == "whisper-1"
    other = configured.account()
    with pytest.raises(openai.NotFoundError):
        ask(other, "tomorrow-1")
    api.reset()
    with pytest.raises(openai.NotFoundError):
        ask(api, "tomorrow-1")


def test_a_model_of_the_whole_server_is_every_account_s(configured: MockServer) -> None:
    configured.add_model("tomorrow-2", like="gpt-4o", context_window=50)
    assert ask(configured.account(), "tomorrow-2").parse().model == "tomorrow-2"
    configured.remove_model("tomorrow-2")
    with pytest.raises(openai.NotFoundError):
        ask(configured.account(), "tomorrow-2")
    with pytest.raises(ValueError, match="model_id: 'tomorrow-2' was not added"):
        configured.remove_model("tomorrow-2")


def test_the_control_api_adds_and_takes_away(api: AudioApi) -> None:
    added = control(api, "POST", body={"id": "by-hand", "like": "gpt-4o", "max_output_tokens": 9})
    assert (added.status_code, added.json()["max_output_tokens"]) == (201, 9)
    assert {"id": "by-hand", "like": "gpt-4o"} in control(api, "GET").json()["models"]
    assert ask(api, "by-hand", max_tokens=9).parse().choices
    assert control(api, "DELETE", "/by-hand").json() == {"deleted": "by-hand"}
    assert control(api, "DELETE", "/by-hand").status_code == 404
    control(api, "POST", body={"id": "by-hand", "like": "gpt-4o"})
    left = control(api, "DELETE").json()["models"]
    assert [each["id"] for each in left] == ["my-model", "my-small-model", FINE_TUNED]


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"id": "x", "like": "gpt-5.9"}, "like: unknown model 'gpt-5.9'. Did you mean 'gpt-5.6'?"),
        ({"id": "x", "like": "zebra"}, "unknown model 'zebra'. `mockserver models` lists them"),
        ({"id": "x"}, "like: is missing or not a text; name the model that it is like"),
        ({"like": "gpt-4o"}, "Missing required parameter: 'id'."),
        ({"id": "x", "like": "gpt-4o", "alias_of": "gpt-4o"}, "Unknown parameter: 'alias_of'."),
        ({"id": "x", "like": "gpt-4o", "chat": {"mood": 1}}, "chat: unknown key 'mood'; remove it"),
        (
            {"id": "x", "like": "text-embedding-3-small", "embedding": {"dimensions": 0}},
            "Expected `int` >= 1",
        ),
        (
            {"id": "x", "like": "text-embedding-3-small", "embedding": {"dimensions": 5000}},
            "Expected `int` <= 4096",
        ),
        (
            {"id": "x", "like": "gpt-realtime", "realtime": {"voice": "nobody"}},
            "realtime: voice is 'nobody', none of voices",
        ),
        (
            {"id": "x", "like": "gpt-realtime", "realtime": {"silence_duration_ms": -1}},
            "realtime: Expected `int` >= 0",
        ),
        (
            {"id": "x", "like": "gpt-live-transcribe", "live_transcription": {"lags": {"low": -1}}},
            "live_transcription: Expected `int` >= 0",
        ),
        (
            {"id": "x", "like": "gpt-live-transcribe", "live_transcription": {"default_delay": "never"}},
            "live_transcription: Invalid enum value 'never'",
        ),
        ({"id": "x", "like": "gpt-4o", "endpoints": ["v1/audio/speech"]}, "key 'speech' is missing"),
    ],
)
def test_a_model_that_makes_no_sense_is_refused_with_the_remedy(
    api: AudioApi, body: dict[str, Any], message: str
) -> None:
    refused = control(api, "POST", body=body)
    assert refused.status_code == 400
    assert message in refused.json()["error"]


def test_a_snapshot_holds_what_was_added(api: AudioApi, configured: MockServer) -> None:
    api.add_model("kept", like="gpt-4o")
    key = {"Authorization": f"Bearer {api.api_key}"}
    snapshot = httpx.get(f"{api.url}/_mock/snapshot", headers=key).json()
    assert snapshot["state"]["models"] == [{"account": None, "model": {"id": "kept", "like": "gpt-4o"}}]
    api.reset()
    assert httpx.put(f"{api.url}/_mock/snapshot", json=snapshot, headers=key).status_code == 200
    assert ask(api, "kept").parse().model == "kept"
    other = configured.account()
    theirs = {"Authorization": f"Bearer {other.api_key}"}
    del snapshot["state"]["models"]  # as earlier versions accepted them
    assert httpx.put(f"{api.url}/_mock/snapshot", json=snapshot, headers=theirs).status_code == 200


def test_a_batch_takes_models_of_one_s_own(api: AudioApi) -> None:
    api.add_model("batched", like="gpt-4o")
    body = {"model": "batched", "messages": [{"role": "user", "content": "Hi"}]}
    line = {"custom_id": "1", "method": "POST", "url": "/v1/chat/completions", "body": body}
    file = api.client.files.create(file=("lines.jsonl", json.dumps(line).encode()), purpose="batch")
    batch = api.client.batches.create(
        input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h"
    )
    while batch.status not in ("completed", "failed"):
        batch = api.client.batches.retrieve(batch.id)
    assert batch.request_counts is not None
    assert (batch.status, batch.request_counts.completed) == ("completed", 1)


@pytest.mark.parametrize(
    ("row", "message"),
    [
        (
            'id = "x"\nlike = "gpt-5.9"',
            "models[0].like: unknown model 'gpt-5.9'. Did you mean 'gpt-5.6'?",
        ),
        ('like = "gpt-5.1"', "models[0].id: is missing or not a text; give the model's name."),
        ('id = "x"', "models[0].like: is missing or not a text; name the model that it is like."),
        ('id = "x"\nlike = "gpt-4o"\nspeed = 3', "models[0].speed: unknown key. Did you mean 'speech'?"),
        ('id = "x"\nlike = "gpt-4o"\nzzz = 3', "models[0].zzz: unknown key. Known: id, like, name,"),
        ('id = " x"\nlike = "gpt-4o"', "models[0].id: ' x' is not a name; give one line without"),
        ('id = "x\\n"\nlike = "gpt-4o"', "models[0].id: 'x\\n' is not a name;"),
        ('id = "x"\nlike = "gpt-4o"\nmax_output_tokens = 0', "models[0].max_output_tokens: 0 is below 1;"),
        (
            'id = "x"\nlike = "gpt-4o"\nshutdown_date = "soon"',
            "models[0].shutdown_date: 'soon' is not a date;",
        ),
        ('id = "x"\nlike = "gpt-4o"\nendpoints = []', "models[0].endpoints: is empty; give one of v1/audio"),
        (
            'id = "x"\nlike = "gpt-4o"\nendpoints = ["v1/chat"]',
            "models[0].endpoints: unknown endpoint 'v1/chat'.",
        ),
        (
            'id = "x"\nlike = "gpt-4o"\nprices = { text_input = -1 }',
            "models[0].prices.text_input: -1 is below 0;",
        ),
        ('id = "x"\nlike = "gpt-4o"\nsources = "me"', "models[0].sources: is not a table;"),
        (
            'id = "x"\nlike = "gpt-5"\nchat = { efforts = ["tiny"] }',
            "models[0].chat.efforts: unknown effort 'tiny'.",
        ),
        ('id = "x"\nlike = "gpt-4o"\ncreated = "now"', "models[0]: Expected `int`, got `str`"),
    ],
)
def test_a_file_that_makes_no_sense_stops_the_start(tmp_path: Path, row: str, message: str) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text(f"[[models]]\n{row}\n", "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load_settings(file)
    assert str(refusal.value).startswith(f"{file}: {message}")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "gpt-4o"), ("a", "gpt-5")], "models[1].id: {file}: models[0] has the same id 'a'. Keep one."),
        (
            [("a", "b"), ("b", "a")],
            "models[1].like: 'a' is itself like 'b'. Let one of them be like a model",
        ),
        ([("a", "b"), ("b", "c"), ("c", "b")], "models[2].like: 'b' is itself like 'c'."),
        ([("a", "a")], "models[0].like: unknown model 'a'."),
    ],
)
def test_models_that_contradict_each_other_stop_the_start(
    tmp_path: Path, rows: list[tuple[str, str]], message: str
) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text("".join(f'[[models]]\nid = "{name}"\nlike = "{like}"\n' for name, like in rows), "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load_settings(file)
    assert str(refusal.value).startswith(f"{file}: {message.format(file=file)}")


def test_a_model_may_be_like_one_that_comes_later_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text('[[models]]\nid = "a"\nlike = "b"\n[[models]]\nid = "b"\nlike = "gpt-4o"\n', "utf-8")
    catalog = catalog_of(load_settings(file))
    assert [(model.id, model.like) for model in catalog.models_of(None)[-2:]] == [("b", "gpt-4o"), ("a", "b")]


def test_a_date_may_be_written_as_toml_writes_dates(tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text('[[models]]\nid = "a"\nlike = "gpt-4o"\nshutdown_date = 2027-05-01\n', "utf-8")
    card = catalog_of(load_settings(file)).model("a")
    assert card is not None
    assert (card.shutdown_date, card.sources["shutdown_date"]) == ("2027-05-01", "configuration")


def test_a_model_in_the_place_of_one_of_the_tables_is_like_that() -> None:
    card = catalog_of(Settings(models=({"id": "gpt-4o", "max_output_tokens": 5},))).model("gpt-4o")
    assert card is not None
    assert (card.like, card.max_output_tokens) == ("gpt-4o", 5)


def test_what_can_be_given_is_the_same_in_files_over_http_and_in_python() -> None:
    schema = json.loads((data_folder("schemas") / "mock" / "model.json").read_text("utf-8"))
    assert set(CONFIGURABLE) == set(schema["properties"])
    assert set(CONFIGURABLE) == {"id", "like", *ModelChanges.__annotations__}


def test_what_is_no_list_of_models_stops_the_start(tmp_path: Path) -> None:
    file = tmp_path / "mockserver.toml"
    file.write_text('models = ["gpt-7"]', "utf-8")
    with pytest.raises(SettingsError, match="models: is not a list of tables"):
        load_settings(file)


def test_settings_in_python_take_models_too() -> None:
    settings = Settings(
        port=0, whisper_model="none", log_level="warning", models=({"id": "a", "like": "gpt-9"},)
    )
    with pytest.raises(SettingsError, match=r"models\[0\].like: unknown model 'gpt-9'\."):
        MockServer(settings)


def test_a_configured_model_may_stand_in_the_place_of_one_of_the_tables() -> None:
    models = ({"id": "gpt-4o", "like": "gpt-4o", "max_output_tokens": 5},)
    settings = Settings(port=0, whisper_model="none", log_level="warning", models=models)
    with MockServer(settings) as server:
        with pytest.raises(openai.BadRequestError, match="at most 5 completion tokens"):
            ask(server.account(), "gpt-4o", max_tokens=6)
        listed = [model.id for model in server.client.models.list()]
        assert listed.count("gpt-4o") == 1


def test_an_unknown_model_is_logged_once(configured: MockServer, caplog: pytest.LogCaptureFixture) -> None:
    api = configured.account()
    with caplog.at_level(logging.WARNING):
        for model in ("gpt-7", "gpt-7", "gpt-8"):
            with pytest.raises(openai.NotFoundError) as refusal:
                ask(api, model)
            assert refusal.value.body == {
                "message": f"The model `{model}` does not exist or you do not have access to it.",
                "type": "invalid_request_error",
                "param": None,
                "code": "model_not_found",
            }
    warnings = [record.getMessage() for record in caplog.records if "catalog" in record.getMessage()]
    assert [each.count("'gpt-7'") > 0 for each in warnings] == [True, False]
    assert "audio_api.add_model('gpt-7', like=...), or [[models]] in mockserver.toml" in warnings[0]
    report = api.exchanges().splitlines()
    assert [line for line in report if "The catalog of this mock server has no model" in line] == warnings
