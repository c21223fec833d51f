"""Creates speech-to-text jobs for the tests; every answer is checked against the schemas."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests

from mockserver.settings.model import Settings
from mockserver.testing.audio_api import AudioApi
from mockserver.testing.mock_server import MockServer
from mockserver.validation.schemas import Schemas
from tests.waiting import eventually
from tests.website import Website, serving

Body = dict[str, Any]

OPENAI, DEEPGRAM, ASSEMBLYAI = "openai/gpt-4o-mini-transcribe", "#g1_nova-2-general", "aai/slam-1"
PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Stt:
    """Jobs of one account. ``post`` and ``get`` send plain requests."""

    api: AudioApi
    schemas: Schemas

    def post(self, body: Body | None = None, **options: Any) -> requests.Response:
        return self._ask("POST", "/stt/create", json=body, **options)

    def get(self, job: str, **options: Any) -> requests.Response:
        return self._ask("GET", f"/stt/{job}", **options)

    def create(self, body: Body | None = None, **options: Any) -> str:
        """Create a job; return its id."""
        response = self.post(body, **options)
        assert response.status_code == 201, response.text
        created = response.json()
        assert self.schemas.violations("aimlapi/create_stt.response", created) == []
        assert created["status"] == "queued"
        return str(created["generation_id"])

    def upload(self, clip: tuple[str, bytes], **fields: Any) -> str:
        """Create a job of a file; return its id."""
        return self.create(files={"file": clip}, data={"model": OPENAI} | fields)

    def ask(self, job: str) -> Body:
        """Return the answer to a poll of the job."""
        response = self.get(job)
        assert response.status_code == 201, response.text
        answer: Body = response.json()
        assert self.schemas.violations("aimlapi/stt.response", answer) == []
        assert answer["generation_id"] == job
        return answer

    def status(self, job: str) -> str:
        return str(self.ask(job)["status"])

    def result(self, job: str) -> Body:
        """Return the result of a completed job."""
        answer = self.ask(job)
        assert (answer["status"], answer["error"]) == ("completed", None), answer
        result: Body = answer["result"]
        return result

    def error(self, job: str) -> Body:
        """Return the error of a failed job."""
        answer = self.ask(job)
        assert (answer["status"], answer["result"]) == ("error", None), answer
        error: Body = answer["error"]
        return error

    def becomes(self, job: str, *statuses: str) -> str:
        """Poll the job until it has one of the statuses; return that status."""
        status = ""

        def reached() -> bool:
            nonlocal status
            status = self.status(job)
            return status in statuses

        assert eventually(reached), f"{status}, not {statuses}"
        return status

    def refusal(self, response: requests.Response) -> tuple[int, str]:
        """Return the status and message of a refusal, which must have the provider's form."""
        body = response.json()
        assert self.schemas.violations("aimlapi/error.response", body) == []
        assert body["statusCode"] == response.status_code
        return response.status_code, body["message"]

    def _ask(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.api.api_key}"} | options.pop("headers", {})
        return requests.request(
            method, self.api.base_url + path, headers=headers, timeout=PATIENCE, **options
        )


@pytest.fixture(scope="session")
def stt_server() -> Iterator[MockServer]:
    """Yield a server whose clock stands still."""
    settings = Settings(port=0, whisper_model="none", log_level="warning", frozen_time=1_800_000_000)
    with MockServer(settings) as running:
        yield running


@pytest.fixture
def api(stt_server: MockServer) -> AudioApi:
    return stt_server.account()


@pytest.fixture
def stt(api: AudioApi, schemas: Schemas) -> Stt:
    return Stt(api, schemas)


@pytest.fixture
def website() -> Iterator[Website]:
    with serving() as site:
        yield site


@pytest.fixture
def fetching(website: Website, schemas: Schemas) -> Iterator[Callable[..., Stt]]:
    """Return a function that starts a server which may fetch from the website; keywords are settings."""
    servers = []

    def start(**settings: Any) -> Stt:
        usual = {"whisper_model": "none", "log_level": "error", "fetch_urls": website.host}
        server = MockServer(Settings(port=0, **(usual | settings)))
        servers.append(server.start())
        return Stt(server.account(), schemas)

    yield start
    website.released.set()
    for server in servers:
        server.stop()
