"""The command ``mockserver call SCENARIO``."""

from __future__ import annotations

import contextlib
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from rich.table import Table
from rich.text import Text

from mockserver.app import build_services
from mockserver.caller.drawing import draw
from mockserver.caller.junit import junit_xml
from mockserver.caller.opening import begin_call
from mockserver.caller.record import CallFailed
from mockserver.caller.scenario import ScenarioError, play_scenario, read_scenarios, tools_of
from mockserver.caller.sounds import CallerVoice
from mockserver.commands.consoles import table_console
from mockserver.commands.failures import exit_with_message, fail
from mockserver.commands.own_server import serving
from mockserver.wording import shown

if TYPE_CHECKING:
    from rich.console import Console

    from mockserver.caller.call import Call
    from mockserver.caller.line import Pacing
    from mockserver.caller.record import Timeline
    from mockserver.caller.scenario import Scenario, ScenarioResult
    from mockserver.services import Services
    from mockserver.settings.model import Settings

_VOICE = "nova"
_KEY = "sk-mock-me"
_SIGNS = {"passed": "✓", "failed": "✗", "skipped": "-", "bar": "█"}
_ASCII_SIGNS = {"passed": "ok", "failed": "FAILED", "skipped": "-", "bar": "#"}
_STYLES = {"passed": "green", "failed": "red", "skipped": "dim", "caller": "blue", "server": "green"}
_SHORTEST, _LONGEST = 8, 60  # characters of the tracks
_WORDS = 50  # characters beside the tracks


class Reached(NamedTuple):
    """The server that is called."""

    url: str
    api_key: str
    ca_file: Path | None
    is_own: bool  # it is in this process, and knows the words that the caller says


@exit_with_message()
def run(
    settings: Settings,
    files: Sequence[str],
    *,
    url: str | None,
    api_key: str | None,
    ca_file: str | None,
    pacing: Pacing,
    junit: str | None,
    svg: str | None,
) -> None:
    """Call as the scenarios say, print the timelines, and write reports. Exit with status 1 if one has failed."""
    for option, path in (("--junit", junit), ("--svg", svg)):
        if path and not Path(path).parent.is_dir():
            fail(f"{option}: {Path(path).parent} is no folder. Make it, or name another one.")
    if pacing == "real":
        settings = replace(settings, realtime_pacing="real")
    own = replace(
        settings, state="", store="memory", host="127.0.0.1", port=0, tls=False, tls_cert="", tls_key=""
    )
    services = build_services(own)
    with contextlib.closing(services):
        try:
            scenarios = [each for file in files for each in read_scenarios(Path(file), services.schemas)]
        except ScenarioError as error:
            fail(error)
        key = api_key or os.environ.get("OPENAI_API_KEY") or _KEY
        with _reached(services, url, key, Path(ca_file) if ca_file else None) as server:
            results = [
                play_scenario(each, lambda scenario: _begin(scenario, services, server, pacing))
                for each in scenarios
            ]
    console = table_console()
    for result in results:
        _print(result, console)
    if junit:
        Path(junit).write_bytes(junit_xml(results))
    for number, result in enumerate(results, 1):
        if svg:
            drawing = Path(svg)
            named = drawing if len(results) == 1 else drawing.with_stem(f"{drawing.stem}-{number}")
            named.write_text(draw(result.timeline, result.name), "utf-8")
    if not all(result.has_passed for result in results):
        sys.exit(1)


@contextlib.contextmanager
def _reached(services: Services, url: str | None, key: str, ca_file: Path | None) -> Iterator[Reached]:
    """Yield the server at ``url``; without one, a server in this process."""
    if url is not None:
        yield Reached(url, key, ca_file, is_own=False)
        return
    with serving(services) as server:
        yield Reached(f"{server.url}/v1", key, None, is_own=True)


def _begin(scenario: Scenario, services: Services, server: Reached, pacing: Pacing) -> Call:
    """Begin the call of a scenario. Raises ``CallFailed``."""
    document = scenario.document
    name = document.get("voice", _VOICE)
    voice = services.catalog.voice(name)
    if voice is None:
        names = ", ".join(each.name for each in services.catalog.voices)
        raise CallFailed(f"voice: unknown voice {name!r}. Choose one of {names}.")
    return begin_call(
        server.url,
        server.api_key,
        CallerVoice(services.speaker, voice, services.spoken if server.is_own else None),
        model=document.get("model"),
        transcription=document.get("transcription", False),
        session=document.get("session"),
        tools=tools_of(scenario),
        pacing=pacing,
        ca_file=server.ca_file,
    )


def _print(result: ScenarioResult, console: Console) -> None:
    """Print a scenario: its steps, the two tracks, and what is to be said of them."""
    signs = _SIGNS if (console.encoding or "").lower().startswith("utf") else _ASCII_SIGNS
    steps = Table(title=Text(result.name), title_justify="left", box=None, show_header=False)
    steps.add_column()
    for _ in ("step", "message"):
        steps.add_column(overflow="fold")
    for step in result.steps:
        sign = Text(signs[step.status], style=_STYLES[step.status])
        steps.add_row(sign, Text(step.title), Text(step.message, style="red"))
    console.print(steps)
    if result.timeline.stretches:
        room = min(max(console.width - _WORDS, _SHORTEST), _LONGEST)
        console.print(_tracks(result.timeline, signs["bar"], room))
    for note in _notes(result.timeline):
        console.print(Text(note))
    console.print()


def _tracks(timeline: Timeline, sign: str, room: int) -> Table:
    """Return who spoke from when to when, with bars in ``room`` characters."""
    tracks = Table(box=None)
    for heading in ("from", "to"):
        tracks.add_column(heading, justify="right")
    tracks.add_column("who")
    tracks.add_column("", width=room, no_wrap=True)
    tracks.add_column("what", overflow="fold")
    share = room / max(timeline.end_ms, 1.0)
    for each in timeline.stretches:
        begin = min(round(each.start_ms * share), room - 1)
        end = min(max(round(each.end_ms * share), begin + 1), room)
        bar = Text(" " * begin + sign * (end - begin), style=_STYLES[each.who])
        times = (f"{ms / 1000:.2f}" for ms in (each.start_ms, each.end_ms))
        tracks.add_row(*times, each.who, bar, Text(each.text))
    return tracks


def _notes(timeline: Timeline) -> Iterator[str]:
    """Yield what the tracks do not show."""
    yield f"gaps: {', '.join(f'{gap:.0f} ms' for gap in timeline.gaps_ms) or 'none'}"
    for reply in timeline.interruptions:
        heard = f"{shown(reply.heard)} was heard of {shown(reply.text)}"
        yield f"cut off after {reply.played_ms:.0f} ms: {heard}"
    for call in timeline.tool_calls:
        yield f"called {call.name}({json.dumps(call.arguments, ensure_ascii=False)}): {call.output}"
    for error in timeline.errors:
        yield f"error: {error.get('message')}"
