"""`/_mock/llms.txt` and `/_mock/docs`: a running server has its guides."""

from __future__ import annotations

import re
from urllib.parse import urljoin

import httpx

from mockserver.guides import guides
from mockserver.testing.mock_server import MockServer


def test_the_index_leads_to_every_guide(server: MockServer) -> None:
    index = f"{server.url}/_mock/llms.txt"
    answer = httpx.get(index, trust_env=False)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    targets = re.findall(r"^- \[.+?\]\((.+?)\)", answer.text, re.MULTILINE)
    assert [target.removeprefix("docs/") for target in targets] == [guide.name for guide in guides()]
    for target in targets:
        page = httpx.get(urljoin(index, target), trust_env=False)
        assert (page.status_code, page.headers["content-type"]) == (200, "text/markdown; charset=utf-8")
        assert page.text.startswith("# ")


def test_nothing_else_is_served(server: MockServer) -> None:
    for name in ("nothing.md", "README.md", "..%2Fpyproject.toml", "pictures"):
        refused = httpx.get(f"{server.url}/_mock/docs/{name}", trust_env=False)
        assert refused.status_code == 404, name
    assert refused.json()["error"] == "Unknown guide 'pictures'. GET /_mock/llms.txt lists them."


def test_the_front_page_names_the_index(server: MockServer) -> None:
    assert f"{server.url}/_mock/llms.txt" in httpx.get(server.url, trust_env=False).text


def test_the_path_of_the_api_is_not_taken(server: MockServer) -> None:
    headers = {"Authorization": "Bearer sk-mock-tier-5-guides"}
    refused = httpx.get(f"{server.url}/llms.txt", headers=headers, trust_env=False)
    assert refused.status_code == 404
