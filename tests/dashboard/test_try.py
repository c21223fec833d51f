"""The page `try`: requests as a user's program sends them, from the form to what is heard."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Response, expect

from mockserver.engines.whisper.models import embedded_model
from mockserver.resources import data_folder
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.dashboard.chromium import Complaints

FIXTURES = data_folder("fixtures")
TRY = "/_mock/dashboard/try"
KEY = "sk-mock-try-it"  # of the page's requests, unless another one is given
HELLO = "Hello world, this is a test."
A_400 = "status of 400"
TRANSCRIBED = 120_000  # milliseconds that Whisper may take on a busy machine


def give(page: Page, file: str | Path) -> None:
    """Choose an audio file."""
    page.get_by_label("Choose a file").set_input_files(FIXTURES / file)


def choose(page: Page, **fields: str) -> None:
    """Choose values of fields, whose labels are the names with spaces."""
    for name, value in fields.items():
        page.get_by_label(name.replace("_", " ").capitalize(), exact=True).select_option(value)


def send(page: Page, path: str = "/v1/audio/transcriptions", button: str = "Send") -> Response:
    """Send the form, and return the answer of the API."""
    with page.expect_response(f"**{path}", timeout=TRANSCRIBED) as answered:
        page.get_by_role("button", name=button, exact=True).click()
    return answered.value


def latest(server: MockServer) -> dict[str, Any]:
    """Return the latest exchange of the journal."""
    entries: list[dict[str, Any]] = httpx.get(f"{server.url}/_mock/journal").json()["entries"]
    return entries[-1]


def test_a_file_is_transcribed_while_the_answer_arrives(page: Page, server: MockServer) -> None:
    page.goto(TRY)
    give(page, "hello.wav")
    answer = send(page)
    expect(page.locator(".heard")).to_have_text(HELLO)
    expect(page.get_by_text("Usage: 20 tokens in, 10 out")).to_be_visible()
    page.get_by_role("tab", name="Events").click()
    expect(page.get_by_role("row").filter(has_text="transcript.text.delta").first).to_contain_text("Hello")
    expect(page.get_by_role("row").filter(has_text="transcript.text.done")).to_contain_text(HELLO)
    entry = latest(server)
    asked = {"model": "gpt-4o-transcribe", "response_format": "json", "stream": True, "file": ""}
    assert entry["request"] == asked
    link = page.get_by_role("link", name="The exchange in the journal")
    expect(link).to_have_attribute("href", f"/_mock/dashboard/exchanges/{answer.headers['x-request-id']}")
    assert answer.headers["x-request-id"] == entry["id"]


def test_a_recording_of_the_microphone_is_understood(
    page: Page, make_server: Callable[..., MockServer]
) -> None:
    if embedded_model() is None:
        pytest.skip("the embedded Whisper is not installed")
    page.goto(f"{make_server(whisper_model='embedded').url}{TRY}")
    page.get_by_role("button", name="Record from the microphone").click()
    expect(page.locator(".badge", has_text="recording 0:03")).to_be_visible()
    page.get_by_role("button", name="Stop recording").click()
    expect(page.get_by_role("article", name="recording.webm")).to_contain_text("/ 0:03.")
    send(page)
    expect(page.locator(".heard")).to_have_text("Hello world. This is a test.", timeout=30_000)


def test_a_dropped_file_is_taken(page: Page) -> None:
    page.goto(TRY)
    data = page.evaluate_handle(
        """() => {
          const data = new DataTransfer();
          data.items.add(new File(["not audio"], "dropped.wav"));
          return data;
        }"""
    )
    page.locator(".drop").dispatch_event("drop", {"dataTransfer": data})
    expect(page.get_by_role("article", name="dropped.wav")).to_be_visible()
    expect(page.get_by_text("This browser cannot decode it")).to_be_visible()


def test_speakers_are_shown_beside_the_audio(page: Page) -> None:
    page.goto(TRY)
    give(page, "support-call.wav")
    choose(page, model="gpt-4o-transcribe-diarize", response_format="diarized_json")
    send(page)
    lines = page.locator(".transcript li")
    expect(lines).to_have_text(
        [
            "0:00.00A Thanks for calling our support line. ",
            "0:02.32B Hello, I would like to know when my parcel arrives. ",
            "0:05.66A It will be with you tomorrow morning. ",
            "0:07.76B Wonderful, thank you very much. ",
        ]
    )
    page.get_by_role("button", name="It will be with you tomorrow morning.").click()
    expect(page.get_by_text("0:05.66 / 0:10.24")).to_be_visible()
    check_axe(page)


@pytest.mark.parametrize("response_format", ["srt", "vtt", "verbose_json"])
def test_formats_with_times_are_shown_beside_the_audio(page: Page, response_format: str) -> None:
    page.goto(TRY)
    give(page, "support-call.wav")
    choose(page, model="whisper-1", response_format=response_format)
    page.get_by_label("Stream the answer").uncheck()
    send(page)
    expect(page.locator(".transcript li").nth(1)).to_contain_text("Hello, I would like to know")
    expect(page.locator(".heard")).to_contain_text("Thanks for calling our support line. Hello, I would")
    page.get_by_role("tab", name="As it was sent").click()
    sent = {"srt": "00:00:02,316 --> 00:00:05,311", "vtt": "WEBVTT", "verbose_json": '"avg_logprob"'}
    expect(page.get_by_role("tabpanel").last).to_contain_text(sent[response_format])


def test_words_have_times_as_well(page: Page) -> None:
    page.goto(TRY)
    give(page, "hello.wav")
    choose(page, model="whisper-1", response_format="verbose_json")
    page.get_by_label("Stream the answer").uncheck()
    page.get_by_label("Times of words").check()
    send(page)
    expect(page.locator(".transcript button")).to_have_count(6)


def test_a_translation_is_a_call_of_its_own(page: Page, server: MockServer) -> None:
    page.goto(TRY)
    give(page, "bonjour.wav")
    choose(page, endpoint="translations")
    page.get_by_label("Prompt").fill("A greeting.")
    send(page, "/v1/audio/translations")
    expect(page.locator(".heard")).not_to_be_empty()
    assert latest(server)["request"] == {
        "model": "whisper-1",
        "response_format": "json",
        "prompt": "A greeting.",
        "file": "",
    }


def test_a_refusal_is_shown_as_the_api_gives_it(page: Page, complaints: Complaints) -> None:
    complaints.allow(A_400)
    page.goto(TRY)
    give(page, "hello.wav")
    choose(page, response_format="srt")
    answer = send(page)
    message = answer.json()["error"]["message"]
    expect(page.get_by_role("alert")).to_have_text(message)
    expect(page.get_by_label("Answer", exact=True)).to_contain_text('"unsupported_value"')
    expect(page.get_by_label("Answer", exact=True)).to_contain_text("400")
    page.get_by_text("headers", exact=False).filter(visible=True).first.click()
    expect(page.get_by_text("x-ratelimit-limit-requests", exact=True)).to_be_visible()
    check_axe(page)


def test_another_key_is_another_account(page: Page, server: MockServer) -> None:
    page.goto(TRY)
    page.get_by_label("API key of the requests").fill("sk-mock-tier-1-me")
    give(page, "hello.wav")
    send(page)
    expect(page.locator(".heard")).to_have_text(HELLO)
    mine = {"authorization": "Bearer sk-mock-tier-1-me"}
    assert len(httpx.get(f"{server.url}/_mock/journal", headers=mine).json()["entries"]) == 1


def test_the_command_does_the_same(page: Page, server: MockServer, tmp_path: Path) -> None:
    name = 'it\'s "a" file; of, mine.wav'
    (tmp_path / name).write_bytes((FIXTURES / "hello.wav").read_bytes())
    page.goto(TRY)
    give(page, tmp_path / name)
    page.get_by_label("Stream the answer").uncheck()
    page.get_by_label("Prompt").fill('It\'s `a` $(prompt) \\ of "mine"')
    send(page)
    expect(page.locator(".heard")).to_have_text(HELLO)
    by_page = latest(server)
    page.get_by_text("The same with curl").click()
    command = page.locator("pre.curl").inner_text()
    answer = subprocess.run(
        ["bash", "-c", f"{command} --silent"], cwd=tmp_path, capture_output=True, check=True
    )
    assert json.loads(answer.stdout)["text"] == HELLO
    by_curl = latest(server)
    assert by_curl["id"] != by_page["id"]
    assert (by_curl["request"], by_curl["audio"][0]["file"]) == (
        by_page["request"],
        by_page["audio"][0]["file"],
    )


@pytest.mark.parametrize("name", ["<img src=x onerror=alert(1)>.wav", "'><script>alert(2)</script>.wav"])
def test_names_of_files_and_texts_stay_text(
    page: Page, tmp_path: Path, server: MockServer, name: str
) -> None:
    file = tmp_path / name.replace("/", "\u2215")
    file.write_bytes((FIXTURES / "hello.wav").read_bytes())
    text = "<b onclick=alert(3)>bold</b>"
    stub = {"when": {"endpoint": "transcriptions"}, "reply": {"text": text}}
    httpx.post(f"{server.url}/_mock/stubs", json=stub).raise_for_status()
    page.goto(TRY)
    give(page, file)
    send(page)
    expect(page.get_by_role("heading", name=file.name)).to_be_visible()
    expect(page.locator(".heard")).to_have_text(text)


@pytest.mark.parametrize("response_format", ["wav", "pcm", "mp3", "opus", "flac", "aac"])
def test_a_text_is_heard(page: Page, server: MockServer, response_format: str) -> None:
    page.goto(TRY)
    page.get_by_role("tab", name="Text to speech").click()
    page.get_by_label("Text", exact=True).fill(HELLO)
    choose(page, voice="nova", response_format=response_format)
    send(page, "/v1/audio/speech", "Speak")
    name = "speech.wav" if response_format == "pcm" else f"speech.{response_format}"
    player = page.get_by_role("article", name=name)
    expect(player.locator("canvas")).to_be_visible()
    seconds = player.locator("audio").evaluate("async (each) => { await each.play(); return each.duration; }")
    assert 1.5 < seconds < 3.5
    assert latest(server)["request"]["voice"] == "nova"


def test_long_speech_can_be_stopped(page: Page) -> None:
    page.goto(TRY)
    page.get_by_role("tab", name="Text to speech").click()
    page.get_by_label("Text", exact=True).fill(20 * f"{HELLO} ")
    send(page, "/v1/audio/speech", "Speak")
    expect(page.get_by_label("Answer", exact=True).get_by_text("playing")).to_be_visible()
    page.get_by_role("button", name="Stop", exact=True).click()
    expect(page.get_by_label("Answer", exact=True).get_by_text("playing")).to_be_hidden()
    expect(page.get_by_role("article", name="speech.wav")).to_be_visible()


@pytest.mark.parametrize(
    ("at", "message"),
    [
        ("before", "The server does not answer. Is it still running?"),
        ("middle", "The answer broke off: network error."),
    ],
)
def test_an_attempt_that_is_cut_off_says_so(
    page: Page, server: MockServer, complaints: Complaints, at: str, message: str
) -> None:
    complaints.allow("ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE")
    fault = {"fault": "connection_reset", "at": at, "when": {"endpoint": "speech"}}
    httpx.post(f"{server.url}/_mock/faults", json=fault).raise_for_status()
    page.goto(TRY)
    page.get_by_role("tab", name="Text to speech").click()
    page.get_by_role("button", name="Speak", exact=True).click()
    expect(page.get_by_role("alert")).to_have_text(message)


def test_speech_can_arrive_as_events(page: Page, server: MockServer) -> None:
    page.goto(TRY)
    page.get_by_role("tab", name="Text to speech").click()
    choose(page, model="gpt-4o-mini-tts", response_format="pcm")
    page.get_by_label("As server-sent events").check()
    page.get_by_label("Speed").fill("2")
    page.get_by_label("Instructions").fill("Whisper.")
    send(page, "/v1/audio/speech", "Speak")
    expect(page.get_by_role("article", name="speech.wav").locator("canvas")).to_be_visible()
    request = latest(server)["request"]
    assert (request["stream_format"], request["speed"], request["instructions"]) == ("sse", 2, "Whisper.")
    check_axe(page)


def test_a_chat_goes_on_by_voice(page: Page, server: MockServer) -> None:
    page.goto(TRY)
    page.get_by_role("tab", name="Spoken chat").click()
    give(page, "hello.wav")
    send(page, "/v1/chat/completions")
    turns = page.get_by_role("list", name="Conversation").get_by_role("listitem")
    expect(turns).to_have_count(2)
    expect(turns.nth(1)).to_contain_text(f"I heard you say: {HELLO}")
    expect(turns.nth(1).locator("canvas")).to_be_visible()
    page.get_by_label("Text, beside the audio or instead of it").fill("And now?")
    send(page, "/v1/chat/completions")
    expect(turns).to_have_count(4)
    roles = [message["role"] for message in latest(server)["request"]["messages"]]
    assert roles == ["user", "assistant", "user"]
    check_axe(page)
    page.get_by_role("button", name="New conversation").click()
    expect(turns).to_have_count(0)


def test_it_can_be_used_by_the_keyboard_alone(page: Page) -> None:
    page.goto(TRY)
    page.get_by_role("tab", name="Audio to text").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("tab", name="Text to speech")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.get_by_label("Text", exact=True)).to_be_focused()
    page.keyboard.type(" It goes on.")
    while not page.get_by_role("button", name="Speak", exact=True).evaluate(
        "(each) => each.matches(':focus')"
    ):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("article", name="speech.wav")).to_be_visible()


@pytest.mark.parametrize(("width", "colours"), [(360, "dark"), (800, "light")])
def test_it_fits_and_is_accessible(page: Page, width: int, colours: Any) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.emulate_media(color_scheme=colours)
    page.goto(TRY)
    give(page, "support-call.wav")
    send(page)
    expect(page.locator(".heard")).not_to_be_empty()
    for tab in ("Audio to text", "Text to speech", "Spoken chat"):
        page.get_by_role("tab", name=tab).click()
        check_width(page)
        check_axe(page)


def test_what_is_no_audio_cannot_be_played(page: Page, tmp_path: Path) -> None:
    (tmp_path / "notes.wav").write_text("These are notes.")
    page.goto(TRY)
    give(page, tmp_path / "notes.wav")
    expect(page.get_by_text("This browser cannot decode it")).to_be_visible()
    page.get_by_role("button", name="Play notes.wav").click()
    expect(page.get_by_role("button", name="Play notes.wav")).to_be_visible()


def test_a_recording_ends_where_it_was_begun(page: Page) -> None:
    page.goto(TRY)
    page.get_by_role("button", name="Record from the microphone").press("Enter")
    expect(page.get_by_role("button", name="Stop recording")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Record from the microphone")).to_be_focused()
