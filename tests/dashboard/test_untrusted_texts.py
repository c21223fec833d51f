"""Whatever clients send is text in every page: file names, prompts, transcripts, headers, models, paths, ids, stubs."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import openai
import pytest
from playwright.sync_api import Page as BrowserPage
from playwright.sync_api import expect

from mockserver.dashboard.pages import PAGES, PREFIX, Page
from mockserver.resources import data_folder
from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.dashboard.chromium import Complaints

HOSTILE = """\"><img src=x onerror="document.title=1"><script>x</script>{{7*7}}"""
KEY = "sk-<img/src=x/onerror=document.title=1>"
LINK = "javascript:document.title=1"
CLIP = (data_folder("fixtures") / "hello.wav").read_bytes()
TAKEN = """() => ({
  title: document.title === "1",
  images: document.querySelectorAll("img[src=x]").length,
  scripts: document.querySelectorAll("script:not([src])").length,
  handlers: [...document.querySelectorAll("*")].flatMap((each) => [...each.attributes])
    .filter((each) => each.name.startsWith("on")).length,
  links: [...document.querySelectorAll("[href], [src], [action]")].filter((each) =>
    /^\\s*javascript:/i.test(each.getAttribute("href") ?? each.getAttribute("src") ?? "")).length,
  computed: document.body.innerText.includes(">49"),
})"""
NOTHING = {"title": False, "images": 0, "scripts": 0, "handlers": 0, "links": 0, "computed": False}


@pytest.fixture(scope="module")
def attacked() -> Iterator[MockServer]:
    """Yield a server that was sent hostile texts in everything that it keeps."""
    settings = Settings(
        port=0, whisper_model="none", log_level="error", keep_audio=1 << 26, batch_seconds=600
    )
    with MockServer(settings) as running:
        account = running.account("sk-mock-tier-5-attacker")
        _script(running.url)
        _send(account.client)
        _send_raw(running.url, account.api_key)
        with account.caller(session={"instructions": HOSTILE}) as call:
            call.say("Hello.")
            call.hear()
        yield running


def _script(url: str) -> None:
    """Add stubs, faults, scenarios and models with hostile names and contents."""
    contents: list[tuple[str, dict[str, Any]]] = [
        ("stubs", {"name": HOSTILE, "id": "javascript:x", "when": {"endpoint": "chat", "user_text": HOSTILE}, "reply": {"text": HOSTILE}}),
        ("stubs", {"when": {"endpoint": "chat", "user_text": {"contains": "<script>"}}, "reply": {"text": HOSTILE}}),
        ("stubs", {"when": {"endpoint": "realtime"}, "reply": {"say": HOSTILE}}),
        ("stubs", {"when": {"endpoint": "transcriptions"}, "reply": {"text": HOSTILE}, "scenario": {"name": HOSTILE, "next": LINK}}),
        ("faults", {"error": "server_error", "message": HOSTILE, "when": {"file": "broken*"}}),
        ("models", {"id": "ft:gpt-4o-mini:<b>acme</b>", "like": "gpt-4o-mini", "name": HOSTILE, "summary": HOSTILE}),
    ]  # fmt: skip
    for path, content in contents:
        answer = httpx.post(f"{url}/_mock/{path}", json=content)
        assert answer.status_code in (200, 201), answer.text


def _send(client: openai.OpenAI) -> None:
    """Send hostile texts by the SDK."""
    headers = {"user-agent": HOSTILE, "x-note": LINK, "x-client-request-id": LINK}
    messages: Any = [{"role": "user", "content": HOSTILE}]
    client.audio.transcriptions.create(
        model="whisper-1", file=(f"{HOSTILE}.wav", CLIP), prompt=HOSTILE, extra_headers=headers
    )
    client.audio.transcriptions.create(
        model="whisper-1",
        file=(f"{LINK}.wav", CLIP),
        response_format="verbose_json",
        timestamp_granularities=["word"],
    )
    client.audio.speech.create(model="gpt-4o-mini-tts", voice="nova", input=HOSTILE, instructions=HOSTILE)
    client.chat.completions.create(model="gpt-4o-mini", messages=messages)
    for _ in client.chat.completions.create(model="gpt-4o-mini", messages=messages, stream=True):
        pass
    with contextlib.suppress(openai.NotFoundError):
        client.chat.completions.create(model=HOSTILE, messages=messages)
    with contextlib.suppress(openai.InternalServerError):
        client.audio.transcriptions.create(model="whisper-1", file=("broken.wav", CLIP))
    client.responses.create(model="gpt-5.4", input=HOSTILE, instructions=HOSTILE, metadata={"note": HOSTILE})
    line = {
        "custom_id": HOSTILE,
        "method": "POST",
        "url": "/v1/chat/completions",
        "body": {"model": "gpt-4o-mini", "messages": messages},
    }
    file = client.files.create(file=(f"{HOSTILE}.jsonl", json.dumps(line).encode()), purpose="batch")
    client.batches.create(
        input_file_id=file.id,
        endpoint="/v1/chat/completions",
        completion_window="24h",
        metadata={"note": HOSTILE},
    )


def _send_raw(url: str, key: str) -> None:
    """Send what the SDK would not send: paths, queries, bodies that are no JSON, keys."""
    headers = {"Authorization": f"Bearer {key}"}
    httpx.post(f"{url}/v1/{quote(HOSTILE, safe='')}", headers=headers, content=HOSTILE)
    httpx.get(f"{url}/v1/models", params={HOSTILE: HOSTILE, "url": LINK}, headers=headers)
    httpx.post(f"{url}/v1/chat/completions", headers=headers, content=HOSTILE)
    httpx.get(f"{url}/v1/models", headers={"Authorization": f"Bearer {KEY}"})
    httpx.post(f"{url}/v1/stt/create", headers=headers, json={"model": "#g1_nova-2-general", "url": LINK})


def check_untaken(page: BrowserPage) -> None:
    """Fail if anything that a client has sent is more than text in the page."""
    expect(page.locator("#page > *").first).to_be_visible()
    page.wait_for_load_state("load")
    assert page.evaluate(TAKEN) == NOTHING


@pytest.mark.parametrize("shown", [each for each in PAGES if not each.of_one], ids=lambda each: each.name)
def test_hostile_texts_are_texts_in_every_page(page: BrowserPage, shown: Page, attacked: MockServer) -> None:
    page.goto(f"{attacked.url}{PREFIX}{shown.rule}")

    check_untaken(page)


def test_hostile_texts_are_texts_in_every_exchange(
    page: BrowserPage, attacked: MockServer, complaints: Complaints
) -> None:
    complaints.allow(r"404 .*/audio/0")  # the journal does not keep files of /v1/files
    entries = httpx.get(f"{attacked.url}/_mock/journal", params={"limit": "100"}).json()["entries"]

    for entry in entries:
        page.goto(f"{attacked.url}{PREFIX}/exchanges/{entry['id']}")
        expect(page.get_by_role("main")).to_contain_text(entry["method"])
        check_untaken(page)


@pytest.mark.parametrize("shown", PAGES, ids=lambda each: each.name)
def test_hostile_urls_are_texts_in_every_page(
    page: BrowserPage, shown: Page, attacked: MockServer, complaints: Complaints
) -> None:
    complaints.allow("status of 40[04]")
    hostile = quote(HOSTILE, safe="")
    names = ("model", "endpoint", "status", "account", "when", "id", "stub", "q", "tab")
    query = "&".join(f"{name}={hostile}" for name in names)

    page.goto(f"{attacked.url}{PREFIX}{shown.rule.replace('<id>', hostile)}?{query}#{hostile}")

    check_untaken(page)


def test_a_hostile_key_and_token_stay_in_the_browser(
    page: BrowserPage, attacked: MockServer, complaints: Complaints
) -> None:
    complaints.allow("status of 401")
    page.goto(attacked.url)

    page.get_by_label("Account").fill(HOSTILE)
    page.get_by_label("Account").press("Enter")

    check_untaken(page)
    page.reload()
    check_untaken(page)
    assert page.evaluate("localStorage.length + document.cookie.length") == 0
