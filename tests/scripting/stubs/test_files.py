"""Stubs in files: their syntax, the messages about invalid ones, and hot reload."""

from __future__ import annotations

import logging
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mockserver.app import ENDPOINTS
from mockserver.errors import ErrorTable
from mockserver.resources import data_folder
from mockserver.scripting.stubs.files import StubDocument, StubFileError, StubWatcher, load_stubs
from mockserver.scripting.stubs.stubs import Stubs
from mockserver.state.memory.counters import MemoryCounters

ONE = "when: {model: whisper-1}\nreply: {text: Hello.}\n"
TWO = "- reply: {text: One.}\n- reply: {text: Two.}\n"

Write = Callable[..., Path]


def check(document: dict[str, Any]) -> object:
    """Check a stub beyond the schema, as the server does."""
    return Stubs(ENDPOINTS, ENDPOINTS.reply_kinds, ErrorTable().check_name, MemoryCounters()).check(document)


def loaded(*folders: Path) -> list[StubDocument]:
    return load_stubs(folders, check)


def refused(*folders: Path) -> str:
    with pytest.raises(StubFileError) as refusal:
        loaded(*folders)
    return str(refusal.value)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file of stubs; return its folder."""

    def write_file(text: str | bytes, name: str = "meeting.yaml") -> Path:
        path = tmp_path / "stubs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path.parent

    return write_file


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", TWO),
        ("a.yml", "stubs:\n" + TWO),
        ("a.yaml", "reply: {text: One.}\n---\nreply: {text: Two.}\n---\n"),
        ("a.json", '[{"reply": {"text": "One."}},\n\t{"reply": {"text": "Two."}}]'),
        ("a.json", '{"stubs": [{"reply": {"text": "One."}}, {"reply": {"text": "Two."}}]}'),
    ],
)
def test_a_file_holds_one_stub_or_several(write: Write, name: str, text: str) -> None:
    assert [stub.document for stub in loaded(write(text, name))] == [
        {"id": "a:1", "reply": {"text": "One."}},
        {"id": "a:2", "reply": {"text": "Two."}},
    ]


def test_a_stub_knows_its_file_line_and_folder(write: Write) -> None:
    folder = write("# The stubs of meetings.\n" + TWO)
    assert [(stub.source, stub.folder) for stub in loaded(folder)] == [
        (f"{folder / 'meeting.yaml'}:2", folder),
        (f"{folder / 'meeting.yaml'}:3", folder),
    ]


def test_folders_and_files_are_read_in_order(write: Write, tmp_path: Path) -> None:
    write(ONE, "b.json.yaml")
    write('{"reply": {"text": "Hello."}}', "a.json")
    write("id: other\n" + ONE, "../more/a.yaml")
    assert [stub.document["id"] for stub in loaded(tmp_path / "more", tmp_path / "stubs")] == [
        "other",
        "a:2",
        "b.json:1",
    ]


def test_other_files_hidden_files_and_folders_in_folders_are_left_alone(write: Write) -> None:
    write("not: a stub", ".#meeting.yaml")
    write("not a stub", "notes.txt")
    write("{}", "bodies/answer.json")
    write(ONE, "folder.yaml/inner.yaml")
    assert len(loaded(write(ONE))) == 1


def test_a_list_may_be_empty(write: Write) -> None:
    assert loaded(write("[]")) == []


def test_an_id_can_be_given_and_is_else_made_of_what_the_file_is_called(write: Write) -> None:
    folder = write("- {id: greeting, reply: {text: One.}}\n- {reply: {text: Two.}}", "my été.yaml")
    assert [stub.document["id"] for stub in loaded(folder)] == ["greeting", "my--t-:2"]


def test_an_id_of_two_stubs_is_reported_with_both_places(write: Write) -> None:
    write("id: hello\n" + ONE, "a.yaml")
    folder = write("reply: {text: One.}\nid: hello\n", "b.yaml")
    assert refused(folder) == (
        f"{folder / 'b.yaml'}:2: id: 'hello' is already used by the stub at {folder / 'a.yaml'}:1. "
        "Choose another."
    )


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (
            "when: {}\nreply:\n  txt: Hi.",
            3,
            "Unknown parameter: 'reply.txt'. Did you mean 'text'? docs/stubs.md",
        ),
        ("- reply: {text: Hi.}\n- when:\n    endpoint: chat", 2, "the stub has no `reply`. Give one reply"),
        ("reply: {text: a}\nreplies: [{text: b}]", 1, "the stub has both `reply` and `replies`."),
        ("reply: {text: a}\ntimes: 0", 2, "Invalid 'times': integer below minimum value."),
        ("reply: {text: a}\nthen: stop", 2, "then: Invalid value: 'stop'. Supported values are: 'last'"),
        ("reply: {text: 1}", 1, "Invalid type for 'reply.text': expected a string, but got an integer"),
        ("replies:\n- text: a\n- {}", 3, "replies[1]: is empty."),
        (
            "when:\n  model: a\n  sound: b\nreply: {say: La.}",
            3,
            "Unknown parameter: 'when.sound'. Known: account,",
        ),
        ("stubs:\n- reply:\n    text: [a]", 3, "Invalid type for 'reply.text': expected a string"),
        ("just a text", 1, "a stub is an object with `when` and `reply`."),
        ("stubs: {}", 1, "stubs: is not a list."),
        ("stubs: []\nothers: []", 2, "others: only `stubs` may be here."),
        ("when:\n  endpoint: [chat, sing]\nreply: {say: La.}", 2, "endpoint: unknown endpoint 'sing'."),
        ("when:\n  model: a\n  heard: '('\nreply: {say: La.}", 3, "heard: '(' is not a regular expression"),
        ("when:\n  fields:\n    $[: 1\nreply: {say: La.}", 3, "fields.$[: is not a JSONPath"),
        ("reply:\n  error: no_such_error", 2, "reply: error: unknown error 'no_such_error'"),
        ("replies:\n- text: a\n- delay: 1", 3, "replies[1]: the reply has no content."),
        ("reply:\n  base64: '!'", 2, "reply: base64: is not valid base64."),
        (
            "reply:\n  template: true\n  text: '{{ herd }}'",
            3,
            "reply: text: template '{{ herd }}': unknown variable",
        ),
        ("when: {}\nwhen: {}", 2, "'when' is given twice, first on line 1."),
        ("when: {heard: [}", 1, "is not YAML: "),
        ("", 1, "the file has no stubs."),
        ("# nothing yet\n---\n", 1, "the file has no stubs."),
        (b"reply:\n  text: \xff", 2, "byte 15 is not UTF-8. Save it as UTF-8."),
    ],
    ids=lambda each: str(each)[:24],
)
def test_an_invalid_stub_is_reported_with_file_line_and_place(
    write: Write, text: str | bytes, line: int, message: str
) -> None:
    folder = write(text)
    assert refused(folder).startswith(f"{folder / 'meeting.yaml'}:{line}: {message}")


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ('{\n"reply": {\n"txt": "Hi."}}', 3, "Unknown parameter: 'reply.txt'. Did you mean 'text'?"),
        ('[{"reply": {"text": "Hi."}},\n{}]', 2, "the stub has no `reply`."),
        ('{"reply": {"text": "Hi."}, "when":\n\t{"heard": "("}}', 2, "heard: '(' is not"),
        ('{"reply": {"text": "Hi."},\n"reply": {}}', 2, "'reply' is given twice, first on line 1."),
        ('{"reply": {"text": "Hi."}\n"when": {}}', 2, "is not JSON: "),
        ('{"reply": {"delay":\nNaN}}', 2, "NaN is not JSON."),
        ("\n", 1, "the file has no stubs."),
    ],
    ids=lambda each: str(each)[:24],
)
def test_the_same_goes_for_json(write: Write, text: str, line: int, message: str) -> None:
    folder = write(text, "meeting.json")
    assert refused(folder).startswith(f"{folder / 'meeting.json'}:{line}: {message}")


def test_a_file_that_a_reply_names_must_be_beside_the_stub(write: Write) -> None:
    folder = write("replies:\n- {say: Hello.}\n- say: Bye.\n  audio: clips/bye.wav")
    assert refused(folder) == (
        f"{folder / 'meeting.yaml'}:4: replies[1].audio: no such file: {folder / 'clips/bye.wav'}. "
        f"Paths are relative to {folder}."
    )
    write(b"RIFF", "clips/bye.wav")
    assert len(loaded(folder)) == 1


def test_folders_and_files_that_cannot_be_read_are_reported(write: Write, tmp_path: Path) -> None:
    folder = write(ONE)
    assert refused(tmp_path / "nowhere") == (
        f"No such folder: {tmp_path / 'nowhere'}. Create it, or choose another."
    )
    assert "Give the folder that the file is in." in refused(folder / "meeting.yaml")
    with (folder / "huge.yaml").open("wb") as huge:
        huge.truncate((1 << 25) + 1)
    assert f"{folder / 'huge.yaml'}: is not a file of at most 33554432 bytes." in refused(folder)


@pytest.mark.skipif(sys.platform == "win32", reason="making links needs privileges there")
def test_a_broken_link_is_reported(write: Write, tmp_path: Path) -> None:
    folder = write(ONE)
    (folder / "gone.yaml").symlink_to(tmp_path / "nowhere.yaml")
    assert refused(folder).startswith(f"{folder / 'gone.yaml'}: cannot be read: ")


def test_the_examples_that_ship_can_be_used() -> None:
    assert len(loaded(data_folder("fixtures") / "stubs")) > 5


class Watched:
    """A watcher that looks when a test calls it, and the texts of the stubs that it loaded last."""

    def __init__(self, folder: Path) -> None:
        self.texts: list[str] = []
        self.changed = threading.Event()
        self.closing = threading.Event()
        self.watcher = StubWatcher([folder], self.take, check, self.closing, interval=0.01)

    def take(self, stubs: list[StubDocument]) -> None:
        self.texts = [stub.document["reply"]["text"] for stub in stubs]
        self.changed.set()

    def look(self) -> list[str]:
        """Return the texts that were loaded again, or nothing."""
        self.texts = []
        self.watcher.poll()
        return self.texts


def test_stubs_are_loaded_anew_when_a_file_changes_comes_or_goes(write: Write) -> None:
    folder = write(ONE)
    watched = Watched(folder)
    assert watched.look() == []
    write(TWO)
    assert watched.look() == ["One.", "Two."]
    write(ONE, "more.yaml")
    assert watched.look() == ["One.", "Two.", "Hello."]
    (folder / "meeting.yaml").unlink()
    assert watched.look() == ["Hello."]
    assert watched.look() == []


def test_an_invalid_set_is_reported_once_and_a_corrected_one_is_loaded(
    write: Write, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mockserver")
    folder = write(ONE)
    watched = Watched(folder)
    write("- reply: {text: One.}\n- reply: {txt: Two.}")
    assert watched.look() == watched.look() == []
    write(TWO)
    assert watched.look() == ["One.", "Two."]
    broken, mended = (record.getMessage() for record in caplog.records)
    assert broken.startswith(f"{folder / 'meeting.yaml'}:2: Unknown parameter: 'reply.txt'.")
    assert broken.endswith("The stubs were not reloaded.")
    assert mended == "2 stubs reloaded."


def test_a_folder_that_vanishes_and_returns_is_noticed(
    write: Write, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(ONE)
    watched = Watched(folder)
    folder.rename(tmp_path / "elsewhere")
    assert watched.look() == []
    assert "No such folder" in caplog.text
    (tmp_path / "elsewhere").rename(folder)
    assert watched.look() == ["Hello."]


def test_a_missing_file_that_comes_mends_the_stubs(write: Write) -> None:
    watched = Watched(write(ONE))
    write("reply: {text: Hello., audio: clips/hello.wav}")
    assert watched.look() == []
    write(b"RIFF", "clips/hello.wav")
    assert watched.look() == ["Hello."]
    assert watched.look() == []


def test_a_thread_watches_until_the_server_closes(write: Write) -> None:
    watched = Watched(write(ONE))
    before = set(threading.enumerate())
    watched.watcher.start()
    (thread,) = set(threading.enumerate()) - before
    write(TWO)
    assert watched.changed.wait(30)
    assert watched.texts == ["One.", "Two."]
    watched.closing.set()
    thread.join(30)
    assert not thread.is_alive()


def test_the_watcher_survives_any_error_and_reads_on(write: Write, caplog: pytest.LogCaptureFixture) -> None:
    watched = Watched(write(ONE))
    take, failed = watched.take, threading.Event()

    def failing(_stubs: list[StubDocument]) -> None:
        failed.set()
        raise TypeError("whatever")

    watched.watcher._on_change = failing
    watched.watcher.start()
    write(TWO)
    assert failed.wait(30)
    watched.watcher._on_change = take
    write("reply: {text: Mended.}")
    assert watched.changed.wait(30)
    watched.closing.set()
    assert watched.texts == ["Mended."]
    assert caplog.text.count("The stubs could not be reloaded.") == 1


@pytest.mark.parametrize(
    "text",
    [
        "when: {user_text: 5}\nreply: {text: a}",
        "when: {heard: [a]}\nreply: {text: a}",
        "when: {user_text: {matches: null}}\nreply: {text: a}",
        "when: {fields: {model: {contains: 5}}}\nreply: {text: a}",
        "when: {headers: {x-run: 7}}\nreply: {text: a}",
        "when:\n  fields: {'$[?@ =~ /(/]': 1}\nreply: {text: a}",
        "when: {user_text: '(a)\\1'}\nreply: {text: a}",
        "reply: {text: a, duration: 1e308}",
        "reply: {json: 1, status: 204}",
        f"reply: {{file: {'x' * 300}}}",
        "reply: {template: true, text: \"{{ heard | search('(') }}\"}",
        "reply: {json: " + "[" * 200 + "]" * 200 + "}",
        b"\x00\xff" * 100,
    ],
    ids=lambda text: str(text)[:40],
)
def test_an_invalid_file_is_reported_by_line_and_a_corrected_one_is_read(
    write: Write, text: str | bytes, caplog: pytest.LogCaptureFixture
) -> None:
    folder = write(ONE)
    watched = Watched(folder)
    write(text)
    assert watched.look() == []
    assert f"{folder / 'meeting.yaml'}:" in caplog.text
    assert caplog.text.count("The stubs were not reloaded.") == 1
    write(ONE)
    assert watched.look() == ["Hello."]


@pytest.mark.skipif(sys.platform == "win32", reason="makes links and pipes")
def test_pipes_and_devices_are_reported_and_never_waited_for(write: Write) -> None:
    folder = write(ONE)
    (folder / "folder.yaml").mkdir()
    assert len(loaded(folder)) == 1
    (folder / "loop.yaml").symlink_to("loop.yaml")
    assert f"{folder / 'loop.yaml'}: cannot be read" in refused(folder)
    (folder / "loop.yaml").unlink()
    os.mkfifo(folder / "pipe.yaml")
    assert f"{folder / 'pipe.yaml'}: is not a file" in refused(folder)
    (folder / "pipe.yaml").unlink()
    (folder / "endless.yaml").symlink_to("/dev/zero")
    assert f"{folder / 'endless.yaml'}: is not a file" in refused(folder)


def test_numbers_of_too_many_digits_are_reported(write: Write) -> None:
    assert refused(write('{"reply": {"json": ' + "9" * 5_000 + "}}", "a.json")).endswith(
        "a.json:1: a number of 5000 digits is too large."
    )
