"""Stubs and faults that are switched off and on, over HTTP, in files, and in the Python API."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from mockserver import AudioApi, MockServer, Settings
from tests.waiting import eventually

FILE = """\
- id: sunny
  when: {user_text: weather}
  reply: {say: It is sunny.}
- id: planned
  enabled: false
  when: {user_text: tomorrow}
  reply: {say: It will rain.}
"""

Call = Callable[..., httpx.Response]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weather.yaml").write_text(FILE, "utf-8")
    return tmp_path


@pytest.fixture
def own_server(folder: Path) -> Iterator[MockServer]:
    """Yield a server with a folder of stubs."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", stubs=(str(folder),))
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def call(own_server: MockServer) -> Iterator[Call]:
    """Yield a function that calls the control API, by default for all accounts."""
    with httpx.Client(base_url=f"{own_server.url}/_mock", timeout=30) as client:

        def send(method: str, path: str, body: object = None, key: str | None = None) -> httpx.Response:
            headers = {"authorization": f"Bearer {key}"} if key else {}
            return client.request(method, path, json=body, headers=headers)

        yield send


def say(api: AudioApi, text: str) -> str | None:
    messages: Any = [{"role": "user", "content": text}]
    return (
        api.client.chat.completions.create(model="gpt-4o-mini", messages=messages).choices[0].message.content
    )


def test_a_stub_that_is_off_answers_nothing_and_keeps_its_count(audio_api: AudioApi) -> None:
    stub = audio_api.on_chat(user_text="weather").reply("Sunny.").then.reply("Cloudy.")
    assert say(audio_api, "The weather?") == "Sunny."
    stub.disable()
    assert say(audio_api, "The weather?") == "You wrote: The weather?"
    assert stub.used == 1
    stub.enable()
    assert say(audio_api, "The weather?") == "Cloudy."


def test_a_stub_that_is_off_leaves_requests_to_the_next_one_and_is_no_near_miss(audio_api: AudioApi) -> None:
    audio_api.on_chat(user_text="weather").reply("Old.")
    latest = audio_api.on_chat(user_text="weather").reply("New.")
    latest.disable()
    assert say(audio_api, "The weather?") == "Old."
    audio_api.reset()
    audio_api.configure(strict_stubs=True)
    audio_api.on_chat(user_text="weather", enabled=False).reply("Sunny.")
    with pytest.raises(openai.NotFoundError, match="There are no stubs"):
        say(audio_api, "The weather?")


def test_a_fault_that_is_off_hits_nothing_and_keeps_its_counts(audio_api: AudioApi) -> None:
    fault = audio_api.fail_next("server_error", times=2, enabled=False)
    assert say(audio_api, "Hello.") == "You wrote: Hello."
    for _ in range(2):
        fault.enable()
        with pytest.raises(openai.InternalServerError):
            say(audio_api, "Hello.")
        fault.disable()
        assert say(audio_api, "Hello.") == "You wrote: Hello."
    assert fault.hits == 2


def test_chance_does_not_depend_on_the_switch(audio_api: AudioApi) -> None:
    def outcomes(**options: Any) -> list[bool]:
        fault = audio_api.fail_next("server_error", times=None, probability=0.5, seed=7, **options)
        fault.enable()
        found = []
        for _ in range(12):
            try:
                say(audio_api, "Hello.")
                found.append(True)
            except openai.InternalServerError:
                found.append(False)
        fault.remove()
        return found

    usual = outcomes()
    assert set(usual) == {True, False}
    assert outcomes(enabled=False) == usual


def test_the_fault_of_a_header_can_be_off(audio_api: AudioApi) -> None:
    def status(header: str) -> int:
        answer = audio_api.client.models.with_raw_response.list
        try:
            return answer(extra_headers={"x-mock-fault": header}).status_code
        except openai.APIStatusError as error:
            return error.status_code

    assert [status("503; enabled=false"), status("503; enabled=true")] == [200, 503]


@pytest.mark.parametrize(
    ("kind", "document"),
    [("stubs", {"id": "its", "reply": {"say": "Hi."}}), ("faults", {"id": "its", "error": "server_error"})],
)
def test_a_switch_over_http(call: Call, kind: str, document: dict[str, Any]) -> None:
    key = "sk-mock-switches"
    call("POST", kind, document, key)
    off = call("PATCH", f"{kind}/its", {"enabled": False}, key)
    assert off.status_code == 200
    assert off.json()["enabled"] is False
    assert call("GET", f"{kind}/its", key=key).json() == off.json()
    on = call("PATCH", f"{kind}/its", {"enabled": True}, key).json()
    assert document.items() <= on.items()
    assert "enabled" not in on
    assert "'enabled'" in call("PATCH", f"{kind}/its", {}, key).json()["error"]
    assert "Known: enabled" in call("PATCH", f"{kind}/its", {"enabled": True, "x": 1}, key).json()["error"]
    assert call("PATCH", f"{kind}/none", {"enabled": True}, key).status_code == 404


def test_an_account_switches_its_own_only(call: Call) -> None:
    call("POST", "faults", {"id": "all", "error": "server_error", "times": 1})
    for path in ("stubs/sunny", "faults/all"):
        refused = call("PATCH", path, {"enabled": False}, "sk-mock-switches")
        assert refused.status_code == 404
        assert "Send no API key" in refused.json()["error"]


def test_a_stub_of_a_file_stays_switched_when_the_file_changes(
    own_server: MockServer, call: Call, folder: Path
) -> None:
    api = own_server.account("sk-mock-switches")
    assert say(api, "The weather?") == "It is sunny."
    assert call("PATCH", "stubs/sunny", {"enabled": False}).json() == {
        "id": "sunny",
        "when": {"user_text": "weather"},
        "reply": {"say": "It is sunny."},
        "enabled": False,
        "used": 1,
        "source": f"{folder / 'weather.yaml'}:1",
    }
    assert say(api, "The weather?") == "You wrote: The weather?"
    (folder / "weather.yaml").write_text(FILE.replace("sunny.", "cold."), "utf-8")
    assert eventually(lambda: call("GET", "stubs/sunny").json()["reply"] == {"say": "It is cold."})
    assert call("GET", "stubs/sunny").json()["enabled"] is False
    call("PATCH", "stubs/sunny", {"enabled": True})
    assert say(api, "The weather?") == "It is cold."


def test_a_stub_is_off_in_its_file_and_switched_on(own_server: MockServer, call: Call, folder: Path) -> None:
    api = own_server.account("sk-mock-switches")
    assert say(api, "And tomorrow?") == "You wrote: And tomorrow?"
    assert "enabled" not in call("PATCH", "stubs/planned", {"enabled": True}).json()
    assert say(api, "And tomorrow?") == "It will rain."
    (folder / "weather.yaml").write_text(FILE.replace("enabled: false", "enabled: true"), "utf-8")
    call("DELETE", "stubs")  # the files decide again
    assert eventually(lambda: say(api, "And tomorrow?") == "It will rain.")


def test_a_snapshot_has_the_switches(own_server: MockServer, call: Call) -> None:
    call("POST", "faults", {"id": "off", "error": "server_error", "enabled": False})
    call("POST", "stubs", {"id": "own", "reply": {"say": "Hi."}, "enabled": False})
    call("PATCH", "stubs/sunny", {"enabled": False})
    call("PATCH", "stubs/planned", {"enabled": True})
    taken = call("GET", "snapshot").json()
    assert taken["state"]["stubs"]["switched"] == {"sunny": False, "planned": True}
    call("POST", "reset", {"what": ["stubs", "faults"]})
    assert call("GET", "stubs/sunny").json().get("enabled", True)
    assert call("PUT", "snapshot", taken).status_code == 200
    states = {each["id"]: each.get("enabled", True) for each in call("GET", "stubs").json()["stubs"]}
    assert states == {"sunny": False, "planned": True, "own": False}
    assert call("GET", "faults/off").json()["enabled"] is False
    del taken["state"]["stubs"]["switched"]  # as in snapshots of earlier versions
    assert call("PUT", "snapshot", taken).status_code == 200
    assert call("GET", "stubs/planned").json()["enabled"] is False


def test_a_snapshot_of_an_account_switches_no_file(own_server: MockServer, call: Call) -> None:
    key = "sk-mock-switches"
    call("POST", "stubs", {"id": "own", "reply": {"say": "Hi."}, "enabled": False}, key)
    call("PATCH", "stubs/sunny", {"enabled": False})
    taken = call("GET", "snapshot", key=key).json()
    call("PATCH", "stubs/own", {"enabled": True}, key)
    assert call("PUT", "snapshot", taken, key).status_code == 200
    assert [call("GET", f"stubs/{id_}").json()["enabled"] for id_ in ("own", "sunny")] == [False, False]
    taken["state"]["stubs"]["switched"] = {"sunny": True, "planned": True}  # what no account may change
    assert call("PUT", "snapshot", taken, key).status_code == 200
    assert [call("GET", f"stubs/{id_}").json()["enabled"] for id_ in ("sunny", "planned")] == [False, False]
