"""Runs an installed server, and asks it to speak and to transcribe."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

_AUTHORIZATION = {"Authorization": "Bearer sk-mock-me"}
SENTENCE = "Good morning. How are you today?"


@contextlib.contextmanager
def served(command: list[str], environment: Mapping[str, str], folder: Path) -> Iterator[str]:
    """Run a command that serves; yield the URL of the server. It ends with status 0 after SIGTERM."""
    with subprocess.Popen(command, env=environment, cwd=folder, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = ""
        for line in server.stdout:
            if found := re.match(r"  export OPENAI_BASE_URL=(\S+)/v1 ", line):
                url = found[1]
            if line.startswith("Press Ctrl-C"):
                break
        assert url, "the server has not started"
        try:
            yield url
        finally:
            server.send_signal(signal.SIGTERM)
        assert server.wait(30) == 0


def status_of(url: str, path: str, headers: Mapping[str, str] = {}) -> int:
    """Return the status of a GET request."""
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, headers=dict(headers))) as answer:
            status: int = answer.status
    except urllib.error.HTTPError as refused:
        refused.close()
        status = refused.code
    return status


def speak(url: str, text: str = SENTENCE) -> bytes:
    """Return speech of the server as a WAV file."""
    body = {"model": "tts-1", "voice": "alloy", "input": text, "response_format": "wav"}
    request = urllib.request.Request(
        f"{url}/v1/audio/speech",
        json.dumps(body).encode(),
        _AUTHORIZATION | {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        spoken: bytes = answer.read()
    return spoken


def transcribe(url: str, audio: bytes, name: str = "clip.wav") -> tuple[str, str]:
    """Return the transcript of a clip, and what has answered."""
    head = "--edge\r\nContent-Disposition: form-data; name="
    form = (
        f'{head}"model"\r\n\r\nwhisper-1\r\n{head}"file"; filename="{name}"\r\n\r\n'.encode()
        + audio
        + b"\r\n--edge--\r\n"
    )
    headers = _AUTHORIZATION | {"Content-Type": "multipart/form-data; boundary=edge"}
    request = urllib.request.Request(f"{url}/v1/audio/transcriptions", form, headers)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["text"], answer.headers["x-mock-answered-by"]
