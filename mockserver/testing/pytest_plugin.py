"""The pytest plugin: the fixture ``audio_api`` is a test double of the audio APIs, one for each test.

Next to nothing but this module is imported before a test asks for the fixture.
"""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import pytest

from mockserver import namesake

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    from mockserver.settings.model import Settings
    from mockserver.testing.audio_api import AudioApi
    from mockserver.testing.mock_server import MockServer


class _Tested(NamedTuple):
    """What a test has: its double, the server, and the latest exchange of the server before it began."""

    api: AudioApi
    server: MockServer
    mark: str | None


_TESTED: pytest.StashKey[_Tested] = pytest.StashKey()
_MARKER = "audio_api"
_BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")  # some clients read only the older name
# What else the SDK would read from the environment, and send to whom it was not meant for.
_OTHER_VARIABLES = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the settings of the server: a list in the configuration file, and options of the command line."""
    help_text = "Setting of the mock server of the audio APIs. `mockserver serve --help` lists them all."
    parser.addini("mockserver", help_text, type="linelist", default=[])
    parser.getgroup("mockserver").addoption(
        "--mockserver", action="append", default=[], metavar="SETTING=VALUE", help=help_text + " Repeatable."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Raise ``UsageError`` for settings that make no sense; warn of a distribution of the same name."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(tier=None, **settings): usage tier and settings of the account of this test's audio_api.",
    )
    if (complaint := namesake.complaint()) and not hasattr(config, "workerinput"):
        _warn(config, complaint)
    if config.getini("mockserver") or config.getoption("mockserver"):
        _settings(config)


@pytest.fixture(scope="session")
def audio_api_server(pytestconfig: pytest.Config) -> Iterator[MockServer]:
    """Yield the server of this process, on a free port. It is also the test double of every account."""
    from mockserver.testing.mock_server import MockServer

    with MockServer(_settings(pytestconfig)) as server:
        yield server


@pytest.fixture
def audio_api(request: pytest.FixtureRequest, audio_api_server: MockServer) -> Iterator[AudioApi]:
    """Yield the test double of an account that only this test has. The SDK finds it by the environment."""
    api = _account(request.node, audio_api_server)
    request.node.stash[_TESTED] = _Tested(api, audio_api_server, audio_api_server.latest_exchange)
    with pytest.MonkeyPatch.context() as environment:
        _lead_there(environment, api)
        yield api
    del request.node.stash[_TESTED]
    api.reset()
    api.clock.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add a test's exchanges to the report of its failure."""
    report = yield
    tested = item.stash.get(_TESTED, None)
    if tested is not None and report.failed:
        report.sections.append(
            ("Exchanges with the audio APIs", tested.api.exchanges() or _none_came(tested))
        )
    return report


def _none_came(tested: _Tested) -> str:
    """Return what to read where no request came with the test's key: those with other keys, or why none came."""
    others = tested.server.exchanges_after(tested.mark)
    if others:
        return (
            f"None came with the API key of this test. With other keys came:\n{others}\nA client that was made "
            "before the test, by an earlier one or when a module was imported, keeps the key of then. "
            "docs/testing.md (Clients made at import) says what to do."
        )
    clients = "".join(f"\nThere is a client of {url}." for url in _elsewhere(tested.api))
    return (
        f"There were none: the server got no request at all.{clients}\nA client that was made before the test, such "
        "as when a module was imported, keeps the base URL of then: it may have called the real API. "
        "docs/testing.md (Clients made at import) says what to do."
    )


def _elsewhere(api: AudioApi) -> list[str]:
    """Return the base URLs of the official SDK's clients in this process that do not call the server."""
    openai = sys.modules.get("openai")
    if openai is None:
        return []
    kinds = (openai.OpenAI, openai.AsyncOpenAI)
    made = (each for each in gc.get_objects() if issubclass(type(each), kinds))
    return sorted({str(each.base_url) for each in made if not str(each.base_url).startswith(api.url)})


def _warn(config: pytest.Config, complaint: str) -> None:
    """Have the summary of the run show ``complaint``. Raises ``UsageError`` where warnings are errors."""
    try:
        config.issue_config_time_warning(pytest.PytestConfigWarning(complaint), stacklevel=2)
    except pytest.PytestConfigWarning as error:
        raise pytest.UsageError(complaint) from error


def _settings(config: pytest.Config) -> Settings:
    """Return the settings of ``mockserver serve``, changed by pytest's configuration file, then its command line."""
    from mockserver.settings.loading import load_settings
    from mockserver.settings.model import SettingsError

    in_file = _read("mockserver in pytest's configuration", config.getini("mockserver"), config.rootpath)
    on_line = _read("--mockserver", config.getoption("mockserver"), config.invocation_params.dir)
    try:
        return load_settings(environ=os.environ, **({"port": 0} | in_file | on_line))
    except SettingsError as error:
        raise pytest.UsageError(f"mockserver: {error}") from error


def _read(source: str, lines: list[str], folder: Path) -> dict[str, Any]:
    """Return the settings of ``SETTING=VALUE`` lines. Lists are of paths relative to ``folder``, one in each line."""
    from mockserver.settings.model import OPTIONS
    from mockserver.settings.values import kind_of

    lists = {option.name for option in OPTIONS if kind_of(option) is tuple}
    values: dict[str, Any] = {}
    for line in lines:
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise pytest.UsageError(f"{source}: {line!r} is not SETTING=VALUE.")
        if name in lists:
            values.setdefault(name, []).append(str(folder / value))
        else:
            values[name] = value
    return values


def _account(node: pytest.Item, server: MockServer) -> AudioApi:
    """Return an account as the test's markers want it, the nearest one first."""
    wanted: dict[str, Any] = {}
    for marker in node.iter_markers(_MARKER):
        if marker.args:
            pytest.fail(f"@pytest.mark.{_MARKER} takes keywords only, not {marker.args!r}.", pytrace=False)
        wanted = {**marker.kwargs, **wanted}
    try:
        api = server.account(tier=wanted.pop("tier", None))
        api.configure(**wanted)
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.{_MARKER}: {error}", pytrace=False)
    return api


def _lead_there(environment: pytest.MonkeyPatch, api: AudioApi) -> None:
    """Have clients that read the environment call the server, past any proxy."""
    for variable in _BASE_URL_VARIABLES:
        environment.setenv(variable, api.base_url)
    environment.setenv("OPENAI_API_KEY", api.api_key)
    for variable in _OTHER_VARIABLES:
        environment.delenv(variable, raising=False)
    for variable in ("NO_PROXY", "no_proxy"):
        environment.setenv(variable, str(urlsplit(api.url).hostname), prepend=",")
