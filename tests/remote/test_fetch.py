"""Fetching: allowed URLs are fetched, all others are refused by whatever way they are reached."""

from __future__ import annotations

import contextlib
import gzip
import socket
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler

import pytest

from mockserver.remote.fetch import Fetcher, redirected
from mockserver.remote.targets import FetchError, NotAllowed
from tests.website import Website

MAX = 1000


def fetcher(*allowed: str, seconds: float = 30.0) -> Fetcher:
    return Fetcher(allowed, MAX, seconds)


def test_a_file_comes_from_a_host_that_is_named_with_its_port(website: Website) -> None:
    url = website.page("/clips/my%20clip.mp3?x=1", b"sound", headers={"Content-Type": "audio/mpeg"})
    fetched = fetcher(website.host).fetch(url)
    assert (fetched.name, fetched.content_type, fetched.data) == ("my clip.mp3", "audio/mpeg", b"sound")
    assert website.seen[0]["Host"] == website.host


def test_a_host_that_is_not_named_is_not_asked(website: Website) -> None:
    url = website.page("/clip.mp3", b"sound")
    with pytest.raises(NotAllowed, match=f"the setting fetch_urls does not allow {website.host}"):
        fetcher("audio.example.com").fetch(url)
    assert website.seen == []


@pytest.mark.parametrize("entry", ["*", "127.0.0.1", "*:{port}", "127.*:{port}"])
def test_an_address_of_this_machine_must_be_named_as_it_is(website: Website, entry: str) -> None:
    url = website.page("/clip.mp3", b"sound")
    with pytest.raises(NotAllowed):
        fetcher(entry.format(port=website.port)).fetch(url)
    assert website.seen == []


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("audio.example.com", "https://audio.example.com/a.mp3"),
        ("audio.example.com", "http://AUDIO.example.com./a.mp3"),
        ("*.example.com", "http://a.b.example.com/"),
        ("audio.example.com:8443", "https://audio.example.com:8443/a.mp3"),
        ("[2606:4700::1111]:81", "http://[2606:4700::1111]:81/"),
    ],
)
def test_hosts_are_allowed_by_name_pattern_and_port(entry: str, url: str) -> None:
    fetcher(entry).check(url)
    with pytest.raises(NotAllowed):
        fetcher("another.example").check(url)


@pytest.mark.parametrize(
    ("entry", "url"),
    [
        ("example.com", "https://audio.example.com/"),
        ("*.example.com", "https://example.com.evil.test/"),
        ("audio.example.com", "https://audio.example.com:22/"),
        ("audio.example.com:8443", "https://audio.example.com/"),
        ("audio.example.com", "https://audio.example.com@evil.test/"),
        ("audio.example.com", "https://user@audio.example.com/"),
        ("audio.example.com", "ftp://audio.example.com/"),
        ("*", "http:///a.mp3"),
        ("*", "http://host:port/"),
    ],
)
def test_other_hosts_ports_users_and_schemes_are_not(entry: str, url: str) -> None:
    with pytest.raises(NotAllowed):
        fetcher(entry).check(url)


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::ffff:127.0.0.1", "fd00::1"]
)
def test_a_name_that_leads_into_a_local_network_is_refused(address: str) -> None:
    allowed = Fetcher(("audio.example.com",), MAX, 30.0, lambda host, port: ["93.184.216.34", address])
    with pytest.raises(NotAllowed, match="which is not public"):
        allowed.fetch("http://audio.example.com/")


def test_a_name_is_looked_up_once_so_that_it_cannot_change_meanwhile(website: Website) -> None:
    asked = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    website.page("/clip.mp3", b"sound")
    host = f"audio.test:{website.port}"
    fetched = Fetcher((host,), MAX, 30.0, rebinding).fetch(website.url("/clip.mp3", "audio.test"))
    assert (fetched.data, asked, website.seen[0]["Host"]) == (b"sound", ["audio.test"], host)


def test_a_redirect_is_followed_to_where_it_is_allowed(website: Website) -> None:
    website.page("/clip.mp3", b"sound")
    assert fetcher(website.host).fetch(website.redirect("/old", "/clip.mp3")).data == b"sound"


@pytest.mark.parametrize(
    "location",
    ["http://127.0.0.1:1/", "http://localhost/", "file:///etc/hostname", "//169.254.169.254/", "gopher:x"],
)
def test_a_redirect_to_elsewhere_is_not(website: Website, location: str) -> None:
    with pytest.raises(NotAllowed):
        fetcher(website.host).fetch(website.redirect("/old", location))
    assert len(website.seen) == 1


@pytest.mark.parametrize("location", ["http://[::1", "//]/", "http://[v9.x", "http://[localhost]/"])
def test_a_redirect_to_what_is_no_url_is_an_error(website: Website, location: str) -> None:
    with pytest.raises(FetchError):
        fetcher(website.host).fetch(website.redirect("/old", location))


def test_redirects_come_to_an_end(website: Website) -> None:
    with pytest.raises(FetchError, match="more than 5 redirects"):
        fetcher(website.host).fetch(website.redirect("/round", "/round"))
    assert len(website.seen) == 6


def test_a_file_that_says_it_is_too_large_is_not_read(website: Website) -> None:
    with pytest.raises(FetchError, match="is larger than 1000 bytes"):
        fetcher(website.host).fetch(website.page("/large", b"", headers={"Content-Length": "1000000000000"}))


def test_a_file_that_turns_out_too_large_is_not_read_on(website: Website) -> None:
    def endless(request: BaseHTTPRequestHandler) -> None:
        request.wfile.write(b"HTTP/1.0 200 OK\r\n\r\n")
        while not website.over.is_set():
            request.wfile.write(bytes(1000))

    website.pages["/endless"] = endless
    with pytest.raises(FetchError, match="is larger than 1000 bytes"):
        fetcher(website.host).fetch(website.url("/endless"))


def test_what_is_compressed_is_unpacked(website: Website) -> None:
    url = website.page("/packed", gzip.compress(b"sound" * 10), headers={"Content-Encoding": "gzip"})
    assert fetcher(website.host).fetch(url).data == b"sound" * 10


def test_what_grows_too_large_when_unpacked_is_refused(website: Website) -> None:
    url = website.page("/bomb", gzip.compress(bytes(100_000)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchError, match="is larger than 1000 bytes"):
        fetcher(website.host).fetch(url)


@pytest.mark.parametrize(
    ("headers", "message"),
    [
        ({"Content-Encoding": "gzip"}, "not compressed as its header says"),
        ({"Content-Encoding": "br"}, "compressed with br"),
        ({"Content-Length": "100"}, "is truncated"),
    ],
)
def test_a_body_that_is_not_what_it_says_is_refused(
    website: Website, headers: dict[str, str], message: str
) -> None:
    with pytest.raises(FetchError, match=message):
        fetcher(website.host).fetch(website.page("/broken", b"sound", headers=headers))


def test_half_of_what_was_compressed_is_refused(website: Website) -> None:
    url = website.page("/half", gzip.compress(b"sound")[:-9], headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchError, match="compressed data is incomplete"):
        fetcher(website.host).fetch(url)


DRIPPING = {
    "head": (b"", b"H"),
    "headers": (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n"),
    "100s": (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "silent body": (b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n", b""),
    "old": (b"HTTP/1.0 200 OK\r\n\r\n", b"x"),
    "close": (b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n", b"x"),
    "close, known length": (b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 900\r\n\r\n", b"x"),
    "kept": (b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n", b"x"),
    "chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n"),
    "size of a chunk": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0"),
    "chunks, close": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"1\r\nx\r\n",
    ),
    "error": (b"HTTP/1.1 500 Oh\r\nConnection: close\r\nX", b"x"),
    "gzip": (
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10],
        b"\x00\x00\x00\xff\xff",  # an empty block
    ),
}


@pytest.mark.parametrize("kind", DRIPPING)
def test_a_server_that_answers_drop_by_drop_is_cut_off(website: Website, kind: str) -> None:
    head, drop = DRIPPING[kind]

    def dripping(request: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            request.wfile.write(head)
            while not website.over.wait(0.01):
                request.wfile.write(drop)

    website.pages["/slow"] = dripping
    with pytest.raises(FetchError, match=r"took more than 0\.2 seconds"):
        fetcher(website.host, seconds=0.2).fetch(website.url("/slow"))


def test_redirects_count_together(website: Website) -> None:
    def slow(request: BaseHTTPRequestHandler) -> None:
        website.over.wait(0.15)
        request.send_response(302)
        request.send_header("Location", "/slow")
        request.end_headers()

    website.pages["/slow"] = slow
    with pytest.raises(FetchError, match=r"took more than 0\.4 seconds"):
        fetcher(website.host, seconds=0.4).fetch(website.url("/slow"))


def test_looking_up_a_host_is_waited_for_so_long() -> None:
    release = threading.Event()

    def slow(host: str, port: int) -> Sequence[str]:
        release.wait(30)
        return ["127.0.0.1"]

    with pytest.raises(FetchError, match=r"took more than 0\.2 seconds"):
        Fetcher(("audio.example.com",), MAX, 0.2, slow).fetch("http://audio.example.com/")
    release.set()


def packed(website: Website, body: bytes) -> str:
    return website.page("/packed", body, headers={"Content-Encoding": "gzip"})


def test_several_members_are_unpacked(website: Website) -> None:
    url = packed(website, gzip.compress(b"so") + gzip.compress(b"un") + gzip.compress(b"d"))
    assert fetcher(website.host).fetch(url).data == b"sound"


def test_members_together_may_not_grow_too_large(website: Website) -> None:
    with pytest.raises(FetchError, match="is larger than 1000 bytes"):
        fetcher(website.host).fetch(packed(website, gzip.compress(bytes(400)) * 3))


def test_what_follows_what_is_compressed_is_not_read(website: Website) -> None:
    def going_on(request: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            request.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n"
                + gzip.compress(b"sound")
            )
            while not website.over.is_set():
                request.wfile.write(bytes(1 << 16))

    website.pages["/tail"] = going_on
    assert fetcher(website.host).fetch(website.url("/tail")).data == b"sound"


def test_very_many_members_are_not_all_read(website: Website) -> None:
    allowed = Fetcher((website.host,), 1 << 20, 30.0)
    assert allowed.fetch(packed(website, gzip.compress(b"x") * 40_000)).data == b"x" * 1000


def test_more_that_is_sent_than_may_come_of_it_is_refused(website: Website) -> None:
    def padded(request: BaseHTTPRequestHandler) -> None:
        with contextlib.suppress(OSError):
            request.wfile.write(
                b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n" + gzip.compress(b"")[:10]
            )
            while not website.over.is_set():
                request.wfile.write(b"\x00\x00\x00\xff\xff" * 1000)  # empty blocks

    website.pages["/padded"] = padded
    with pytest.raises(FetchError, match="is larger than 1000 bytes"):
        fetcher(website.host).fetch(website.url("/padded"))


def test_all_addresses_of_a_host_together_are_waited_for_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []

    def nobody_there(address: tuple[str, int], timeout: float) -> None:
        tried.append(address)
        time.sleep(timeout)
        raise TimeoutError(address)

    monkeypatch.setattr("mockserver.remote.connections.socket.create_connection", nobody_there)
    addresses = [f"93.184.215.{number}" for number in range(1, 20)]
    asked = Fetcher(("audio.example.com",), MAX, 0.2, lambda host, port: addresses)
    with pytest.raises(FetchError, match=r"took more than 0\.2 seconds"):
        asked.fetch("http://audio.example.com/")
    assert 0 < len(tried) < len(addresses)


def test_another_status_than_200_is_an_error(website: Website) -> None:
    with pytest.raises(FetchError, match="answers 404 Not Found"):
        fetcher(website.host).fetch(website.page("/none", b"", status=404))


def test_a_port_where_nobody_listens_is_an_error() -> None:
    with pytest.raises(FetchError, match="cannot be fetched"):
        fetcher("127.0.0.1:1").fetch("http://127.0.0.1:1/")


def test_a_host_that_is_not_there_is_an_error() -> None:
    with pytest.raises(FetchError, match="cannot be resolved"):
        fetcher("nobody.invalid").fetch("http://nobody.invalid/")


def test_tls_is_greeted_by_the_host_s_name_at_the_address_that_was_checked() -> None:
    greetings = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def greet() -> None:
            connection, _ = listener.accept()
            with connection:
                greetings.append(connection.recv(65536))

        thread = threading.Thread(target=greet)
        thread.start()
        host = f"audio.test:{listener.getsockname()[1]}"
        with pytest.raises(FetchError, match="cannot be fetched"):
            Fetcher((host,), MAX, 30.0, lambda host, port: ["127.0.0.1"]).fetch(f"https://{host}/")
        thread.join()
    assert b"audio.test" in greetings[0]


def test_a_redirect_out_of_tls_is_not_followed() -> None:
    with pytest.raises(NotAllowed, match="which is not encrypted"):
        redirected("https://audio.example.com/a", "http://audio.example.com/b")
    assert redirected("https://audio.example.com/a", "/b") == "https://audio.example.com/b"
