"""Images in chats are refused without fetching any."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from mockserver.settings.model import Settings
from mockserver.testing.mock_server import MockServer
from tests.providers.openai.conftest import Body, Chat, text, user

PNG = b"\x89PNG\r\n\x1a\n" + bytes(16)
HEADS = {
    "png": PNG,
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(16),
    "gif": b"GIF89a" + bytes(16),
    "webp": b"RIFF\x10\x00\x00\x00WEBPVP8 ",
}
UNSUPPORTED = (
    "You uploaded an unsupported image. Please make sure your image has of one the following formats: "
    "['png', 'jpeg', 'gif', 'webp']."
)


def data_url(data: bytes, content_type: str = "image/png") -> str:
    return f"data:{content_type};base64,{base64.b64encode(data).decode()}"


def shown(url: str, **changes: object) -> Body:
    picture = {"type": "image_url", "image_url": {"url": url}}
    return text(user([{"type": "text", "text": "What is this?"}, picture]), **changes)


@pytest.mark.parametrize("kind", HEADS)
@pytest.mark.parametrize("model", ["gpt-4o", "gpt-5"])
def test_four_formats_are_taken(chat: Chat, kind: str, model: str) -> None:
    reply = chat.message(shown(data_url(HEADS[kind], f"image/{kind}"), model=model))
    assert reply["content"] == "You wrote: What is this?"


def test_the_declared_format_does_not_matter(chat: Chat) -> None:
    assert chat.message(shown(data_url(HEADS["jpeg"], "image/png")))


@pytest.mark.parametrize(
    ("url", "message", "code"),
    [
        (data_url(b"not an image"), UNSUPPORTED, "invalid_image_format"),
        (data_url(b""), UNSUPPORTED, "invalid_image_format"),
        (data_url(b"<svg/>", "image/svg+xml"), UNSUPPORTED, "invalid_image_format"),
        (
            data_url(b"%PDF-1.7", "application/pdf"),
            "Invalid MIME type. Only image types are supported.",
            "invalid_image_format",
        ),
        (data_url(PNG, ""), "Invalid MIME type. Only image types are supported.", "invalid_image_format"),
        ("data:image/png;base64,iVBORw0KGgo", "Invalid base64 image_url.", "invalid_base64"),
        (data_url(PNG).replace("base64,", "base64,data:"), "Invalid base64 image_url.", "invalid_base64"),
        (
            "photos/cat.png",
            "Failed to download image from photos/cat.png. Image URL is invalid.",
            "invalid_image_url",
        ),
        (
            "file:///tmp/cat.png",
            "Failed to download image from file:///tmp/cat.png. Image URL is invalid.",
            "invalid_image_url",
        ),
        ("https://", "Failed to download image from https://. Image URL is invalid.", "invalid_image_url"),
        *(
            (url, f"Error while downloading {url}.", "invalid_image_url")
            for url in (
                "http://localhost:3000/cat.png",
                "http://127.0.0.1/cat.png",
                "http://192.168.1.7/cat.png",
                "http://[::1]/cat.png",
                "https://files.internal/cat.png",
                "https://cats.invalid/cat.png",
                "http://backend:8000/cat.png",
            )
        ),
    ],
)
def test_an_image_that_cannot_be_seen_is_refused(chat: Chat, url: str, message: str, code: str) -> None:
    status, error = chat.refusal(shown(url))
    assert status == 400
    assert error == {"message": message, "type": "invalid_request_error", "param": None, "code": code}


def test_an_image_on_a_public_host_is_accepted_without_a_check(chat: Chat) -> None:
    assert chat.message(shown("https://example.com/cat.png"))
    assert chat.message(shown("https://93.184.215.14/cat.png"))


@pytest.mark.parametrize("strictness", ["schema", "off"])
def test_less_strict_servers_take_any(chat: Chat, strictness: str) -> None:
    assert chat.message(shown("photos/cat.png"), x_mock_strictness=strictness)


@pytest.fixture(scope="module")
def mapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder: Path = tmp_path_factory.mktemp("images")
    (folder / "cat.png").write_bytes(PNG)
    (folder / "page.html").write_text("<html>")
    urls = folder / "urls.toml"
    urls.write_text('"http://cats/*" = "cat.png"\n"https://example.com/gone.png" = "page.html"\n')
    settings = Settings(port=0, whisper_model="none", url_map=str(urls), fetch_urls="localhost:3000")
    with MockServer(settings) as running:
        yield running.base_url


def test_files_that_stand_for_urls_are_looked_at_and_hosts_to_fetch_from_can_be_reached(mapped: str) -> None:
    with openai.OpenAI(base_url=mapped, api_key="sk-mock-x", max_retries=0) as sdk:

        def see(url: str) -> None:
            sdk.chat.completions.create(**shown(url))

        see("http://cats/any.png")
        see("http://localhost:3000/cat.png")
        with pytest.raises(openai.BadRequestError, match="unsupported image"):
            see("https://example.com/gone.png")
