"""The page of the clock: frozen, moved, sped up, and what waits for it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect

from mockserver.dashboard.pages import PREFIX
from mockserver.testing.mock_server import MockServer
from tests.dashboard.checks import check_axe, check_width
from tests.waiting import eventually

CLOCK = f"{PREFIX}/clock"
NOON = datetime(2027, 1, 15, 12, 0, tzinfo=UTC).timestamp()


@pytest.fixture
def at_noon(page: Page, server: MockServer) -> Page:
    """Return the page, in a time zone without summer time, of a clock that is frozen at noon."""
    server.clock.freeze()
    server.clock.set(NOON)
    page.goto(CLOCK)
    return page


def shown(page: Page) -> float:
    """Return the time that the page shows, in seconds since 1970."""
    found = page.get_by_label("The time of the server").locator("time").get_attribute("datetime")
    assert found is not None
    return datetime.fromisoformat(found).timestamp()


def test_a_clock_that_runs_is_seen_to_run(page: Page, server: MockServer) -> None:
    page.goto(CLOCK)
    expect(page.get_by_text("real time", exact=True)).to_be_visible()
    first = shown(page)
    assert eventually(lambda: shown(page) > first)
    server.clock.set_scale(3600)  # as a script does
    expect(page.get_by_text("× 3600", exact=True)).to_be_visible()
    first = shown(page)
    assert eventually(lambda: shown(page) > first + 600)


def test_it_is_frozen_and_released(page: Page, server: MockServer) -> None:
    page.goto(CLOCK)
    page.get_by_role("button", name="Freeze").click()
    expect(page.get_by_text("frozen", exact=True)).to_be_visible()
    assert server.clock.is_frozen
    assert shown(page) == pytest.approx(server.clock.now(), abs=0.002)
    page.get_by_role("button", name="Let it run").click()
    expect(page.get_by_role("button", name="Freeze")).to_be_visible()
    assert not server.clock.is_frozen


@pytest.mark.parametrize(
    ("step", "seconds"),
    [("+ 1 second", 1), ("+ 1 minute", 60), ("+ 1 day", 86_400), ("+ 30 days", 2_592_000)],
)
def test_it_is_advanced_by_a_button(at_noon: Page, server: MockServer, step: str, seconds: int) -> None:
    at_noon.get_by_role("button", name=step).click()
    assert eventually(lambda: shown(at_noon) == NOON + seconds)
    assert server.clock.now() == NOON + seconds


def test_it_is_advanced_by_any_time_also_back(at_noon: Page, server: MockServer) -> None:
    at_noon.get_by_label("Advance by").fill("-1.5")
    at_noon.get_by_label("Unit").select_option("hours")
    at_noon.get_by_role("button", name="Advance", exact=True).click()
    assert eventually(lambda: shown(at_noon) == NOON - 5400)


def test_it_is_set_to_a_time_of_the_browsers_time_zone(at_noon: Page, server: MockServer) -> None:
    local = at_noon.evaluate("new Date(2030, 0, 2, 3, 4, 5).getTime() / 1000")
    at_noon.get_by_label("Set it to").fill("2030-01-02T03:04:05")
    at_noon.get_by_role("button", name="Set", exact=True).click()
    assert eventually(lambda: server.clock.now() == local)
    expect(at_noon.get_by_text(re.compile(r"years|days ahead of this computer's clock"))).to_be_visible()


def test_a_typed_time_stays_when_a_script_moves_the_clock(at_noon: Page, server: MockServer) -> None:
    field = at_noon.get_by_label("Set it to")
    field.fill("2030-01-02T03:04:05")
    server.clock.advance(60)
    assert eventually(lambda: shown(at_noon) == NOON + 60)
    expect(field).to_have_value("2030-01-02T03:04:05")
    at_noon.get_by_role("button", name="Set", exact=True).click()
    expect(at_noon.get_by_label("The time of the server")).to_contain_text("2030")
    at_noon.get_by_role("button", name="+ 1 second").click()
    expect(field).to_have_value("2030-01-02T03:04:06")


def test_a_time_that_the_clock_cannot_show_is_refused(at_noon: Page, complaints: object) -> None:
    complaints.allow("400")  # type: ignore[attr-defined]
    at_noon.get_by_label("Advance by").fill("1e9")
    at_noon.get_by_label("Unit").select_option("days")
    at_noon.get_by_role("button", name="Advance", exact=True).click()
    expect(at_noon.get_by_role("alert")).to_contain_text("advance")
    assert shown(at_noon) == NOON


def test_the_speed_is_chosen_and_real_time_is_shown_again(at_noon: Page, server: MockServer) -> None:
    at_noon.get_by_label("Speed").select_option("60")
    assert eventually(lambda: server.clock.state()["scale"] == 60)
    at_noon.get_by_role("button", name="Show real time").click()
    expect(at_noon.get_by_text("real time", exact=True)).to_be_visible()
    assert server.clock.is_real


def test_what_waits_for_the_clock_is_listed_and_reached(at_noon: Page, server: MockServer) -> None:
    expect(at_noon.get_by_text("No work in the background")).to_be_visible()
    client = server.client.with_options(api_key="sk-mock-free-me")
    client.chat.completions.create(model="gpt-4o-mini", messages=[{"role": "user", "content": "Hi."}])
    table = at_noon.get_by_role("region", name="Times to wait for")
    expect(table).to_contain_text("limits of gpt-4o-mini are full")
    table.get_by_role("button", name="Advance to: limits of gpt-4o-mini are full").click()
    expect(at_noon.get_by_text("No work in the background")).to_be_visible()
    assert server.clock.now() > NOON + 400  # 200 requests a day


def test_it_is_used_by_keyboard(at_noon: Page, server: MockServer) -> None:
    at_noon.get_by_role("button", name="+ 1 hour").focus()
    at_noon.keyboard.press("Enter")
    assert eventually(lambda: server.clock.now() == NOON + 3600)
    expect(at_noon.get_by_role("button", name="+ 1 hour")).to_be_focused()


def test_a_frozen_clock_with_work_is_accessible_in_every_width(at_noon: Page, server: MockServer) -> None:
    client = server.client.with_options(api_key="sk-mock-tier-5-me")
    background = {"x-mock-background-seconds": "600"}
    client.responses.create(model="gpt-5.1", input="Hi.", background=True, extra_headers=background)
    expect(at_noon.get_by_role("region", name="Times to wait for")).to_contain_text("response resp_")
    for width in (360, 1400):
        at_noon.set_viewport_size({"width": width, "height": 800})
        check_width(at_noon)
    check_axe(at_noon)
