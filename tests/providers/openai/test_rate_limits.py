"""`/v1/organization/projects/{project_id}/rate_limits`, through the SDK of the Admin API."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import openai
import pytest
from openai.types.admin.organization.projects import ProjectRateLimit

from mockserver.ids import project_id
from mockserver.testing.mock_server import MockServer
from tests.conftest import RawResponse

Send = Callable[..., RawResponse]

FREE, TIER_1 = "sk-mock-free-admin", "sk-mock-tier-1-admin"


@pytest.fixture
def admin(server: MockServer) -> Iterator[Callable[[str], openai.OpenAI]]:
    clients: list[openai.OpenAI] = []

    def connect(key: str) -> openai.OpenAI:
        clients.append(openai.OpenAI(base_url=server.base_url, api_key=key, admin_api_key=key, max_retries=0))
        return clients[-1]

    yield connect
    for client in clients:
        client.close()


def rate_limits(client: openai.OpenAI, key: str, **query: int) -> dict[str, ProjectRateLimit]:
    listed = client.admin.organization.projects.rate_limits.list_rate_limits(project_id(key), **query)  # type: ignore[arg-type]
    return {each.model: each for each in listed}


def test_a_model_has_the_limits_of_its_product_page(admin: Callable[[str], openai.OpenAI]) -> None:
    limits = rate_limits(admin(TIER_1), TIER_1)["gpt-4o-mini-audio-preview"]
    assert limits.to_dict() == {
        "object": "project.rate_limit",
        "id": "rl-gpt-4o-mini-audio-preview",
        "model": "gpt-4o-mini-audio-preview",
        "max_requests_per_1_minute": 500,
        "max_tokens_per_1_minute": 200_000,
        "max_requests_per_1_day": 10_000,
        "batch_1_day_max_input_tokens": 2_000_000,
    }


def test_models_that_the_tier_may_not_use_are_left_out(admin: Callable[[str], openai.OpenAI]) -> None:
    limits = rate_limits(admin(FREE), FREE)
    assert "gpt-4o-mini-transcribe" not in limits
    assert limits["gpt-4o-mini-audio-preview"].max_requests_per_1_minute == 3
    assert limits["gpt-4o-mini-audio-preview"].max_requests_per_1_day == 200


def test_a_kind_of_limit_that_is_not_is_left_out(send: Send) -> None:
    body = send("GET", f"/v1/organization/projects/{project_id(FREE)}/rate_limits", key=FREE).json()
    assert isinstance(body, dict)
    (whisper,) = (each for each in body["data"] if each["model"] == "whisper-1")
    assert "max_tokens_per_1_minute" not in whisper


def test_in_schema_strictness_every_object_is_as_documented(send: Send) -> None:
    path = "/v1/organization/projects/proj_any/rate_limits"
    body = send("GET", path, headers={"x-mock-strictness": "schema"}, key=FREE).json()
    assert isinstance(body, dict)
    for each in body["data"]:
        ProjectRateLimit.model_validate(each, strict=True)


def test_limits_that_were_changed_are_shown_as_they_hold(
    admin: Callable[[str], openai.OpenAI], send: Send
) -> None:
    key = "sk-mock-tier-1-changed"
    send("PUT", "/_mock/limits", b'{"model": "tts-1", "limits": {"requests_per_minute": 4}}', key=key)
    assert rate_limits(admin(key), key)["tts-1"].max_requests_per_1_minute == 4


def test_pages_lead_through_the_whole_list(admin: Callable[[str], openai.OpenAI]) -> None:
    client = admin(TIER_1)
    assert list(rate_limits(client, TIER_1, limit=4)) == list(rate_limits(client, TIER_1))


def test_pages_lead_back_again(send: Send) -> None:
    def page(query: str) -> tuple[list[str], dict[str, object]]:
        path = f"/v1/organization/projects/{project_id(TIER_1)}/rate_limits?{query}"
        body = send("GET", path, key=TIER_1).json()
        assert isinstance(body, dict)
        return [each["id"] for each in body["data"]], body

    all_ids, whole = page("")
    assert (whole["first_id"], whole["last_id"], whole["has_more"]) == (all_ids[0], all_ids[-1], False)
    ids, body = page(f"limit=2&before={all_ids[5]}")
    assert (ids, body["has_more"]) == (all_ids[3:5], True)
    ids, body = page(f"limit=5&before={all_ids[5]}")
    assert (ids, body["has_more"]) == (all_ids[:5], False)
    ids, body = page(f"after={all_ids[-1]}")
    assert (ids, body["first_id"], body["last_id"]) == ([], None, None)


def test_another_project_is_not_found(admin: Callable[[str], openai.OpenAI]) -> None:
    with pytest.raises(openai.NotFoundError) as refusal:
        rate_limits(admin(FREE), TIER_1)
    assert refusal.value.body == {
        "message": f"Project with id '{project_id(TIER_1)}' not found.",
        "type": "invalid_request_error",
        "param": None,
        "code": "not_found",
    }


def test_they_cannot_be_changed(send: Send) -> None:
    path = f"/v1/organization/projects/{project_id(FREE)}/rate_limits"
    assert send("POST", path, b"{}", {"Content-Type": "application/json"}, key=FREE).status == 405
