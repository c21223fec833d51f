"""The sizes of images, in each format that chats accept."""

from __future__ import annotations

import io

import av
import pytest

from mockserver.wire.image_tokens import image_size


def encoded(codec: str, container: str, pixels: str) -> bytes:
    """Return a black image of 60 by 30 pixels."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = output.add_stream(codec)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 60, 30, pixels
        output.mux(stream.encode(av.VideoFrame(60, 30, pixels)))
        output.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("codec", "container", "pixels"),
    [
        ("png", "image2pipe", "rgb24"),
        ("mjpeg", "image2pipe", "yuvj420p"),
        ("gif", "gif", "rgb8"),
        ("libwebp", "webp", "yuv420p"),
    ],
)
def test_the_size_is_found(codec: str, container: str, pixels: str) -> None:
    assert image_size(encoded(codec, container, pixels)) == (60, 30)


@pytest.mark.parametrize(
    "data", [b"", b"no image", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF89a", b"RIFF\0\0\0\0WEBP"]
)
def test_what_is_no_image_has_no_size(data: bytes) -> None:
    assert image_size(data) is None
