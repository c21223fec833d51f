"""audio-mockserver-light: all but Whisper works with what its wheel requires, and the messages say so."""

from __future__ import annotations

import importlib.metadata
import os
import re
import signal
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

import openai
import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.slow

REMEDY = "Whisper is not installed. Install it with: pip install faster-whisper"


@pytest.fixture(scope="module")
def site(light_wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of packages: those of the light wheel, and what pip would install for it."""
    folder = tmp_path_factory.mktemp("light")
    with zipfile.ZipFile(light_wheel) as archive:
        archive.extractall(folder / "site")
    (metadata,) = (folder / "site").glob("*.dist-info/METADATA")
    required = Parser().parsestr(metadata.read_text("utf-8")).get_all("Requires-Dist", [])
    for distribution in closure(required):
        for top in {Path(file).parts[0] for file in distribution.files or ()} - {"..", "__pycache__"}:
            link = folder / "site" / top
            if not link.exists():
                link.symlink_to(Path(str(distribution.locate_file(top))))
    return folder / "site"


def closure(requirements: list[str]) -> Iterator[importlib.metadata.Distribution]:
    """Return the distributions of this environment that are required, directly or not."""
    waiting, seen = list(requirements), set[str]()
    while waiting:
        requirement = Requirement(waiting.pop())
        if requirement.name in seen or (
            requirement.marker and not requirement.marker.evaluate({"extra": ""})
        ):
            continue
        seen.add(requirement.name)
        distribution = importlib.metadata.distribution(requirement.name)
        waiting.extend(distribution.requires or ())
        yield distribution


def command(site: Path, *arguments: str) -> tuple[list[str], dict[str, str]]:
    """Return the command of the program with only these packages, and its environment."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("MOCKSERVER_")}
    environment = own | {"PYTHONPATH": str(site), "HF_HUB_CACHE": str(site / "none")}
    return [sys.executable, "-S", "-m", "mockserver", *arguments], environment


def run(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    program, environment = command(site, *arguments)
    return subprocess.run(
        program, env=environment, cwd=site.parent, capture_output=True, text=True, check=False, timeout=60
    )


@pytest.fixture(scope="module")
def banner(site: Path) -> Iterator[str]:
    """Yield the output of `mockserver serve` at its start; the server runs meanwhile."""
    program, environment = command(site, "serve", "--port", "0")
    with subprocess.Popen(
        program,
        env=environment,
        cwd=site.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as server:
        assert server.stdout is not None
        printed = ""
        while not printed.endswith("Press Ctrl-C to stop.\n"):
            line = server.stdout.readline()
            assert line, printed
            printed += line
        yield printed
        server.send_signal(signal.SIGINT)
        assert server.wait(30) == 0


@pytest.fixture(scope="module")
def light(banner: str) -> Iterator[openai.OpenAI]:
    (url,) = re.findall(r"OPENAI_BASE_URL=(\S+)", banner)
    with openai.OpenAI(base_url=url, api_key="sk-mock-light") as client:
        yield client


def test_what_listens_is_not_among_its_packages(site: Path) -> None:
    absent = (
        "faster_whisper",
        "ctranslate2",
        "onnxruntime",
        "tokenizers",
        "huggingface_hub",
        "splintr",
        "openai",
    )
    script = f"import importlib.util as u; print([name for name in {absent} if u.find_spec(name)])"
    environment = os.environ | {"PYTHONPATH": str(site)}
    done = subprocess.run(
        [sys.executable, "-S", "-c", script], env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"


def test_the_banner_says_that_audio_is_not_transcribed(banner: str) -> None:
    assert f"other audio by no engine: unknown audio gets a marked placeholder. {REMEDY}\n" in banner


def test_known_audio_is_transcribed(light: openai.OpenAI, hello: tuple[str, bytes]) -> None:
    assert (
        light.audio.transcriptions.create(model="whisper-1", file=hello).text
        == "Hello world, this is a test."
    )


def test_it_speaks_and_recognises_what_it_said(light: openai.OpenAI) -> None:
    spoken = light.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Good morning.").content
    assert len(spoken) > 5000
    heard = light.audio.transcriptions.create(model="gpt-4o-transcribe", file=("morning.mp3", spoken))
    assert heard.text == "Good morning."


def test_unknown_audio_gets_the_placeholder(light: openai.OpenAI, silence: tuple[str, bytes]) -> None:
    heard = light.audio.transcriptions.with_raw_response.create(model="whisper-1", file=silence)
    assert heard.headers["x-mock-answered-by"].startswith("placeholder")
    assert heard.parse().text.startswith("[mock transcript of 1.5 seconds of unknown audio")


def test_chats_are_answered(light: openai.OpenAI) -> None:
    completion = light.chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
    )
    assert completion.choices[0].message.content == "You wrote: Hello."
    assert completion.usage is not None
    assert completion.usage.completion_tokens > 0


def test_doctor_notes_it(site: Path) -> None:
    done = run(site, "doctor", "--port", "0")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"note  Whisper: unknown audio gets a marked placeholder. {REMEDY}\n" in done.stdout
    assert "note  tokens: text tokens are estimated, because splintr is not installed." in done.stdout


def test_a_model_that_is_asked_for_is_refused_with_the_remedy(site: Path) -> None:
    done = run(site, "serve", "--port", "0", "--whisper-model", "embedded")
    assert done.returncode == 1
    assert done.stderr == f"mockserver: cannot use the Whisper model 'embedded': {REMEDY}\n"


def test_no_model_is_downloaded_without_need(site: Path) -> None:
    done = run(site, "models", "pull", "tiny")
    assert done.returncode == 1
    assert done.stderr.endswith(f"mockserver: {REMEDY}\n")
