"""The pytest plugin: the fixture ``audio_api`` is the Python API for a new account in each test.

The server is imported only when a test uses the fixture.
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
    """The state of a test: its Python API, the server, and the server's latest exchange before the test."""

    api: AudioApi
    server: MockServer
    mark: str | None


_TESTED: pytest.StashKey[_Tested] = pytest.StashKey()
_MARKER = "audio_api"
_BASE_URL_VARIABLES = ("OPENAI_BASE_URL", "OPENAI_API_BASE")  # some clients read only the older name
# Other variables that the SDK reads and would send to the mock server.
_OTHER_VARIABLES = ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_CUSTOM_HEADERS")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the server's settings to the configuration file (a list) and the command line."""
    help_text = "Setting of the mock server of the audio APIs. `mockserver serve --help` lists them all."
    parser.addini("mockserver", help_text, type="linelist", default=[])
    parser.getgroup("mockserver").addoption(
        "--mockserver", action="append", default=[], metavar="SETTING=VALUE", help=help_text + " Repeatable."
    )


def pytest_configure(config: pytest.Config) -> None:
    """Check the settings, and warn of a conflicting distribution. Raises ``UsageError``."""
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
    """Yield the server of this process, on a free port, with the Python API for all accounts."""
    from mockserver.testing.mock_server import MockServer

    with MockServer(_settings(pytestconfig)) as server:
        yield server


@pytest.fixture
def audio_api(request: pytest.FixtureRequest, audio_api_server: MockServer) -> Iterator[AudioApi]:
    """Yield the Python API for an account of this test. Environment variables direct the SDK to it."""
    api = _account(request.node, audio_api_server)
    request.node.stash[_TESTED] = _Tested(api, audio_api_server, audio_api_server.latest_exchange)
    with pytest.MonkeyPatch.context() as environment:
        _set_environment(environment, api)
        yield api
    del request.node.stash[_TESTED]
    api.reset()
    api.clock.reset()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add the exchanges of a failed test to its report."""
    report = yield
    tested = item.stash.get(_TESTED, None)
    if tested is not None and report.failed:
        report.sections.append(
            ("Exchanges with the audio APIs", tested.api.exchanges() or _no_exchanges(tested))
        )
    return report


def _no_exchanges(tested: _Tested) -> str:
    """Return an explanation for a test without exchanges: those with other API keys, or clients of other URLs."""
    others = tested.server.exchanges_after(tested.mark)
    if others:
        return (
            f"No request had the API key of this test. Requests with other keys:\n{others}\nA client that was created "
            "before the test, by an earlier test or when a module was imported, has another key. "
            "docs/testing.md (Clients made at import) says what to do."
        )
    clients = "".join(f"\nA client of {url} exists." for url in _other_base_urls(tested.api))
    return (
        f"The server received no request.{clients}\nA client that was created before the test, such as when a module "
        "was imported, has another base URL: it may have called the real API. "
        "docs/testing.md (Clients made at import) says what to do."
    )


def _other_base_urls(api: AudioApi) -> list[str]:
    """Return the base URLs of the official SDK's clients in this process that call other servers."""
    openai = sys.modules.get("openai")
    if openai is None:
        return []
    kinds = (openai.OpenAI, openai.AsyncOpenAI)
    made = (each for each in gc.get_objects() if issubclass(type(each), kinds))
    return sorted({str(each.base_url) for each in made if not str(each.base_url).startswith(api.url)})


def _warn(config: pytest.Config, complaint: str) -> None:
    """Show ``complaint`` in the summary of the run. Raises ``UsageError`` if warnings are errors."""
    try:
        config.issue_config_time_warning(pytest.PytestConfigWarning(complaint), stacklevel=2)
    except pytest.PytestConfigWarning as error:
        raise pytest.UsageError(complaint) from error


def _settings(config: pytest.Config) -> Settings:
    """Return the settings of ``mockserver serve``, overridden by pytest's configuration file and command line."""
    from mockserver.settings.loading import load_settings
    from mockserver.settings.model import SettingsError

    in_file = _read("mockserver in pytest's configuration", config.getini("mockserver"), config.rootpath)
    on_line = _read("--mockserver", config.getoption("mockserver"), config.invocation_params.dir)
    try:
        return load_settings(environ=os.environ, **({"port": 0} | in_file | on_line))
    except SettingsError as error:
        raise pytest.UsageError(f"mockserver: {error}") from error


def _read(source: str, lines: list[str], folder: Path) -> dict[str, Any]:
    """Return the settings in ``SETTING=VALUE`` lines. A list has one line for each path, relative to ``folder``."""
    from mockserver.settings.model import OPTIONS
    from mockserver.settings.values import kind_of

    lists = {option.name for option in OPTIONS if kind_of(option) is tuple}
    values: dict[str, Any] = {}
    for line in lines:
        name, equals, value = (part.strip() for part in line.partition("="))
        if not equals:
            raise pytest.UsageError(f"{source}: {line!r} does not have the form SETTING=VALUE.")
        if name in lists:
            values.setdefault(name, []).append(str(folder / value))
        else:
            values[name] = value
    return values


def _account(node: pytest.Item, server: MockServer) -> AudioApi:
    """Return the Python API of a new account, configured by the test's markers; the closest marker wins."""
    wanted: dict[str, Any] = {}
    for marker in node.iter_markers(_MARKER):
        if marker.args:
            pytest.fail(
                f"@pytest.mark.{_MARKER} takes only keyword arguments, got {marker.args!r}.", pytrace=False
            )
        wanted = {**marker.kwargs, **wanted}
    try:
        api = server.account(tier=wanted.pop("tier", None))
        api.configure(**wanted)
    except (TypeError, ValueError) as error:
        pytest.fail(f"@pytest.mark.{_MARKER}: {error}", pytrace=False)
    return api


def _set_environment(environment: pytest.MonkeyPatch, api: AudioApi) -> None:
    """Set the variables that direct clients to the server, without a proxy."""
    for variable in _BASE_URL_VARIABLES:
        environment.setenv(variable, api.base_url)
    environment.setenv("OPENAI_API_KEY", api.api_key)
    for variable in _OTHER_VARIABLES:
        environment.delenv(variable, raising=False)
    for variable in ("NO_PROXY", "no_proxy"):
        environment.setenv(variable, str(urlsplit(api.url).hostname), prepend=",")
