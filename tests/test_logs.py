"""The log level while servers run inside a program."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Iterator

import pytest

from mockserver.logs import LogLevels


@pytest.fixture
def logger() -> logging.Logger:
    """Return a logger of this test."""
    return logging.Logger("some")


def levels(logger: logging.Logger, *log_levels: str) -> Iterator[int]:
    """Return the levels while servers are started one after the other, and while they end in the same order."""
    through = LogLevels(logger)
    running = [through.of_server(log_level) for log_level in log_levels]
    for server in running:
        server.__enter__()
        yield logger.level
    for server in running:
        server.__exit__(None, None, None)
        yield logger.level


def test_a_server_that_wants_errors_only_has_no_warnings_logged(logger: logging.Logger) -> None:
    assert list(levels(logger, "error")) == [logging.ERROR, logging.NOTSET]


@pytest.mark.parametrize("log_level", ["debug", "info"])
def test_what_else_is_logged_is_up_to_the_program(logger: logging.Logger, log_level: str) -> None:
    assert list(levels(logger, log_level)) == [logging.NOTSET, logging.NOTSET]


def test_of_several_servers_the_most_talkative_counts(logger: logging.Logger) -> None:
    assert list(levels(logger, "error", "info", "warning")) == [
        *(logging.ERROR, logging.NOTSET, logging.NOTSET),
        *(logging.NOTSET, logging.WARNING, logging.NOTSET),
    ]


def test_a_program_that_wants_less_is_left_alone(logger: logging.Logger) -> None:
    logger.setLevel(logging.CRITICAL)
    assert list(levels(logger, "info", "error")) == [logging.CRITICAL] * 4


def test_a_level_that_the_program_sets_meanwhile_stays(logger: logging.Logger) -> None:
    through = LogLevels(logger)
    with through.of_server("info"):
        logger.setLevel(logging.DEBUG)
        with through.of_server("error"):
            assert logger.level == logging.DEBUG
    assert logger.level == logging.DEBUG
    with through.of_server("error"):
        assert logger.level == logging.ERROR
    assert logger.level == logging.DEBUG


@pytest.mark.slow
@pytest.mark.parametrize(("log_level", "count"), [("warning", 1), ("error", 0)])
def test_a_server_in_a_program_heeds_its_log_level(log_level: str, count: int) -> None:
    script = f"""
from mockserver import MockServer, Settings
from mockserver.audio.encode import write_wav

with MockServer(Settings(port=0, whisper_model="embedded", log_level="{log_level}")) as api:
    for seconds in (1, 2):
        clip = write_wav(bytes(32_000 * seconds), 16_000)
        api.client.audio.transcriptions.create(model="whisper-1", file=("silence.wav", clip))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr.count("The embedded Whisper has answered.") == len(done.stderr.splitlines()) == count


def test_a_quiet_server_makes_no_program_talk_more() -> None:
    program, logger = logging.Logger("program", logging.CRITICAL), logging.Logger("program.some")
    logger.parent = program
    assert list(levels(logger, "warning")) == [logging.NOTSET, logging.NOTSET]


def test_a_level_that_the_program_sets_under_a_quiet_server_stays(logger: logging.Logger) -> None:
    with LogLevels(logger).of_server("error"):
        logger.setLevel(logging.DEBUG)
    assert logger.level == logging.DEBUG
