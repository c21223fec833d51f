"""Other distributions with a package `mockserver`: the messages about them, and what still works beside them."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# The files of mockserver-client 9.2.0, with shortened contents.
OTHER = {
    "mockserver/__init__.py": "class MockServerClient: ...\n\n__all__ = ['MockServerClient']\n",
    "mockserver/client.py": "",
    "mockserver/py.typed": "",
    "mockserver/pytest_plugin.py": (
        "import pytest\n\n@pytest.fixture\ndef mockserver():\n"
        "    from mockserver import MockServerClient\n    return MockServerClient()\n"
    ),
    "mockserver_client-9.2.0.dist-info/METADATA": (
        "Metadata-Version: 2.4\nName: mockserver-client\nVersion: 9.2.0\nRequires-Dist: websockets>=15.0.1\n"
    ),
    "mockserver_client-9.2.0.dist-info/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    "mockserver_client-9.2.0.dist-info/RECORD": "mockserver/__init__.py,,\nmockserver/pytest_plugin.py,,\n",
    "mockserver_client-9.2.0.dist-info/entry_points.txt": "[pytest11]\nmockserver = mockserver.pytest_plugin\n",
    "mockserver_client-9.2.0.dist-info/top_level.txt": "mockserver\n",
}
SAID = "mockserver-client 9.2.0 is installed beside audio-mockserver"
REMEDY = "pip uninstall mockserver-client"
SCRIPTED = """
import openai

def test_scripted(audio_api):
    audio_api.on_chat().say("Scripted.")
    completion = openai.OpenAI().chat.completions.create(
        model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
    )
    assert completion.choices[0].message.content == "Scripted."
"""


def unpack_ours(wheel: Path, site: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def unpack_theirs(site: Path) -> None:
    for name, text in OTHER.items():
        (site / name).parent.mkdir(parents=True, exist_ok=True)
        (site / name).write_text(text, "utf-8")


@pytest.fixture(scope="module")
def ours_alone(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of packages: audio-mockserver."""
    site = tmp_path_factory.mktemp("ours") / "site"
    unpack_ours(wheel, site)
    return site


@pytest.fixture(scope="module")
def ours_last(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of packages: mockserver-client, then audio-mockserver."""
    site = tmp_path_factory.mktemp("ours_last") / "site"
    unpack_theirs(site)
    unpack_ours(wheel, site)
    return site


@pytest.fixture(scope="module")
def theirs_last(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder of packages: audio-mockserver, then mockserver-client."""
    site = tmp_path_factory.mktemp("theirs_last") / "site"
    unpack_ours(wheel, site)
    unpack_theirs(site)
    return site


def run(site: Path, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with the packages of ``site`` before all others, in the folder beside it; it compiles them once."""
    left_out = ("MOCKSERVER_", "PYTEST", "PYTHONDONTWRITEBYTECODE")
    own = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return subprocess.run(
        [sys.executable, *command],
        cwd=site.parent,
        env=own | {"PYTHONPATH": str(site), "MOCKSERVER_WHISPER_MODEL": "none", **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_import_warns_of_it(ours_last: Path) -> None:
    done = run(ours_last, "-c", "import mockserver; print(mockserver.__file__)")
    assert done.stdout.strip() == str(ours_last / "mockserver" / "__init__.py")
    assert "RuntimeWarning" in done.stderr
    assert SAID in done.stderr
    assert REMEDY in done.stderr


def test_without_it_nothing_is_logged(ours_alone: Path) -> None:
    done = run(ours_alone, "-W", "error", "-c", "import mockserver")
    assert (done.returncode, done.stderr) == (0, "")


def test_doctor_notes_it(ours_last: Path) -> None:
    done = run(ours_last, "-m", "mockserver", "doctor", "--port", "0")
    assert done.returncode == 0
    first, *others = done.stdout.splitlines()
    assert first.startswith(f"note  package: {SAID}")
    assert REMEDY in first
    assert all(line.startswith(("ok", "note")) for line in others)


def test_doctor_says_that_the_package_is_overwritten(theirs_last: Path) -> None:
    done = run(theirs_last, "-m", "mockserver", "doctor", "--port", "0")
    assert done.returncode == 1
    assert done.stdout.startswith(f"wrong package: {SAID}")
    assert SAID in done.stderr
    assert REMEDY in done.stderr


@pytest.mark.parametrize("site", ["ours_last", "theirs_last"])
def test_the_plugin_works_and_warns(site: str, request: pytest.FixtureRequest) -> None:
    folder = request.getfixturevalue(site)
    (folder.parent / "test_scripted.py").write_text(SCRIPTED, "utf-8")
    done = run(folder, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", "test_scripted.py")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "PytestConfigWarning: " + SAID in done.stdout
    assert REMEDY in done.stdout


def test_where_warnings_are_errors_the_run_does_not_begin(theirs_last: Path) -> None:
    (theirs_last.parent / "test_scripted.py").write_text(SCRIPTED, "utf-8")
    done = run(theirs_last, "-m", "pytest", "-p", "no:cacheprovider", "-W", "error", "test_scripted.py")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"ERROR: {SAID}" in done.stderr


def test_its_own_fixture_works_where_it_was_installed_last(theirs_last: Path) -> None:
    test = "def test_theirs(mockserver):\n    assert type(mockserver).__name__ == 'MockServerClient'\n"
    (theirs_last.parent / "test_theirs.py").write_text(test, "utf-8")
    done = run(theirs_last, "-m", "pytest", "-p", "no:cacheprovider", "test_theirs.py")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "variable", ["MOCKSERVER_SKIP_BINARY_DOWNLOAD", "MOCKSERVER_INITIALIZATION_JSON_PATH"]
)
def test_its_variables_pass_with_a_warning(ours_alone: Path, variable: str) -> None:
    done = run(ours_alone, "-m", "mockserver", "models", **{variable: "1"})
    assert done.returncode == 0
    assert (
        done.stderr
        == f"{variable} is a variable of MockServer and its mockserver-client. It is ignored here.\n"
    )


def test_the_whole_and_the_light_distribution_are_one_too_many(
    wheel: Path, light_wheel: Path, tmp_path: Path
) -> None:
    unpack_ours(wheel, tmp_path / "site")
    unpack_ours(light_wheel, tmp_path / "site")
    imported = run(tmp_path / "site", "-c", "import mockserver")
    assert "RuntimeWarning: audio-mockserver " in imported.stderr
    assert "are both installed and consist of the same files" in imported.stderr
    done = run(tmp_path / "site", "-m", "mockserver", "doctor", "--port", "0")
    assert done.returncode == 0
    assert done.stdout.startswith("note  package: audio-mockserver ")
    assert "`pip uninstall audio-mockserver audio-mockserver-light`" in done.stdout.splitlines()[0]


def test_the_light_distribution_alone_is_well(light_wheel: Path, tmp_path: Path) -> None:
    unpack_ours(light_wheel, tmp_path / "site")
    done = run(tmp_path / "site", "-W", "error", "-c", "import mockserver")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_remedy_names_the_light_distribution_where_it_is_the_one(
    light_wheel: Path, tmp_path: Path
) -> None:
    unpack_ours(light_wheel, tmp_path / "site")
    unpack_theirs(tmp_path / "site")
    done = run(tmp_path / "site", "-S", "-c", "from mockserver import namesake; print(namesake.complaint())")
    assert "`pip install --force-reinstall --no-deps audio-mockserver-light`" in done.stdout
