import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mockserver.engines.espeak.driver import MAX_DATA_PATH, espeak_facts, init_engine, short_data_path

SPEAK_IN_A_NEW_PROCESS = """
from mockserver.engines.espeak.driver import init_engine
engine = init_engine()
engine.connect("pcm", lambda name, data: print(len(data)))
engine.say("Hello")
engine.runAndWait()
"""


def speak_in_a_new_process(*paths: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, paths)), **environment}
    command = [sys.executable, "-c", SPEAK_IN_A_NEW_PROCESS]
    return subprocess.run(command, env=variables, capture_output=True, text=True, check=False)


def test_pyttsx3_speaks_pcm_through_its_own_api() -> None:
    engine = init_engine()
    pcm: list[bytes] = []
    words: list[dict[str, Any]] = []
    engine.connect("pcm", lambda name, data: pcm.append(data))
    engine.connect("started-word", lambda **word: words.append(word))

    engine.setProperty("voice", "gmw/en-us+f5")
    engine.setProperty("rate", 175)
    engine.say("Hello there")
    engine.runAndWait()

    assert 0.5 < len(b"".join(pcm)) / 2 / 22_050 < 2
    assert [(word["name"], word["location"]) for word in words] == [("Hello", 1), ("there", 7)]
    assert words[0]["sample"] == 0 < words[1]["sample"]


def test_stopping_within_a_notification_ends_the_utterance() -> None:
    engine = init_engine()
    pcm: list[bytes] = []

    def stop_at_once(name: str, data: bytes) -> None:
        pcm.append(data)
        engine.stop()

    engine.connect("pcm", stop_at_once)
    engine.say("This sentence is a good deal longer than what is heard of it")
    engine.runAndWait()

    assert len(pcm) == 1


def test_an_unknown_voice_is_an_error_event() -> None:
    engine = init_engine()
    errors: list[Exception] = []
    engine.connect("error", lambda name, exception: errors.append(exception))

    engine.setProperty("voice", "xx/nowhere")
    engine.runAndWait()

    assert len(errors) == 1


def test_the_facts_name_the_library_of_the_wheel() -> None:
    facts = espeak_facts()

    assert "espeakng_loader" in facts.library
    assert facts.version.startswith("1.52")
    assert facts.voices > 100


def test_a_short_data_path_is_left_alone(tmp_path: Path) -> None:
    assert short_data_path(Path("/data")) == Path("/data")


def test_espeak_speaks_from_a_data_folder_whose_path_is_too_long_for_it(tmp_path: Path) -> None:
    import espeakng_loader

    wheel = tmp_path / ("a" * MAX_DATA_PATH) / "espeakng_loader"
    wheel.parent.mkdir()
    wheel.symlink_to(Path(espeakng_loader.__file__).parent, target_is_directory=True)

    spoken = speak_in_a_new_process(wheel.parent)

    assert spoken.stderr == ""
    assert int(spoken.stdout.split()[0]) > 0


def test_missing_data_raises_an_error_and_does_not_end_the_process(tmp_path: Path) -> None:
    (tmp_path / "espeakng_loader.py").write_text(
        "from importlib.util import find_spec\n"
        "import sys, pathlib\n"
        "library = next(pathlib.Path(p, 'espeakng_loader/libespeak-ng.so') for p in sys.path\n"
        "               if pathlib.Path(p, 'espeakng_loader/libespeak-ng.so').exists())\n"
        "get_library_path = lambda: str(library)\n"
        f"get_data_path = lambda: {str(tmp_path / 'nothing')!r}\n"
    )

    spoken = speak_in_a_new_process(tmp_path)

    assert "SpeechFailed: espeak-ng could not be initialised" in spoken.stderr


@pytest.mark.skipif(
    any(
        Path(folder, "libespeak-ng.so.1").exists()
        for folder in ("/usr/lib/x86_64-linux-gnu", "/usr/lib", "/lib64")
    ),
    reason="a system-wide espeak-ng stands in for the wheel",
)
def test_without_any_espeak_the_remedy_is_named(tmp_path: Path) -> None:
    (tmp_path / "espeakng_loader.py").write_text("raise ImportError('not installed')")

    spoken = speak_in_a_new_process(tmp_path)

    assert "SpeechFailed: espeak-ng was not found" in spoken.stderr
    assert "pip install espeakng-loader" in spoken.stderr
