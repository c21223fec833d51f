"""The output of `mockserver serve`; tests/test_cli.py tests the running program."""

from __future__ import annotations

import importlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import pytest

from mockserver.app import build_services
from mockserver.commands.serve import banner, exposure, load_control, return_memory_early
from mockserver.installation import importing
from mockserver.settings.model import Settings

URL = "http://127.0.0.1:4010"


def printed(settings: Settings) -> str:
    services = build_services(settings)
    return banner(URL, settings, len(services.fixtures.fixtures), services.whisper)


def test_the_banner_says_where_and_how_it_serves() -> None:
    lines = printed(Settings(strictness="off", whisper_model="none")).splitlines()
    assert lines[0] == f"audio-mockserver at {URL}/v1 (strictness: off; any API key is accepted)"
    assert lines[1].endswith("no engine: unknown audio gets a marked placeholder")
    assert lines[2].startswith("  speaks: pyttsx3 on espeak-ng")
    assert lines[4] == f"  dashboard: {URL}/ in a browser"
    assert lines[-1] == "Press Ctrl-C to stop."


def test_the_banner_of_a_server_that_speaks_tls_says_how_to_trust_it() -> None:
    shown = banner("https://127.0.0.1:4010", Settings(whisper_model="none"), 4, None, Path("/tmp/ca.pem"))
    assert (
        "\n  export SSL_CERT_FILE=/tmp/ca.pem CURL_CA_BUNDLE=/tmp/ca.pem NODE_EXTRA_CA_CERTS=/tmp/ca.pem\n"
        in shown
    )
    assert "curl https://127.0.0.1:4010/v1/audio/speech" in shown


def hears(settings: Settings) -> str:
    return printed(settings).splitlines()[1].removeprefix("  transcribes: ")


def test_the_banner_says_how_tokens_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "  counts: text tokens exactly\n" in printed(Settings(whisper_model="none"))
    monkeypatch.setitem(sys.modules, "splintr", None)
    line = "  counts: text tokens by estimate, because splintr-rs is not installed\n"
    assert line in printed(Settings(whisper_model="none"))


def test_the_banner_names_the_model_that_hears_and_whom_it_understands() -> None:
    assert hears(Settings(whisper_model="embedded")) == (
        "4 fixtures and its own speech exactly; "
        "other audio by embedded, a Whisper that understands this server's voices, not people"
    )


def test_the_banner_names_another_model_by_its_folder(tmp_path: Path) -> None:
    folder = tmp_path / "tiny"
    folder.mkdir()
    (folder / "model.bin").touch()
    assert hears(Settings(whisper_model=str(folder))).endswith("; other audio by tiny")


def test_the_banner_does_not_claim_a_memory_that_is_off() -> None:
    assert hears(Settings(whisper_model="none", remember_speech=0)).startswith("4 fixtures exactly; other")


def test_memory_is_tuned_where_the_c_library_can(monkeypatch: pytest.MonkeyPatch) -> None:
    options: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda *option: options.append(option))
    monkeypatch.setattr("ctypes.CDLL", lambda name: library)
    return_memory_early()
    assert options == [(-3, 8 << 20), (-1, 32 << 20), (-8, 1)]


@pytest.mark.parametrize("failure", [AttributeError, OSError, TypeError])
def test_other_c_libraries_are_left_as_they_are(
    monkeypatch: pytest.MonkeyPatch, failure: type[Exception]
) -> None:
    asked: list[None] = []

    def other(name: None) -> NoReturn:
        asked.append(name)
        raise failure

    monkeypatch.setattr("ctypes.CDLL", other)
    return_memory_early()
    assert asked == [None]


def test_a_server_that_others_can_reach_without_a_token_is_warned_of() -> None:
    assert exposure(Settings()) is None
    assert exposure(Settings(host="0.0.0.0", control_token="secret")) is None
    assert "--control-token" in (exposure(Settings(host="0.0.0.0")) or "")


def test_no_other_thread_imports_while_the_control_api_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    free = []

    def imported(_: str) -> None:
        with ThreadPoolExecutor(1) as other:
            free.append(other.submit(importing.acquire, blocking=False).result())

    monkeypatch.setattr(importlib, "import_module", imported)
    load_control()
    assert free == [False]


def test_the_start_does_not_import_what_only_some_servers_need() -> None:
    program = (
        "import sys; import mockserver.cli, mockserver.commands.serve as serve;"
        "from mockserver.settings.model import Settings;"
        "serve.build_services(Settings(whisper_model='none'));"
        "print(*{name.split('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "mockserver" in loaded
    assert not loaded & {"ssl", "asyncio", "trustme", "cryptography", "aiortc", "av", "numpy", "flask"}
