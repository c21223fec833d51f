"""Every setting, from every source, with odd values: each works, or is refused in one line."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import Field
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from mockserver.app import create_app, services_of
from mockserver.catalog.model_rows import CONFIGURABLE
from mockserver.catalog.tables import Catalog
from mockserver.commands.failures import STARTUP_FAILURES
from mockserver.remote.url_map import UrlMapError, load_url_map
from mockserver.settings.loading import add_models, load_settings
from mockserver.settings.model import OPTIONS, PER_REQUEST, AccountRow, LimitRow, Settings, SettingsError
from mockserver.settings.values import kind_of

pytestmark = pytest.mark.slow

KEY = {"Authorization": "Bearer sk-mock-me"}

ODD_TEXTS = (
    *(
        "",
        " ",
        "  x",
        "x\n",
        "x\r\ny",
        "x\0y",
        "\x7f",
        "\x1b[31m",
        "\x85",
        "é",
        "漢字",
        "😀",
        "\udcff",
        "\u202e",
    ),
    *(
        "x" * 300,
        "x" * 5_000,
        "x" * 1_000_000,
        "a/" * 3_000,
        "../..",
        "/",
        "/dev/null",
        "/dev/zero",
        "~nobody",
    ),
    *("0", "-0", "-1", "1e20", "1e300", "-1e300", "nan", "inf", "1_000", "٣", "0x10", "1,5", "9" * 5_000),
    *(
        "9223372036854775808",
        "1.0",
        "true",
        "None",
        "null",
        "[]",
        "{}",
        "%s%n",
        "{0}",
        "$HOME",
        "localhost:80",
    ),
    *(
        "http://[::1",
        "[::1]",
        "::1",
        "a..b",
        "x" * 64 + ".org",
        "*",
        "*.x",
        ",",
        ",,,",
        "=",
        "a=b",
        "a:99999",
    ),
)
ODD_NUMBERS = (
    *(-1, 0, 2**31, 2**63, 10**20, 10**400, True, None, -(2**63), 0.5, 1e20, 1e300, -1e300),
    *(float("nan"), float("inf"), float("-inf")),
)
ODD_VALUES: tuple[Any, ...] = (
    *ODD_TEXTS,
    *ODD_NUMBERS,
    [],
    [1],
    [[]],
    ["x\0y"],
    ["nowhere"],
    {},
    {"a": {}},
    b"x",
)


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def assert_one_line(message: str, *names: str) -> None:
    assert message.isprintable() or not any(ord(each) < 32 for each in message), message[:300]
    assert len(message) < 2_000
    assert [name for name in names if name not in message] == []


def accepted(option: Field[Any]) -> list[Any]:
    """Return the odd values that a setting accepts; check that the others are refused in one line."""
    found = []
    for value in ODD_VALUES:
        try:
            settings = Settings(**{option.name: value})
        except SettingsError as error:
            assert_one_line(str(error), f"argument {option.name}: ")
        else:
            found.append(getattr(settings, option.name))
            assert type(found[-1]) is type(option.default)
    return found


def test_an_argument_is_accepted_or_refused_in_a_line_and_what_is_accepted_is_served(
    hello: tuple[str, bytes],
) -> None:
    values = {option.name: accepted(option) or [option.default] for option in OPTIONS if not is_place(option)}
    assert len(values) > 40
    for number in range(3):
        chosen = {name: found[-1 - number % len(found)] for name, found in values.items()}
        app = create_app(Settings(**{**chosen, "whisper_model": "none", "max_body_bytes": 1 << 20}))
        try:
            for response in calls(app.test_client(), hello):
                assert response.status_code < 500, (chosen, response.text)
        finally:
            services_of(app).close()


def is_place(option: Field[Any]) -> bool:
    """Return whether a setting names an existing file or folder."""
    return bool(option.metadata["is_path"]) or option.name == "host"


def calls(client: FlaskClient, hello: tuple[str, bytes]) -> Iterator[TestResponse]:
    headers = {**KEY, "x-mock-control-token": "1"}
    yield client.get("/v1/models", headers=headers)
    yield client.get("/_mock/health")
    yield client.get("/_mock/settings", headers=headers)
    form = {"model": "whisper-1", "file": (io.BytesIO(hello[1]), "hello.wav")}
    yield client.post("/v1/audio/transcriptions", data=form, headers=headers)
    chat = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hi."}]}
    yield client.post("/v1/chat/completions", json=chat, headers=headers)


@pytest.mark.parametrize(
    "place",
    [
        "",
        "x",
        "\udcff",
        "x" * 300,
        "file",
        "file/x",
        "loop",
        "/dev/null",
        "/dev/zero",
        "fifo",
        "locked",
    ],
)
@pytest.mark.parametrize(
    "option", [each for each in OPTIONS if is_place(each)], ids=lambda option: option.name
)
def test_a_place_that_is_none_is_refused_in_a_line(option: Field[Any], place: str) -> None:
    Path("file").write_bytes(b"\0\xff")
    os.symlink("loop", "loop")
    os.mkfifo("fifo")
    Path("locked").mkdir(mode=0)
    value: Any = (place,) if kind_of(option) is tuple else place
    try:
        services_of(create_app(Settings(**{"whisper_model": "none", option.name: value}))).close()
    except STARTUP_FAILURES as error:
        assert_one_line(str(error))


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_variable_is_accepted_or_refused_in_a_line(option: Field[Any]) -> None:
    variable = f"MOCKSERVER_{option.name.upper()}"
    for text in ODD_TEXTS:
        if "\0" not in text:  # no environment variable can contain it
            try:
                load_settings(environ={variable: text})
            except SettingsError as error:
                assert_one_line(str(error), f"{variable}: ")


@pytest.mark.parametrize("option", PER_REQUEST, ids=lambda option: option.name)
def test_a_header_is_accepted_or_refused_in_a_line(option: Field[Any]) -> None:
    header, settings = f"x-mock-{option.name.replace('_', '-')}", Settings()
    for text in ODD_TEXTS:
        try:
            settings.for_request({header: text})
        except SettingsError as error:
            assert_one_line(str(error), f"header {header}: ")


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_a_key_of_the_file_is_accepted_or_refused_in_a_line(option: Field[Any]) -> None:
    odd = (
        *(
            '""',
            '" "',
            '"x\\n"',
            '"\\u0000"',
            '"é"',
            '"%s"' % ("x" * 100_000),
            "-1",
            "0",
            "1e300",
            "nan",
            "-inf",
            "true",
        ),
        *(
            "0xffffffffffffffffffff",
            "0x" + "f" * 5_000,
            "9" * 5_000,
            "[]",
            "[1]",
            '["\\u0000"]',
            "[" * 5_000,
            "{}",
        ),
        *("{a = 1}", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", '"""\nx"""', "'"),
    )
    for written in odd:
        Path("mockserver.toml").write_text(f"{option.name} = {written}\n", "utf-8")
        try:
            load_settings()
        except SettingsError as error:
            assert_one_line(str(error), "mockserver.toml: ")


ACCOUNTS = [
    *(
        "key = 1",
        "key = ''",
        "key = ' '",
        "key = 'a b'",
        "key = 'é'",
        'key = "a\\nb"',
        'key = "a\\u0000"',
        "key = ['a']",
    ),
    f"key = '{'x' * 5_000}'",
    *(
        f'key = "a"\norganization = "{each}"'
        for each in ("漢", "a\\r\\nb", "", " a", "a ", "\\u007f", "x" * 201)
    ),
    *(f'key = "a"\nproject = {each}' for each in ('"漢"', '"a\\nb"', "1", "[]", '""')),
    *("key = 'a'\ntier = 'tier-6'", "key = 'a'\ntier = 5", "key = 'a'\ntier = 'Tier-5'"),
    *(
        "key = 'a'\nmodels = 'tts-1'",
        "key = 'a'\nmodels = [1]",
        "key = 'a'\nmodels = ['tts-11']",
        "key = 'a'\nmodels = ['']",
    ),
    *(
        "key = 'a'\nlimits = 3",
        "key = 'a'\nlimits = {tts-1 = 3}",
        "key = 'a'\nlimits = {tts-1 = {tokens_per_minute = 1e20}}",
    ),
    *(
        "key = 'a'\nkeys = 'b'",
        "key = 'a'\norganisation = 'b'",
        "key = 'a'\nkey = 'b'",
        "key = 'a'\n[[accounts]]\nkey = 'a'",
    ),
]


@pytest.mark.parametrize("account", ACCOUNTS, ids=lambda text: text[:40])
def test_an_account_that_cannot_be_is_refused_in_a_line(account: str) -> None:
    Path("mockserver.toml").write_text(f"[[accounts]]\n{account}\n", "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert_one_line(str(refusal.value), "mockserver.toml: ")


@pytest.mark.parametrize(
    "rows",
    [
        {"accounts": (AccountRow("é"),)},
        {"accounts": (AccountRow("a"), AccountRow("a"))},
        {"accounts": (AccountRow("a", organization="x\r\ny"),)},
        {"accounts": (AccountRow("a", tier="gold"),)},
        {"accounts": (AccountRow("a", models=("tts-11",)),)},
        {"accounts": (AccountRow("a", limits=(LimitRow("tts-1", None, (("tokens_per_minute", 0),)),)),)},
        {"accounts": ("a",)},
        {"accounts": 5},
        {"limit_rows": (LimitRow("tts-1", "tier-9", ()),)},
        {"limit_rows": (LimitRow("tts-1", None, (("tokens_per_minute", 10**20),)),)},
        {"limit_rows": (LimitRow("tts-1", None, (("tokens", 3),)),)},
        {"limit_rows": (LimitRow("tts-11", None, ()),)},
        {"limit_rows": 3},
        {"models": (1,)},
        {"models": ({"id": "x"},)},
    ],
    ids=str,
)
def test_rows_written_in_a_program_are_checked_alike(rows: dict[str, Any]) -> None:
    with pytest.raises(SettingsError) as refusal:
        create_app(Settings(whisper_model="none", **rows))
    assert_one_line(str(refusal.value))


@pytest.mark.parametrize(
    "amount",
    [
        "0",
        "-1",
        "1e20",
        "1.0",
        "nan",
        "inf",
        "true",
        "100000000000000000000",
        "'x'",
        "'3,tokens_per_minute=5'",
        "[]",
        "9" * 5_000,
        "0x" + "f" * 5_000,
    ],
)
@pytest.mark.parametrize("place", ["limits.tts-1", "limits.tts-1.free", "accounts.limits.tts-1"])
def test_a_limit_that_cannot_be_is_refused_in_a_line(place: str, amount: str) -> None:
    before = "[[accounts]]\nkey = 'a'\n" if place.startswith("accounts") else ""
    Path("mockserver.toml").write_text(f"{before}[{place}]\nrequests_per_minute = {amount}\n", "utf-8")
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert_one_line(str(refusal.value), "mockserver.toml: ")


CATALOG = Catalog()
MODEL_MEMBERS = (
    *("name", "summary", "created", "owned_by", "snapshot", "limit_group", "shutdown_date", "endpoints"),
    *("modalities", "features", "context_window", "max_output_tokens", "knowledge_cutoff", "prices", "chat"),
    *(
        "speech",
        "transcription",
        "responses",
        "embedding",
        "moderation",
        "completion",
        "realtime",
        "live_transcription",
        "sources",
        "id",
        "like",
    ),
)


def test_every_member_of_a_model_is_tried() -> None:
    assert set(MODEL_MEMBERS) == set(CONFIGURABLE)


@pytest.mark.parametrize("member", MODEL_MEMBERS)
def test_a_member_of_a_model_is_served_or_refused_in_a_line(member: str) -> None:
    deep: Any = 1
    for _ in range(500):
        deep = {"a": deep}
    for value in (*ODD_VALUES, deep, {"text_input": float("nan")}, {"min_duration": 1e300}, [float("inf")]):
        row = {"id": "x", "like": "tts-1", member: value}
        try:
            add_models(CATALOG, [row], "models")
        except SettingsError as error:
            assert_one_line(str(error), "models[0]")
        else:
            json.dumps(CATALOG.card(row["id"]), allow_nan=False)


FILES = {
    "a folder": lambda path: path.mkdir(),
    "a pipe": os.mkfifo,
    "a dangling link": lambda path: path.symlink_to("nowhere"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "an endless device": lambda path: path.symlink_to("/dev/zero"),
    "too large": lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 30),
    "binary": lambda path: path.write_bytes(bytes(range(256))),
    "UTF-16": lambda path: path.write_text("port = 1", "utf-16"),
    "Latin-1": lambda path: path.write_text("seed = 'é'", "latin-1"),
    "deep": lambda path: path.write_text("a = " + "[" * 100_000),
    "deep tables": lambda path: path.write_text("[" + ".".join("a" * 20_000) + "]"),
    "many digits": lambda path: path.write_text("port = " + "9" * 5_000),
    "a key twice": lambda path: path.write_text("port = 1\nport = 2"),
    "JSON": lambda path: path.write_text('{"port": 1}'),
}


@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_what_stands_in_place_of_the_file_is_refused_in_a_line(make: Callable[[Path], object]) -> None:
    make(Path("mockserver.toml"))
    with pytest.raises(SettingsError) as refusal:
        load_settings()
    assert_one_line(str(refusal.value), "mockserver.toml: ")


@pytest.mark.parametrize("suffix", [".toml", ".json", ".yaml"])
@pytest.mark.parametrize("make", FILES.values(), ids=FILES)
def test_what_stands_in_place_of_a_map_of_urls_is_refused_in_a_line(
    make: Callable[[Path], object], suffix: str
) -> None:
    path = Path(f"urls{suffix}")
    make(path)
    with pytest.raises(UrlMapError) as refusal:
        load_url_map(path, {})
    assert_one_line(" ".join(str(refusal.value).split()), str(path))


def test_no_file_at_all_can_be_named() -> None:
    Path("mockserver.toml").write_text("port = 1")
    assert load_settings(Path(os.devnull)).port == Settings().port


def test_every_number_has_bounds() -> None:
    numbers = [option for option in OPTIONS if kind_of(option) in (int, float)]
    assert [
        each.name for each in numbers if None in (each.metadata["minimum"], each.metadata["maximum"])
    ] == []
