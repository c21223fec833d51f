"""``/health`` and ``/ready``: any caller is answered, and nothing of it is in the journal."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import structs

from mockserver.app import build_services, context_of, create_wsgi_app
from mockserver.control import probes
from mockserver.control.contexts import ServerContext
from mockserver.engines.whisper.models import embedded_model
from mockserver.engines.whisper.recogniser import Recogniser
from mockserver.engines.whisper.transcriber import WhisperTranscriber
from mockserver.pipeline.responses import Reply
from mockserver.settings.model import Settings
from mockserver.strict_json import parse
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse
from tests.waiting import eventually

Send = Callable[..., RawResponse]


@pytest.fixture(scope="module")
def strict() -> Iterator[MockServer]:
    """Yield a server that refuses whatever it can."""
    settings = Settings(
        port=0,
        whisper_model="none",
        log_level="error",
        control_token="secret",
        accept_any_key=False,
        strict_urls=True,
        strict_stubs=True,
    )
    with MockServer(settings) as running:
        yield running


@pytest.mark.parametrize(("path", "status"), [("/health", "ok"), ("/ready", "ready")])
@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer none"},
        {"Host": "not_a.host-"},
        {"Origin": "https://elsewhere.example"},
        {"X-Forwarded-For": "192.0.2.7"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Upgrade": "websocket", "Connection": "Upgrade"},
    ],
)
def test_every_caller_is_answered(
    strict: MockServer, path: str, status: str, headers: dict[str, str]
) -> None:
    answer = strict.app.test_client().get(path, headers=headers)
    assert (answer.status_code, answer.json) == (200, {"status": status})
    assert answer.headers["cache-control"] == "no-store"
    assert "access-control-allow-origin" not in answer.headers


def test_journal_and_limits_know_nothing_of_them() -> None:
    with MockServer(Settings(port=0, whisper_model="none", log_level="error")) as server:
        client = server.app.test_client()
        for path in ("/health", "/ready", "/health?full=1"):
            assert client.get(path, headers={"Authorization": "Bearer sk-mock-me"}).status_code == 200
        assert server.journal == []
        assert (client.get("/_mock/limits").json or {})["accounts"] == []
        server.client.models.list()
        assert len(server.journal) == 1


def test_faults_do_not_apply_to_them(server: MockServer, send: Send) -> None:
    account = server.account("sk-mock-probing")
    account.fail_next(500, times=None)
    assert send("GET", "/v1/models", key="sk-mock-probing").status == 500
    assert send("GET", "/health", key="sk-mock-probing").status == 200
    account.reset()


def test_head_has_the_length_but_no_body(send: Send) -> None:
    response = send("HEAD", "/ready", key=None)
    assert (response.status, response.body) == (200, b"")
    assert response.headers["content-length"] == str(len(send("GET", "/ready").body))


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/health"),
        ("DELETE", "/ready"),
        ("GET", "/v1/health"),
        ("GET", "/v1/ready"),
        ("GET", "/ready/"),
    ],
)
def test_other_methods_and_paths_are_calls_that_are_not_served(send: Send, method: str, path: str) -> None:
    assert send(method, path).status == 404


def status_of(reply: Reply) -> tuple[int, object]:
    assert isinstance(reply.body, bytes)
    return reply.status, parse(reply.body)


@pytest.fixture
def context() -> Iterator[ServerContext]:
    """Yield the context of a server that is not running and has no Whisper."""
    services = build_services(Settings(whisper_model="none"))
    yield context_of(services, ServerContext)
    services.close()


def with_whisper(context: ServerContext, whisper: WhisperTranscriber) -> ServerContext:
    return structs.replace(context, whisper=whisper)


@pytest.mark.slow
def test_it_is_ready_when_whisper_is_loaded(context: ServerContext) -> None:
    model, may_load = str(embedded_model()), threading.Event()

    def load() -> Recogniser:
        may_load.wait()
        return Recogniser(model, cpu_threads=1)

    whisper = WhisperTranscriber(model, load)
    loading = with_whisper(context, whisper)
    reply = probes.ready(loading)
    reason = "the Whisper model embedded is being loaded"
    assert status_of(reply) == (503, {"status": "loading", "reason": reason})
    assert reply.headers.get("retry-after") == "1"
    assert probes.health().status == 200
    may_load.set()
    assert eventually(lambda: probes.ready(loading).status == 200)
    whisper.close()


@pytest.mark.slow
def test_it_is_not_ready_if_whisper_cannot_be_loaded(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    shutil.copytree(embedded_model(), broken)
    (broken / "model.bin").write_bytes(b"no model")
    with MockServer(Settings(port=0, whisper_model=str(broken), log_level="error")) as server:
        client = server.app.test_client()
        assert eventually(lambda: (client.get("/ready").json or {})["status"] == "failed")
        refused = client.get("/ready")
        assert refused.status_code == 503
        assert "cannot load the Whisper model" in (refused.json or {})["reason"]
        assert client.get("/health").status_code == 200


@pytest.mark.slow
def test_asking_begins_to_load_whisper() -> None:
    services = build_services(Settings(whisper_model="embedded", whisper_cpu_threads=1))
    create_wsgi_app(services)  # as under another WSGI server, which starts no engines
    context = context_of(services, ServerContext)
    assert probes.ready(context).status == 503
    assert eventually(lambda: probes.ready(context).status == 200)
    services.close()
