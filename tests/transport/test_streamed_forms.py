"""Forms whose file is stored while it arrives have the same fields as those read as a whole."""

from __future__ import annotations

import errno
import io
import tracemalloc
from collections.abc import Iterator
from itertools import chain, repeat
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mockserver.audio.content import Spool
from mockserver.audio.decode import UndecodableAudio
from mockserver.errors import ApiError
from mockserver.state.blobs import Blobs
from mockserver.state.protocols import Blob
from mockserver.transport import forms, streamed_forms
from mockserver.transport.bodies import BodyReader, ClientGone
from mockserver.transport.forms import Form, MultipartError
from mockserver.transport.streamed_forms import FileField, StreamedForm

CONTENT_TYPE = "multipart/form-data; boundary=b"
NAME = 'Content-Disposition: form-data; name="{}"'
FILE = 'Content-Disposition: form-data; name="file"; filename="a.jsonl"'


class Dripping(io.BytesIO):
    """A body that arrives in pieces of a few bytes."""

    def __init__(self, body: bytes, most: int) -> None:
        super().__init__(body)
        self._most = most

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self._most, size) if size is not None and size >= 0 else self._most)


@pytest.fixture
def blobs() -> Iterator[Blobs]:
    made = Blobs()
    yield made
    made.close()


def part(head: str, data: bytes = b"data") -> bytes:
    return b"--b\r\n" + head.encode() + b"\r\n\r\n" + data + b"\r\n"


def body_of(*parts: bytes) -> bytes:
    return b"".join(parts) + b"--b--\r\n"


def received(
    blobs: Blobs,
    body: bytes,
    *,
    content_type: str = CONTENT_TYPE,
    most: int = 1 << 30,
    field: str = "file",
    drip: int = 1 << 20,
    chunked: bool = False,
) -> tuple[list[tuple[str, str]], dict[str, tuple[str, bytes]]]:
    """Return the fields, and the files as name and content."""
    file_field = FileField(field, most, "file_too_large")
    with StreamedForm() as form:
        length = None if chunked else len(body)
        streamed_forms.receive(form, blobs, Dripping(body, drip), length, content_type, file_field)
        return form.fields, {
            place: (file.name, read(blobs, file.keep())) for place, file in form.files.items()
        }


def read(blobs: Blobs, blob: Blob) -> bytes:
    with blobs.open(blob.id) as file:
        return file.read()


@pytest.mark.parametrize("chunked", [False, True])
@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=300), text=st.text(max_size=50), drip=st.integers(1, 40))
def test_whatever_is_uploaded_comes_out_unchanged(chunked: bool, data: bytes, text: str, drip: int) -> None:
    request = httpx.Request("POST", "http://a/", data={"purpose": text}, files={"file": ("a.jsonl", data)})
    body, content_type = request.read(), request.headers["content-type"]
    blobs = Blobs()
    fields, files = received(blobs, body, content_type=content_type, drip=drip, chunked=chunked)
    whole = forms.parse_multipart(body, content_type)
    assert fields == whole.fields
    assert files == {"file": ("a.jsonl", data)}


def test_a_part_of_the_fields_name_is_a_file_without_a_filename(blobs: Blobs) -> None:
    body = body_of(part(NAME.format("data"), b"\0\1"), part(NAME.format("file"), b"text"))
    assert received(blobs, body, field="data") == ([("file", "text")], {"data": ("", b"\0\1")})


def test_of_several_files_of_a_name_the_last_wins(blobs: Blobs) -> None:
    assert received(blobs, body_of(part(FILE, b"1"), part(FILE, b"2")))[1] == {"file": ("a.jsonl", b"2")}


def test_a_file_that_is_too_large_is_refused_and_the_rest_read(blobs: Blobs) -> None:
    body = body_of(part(FILE, bytes(2000)))
    stream = Dripping(body, 1 << 18)
    with StreamedForm() as form, pytest.raises(ApiError) as refusal:
        streamed_forms.receive(
            form, blobs, stream, len(body), CONTENT_TYPE, FileField("file", 1000, "file_too_large")
        )
    assert (refusal.value.name, refusal.value.values["most"]) == ("file_too_large", 1000)
    assert stream.tell() == len(body)


def test_a_body_that_says_that_it_is_too_large_is_refused_before_it_is_kept(blobs: Blobs) -> None:
    with pytest.raises(ApiError) as refusal:
        received(blobs, bytes(2 << 20), most=1000)
    assert refusal.value.values["size"] == 2 << 20


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (part(FILE, b"1"), "ends before its closing boundary"),
        (b"--b--\r\n", "no parts"),
        (body_of(part(NAME.format("purpose"), b"\xff")), "not UTF-8"),
        (body_of(*[part(NAME.format("a"))] * 1001), "more than 1000 parts"),
        (body_of(part(NAME.format("a"), bytes(1 << 20))), "bytes of fields"),
        (b"nonsense", "."),
    ],
)
def test_what_is_no_form_is_refused(blobs: Blobs, body: bytes, reason: str) -> None:
    with pytest.raises(MultipartError, match=reason):
        received(blobs, body)


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data"])
def test_a_form_has_a_boundary(blobs: Blobs, content_type: str) -> None:
    with pytest.raises(MultipartError):
        received(blobs, body_of(part(FILE)), content_type=content_type)


def test_a_client_that_leaves_is_noticed(blobs: Blobs) -> None:
    body = body_of(part(FILE, bytes(100)))
    with StreamedForm() as form, pytest.raises(ClientGone):
        streamed_forms.receive(
            form, blobs, io.BytesIO(body), len(body) + 1, CONTENT_TYPE, FileField("file", 1000, "")
        )


def test_a_stream_that_fails_means_that_the_client_left(blobs: Blobs) -> None:
    class Failing(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            raise ValueError("no chunk")

    with StreamedForm() as form, pytest.raises(ClientGone):
        streamed_forms.receive(form, blobs, Failing(), None, CONTENT_TYPE, FileField("file", 1000, ""))


def test_a_large_file_takes_little_memory(blobs: Blobs) -> None:
    class Endless(io.RawIOBase):
        """A form with a file of 64 MiB, made while it is read."""

        pieces = chain(
            [b"--b\r\n" + FILE.encode() + b"\r\n\r\n"], repeat(bytes(1 << 18), 256), [b"\r\n--b--"]
        )

        def read(self, size: int = -1, /) -> bytes:
            return next(self.pieces, b"")

    with StreamedForm() as form:
        tracemalloc.start()
        streamed_forms.receive(form, blobs, Endless(), None, CONTENT_TYPE, FileField("file", 1 << 30, ""))
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert form.files["file"].size == 64 << 20
    assert peak < 4 << 20


def test_what_is_not_kept_is_forgotten(blobs: Blobs, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = body_of(part(FILE, bytes(200_000)))
    with StreamedForm() as form:
        streamed_forms.receive(
            form, blobs, io.BytesIO(body), len(body), CONTENT_TYPE, FileField("file", 1 << 20, "")
        )
        assert list(tmp_path.glob("*/blobs/*"))
    assert not list(tmp_path.glob("*/incoming/*"))
    assert not list(tmp_path.glob("*/blobs/*"))


def test_what_is_known_of_a_file_is_known_without_keeping_it(blobs: Blobs) -> None:
    body = body_of(part(FILE + "\r\nContent-Type: text/plain", b"{}"))
    with StreamedForm() as form:
        streamed_forms.receive(
            form, blobs, io.BytesIO(body), len(body), CONTENT_TYPE, FileField("file", 1000, "")
        )
    file = form.files["file"]
    assert (file.place, file.name, file.content_type, file.size) == ("file", "a.jsonl", "text/plain", 2)
    assert file.sha256 == "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
    with pytest.raises(UndecodableAudio):
        file.facts  # noqa: B018 - nothing reads it


# Forms with a file to be transcribed


def heard(
    body: bytes,
    content_type: str = CONTENT_TYPE,
    *,
    drip: int = 1 << 20,
    chunked: bool = False,
    limit: int = 1 << 30,
) -> Form:
    with BodyReader(limit, timeout=0).slot() as slot:
        length = None if chunked else len(body)
        return streamed_forms.receive_audio(Dripping(body, drip), length, content_type, "file", limit, slot)


@pytest.mark.parametrize("chunked", [False, True])
@settings(deadline=None, max_examples=50)
@given(data=st.binary(max_size=300), text=st.text(max_size=50), drip=st.integers(1, 40))
def test_a_form_with_audio_is_parsed_as_if_it_was_read_as_a_whole(
    chunked: bool, data: bytes, text: str, drip: int
) -> None:
    request = httpx.Request(
        "POST",
        "http://a/",
        data={"prompt": text, "model": "m"},
        files={"file": ("a.wav", data, "audio/wav"), "other": ("b", b"x", "text/plain")},
    )
    body, content_type = request.read(), request.headers["content-type"]
    form = heard(body, content_type, drip=drip, chunked=chunked)
    assert form == forms.parse_multipart(body, content_type)


@pytest.mark.parametrize(
    "body",
    [
        body_of(part(NAME.format("file"), b"text")),
        body_of(part(FILE, b"1"), part(FILE, b"2")),
        body_of(part(FILE, b"1"), part("X: y"), part(NAME.format("model"))),
    ],
    ids=["no file name", "two of a name", "no name"],
)
def test_unusual_forms_with_audio_are_parsed_as_if_they_were_read_as_a_whole(body: bytes) -> None:
    assert heard(body, drip=7) == forms.parse_multipart(body, CONTENT_TYPE)


@pytest.mark.parametrize("chunked", [False, True])
def test_a_form_with_audio_that_is_too_large_is_read_and_refused(chunked: bool) -> None:
    body = body_of(part(FILE, bytes(2000)))
    with pytest.raises(ApiError) as refusal:
        heard(body, chunked=chunked, limit=1000, drip=100)
    assert refusal.value.values == {"limit": 1000, "read": len(body)}


def test_what_is_no_form_is_refused_once_it_was_read() -> None:
    with pytest.raises(MultipartError):
        heard(b"nonsense" * 10)
    with pytest.raises(ApiError, match="body_too_large"):
        heard(b"nonsense" * 10, chunked=True, limit=50, drip=10)


def test_the_files_of_a_form_take_no_memory() -> None:
    body = body_of(part(FILE, bytes(8 << 20)))
    tracemalloc.start()
    form = heard(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert form.files["file"].content.size == 8 << 20
    assert peak < 3 << 20


def test_large_fields_of_a_form_wait_for_memory() -> None:
    bodies = BodyReader(1 << 30, timeout=0, memory=1 << 20)
    body = body_of(part(NAME.format("prompt"), bytes(2 << 20)))
    with bodies.slot() as held, bodies.slot() as slot:
        held.take(1 << 20)
        with pytest.raises(ApiError, match="overloaded"):
            streamed_forms.receive_audio(io.BytesIO(body), None, CONTENT_TYPE, "file", 1 << 30, slot)
        held.release()
        form = streamed_forms.receive_audio(io.BytesIO(body), None, CONTENT_TYPE, "file", 1 << 30, slot)
    assert len(form.fields[0][1]) == 2 << 20


def test_a_full_disk_is_reported(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Spool, "write", full)
    with pytest.raises(ApiError) as refusal:
        heard(body_of(part(FILE, b"1")))
    assert refusal.value.values["reason"] == "The upload cannot be stored: No space left on device."
    assert "Cannot write an upload to a temporary file" in caplog.text
