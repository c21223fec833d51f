"""Whisper models on this machine are found, named and downloaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mockserver.engines.transcription import EngineFailed
from mockserver.engines.whisper.models import (
    display_name,
    embedded_model,
    find_model,
    is_embedded,
    pull_model,
)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty Hugging Face cache."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def put(cache: Path, repository: str, size: int) -> str:
    folder = cache / f"models--{repository.replace('/', '--')}" / "snapshots" / "0123"
    folder.mkdir(parents=True)
    (folder / "model.bin").write_bytes(bytes(size))
    (folder / "tokenizer.json").write_text("{}")
    return str(folder)


def test_the_smallest_multilingual_model_of_the_cache_is_chosen(cache: Path) -> None:
    put(cache, "Systran/faster-whisper-small", 300)
    put(cache, "Systran/faster-whisper-tiny.en", 100)
    tiny = put(cache, "Systran/faster-whisper-base", 200)
    put(cache, "sentence-transformers/other", 1)
    assert find_model("auto") == tiny


def test_an_english_model_is_better_than_none(cache: Path) -> None:
    tiny = put(cache, "Systran/faster-whisper-tiny.en", 100)
    assert find_model("auto") == tiny


@pytest.mark.usefixtures("cache")
@pytest.mark.parametrize("setting", ["auto", "embedded"])
def test_without_a_cache_there_is_the_model_that_ships(setting: str) -> None:
    assert find_model(setting) == str(embedded_model())
    assert (embedded_model() / "model.bin").is_file()


def test_the_model_that_ships_can_be_had_in_any_case(cache: Path) -> None:
    put(cache, "Systran/faster-whisper-tiny", 100)
    assert find_model("embedded") == str(embedded_model())


@pytest.mark.parametrize("lacking", ["model.bin", "tokenizer.json"])
def test_a_model_that_was_not_downloaded_to_its_end_is_passed_over(cache: Path, lacking: str) -> None:
    folder = Path(put(cache, "Systran/faster-whisper-tiny", 100))
    (folder / lacking).unlink()
    (folder / lacking).symlink_to("../../blobs/gone")
    assert find_model("auto") == str(embedded_model())
    (folder / lacking).unlink()
    (folder / lacking).touch()
    assert find_model("auto") == str(embedded_model())


UNREADABLE_CACHE = """
import ctypes, os, sys
for capability in (1, 2):  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH, by which root may read everything
    ctypes.CDLL(None).prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP
program = "from mockserver.engines.whisper.models import find_model; print(find_model('auto'))"
os.execv(sys.executable, [sys.executable, "-c", program])
"""


@pytest.mark.skipif(sys.platform != "linux", reason="rights are dropped as Linux has it")
def test_a_cache_that_may_not_be_read_leaves_the_model_that_ships(tmp_path: Path) -> None:
    (tmp_path / "hub").mkdir()
    tmp_path.chmod(0)
    run = subprocess.run(
        [sys.executable, "-c", UNREADABLE_CACHE],
        env={name: value for name, value in os.environ.items() if name != "HF_HUB_CACHE"}
        | {"HF_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    tmp_path.chmod(0o700)
    assert run.stdout == f"{embedded_model()}\n"
    assert f"cannot be read (Permission denied): {tmp_path / 'hub'}" in run.stderr
    assert "HF_HOME" in run.stderr


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a user without a home: no ``HOME``, no entry in the password file, no other cache folder."""
    for name in ("HOME", "HF_HUB_CACHE", "HF_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(os, "getuid", lambda: 2_147_483_000)


@pytest.mark.usefixtures("homeless")
def test_a_user_without_a_home_has_the_model_that_ships() -> None:
    assert find_model("auto") == str(embedded_model())


@pytest.mark.usefixtures("homeless")
@pytest.mark.parametrize("name", ["tiny", "~/models/tiny"])
def test_a_user_without_a_home_is_asked_to_set_one(name: str) -> None:
    with pytest.raises(EngineFailed, match="set HF_HOME or HOME"):
        find_model(name)
    with pytest.raises(EngineFailed, match="set HF_HOME or HOME"):
        pull_model(name, on_progress=lambda _: None)


def test_no_model_is_wanted(cache: Path) -> None:
    put(cache, "Systran/faster-whisper-tiny", 100)
    assert find_model("none") is None


def test_a_model_is_called_by_its_repository(cache: Path) -> None:
    assert display_name(Path(put(cache, "Systran/faster-whisper-tiny", 1))) == "faster-whisper-tiny"


@pytest.mark.parametrize(
    "config",
    [None, b"", b"no JSON", b"\xff", b"[" * 100_000, b"[]", b"{}", b'{"trained_on": "people"}'],
    ids=lambda config: "none" if config is None else config[:24].decode("latin-1") or "empty",
)
def test_a_folder_of_the_same_name_is_another_model(tmp_path: Path, config: bytes | None) -> None:
    folder = tmp_path / "mine" / "embedded"
    folder.mkdir(parents=True)
    if config is not None:
        (folder / "config.json").write_bytes(config)
    assert (is_embedded(folder), display_name(folder)) == (False, "mine/embedded")


def test_a_repository_of_the_same_name_is_another_model(cache: Path) -> None:
    assert display_name(Path(put(cache, "nobody/embedded", 1))) == "nobody/embedded"


def test_a_model_in_the_current_folder_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert display_name(Path()) == tmp_path.name


def test_a_model_may_be_a_folder(tmp_path: Path) -> None:
    (tmp_path / "model.bin").touch()
    assert find_model(str(tmp_path)) == str(tmp_path)


def test_a_folder_without_a_model_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match=r"has no model\.bin"):
        find_model(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "reason"), [("tinny", "expected one of: tiny"), ("nobody/nothing", "models pull nobody/nothing")]
)
def test_a_model_that_is_not_here_is_refused_with_a_remedy(name: str, reason: str) -> None:
    with pytest.raises(EngineFailed, match=reason):
        find_model(name)


def test_a_download_of_something_unknown_is_refused() -> None:
    with pytest.raises(EngineFailed, match="expected one of: tiny"):
        pull_model("tinny", on_progress=lambda _: None)


@pytest.mark.slow
def test_a_download_without_a_network_says_so(tmp_path: Path) -> None:
    script = (
        "from mockserver.engines.whisper.models import *\n"
        "try: pull_model('tiny', on_progress=lambda count: None)\n"
        "except EngineFailed as error: print(error)"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    run = subprocess.run(
        [sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert run.stdout.startswith("cannot find the Whisper model 'tiny'")
