"""Settings from a file, the environment, arguments and request headers; errors name the wrong setting."""

from __future__ import annotations

import os
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

import pytest

from mockserver.settings.loading import load_settings
from mockserver.settings.model import OPTIONS, PER_REQUEST, AccountRow, Settings, SettingsError
from mockserver.settings.values import kind_of


@pytest.fixture(autouse=True)
def _empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def write(text: str, name: str = "mockserver.toml") -> Path:
    path = Path(name)
    path.write_text(text, "utf-8")
    return path


def problem(config: Path | None = None, environ: dict[str, str] | None = None, **arguments: object) -> str:
    with pytest.raises(SettingsError) as refusal:
        load_settings(config, environ, **arguments)
    return str(refusal.value)


def test_defaults_apply_where_nothing_is_said() -> None:
    assert load_settings() == Settings()
    assert (Settings().host, Settings().port, Settings().strictness) == ("127.0.0.1", 4010, "real")


def test_the_file_in_the_current_folder_comes_before_the_defaults() -> None:
    write("port = 5000")
    assert load_settings().port == 5000


def test_a_file_that_is_named_replaces_it() -> None:
    write("port = 5000\ntier = 'free'")
    other = write("port = 6000", "other.toml")
    settings = load_settings(other)
    assert (settings.port, settings.tier) == (6000, Settings().tier)


def test_the_environment_comes_before_the_file() -> None:
    write("port = 5000\ntier = 'free'")
    settings = load_settings(environ={"MOCKSERVER_PORT": "7000", "PORT": "1"})
    assert (settings.port, settings.tier) == (7000, "free")


def test_arguments_come_before_the_environment() -> None:
    write("port = 5000")
    assert load_settings(environ={"MOCKSERVER_PORT": "7000"}, port=8000).port == 8000


def test_headers_of_a_request_come_before_all_for_that_request() -> None:
    settings = load_settings(environ={"MOCKSERVER_STRICTNESS": "schema"}, unknown_audio="placeholder")
    changed = settings.for_request({"x-mock-strictness": "off", "x-mock-unknown-audio": "error"})
    assert (changed.strictness, changed.unknown_audio) == ("off", "error")
    assert (settings.strictness, settings.unknown_audio) == ("schema", "placeholder")


def test_a_request_without_such_headers_keeps_the_settings_as_they_are() -> None:
    settings = Settings()
    assert settings.for_request({"x-mock-port": "1", "accept": "*/*"}) is settings


def test_only_some_settings_are_for_headers() -> None:
    names = {option.name for option in PER_REQUEST}
    assert names >= {"strictness", "unknown_audio", "speech_language"}
    assert not names & {"host", "port", "accounts", "max_body_bytes", "whisper_model"}


@pytest.mark.parametrize("option", OPTIONS, ids=lambda option: option.name)
def test_every_setting_can_be_written_in_every_place(option: Field[Any]) -> None:
    default: Any = option.default
    text = os.pathsep.join(default) if kind_of(option) is tuple else str(default)
    settings = load_settings(environ={f"MOCKSERVER_{option.name.upper()}": text})
    assert settings == load_settings(None, None, **{option.name: default}) == Settings()
    assert option.metadata["help"].endswith(".")


@pytest.mark.parametrize(
    ("text", "value"), [("true", True), ("1", True), ("YES", True), ("off", False), ("0", False)]
)
def test_the_environment_spells_truth_in_many_ways(text: str, value: bool) -> None:
    assert load_settings(environ={"MOCKSERVER_MOCK_HEADERS": text}).mock_headers is value


def test_folders_are_a_list_in_the_file_and_a_path_in_the_environment() -> None:
    write('fixtures = ["a", "b"]')
    assert load_settings().fixtures == ("a", "b")
    assert load_settings(environ={"MOCKSERVER_FIXTURES": os.pathsep.join("cd")}).fixtures == ("c", "d")


def test_whole_numbers_do_for_numbers() -> None:
    assert load_settings(socket_timeout=5).socket_timeout == 5.0


def test_accounts_are_declared_in_the_file() -> None:
    write(
        """
        [[accounts]]
        key = "sk-one"
        organization = "org-one"
        tier = "tier-4"

        [[accounts]]
        key = "sk-two"
        models = ["whisper-1", "tts-1"]
        """
    )
    assert load_settings().accounts == (
        AccountRow("sk-one", organization="org-one", tier="tier-4"),
        AccountRow("sk-two", models=("whisper-1", "tts-1")),
    )


@pytest.mark.parametrize(
    ("toml", "message"),
    [
        (
            "prot = 1",
            "mockserver.toml: unknown setting 'prot'. Did you mean 'port'?",
        ),
        (
            "port = 'x'",
            "mockserver.toml: port: 'x' is not a whole number. Port to listen on; 0 chooses a free one.",
        ),
        (
            "port = 1.5",
            "mockserver.toml: port: 1.5 is not a whole number. Port to listen on; 0 chooses a free one.",
        ),
        (
            "port = true",
            "mockserver.toml: port: True is not a whole number. Port to listen on; 0 chooses a free one.",
        ),
        ("port = 70000", "mockserver.toml: port: 70000 is too large; the maximum is 65535."),
        ("max_threads = 1", "mockserver.toml: max_threads: 1 is too small; the minimum is 4."),
        ("strictness = 'lax'", "mockserver.toml: strictness: 'lax' is not one of real, schema, off."),
        ("seed = 7", "mockserver.toml: seed: 7 is not a string."),
        ("fixtures = [1]", "mockserver.toml: fixtures: [1] is not a list of strings."),
        ("require_key = 'maybe'", "mockserver.toml: require_key: 'maybe' is not true or false."),
        ("socket_timeout = inf", "mockserver.toml: socket_timeout: inf is not a number."),
        ("socket_timeout = nan", "mockserver.toml: socket_timeout: nan is not a number."),
        ("[server]\nport = 1", "mockserver.toml: unknown setting 'server'."),
        ("port =", "mockserver.toml: cannot be read as TOML: "),
        (
            "accounts = 7",
            "mockserver.toml: accounts: is not a list. Write each account under its own [[accounts]] header.",
        ),
        ("[accounts]\nkey = 'a'", "mockserver.toml: accounts: is not a list."),
        (
            "[[accounts]]\ntier = 'free'",
            "mockserver.toml: accounts[0]: `key` is missing. Add the API key of the account.",
        ),
        (
            "accounts = ['sk-me']",
            "mockserver.toml: accounts[0]: `key` is missing. Add the API key of the account.",
        ),
        ("[[accounts]]\nkey = 'a'\n[[accounts]]\nkey = ''", "mockserver.toml: accounts[1]: `key` is missing"),
        (
            "[[accounts]]\nkey = 'a'\nteam = 'b'",
            "mockserver.toml: accounts[0]: unknown key 'team'. Known: key, organization, ",
        ),
        (
            "[[accounts]]\nkey = 'a'\nmodels = 'tts-1'",
            "mockserver.toml: accounts[0].models: 'tts-1' is not a list of strings.",
        ),
        ('fixtures = "clips"', "mockserver.toml: fixtures: 'clips' is not a list of strings. "),
        ("speech_language = 'xx'", "mockserver.toml: speech_language: 'xx' is not valid. Language (ISO"),
        (
            "[[accounts]]\nkey = 'a'\ntier = 'gold'",
            "mockserver.toml: accounts[0].tier: 'gold' is not one of free, tier-1, tier-2",
        ),
    ],
)
def test_what_is_wrong_in_the_file_is_named(toml: str, message: str) -> None:
    write(toml)
    assert problem().startswith(message)


def test_a_file_that_is_not_there_is_named() -> None:
    assert problem(Path("nowhere.toml")) == "nowhere.toml: no such file. Name another file, or none."


def test_a_byte_order_mark_before_the_file_does_no_harm() -> None:
    Path("mockserver.toml").write_text("port = 5000", "utf-8-sig")
    assert load_settings().port == 5000


def test_a_file_that_is_no_text_is_named() -> None:
    Path("mockserver.toml").write_bytes(b"\xff\xfe")
    assert problem() == (
        "mockserver.toml: is not UTF-8 text: invalid start byte at byte 0. Save it as UTF-8."
    )


def test_a_wrong_variable_is_named() -> None:
    assert problem(environ={"MOCKSERVER_WHISPER_WORKERS": "many"}).startswith(
        "MOCKSERVER_WHISPER_WORKERS: 'many' is not a whole number."
    )


@pytest.mark.parametrize(
    ("variable", "remedy"),
    [
        ("MOCKSERVER_STRICTNES", "Did you mean MOCKSERVER_STRICTNESS?"),
        ("MOCKSERVER_WISPER_MODEL", "Did you mean MOCKSERVER_WHISPER_MODEL?"),
        ("MOCKSERVER_XYZZY", "`mockserver serve --help` lists the settings."),
    ],
)
def test_a_misspelt_variable_is_named_with_the_right_one(variable: str, remedy: str) -> None:
    assert problem(environ={variable: "x"}) == f"{variable}: unknown setting. {remedy}"


def test_what_kubernetes_sets_for_a_service_of_this_name_is_ignored() -> None:
    links = {
        "MOCKSERVER_PORT": "tcp://10.96.0.7:4010",
        "MOCKSERVER_SERVICE_HOST": "10.96.0.7",
        "MOCKSERVER_SERVICE_PORT_HTTP": "4010",
        "MOCKSERVER_PORT_4010_TCP_ADDR": "10.96.0.7",
    }
    assert load_settings(environ=links) == Settings()
    assert problem(environ={"MOCKSERVER_PORT": "http://10.96.0.7:4010"}).startswith("MOCKSERVER_PORT: ")


def test_a_wrong_argument_is_named() -> None:
    assert problem(port=-1) == "argument port: -1 is too small; the minimum is 0."
    assert problem(prot=1).startswith("argument: unknown setting 'prot'.")


def test_a_wrong_header_is_named() -> None:
    with pytest.raises(
        SettingsError, match=r"^header x-mock-strictness: 'lax' is not one of real, schema, off\.$"
    ):
        Settings().for_request({"x-mock-strictness": "lax"})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"strictness": "lax"}, "argument strictness: 'lax' is not one of real, schema, off."),
        ({"port": 70000}, "argument port: 70000 is too large; the maximum is 65535."),
        ({"socket_timeout": float("nan")}, "argument socket_timeout: nan is not a number. "),
        ({"fixtures": "clips"}, "argument fixtures: 'clips' is not a list of strings. Folder of fixtures"),
        ({"speech_language": "xx"}, "argument speech_language: 'xx' is not valid. "),
    ],
)
def test_settings_written_in_a_program_are_checked_alike(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings(**arguments)
    assert str(refusal.value).startswith(message)


def test_settings_written_in_a_program_may_be_of_a_kindred_type() -> None:
    folders: Any = ["clips"]
    assert Settings(socket_timeout=5, fixtures=folders) == Settings(socket_timeout=5.0, fixtures=("clips",))


def test_a_language_nobody_can_speak_is_refused_in_a_header() -> None:
    assert Settings().for_request({"x-mock-speech-language": "de-AT"}).speech_language == "de-AT"
    with pytest.raises(SettingsError, match=r"^header x-mock-speech-language: 'xx' is not valid\. "):
        Settings().for_request({"x-mock-speech-language": "xx"})


def test_settings_do_not_change() -> None:
    with pytest.raises(AttributeError):
        Settings().port = 1  # type: ignore[misc]
    assert all(hash(getattr(Settings(), option.name)) is not None for option in fields(Settings))
