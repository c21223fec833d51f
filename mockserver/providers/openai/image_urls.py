"""Refuses images that the API could not use, as far as this is known without fetching them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mockserver.errors import ApiError
from mockserver.remote.addresses import is_public

if TYPE_CHECKING:
    from mockserver.remote.sources import UrlSources

_PNG, _JPEG, _GIF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", (b"GIF87a", b"GIF89a")
# Domains that are not in the public DNS (RFC 6761, RFC 6762, and .internal, which ICANN reserves).
_PRIVATE = (".localhost", ".local", ".internal", ".invalid", ".test", ".home.arpa")


def check_image_url(sources: UrlSources, url: str) -> None:
    """Raise ``ApiError`` unless the file at ``url`` is an image, if it is known, or else on a public host."""
    scheme = url.partition(":")[0].lower()
    if scheme == "data":
        if not url[5:].lstrip().lower().startswith("image/"):
            raise ApiError("chat_image_wrong_type")
    elif scheme not in ("http", "https") or not _host(url):
        raise ApiError("chat_image_url_invalid", url=url)
    image = sources.local(url)
    if image is not None:
        if not _is_image(image.content.part(0, 16)):
            raise ApiError("chat_image_format")
    elif scheme == "data":
        raise ApiError("chat_image_bad_base64")
    elif not _is_public_host(_host(url)) and not sources.may_fetch(url):
        raise ApiError("chat_image_unreachable", url=url)


def _is_image(head: bytes) -> bool:
    """Return whether the first bytes of a file are those of an image format that models accept."""
    return head.startswith((_PNG, _JPEG, *_GIF)) or (head[:4] == b"RIFF" and head[8:12] == b"WEBP")


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:  # an IPv6 address without the closing bracket
        return ""


def _is_public_host(host: str) -> bool:
    if ":" in host or host.replace(".", "").isdigit():
        return is_public(host)
    return "." in host.rstrip(".") and not host.rstrip(".").endswith(_PRIVATE)
