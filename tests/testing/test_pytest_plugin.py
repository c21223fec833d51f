"""The pytest plugin, in separate runs of pytest."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

SCRIPTED = """
    import openai

    def test_the_sdk_finds_the_server(audio_api):
        audio_api.on_chat().say("Scripted.")
        completion = openai.OpenAI().chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
        )
        assert completion.choices[0].message.content == "Scripted."
"""


@pytest.fixture(autouse=True)
def _quiet_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MOCKSERVER_WHISPER_MODEL", "none")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-a-real-one")
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)


def run(pytester: pytest.Pytester, *options: str, **tests: str) -> pytest.RunResult:
    """Return the result of a run of these tests, each keyword a file."""
    pytester.makepyfile(**tests)
    return pytester.runpytest("-p", "no:cacheprovider", "-p", "no:xdist", *options)


def test_the_environment_leads_the_sdk_to_the_server(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_ORG_ID", "org-real")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    environment = """
        import os

        def test_environment(audio_api):
            assert os.environ["OPENAI_BASE_URL"] == audio_api.base_url
            assert os.environ["OPENAI_API_BASE"] == audio_api.base_url
            assert os.environ["OPENAI_API_KEY"] == audio_api.api_key
            assert "OPENAI_ORG_ID" not in os.environ

        def test_without_the_fixture_it_is_as_it_was():
            assert os.environ["OPENAI_API_KEY"] == "sk-a-real-one"
            assert "OPENAI_BASE_URL" not in os.environ
            assert os.environ["OPENAI_API_BASE"] == "http://before"
            assert os.environ["OPENAI_ORG_ID"] == "org-real"
    """
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_BASE", "http://before")
    run(pytester, test_environment=environment, test_scripted=SCRIPTED).assert_outcomes(passed=3)


def test_every_test_has_an_account_of_its_own_and_one_server_serves_all(pytester: pytest.Pytester) -> None:
    tests = """
        import pytest

        seen = []

        @pytest.mark.parametrize("number", [1, 2])
        def test_isolated(audio_api, audio_api_server, number):
            assert audio_api.journal == []
            audio_api.on_chat().say("Scripted.")
            audio_api.client.models.list()
            seen.append((audio_api.api_key, audio_api.url))
            assert audio_api.url == audio_api_server.url

        def test_differently():
            (one, url), (other, same_url) = seen
            assert one != other and url == same_url
    """
    run(pytester, test_isolated=tests).assert_outcomes(passed=3)


def test_nothing_of_a_test_is_left_behind(pytester: pytest.Pytester) -> None:
    tests = """
        import time

        import httpx

        def test_first(audio_api):
            audio_api.on_chat().say("Scripted.")
            audio_api.fail_next("server_error")
            audio_api.clock.set(1_000_000)
            audio_api.clock.freeze()

        def test_second(audio_api_server):
            for what in ("stubs", "faults"):
                assert httpx.get(f"{audio_api_server.url}/_mock/{what}").json()[what] == []
            assert audio_api_server.journal == []
            assert abs(audio_api_server.clock.now() - time.time()) < 3600
            assert audio_api_server.clock.state()["frozen"] is False
    """
    run(pytester, test_first=tests).assert_outcomes(passed=2)


def test_a_failing_tests_report_shows_its_exchanges(pytester: pytest.Pytester) -> None:
    tests = """
        def test_fails(audio_api):
            audio_api.client.models.list()
            assert False

        def test_passes(audio_api):
            audio_api.client.models.retrieve("whisper-1")
    """
    result = run(pytester, test_report=tests)
    result.stdout.fnmatch_lines(["*- Exchanges with the audio APIs -*", "*GET /v1/models*200*"])
    result.stdout.no_fnmatch_line("*GET /v1/models/whisper-1*")


def test_a_failing_tests_report_says_what_is_wrong_with_its_calls(pytester: pytest.Pytester) -> None:
    tests = """
        import httpx

        def test_fails(audio_api):
            headers = {"Authorization": f"Bearer {audio_api.api_key}"}
            for url in (f"{audio_api.base_url}/threads", f"{audio_api.url}/images/edits", f"{audio_api.url}/models"):
                httpx.request("GET" if "models" in url else "POST", url, json={"input": "Hi."}, headers=headers)
            assert False
    """
    result = run(pytester, test_report=tests)
    result.stdout.fnmatch_lines(
        [
            "*- Exchanges with the audio APIs -*",
            '*POST /v1/threads "Hi." * 404, endpoint_not_served*',
            "*POST /images/edits*404, endpoint_not_served*",
            "*GET /models*200*",
            "POST /v1/threads is not served by this mock server. Send the messages with *",
            "POST /images/edits is not served by this mock server. *",
            "GET /models: the base URL lacks /v1. *",
        ]
    )
    result.stdout.no_fnmatch_line("*The server received no request*")


IMPORTED = """
    import openai

    client = openai.OpenAI(api_key="sk-real", base_url="http://127.0.0.1:9/v1", max_retries=0)
"""


def test_a_report_without_requests_says_that_a_client_may_have_been_made_before(
    pytester: pytest.Pytester,
) -> None:
    tests = """
        import app

        def test_fails(audio_api):
            app.client.models.list()
    """
    result = run(pytester, app=IMPORTED, test_import=tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "The server received no request.",
            "A client of http://127.0.0.1:9/v1/ exists.",
            "*when a module was imported, has another base URL*",
        ]
    )


def test_a_report_shows_requests_that_came_with_an_earlier_tests_key(pytester: pytest.Pytester) -> None:
    tests = """
        import functools
        import openai

        client = functools.cache(openai.OpenAI)

        def test_first(audio_api):
            client().models.retrieve("whisper-1")

        def test_second(audio_api):
            client().models.list()
            audio_api.verify("list_models")
    """
    result = run(pytester, test_cached=tests)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        ["No request had the API key of this test. Requests with other keys:", "*GET /v1/models*200*"]
    )
    result.stdout.no_fnmatch_line("*GET /v1/models/whisper-1*")


def test_a_failed_verification_points_to_the_test(pytester: pytest.Pytester) -> None:
    tests = """
        def test_fails(audio_api):
            audio_api.verify_chat(times=1)
    """
    result = run(pytester, test_verify=tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">*audio_api.verify_chat(times=1)",
            "E*No request arrived.",
            "test_verify.py:2: AssertionError",
        ]
    )


def test_a_marker_has_the_account_as_the_test_needs_it(pytester: pytest.Pytester) -> None:
    tests = """
        import pytest

        pytestmark = pytest.mark.audio_api(tier="free", strictness="schema")

        def status(audio_api):
            asked = {"model": "gpt-unheard-of", "messages": [{"role": "user", "content": "Hello."}]}
            audio_api.client.chat.completions.create(**asked)
            return audio_api.journal[-1]["status"]

        def test_of_the_module(audio_api):
            assert audio_api.journal == []
            status(audio_api)

        @pytest.mark.audio_api(strictness="real")
        def test_of_the_test(audio_api):
            import openai
            with pytest.raises(openai.NotFoundError):
                status(audio_api)
    """
    run(pytester, "--strict-markers", test_marker=tests).assert_outcomes(passed=2)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ('tier="gold"', "*audio_api: tier: Invalid value: 'gold'*"),
        ('strictnes="off"', "*audio_api: Unknown argument 'strictnes'. Did you mean 'strictness'?*"),
        ('"free"', "*audio_api takes only keyword arguments, got ('free',)*"),
    ],
)
def test_a_marker_that_makes_no_sense_is_explained(
    pytester: pytest.Pytester, arguments: str, complaint: str
) -> None:
    tests = f"import pytest\n\n@pytest.mark.audio_api({arguments})\ndef test_it(audio_api):\n    pass\n"
    result = run(pytester, test_marker=tests)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines([complaint])


def test_settings_come_from_the_configuration_and_then_from_the_command_line(
    pytester: pytest.Pytester,
) -> None:
    stubs = pytester.mkdir("stubs")
    (stubs / "hello.yaml").write_text('when: {endpoint: chat}\nreply: {say: "From a file."}\n', "utf-8")
    pytester.makepyprojecttoml(
        '[tool.pytest.ini_options]\nmockserver = ["strictness=schema", "stubs=stubs", "tier=free"]\n'
    )
    tests = """
        import httpx

        def test_settings(audio_api):
            settings = httpx.get(f"{audio_api.url}/_mock/settings").json()["settings"]
            assert (settings["strictness"], settings["tier"]) == ("schema", "tier-2")
            completion = audio_api.client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
            )
            assert completion.choices[0].message.content == "From a file."
    """
    run(pytester, "--mockserver", "tier=tier-2", test_settings=tests).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("given", "complaint"),
    [
        ("strictnes=real", "*mockserver: *unknown setting 'strictnes'*"),
        ("strictness=lax", "*mockserver: *strictness: 'lax' is not one of real, schema, off*"),
        ("strictness", "*--mockserver: 'strictness' does not have the form SETTING=VALUE.*"),
    ],
)
def test_a_setting_that_makes_no_sense_ends_the_run_before_it_begins(
    pytester: pytest.Pytester, given: str, complaint: str
) -> None:
    result = run(pytester, "--mockserver", given, test_scripted=SCRIPTED)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([complaint])


@pytest.mark.slow
def test_every_worker_of_xdist_has_a_server_of_its_own(pytester: pytest.Pytester) -> None:
    tests = """
        import pytest

        @pytest.mark.parametrize("number", range(4))
        def test_scripted(audio_api, number):
            audio_api.on_chat().say(str(number))
            completion = audio_api.client.chat.completions.create(
                model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
            )
            assert completion.choices[0].message.content == str(number)

        def test_fails(audio_api):
            audio_api.client.models.list()
            assert False
    """
    pytester.makepyfile(test_parallel=tests)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-n", "2", "--mockserver", "tier=free")
    result.assert_outcomes(passed=4, failed=1)
    result.stdout.fnmatch_lines(["*Exchanges with the audio APIs*", "*GET /v1/models*"])


@pytest.mark.slow
def test_nothing_is_left_open_at_the_end_of_the_run(pytester: pytest.Pytester) -> None:
    tests = """
        import asyncio
        import openai

        def test_clients(audio_api):
            audio_api.client.models.list()
            asyncio.run(audio_api.async_client.models.retrieve("whisper-1"))
            with openai.OpenAI() as client:
                client.models.list()

        def test_speech(audio_api):
            audio_api.client.audio.speech.create(model="gpt-4o-mini-tts", voice="alloy", input="Hello.")
    """
    pytester.makepyfile(test_open=tests)
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider", "-W", "error")
    result.assert_outcomes(passed=2)
    assert "Warning" not in result.stdout.str() + result.stderr.str()


@pytest.mark.slow
def test_a_run_without_the_fixture_imports_nothing_of_the_server(pytester: pytest.Pytester) -> None:
    tests = """
        import sys

        def test_nothing_is_imported():
            loaded = {name for name in sys.modules if name.split(".")[0] in ("mockserver", "flask", "openai", "numpy")}
            plugin = {"mockserver.testing", "mockserver.testing.pytest_plugin"}
            assert loaded == {"mockserver", "mockserver.namesake", "mockserver.version"} | plugin
    """
    pytester.makepyfile(test_imports=tests)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", str(pytester.path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
