"""The audio of an exchange in a real browser: players, waveforms, transcripts, and what cannot be heard."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

import openai
import pytest
from playwright.sync_api import Locator, Page, expect

from mockserver.audio.encode import encode_speech
from mockserver.dashboard.pages import PREFIX
from mockserver.resources import data_folder
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.waiting import eventually

KEY = "sk-mock-tier-5-dashboard-audio"
HELLO = data_folder("fixtures") / "hello.wav"  # "Hello world, this is a test."
CALL = data_folder("fixtures") / "support-call.wav"  # of two speakers
WORDS = "Good morning. It is me."
NASTY = "<img src=x onerror=alert(1)>"
PIECE = 48_000  # bytes


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """Return a server that keeps audio, and accepts any bytes as audio."""
    return make_server(whisper_model="none", keep_audio=1 << 24, strictness="off")


@pytest.fixture
def client(server: MockServer) -> openai.OpenAI:
    return openai.OpenAI(base_url=server.base_url, api_key=KEY, max_retries=0)


def show_latest(page: Page, server: MockServer) -> Locator:
    """Open the page of the latest exchange. Return its players."""
    page.goto(f"{server.url}{PREFIX}/exchanges/{server.latest_exchange}")
    players = page.locator(".player")
    expect(players.first).to_be_visible()
    return players


def duration_of(player: Locator) -> float:
    """Return the duration in seconds as the browser's player has it."""
    audio = player.locator("audio")
    assert eventually(lambda: audio.evaluate("(each) => each.readyState") >= 1)
    return float(audio.evaluate("(each) => each.duration"))


def position_of(player: Locator) -> float:
    return float(player.get_by_role("slider").input_value())


def converted(wav: bytes, container: str, codec: str) -> bytes:
    """Return a sound in another container."""
    from mockserver.audio.pyav import av

    written = io.BytesIO()
    source: Any = av.open(io.BytesIO(wav))
    target: Any = av.open(written, "w", format=container)
    with source, target:
        stream = target.add_stream(codec, 48_000)
        stream.layout = "mono"
        resampler = av.AudioResampler("s16" if codec == "libopus" else "fltp", "mono", 48_000, 960)
        for frame in (*source.decode(audio=0), None):
            for each in resampler.resample(frame):
                target.mux(stream.encode(each))
        target.mux(stream.encode(None))
    return written.getvalue()


def encoded(wav: bytes, response_format: str) -> bytes:
    pcm = wav[44:]
    pieces = (pcm[start : start + PIECE] for start in range(0, len(pcm), PIECE))
    return b"".join(encode_speech(pieces, response_format))


MAKERS: dict[str, Callable[[bytes], bytes]] = {
    "wav": lambda wav: wav,
    "mp3": lambda wav: encoded(wav, "mp3"),
    "ogg": lambda wav: encoded(wav, "opus"),
    "flac": lambda wav: encoded(wav, "flac"),
    "webm": lambda wav: converted(wav, "webm", "libopus"),
    "m4a": lambda wav: converted(wav, "ipod", "aac"),
}


@pytest.mark.parametrize("extension", MAKERS)
def test_what_was_sent_plays(page: Page, server: MockServer, client: openai.OpenAI, extension: str) -> None:
    data = MAKERS[extension](HELLO.read_bytes())
    client.audio.transcriptions.create(model="whisper-1", file=(f"hello.{extension}", data))
    [file] = server.journal[-1]["audio"]
    player = show_latest(page, server)

    assert duration_of(player) == pytest.approx(2.07, abs=0.15)
    assert duration_of(player) == pytest.approx(file["duration"], abs=0.15)
    expect(player.locator("canvas")).to_be_visible()
    player.get_by_role("button", name="Play").click()
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    assert eventually(lambda: position_of(player) > 0)
    expect(player.get_by_role("button", name="Play")).to_be_visible()  # it has ended


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac", "flac", "wav", "pcm"])
def test_what_was_said_plays(
    page: Page, server: MockServer, client: openai.OpenAI, response_format: Any
) -> None:
    client.audio.speech.create(
        model="tts-1", voice="alloy", input=WORDS, response_format=response_format
    ).read()
    [said] = server.journal[-1]["said_audio"]
    player = show_latest(page, server)

    assert duration_of(player) == pytest.approx(said["duration"], rel=0.07)
    expect(player.locator("canvas")).to_be_visible()
    expect(player.get_by_text("spoken again")).to_have_count(0)


def test_words_move_the_position_and_follow_it(page: Page, server: MockServer, client: openai.OpenAI) -> None:
    client.audio.transcriptions.create(model="whisper-1", file=HELLO)
    words = server.journal[-1]["audio"][0]["transcript"]["words"]
    player = show_latest(page, server)
    duration_of(player)

    player.get_by_role("button", name="world,").click()
    assert position_of(player) == pytest.approx(words[1]["start"], abs=0.01)
    expect(player.locator("[aria-current=true]")).to_have_text("world,")
    player.locator(".strip span", has_text="test.").click()
    expect(player.locator("[aria-current=true]")).to_have_text("test.")


def test_the_keyboard_does_everything(page: Page, server: MockServer, client: openai.OpenAI) -> None:
    client.audio.transcriptions.create(model="whisper-1", file=HELLO)
    player = show_latest(page, server)
    duration_of(player)

    player.get_by_role("slider").focus()
    page.keyboard.press("ArrowRight")
    assert position_of(player) == pytest.approx(0.5)
    page.keyboard.press("End")
    assert position_of(player) == pytest.approx(duration_of(player), abs=0.02)
    page.keyboard.press("Home")
    page.keyboard.press("Space")
    expect(player.get_by_role("button", name="Pause")).to_be_visible()
    player.get_by_role("button", name="Hello", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(player.locator("button:focus")).to_have_text("this")
    assert player.locator(".transcript [tabindex='0']").count() == 1, "one stop of the Tab key"


def test_segments_have_their_speakers(page: Page, server: MockServer, client: openai.OpenAI) -> None:
    model: Any = "gpt-4o-transcribe-diarize"
    options: Any = {"response_format": "diarized_json", "chunking_strategy": "auto"}
    client.audio.transcriptions.create(model=model, file=CALL, **options)
    player = show_latest(page, server)
    duration_of(player)

    expect(player.locator(".transcript .badge")).to_have_text(["A", "B", "A", "B"])
    expect(player.locator(".strip span")).to_have_text(["A", "B", "A", "B"])


def test_what_was_not_kept_is_spoken_again_or_says_how_to_keep_it(
    page: Page, make_server: Callable[..., MockServer]
) -> None:
    server = make_server(whisper_model="none")
    with openai.OpenAI(base_url=server.base_url, api_key=KEY) as client:
        client.audio.transcriptions.create(model="whisper-1", file=HELLO)
        player = show_latest(page, server)
        expect(player.get_by_text("The audio was not kept")).to_be_visible()
        expect(player.get_by_text("--keep-audio 100000000")).to_be_visible()
        expect(player.get_by_role("button", name="world,")).to_be_visible()

        client.audio.speech.create(model="tts-1", voice="alloy", input=WORDS).read()
        player = show_latest(page, server)
        expect(player.get_by_text("spoken again", exact=True)).to_be_visible()
        assert duration_of(player) == pytest.approx(1.83, abs=0.05)


def test_files_that_are_no_audio_have_no_player(
    page: Page, server: MockServer, client: openai.OpenAI
) -> None:
    client.files.create(file=("lines.jsonl", b"{}"), purpose="batch")
    page.goto(f"{server.url}{PREFIX}/exchanges/{server.latest_exchange}")

    expect(page.get_by_role("heading", name="Answer")).to_be_visible()
    expect(page.get_by_role("region", name="Audio")).to_have_count(0)


def test_what_the_browser_cannot_decode_can_be_downloaded(
    page: Page, server: MockServer, client: openai.OpenAI
) -> None:
    client.audio.transcriptions.create(model="whisper-1", file=("noise.wav", b"no audio at all" * 100))
    player = show_latest(page, server)

    expect(player.get_by_text("This browser cannot decode it")).to_be_visible()
    with page.expect_download() as download:
        player.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "noise.wav"


def test_names_and_transcripts_stay_text(page: Page, server: MockServer, client: openai.OpenAI) -> None:
    server.account(KEY).on_transcription().reply(f"{NASTY} was heard.")
    client.audio.transcriptions.create(model="whisper-1", file=(f"{NASTY}.wav", HELLO.read_bytes()))
    player = show_latest(page, server)

    expect(player.get_by_role("heading")).to_have_text(f"Sent: {NASTY}.wav")
    expect(player.locator(".transcript")).to_contain_text(re.compile("onerror=alert"))
    assert page.locator("img[src=x]").count() == 0


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_players_are_accessible_and_fit(
    page: Page, server: MockServer, client: openai.OpenAI, colours: Any
) -> None:
    client.audio.transcriptions.create(model="whisper-1", file=HELLO)
    page.emulate_media(color_scheme=colours)
    player = show_latest(page, server)
    duration_of(player)

    check_axe(page)
    for width in (360, 800, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)
