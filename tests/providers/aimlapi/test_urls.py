"""Audio by URL: local sources, allowed fetches, and refusals."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mockserver.app import create_app
from mockserver.remote.url_map import UrlMapError
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.conftest import FIXTURES
from tests.providers.aimlapi.conftest import DEEPGRAM, OPENAI, Stt
from tests.website import Website

HELLO = "Hello world, this is a test."
DOCUMENTED = "https://audio-samples.github.io/samples/mp3/blizzard_primed/sample-0.mp3"

Clip = tuple[str, bytes]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder for ``file:`` URLs, a file outside of it, and a map of URLs."""
    base = tmp_path_factory.mktemp("urls")
    (base / "open").mkdir()
    hello = (FIXTURES / "hello.wav").read_bytes()
    (base / "open" / "my hello.wav").write_bytes(hello)
    (base / "secret.wav").write_bytes(hello)
    (base / "open" / "link.wav").symlink_to(base / "secret.wav")
    (base / "map.toml").write_text(
        f'"{DOCUMENTED}" = "hello"\n"https://audio.example.com/*" = "open/my hello.wav"\n', "utf-8"
    )
    return base


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[MockServer]:
    settings = Settings(
        port=0,
        whisper_model="none",
        log_level="warning",
        url_map=str(folder / "map.toml"),
        url_folder=str(folder / "open"),
    )
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def mapped(server: MockServer, schemas: Schemas) -> Stt:
    return Stt(server.account(), schemas)


def inline(data: bytes) -> str:
    return "data:audio/wav;base64," + base64.b64encode(data).decode()


@pytest.mark.parametrize("url", [DOCUMENTED, "https://audio.example.com/anything.mp3?x=1"])
def test_a_url_of_the_map_is_the_file_it_stands_for(mapped: Stt, url: str) -> None:
    assert mapped.result(mapped.create({"model": OPENAI, "url": url}))["text"] == HELLO


def test_a_data_url_is_the_file_itself(mapped: Stt, hello: Clip) -> None:
    assert mapped.result(mapped.create({"model": OPENAI, "url": inline(hello[1])}))["text"] == HELLO


def test_a_file_url_is_read_from_the_folder(mapped: Stt, folder: Path) -> None:
    url = (folder / "open" / "my hello.wav").as_uri()
    assert mapped.result(mapped.create({"model": OPENAI, "url": url}))["text"] == HELLO


@pytest.mark.parametrize(
    "path",
    [
        "secret.wav",
        "open/../secret.wav",
        "open/link.wav",
        "open/nothing.wav",
        "open",
        "map.toml",
        "open/" + "a" * 300 + ".wav",
        "open/" + "a/" * 5000,
        "open/%00",
        "open/my%FFhello.wav",
        "open/my hello.wav%0A",
    ],
)
def test_a_file_url_reads_nothing_else(mapped: Stt, folder: Path, path: str) -> None:
    status, message = mapped.refusal(mapped.post({"model": OPENAI, "url": f"file://{folder}/{path}"}))
    assert status == 400
    assert "cannot be read: no such file" in message
    assert "setting url_folder" in message


@pytest.mark.parametrize("url", ["file:///etc/hostname", "file://host/open/my.wav", "FILE:///etc/hostname"])
def test_without_a_folder_no_file_url_is_read(stt: Stt, url: str) -> None:
    status, message = stt.refusal(stt.post({"model": OPENAI, "url": url}))
    assert (status, "none is set" in message) == (400, True)


def test_what_may_not_be_fetched_is_refused_in_words_that_name_the_settings(stt: Stt) -> None:
    status, message = stt.refusal(stt.post({"model": OPENAI, "url": DOCUMENTED}))
    assert status == 400
    assert "the setting fetch_urls does not allow audio-samples.github.io:443" in message
    assert "--url-map" in message


def test_a_stub_answers_for_audio_that_nobody_has(stt: Stt) -> None:
    stt.api.on("stt", fields={"url": DOCUMENTED}).reply("Five words are spoken here.")
    assert (
        stt.result(stt.create({"model": OPENAI, "url": DOCUMENTED}))["text"] == "Five words are spoken here."
    )
    metadata = stt.result(stt.create({"model": DEEPGRAM, "url": DOCUMENTED}))["metadata"]
    assert (metadata["duration"], metadata["channels"]) == (2.0, 1)


def test_stubs_know_the_audio_of_a_mapped_url(mapped: Stt) -> None:
    mapped.api.on("stt", heard="hello world").reply("It said hello.")
    assert mapped.result(mapped.create({"model": OPENAI, "url": DOCUMENTED}))["text"] == "It said hello."


def test_the_journal_knows_the_audio_of_a_mapped_url(mapped: Stt) -> None:
    mapped.create({"model": OPENAI, "url": DOCUMENTED})
    (entry,) = mapped.api.journal
    assert (entry["endpoint"], entry["operation"], entry["model"]) == ("stt", "create_stt", OPENAI)
    assert entry["audio"][0]["file"] == "hello.wav"
    assert entry["heard"] == HELLO
    assert entry["usage"]["input_tokens"] > 0


def test_a_file_is_fetched_from_an_allowed_host(
    fetching: Callable[..., Stt], website: Website, hello: Clip
) -> None:
    stt = fetching()
    job = stt.create({"model": DEEPGRAM, "url": website.page("/hello.wav", hello[1])})
    stt.becomes(job, "completed")
    (alternative,) = stt.result(job)["results"]["channels"]["alternatives"]
    assert alternative["transcript"] == HELLO


def test_what_cannot_be_fetched_has_the_job_fail(fetching: Callable[..., Stt], website: Website) -> None:
    stt = fetching()
    website.redirect("/secret", "http://169.254.169.254/latest/meta-data/")
    website.page("/zeros", bytes(2_000_000))
    website.page("/none", b"", status=404)
    messages = {
        "/secret": "does not allow 169.254.169.254:80",
        "/none": "answers 404 Not Found",
        "/zeros": "Audio file might be corrupted or unsupported",
    }
    for path, message in messages.items():
        job = stt.create({"model": OPENAI, "url": website.url(path)})
        stt.becomes(job, "error")
        assert message in stt.error(job)["message"]


def test_a_file_may_be_as_large_as_a_body(fetching: Callable[..., Stt], website: Website) -> None:
    stt = fetching(max_body_bytes=1000)
    job = stt.create({"model": OPENAI, "url": website.page("/large.wav", bytes(1001))})
    stt.becomes(job, "error")
    assert stt.error(job)["name"] == "stt_fetch_failed"
    assert "is larger than 1000 bytes" in stt.error(job)["message"]


def test_who_is_slow_is_waited_for_so_long(fetching: Callable[..., Stt], website: Website) -> None:
    stt = fetching(fetch_seconds=0.2)
    job = stt.create({"model": OPENAI, "url": website.file("/slow.wav", b"")})
    stt.becomes(job, "error")
    assert "took more than 0.2 seconds" in stt.error(job)["message"]


def test_a_map_that_makes_no_sense_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "map.toml").write_text('"https://a.example.com/" = "nobody"', "utf-8")
    with pytest.raises(UrlMapError, match="'nobody' is neither a file"):
        create_app(Settings(whisper_model="none", url_map=str(tmp_path / "map.toml")))


def test_audio_that_nobody_has_is_as_long_as_its_scripted_words(stt: Stt) -> None:
    words = [{"word": "Hello.", "start": 4.0, "end": 5.5}]
    stt.api.on("stt", fields={"url": DOCUMENTED}).reply(words=words)
    result = stt.result(stt.create({"model": DEEPGRAM, "url": DOCUMENTED}))
    assert result["metadata"]["duration"] == 5.5
    assert result["results"]["channels"]["alternatives"][0]["words"][0]["end"] == 5.5


def test_a_mapped_file_that_is_gone_is_no_audio(
    tmp_path: Path, hello: Clip, schemas: Schemas, caplog: pytest.LogCaptureFixture
) -> None:
    clip, url_map = tmp_path / "clip.wav", tmp_path / "map.json"
    clip.write_bytes(hello[1])
    url_map.write_text(f'{{"{DOCUMENTED}": "clip.wav"}}', "utf-8")
    with MockServer(Settings(port=0, whisper_model="none", url_map=str(url_map))) as server:
        stt = Stt(server.account(), schemas)
        stt.create({"model": OPENAI, "url": DOCUMENTED})
        clip.unlink()
        assert stt.post({"model": OPENAI, "url": DOCUMENTED}).status_code == 400
    assert "of an audio URL cannot be read" in caplog.text
