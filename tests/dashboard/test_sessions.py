"""Realtime sessions in a real browser: the list, and one session as two tracks on a time line."""

from __future__ import annotations

import base64
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import openai
import pytest
from playwright.sync_api import Page, expect

from mockserver.dashboard.pages import PREFIX
from mockserver.resources import data_folder
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.waiting import eventually

KEY = "sk-mock-tier-5-dashboard-sessions"
HELLO = "Hello world, this is a test."
NASTY = "<img src=x onerror=alert(1)>"
CHUNK = 9_600  # bytes
SECOND = bytes(48_000)


@pytest.fixture
def server(make_server: Callable[..., MockServer]) -> MockServer:
    """Return a server that keeps audio."""
    return make_server(whisper_model="none", keep_audio=1 << 24)


@contextmanager
def calling(server: MockServer) -> Iterator[Any]:
    """Yield the connection of a session whose server finds the turns."""
    with (
        openai.OpenAI(base_url=server.base_url, api_key=KEY) as client,
        client.realtime.connect(model="gpt-realtime") as connection,
    ):
        connection.session.update(session={"type": "realtime", "instructions": f"Be brief. {NASTY}"})
        yield connection


def speak(connection: Any) -> str:
    """Say something, and wait for the response. Return the id of its item."""
    with wave.open(str(data_folder("fixtures") / "hello.wav")) as file:
        pcm = SECOND[:24_000] + file.readframes(file.getnframes()) + SECOND
    for start in range(0, len(pcm), CHUNK):
        audio = base64.b64encode(pcm[start : start + CHUNK]).decode()
        connection.input_audio_buffer.append(audio=audio)
    item = ""
    for event in connection:
        if event.type == "response.output_item.added":
            item = event.item.id
        if event.type == "response.done":
            break
    return item


def talk(server: MockServer) -> None:
    """Have two turns, of which the client cuts off the second."""
    with calling(server) as connection:
        speak(connection)
        item = speak(connection)
        connection.conversation.item.truncate(item_id=item, content_index=0, audio_end_ms=1_000)
        next(event for event in connection if event.type == "conversation.item.truncated")
    assert eventually(lambda: not server.journal[-1]["in_flight"])


def show_session(page: Page, server: MockServer) -> None:
    page.goto(f"{server.url}{PREFIX}/exchanges/{server.latest_exchange}")
    expect(page.locator(".session-line")).to_be_visible()


def test_the_list_shows_what_was_said(page: Page, server: MockServer) -> None:
    talk(server)
    page.goto(f"{server.url}{PREFIX}/sessions")

    session = page.locator(".sessions > li")
    expect(session).to_have_count(1)
    expect(session.locator(".caller")).to_have_text([f"Caller: {HELLO}"] * 2)
    expect(session.locator(".assistant").first).to_contain_text("I heard you say")
    expect(session.get_by_text("1 interrupted")).to_be_visible()
    session.get_by_role("link").click()
    expect(page.get_by_role("heading", name="Realtime session")).to_be_visible()


def test_a_session_appears_while_it_is_open(page: Page, server: MockServer) -> None:
    page.goto(f"{server.url}{PREFIX}/sessions")
    expect(page.get_by_text("No Realtime session yet.")).to_be_visible()
    expect(page.locator(".live.on")).to_be_visible()

    with calling(server) as connection:
        expect(page.locator(".sessions").get_by_text("open", exact=True)).to_be_visible()
        speak(connection)
        expect(page.get_by_text(HELLO, exact=True).first).to_be_visible()
    expect(page.locator(".sessions").get_by_text("101")).to_be_visible()


def test_both_sides_are_on_one_time_line(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)

    expect(page.locator(".lane.caller .block")).to_have_count(2)
    expect(page.locator(".lane.assistant .block")).to_have_count(2)
    expect(page.locator(".block canvas")).to_have_count(4)
    expect(page.locator(".lane.assistant .cut")).to_have_count(1)
    boxes = [page.locator(".block").nth(number).bounding_box() for number in range(4)]
    caller, assistant = boxes[0], boxes[2]
    assert caller is not None
    assert assistant is not None
    assert caller["x"] + caller["width"] < assistant["x"], "the assistant answers after the caller"
    events = server.journal[-1]["realtime"]["events"]
    expect(page.locator("svg.events line")).to_have_count(len(events))
    expect(page.locator("svg.events line.cut")).to_have_count(1)


def test_a_block_opens_its_turn_with_players(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)

    page.get_by_role("button", name="Assistant, 0:0").last.click()
    turn = page.locator(".turns > li").nth(1)
    expect(turn.locator("button.turn")).to_have_attribute("aria-expanded", "true")
    expect(turn.get_by_text("interrupted")).to_be_visible()
    expect(turn.get_by_text(f"Be brief. {NASTY}")).to_be_visible()
    assert page.locator("img[src=x]").count() == 0
    players = turn.locator(".player")
    expect(players).to_have_count(2)
    durations = "[...document.querySelectorAll('.player audio')].map((each) => each.duration)"
    assert eventually(lambda: [each > 1.5 for each in page.evaluate(durations)] == [True, True])


def test_both_sides_play_together(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)
    position = page.get_by_role("slider", name="Position in the session")

    page.get_by_role("button", name="Play both sides").click()
    assert eventually(lambda: float(position.input_value()) > 0.2)
    page.get_by_role("button", name="Pause").first.click()
    position.focus()
    page.keyboard.press("End")
    assert float(position.input_value()) > 5


def test_events_are_found_by_type(page: Page, server: MockServer) -> None:
    talk(server)
    show_session(page, server)

    page.get_by_label("Type contains").fill("truncate")
    rows = page.locator(".session-events tbody tr")
    expect(rows).to_have_count(2)
    rows.first.get_by_role("button").click()
    expect(rows.first).to_contain_text('"audio_end_ms": 1000')


def test_without_kept_audio_the_page_says_how_to_keep_it(
    page: Page, make_server: Callable[..., MockServer]
) -> None:
    server = make_server(whisper_model="none")
    talk(server)
    show_session(page, server)

    expect(page.get_by_text("What the caller said was not kept.")).to_be_visible()
    expect(page.locator(".lane.caller .block")).to_have_count(2)
    expect(page.locator(".lane.assistant .block canvas")).to_have_count(2)


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_a_session_is_accessible_and_fits(page: Page, server: MockServer, colours: Any) -> None:
    talk(server)
    page.emulate_media(color_scheme=colours)
    show_session(page, server)
    page.locator(".turns button.turn").first.click()
    expect(page.locator(".player canvas")).to_have_count(2)

    check_axe(page)
    for width in (360, 800, 1400):
        page.set_viewport_size({"width": width, "height": 800})
        check_width(page)
