"""`mockserver speak TEXT -o FILE`."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from mockserver.audio.clip import Clip

Run = Callable[..., Result]


def duration(name: str) -> float:
    return Clip(Path(name).read_bytes(), name, max_seconds=60.0).duration


def codec(name: str) -> tuple[str, str]:
    facts = Clip(Path(name).read_bytes(), name, max_seconds=60.0).facts
    return facts.container, facts.codec


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("hello.mp3", ("mp3", "mp3")),
        ("hello.opus", ("ogg", "opus")),
        ("hello.ogg", ("ogg", "opus")),
        ("hello.aac", ("aac", "aac")),
        ("hello.flac", ("flac", "flac")),
        ("hello.WAV", ("wav", "pcm_s16le")),
    ],
)
def test_the_extension_says_the_format(run: Run, name: str, expected: tuple[str, str]) -> None:
    result = run("speak", "Hello world.", "-o", name)
    assert (result.exit_code, result.stdout) == (0, "")
    assert codec(name) == expected


@pytest.mark.parametrize(("name", "said"), [("hello", "no extension"), ("hello.txt", ".txt")])
def test_an_extension_that_says_no_format_is_refused(run: Run, name: str, said: str) -> None:
    result = run("speak", "Hello world.", "-o", name)
    assert result.exit_code == 1
    assert result.stderr == (
        f"mockserver: {name}: {said} is not an audio format of the API. "
        "Use mp3, opus, aac, flac, wav, pcm, or --response-format.\n"
    )
    assert not Path(name).exists()


@pytest.mark.parametrize("response_format", ["mp3", "opus", "aac", "flac", "wav"])
def test_the_format_may_be_said(run: Run, response_format: str) -> None:
    result = run("speak", "Hello world.", "-o", "hello.bin", "--response-format", response_format)
    assert re.fullmatch(rf"hello\.bin: 1\.\d s of {response_format}, voice alloy\n", result.stderr)
    assert 0.8 < duration("hello.bin") < 1.5


def test_pcm_is_bare_samples(run: Run) -> None:
    run("speak", "Hello world.", "-o", "hello.pcm")
    run("speak", "Hello world.", "-o", "hello.wav")
    assert Path("hello.wav").read_bytes().endswith(Path("hello.pcm").read_bytes())


def test_the_text_may_come_from_standard_input(run: Run) -> None:
    run("speak", "-", "-o", "piped.mp3", input="Hello world.")
    run("speak", "Hello world.", "-o", "given.mp3")
    assert Path("piped.mp3").read_bytes() == Path("given.mp3").read_bytes()


def test_voice_speed_and_instructions_are_heard(run: Run) -> None:
    run("speak", "Hello world.", "-o", "plain.wav")
    run("speak", "Hello world.", "-o", "echo.wav", "--voice", "echo")
    run("speak", "Hello world.", "-o", "fast.wav", "--speed", "2")
    run("speak", "Hello world.", "-o", "slow.wav", "--instructions", "Speak slowly.")
    sounds = {Path(f"{name}.wav").read_bytes() for name in ("plain", "echo", "fast", "slow")}
    assert len(sounds) == 4
    assert duration("fast.wav") < duration("plain.wav") < duration("slow.wav")


def test_an_unknown_voice_is_answered_with_the_known_ones(run: Run) -> None:
    result = run("speak", "Hello world.", "-o", "hello.mp3", "--voice", "nobody")
    assert result.exit_code == 1
    assert result.stderr.startswith("mockserver: unknown voice 'nobody'. Choose one of alloy, ash, ballad, ")
    assert not Path("hello.mp3").exists()


def test_a_file_that_cannot_be_written_is_named(run: Run) -> None:
    result = run("speak", "Hello world.", "-o", str(Path("nowhere", "hello.mp3")))
    assert result.exit_code == 1
    assert re.fullmatch(r"mockserver: .*No such file or directory: 'nowhere.hello.mp3'\n", result.stderr)


def test_bad_fixtures_are_said_in_one_line(run: Run) -> None:
    result = run("speak", "Hello world.", "-o", "hello.mp3", "--fixtures", "nowhere")
    assert result.exit_code == 1
    assert re.fullmatch(r"mockserver: nowhere: is not a folder\..+\n", result.stderr)


@pytest.mark.parametrize("arguments", [["--speed", "9"], ["--response-format", "midi"], []])
def test_what_cannot_be_asked_is_a_usage_error(run: Run, arguments: list[str]) -> None:
    output = ["-o", "hello.mp3"] if arguments else []
    assert run("speak", "Hello world.", *output, *arguments).exit_code == 2
