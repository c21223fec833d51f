"""The map of URLs: found by URL or pattern, in three formats; errors name the place and a remedy."""

from __future__ import annotations

from pathlib import Path

import pytest

from mockserver.remote.url_map import UrlMapError, load_url_map

URL = "https://audio.example.com/a.mp3"


def written(folder: Path, name: str, text: str) -> Path:
    (folder / "clip.mp3").write_bytes(b"")
    path = folder / name
    path.write_text(text, "utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("map.toml", f'"{URL}" = "clip.mp3"'),
        ("map.json", f'{{"{URL}": "clip.mp3"}}'),
        ("map.yaml", f'"{URL}": clip.mp3'),
    ],
)
def test_a_url_leads_to_a_file_beside_the_map(tmp_path: Path, name: str, text: str) -> None:
    assert load_url_map(written(tmp_path, name, text), {}).find(URL) == tmp_path / "clip.mp3"


def test_a_url_leads_to_the_audio_of_a_fixture(tmp_path: Path) -> None:
    audio = tmp_path / "elsewhere.wav"
    found = load_url_map(written(tmp_path, "map.toml", f'"{URL}" = "hello"'), {"hello": audio}).find(URL)
    assert found == audio


def test_a_url_as_it_is_comes_before_patterns(tmp_path: Path) -> None:
    text = f'"https://audio.example.com/*" = "hello"\n"{URL}" = "clip.mp3"'
    url_map = load_url_map(written(tmp_path, "map.toml", text), {"hello": tmp_path / "hello.wav"})
    assert url_map.find(URL) == tmp_path / "clip.mp3"
    assert url_map.find("https://audio.example.com/b.mp3") == tmp_path / "hello.wav"
    assert url_map.find("https://other.example.com/") is None


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("map.toml", f'"{URL}" = "nobody"', "'nobody' is neither a file"),
        ("map.toml", f'"{URL}" = 1', "1 is neither a file"),
        ("map.toml", "=", "cannot be parsed as a URL map"),
        ("map.yaml", "a: b: c", "cannot be parsed as a URL map"),
        ("map.json", "[]", "is not a table of URLs"),
    ],
)
def test_a_map_that_makes_no_sense_is_refused(tmp_path: Path, name: str, text: str, message: str) -> None:
    with pytest.raises(UrlMapError, match=message):
        load_url_map(written(tmp_path, name, text), {})


def test_a_map_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UrlMapError, match="no such file"):
        load_url_map(tmp_path / "map.toml", {})
