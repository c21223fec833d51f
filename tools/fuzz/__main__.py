"""Fuzzes its own server for some minutes: changed requests to every call, and schemathesis beside it.

    python -m tools.fuzz --minutes 10 --seed 1
    python -m tools.fuzz --episode 17          repeats an episode of the mutation fuzzer
    python -m tools.fuzz --send FILE           sends a saved request again and prints the answer

Exits with 1 if anything was found, and prints for each finding how to repeat it.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.processes import Server, clean_environment, mockserver
from tools.fuzz import described
from tools.fuzz.calls import Call, every_call
from tools.fuzz.exchange import Request, saved, send
from tools.fuzz.mutation_fuzzer import EPISODE, PATIENCE, Finding, MutationFuzzer

FOLDER = Path(__file__).parents[2] / "build" / "fuzz-findings"
_SHARE_OF_MUTATIONS = 0.6  # share of the time; the rest is for schemathesis
_MAX_FINDINGS = 20  # findings after which a run ends


def main(arguments: list[str]) -> int:
    """Run what the command line asks for; return the exit status."""
    options = _options(arguments)
    if options.send is not None:
        with _server() as server:
            print(send(server.address, Request("", "", raw=options.send.read_bytes()), PATIENCE).shown)
        return 0
    calls = every_call()
    print(f"{len(calls)} calls; seed {options.seed}", flush=True)
    found = 0
    for number, finding in enumerate(_findings(options, calls), 1):
        print(f"\n--- finding {number}: {finding}", flush=True)
        found = number
        if found == _MAX_FINDINGS:
            break
    print(f"\n{found or 'no'} finding{'' if found == 1 else 's'}")
    return 1 if found else 0


def _options(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tools.fuzz", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--episode", type=int, help=f"only this one, of {EPISODE} requests")
    parser.add_argument("--send", type=Path, metavar="FILE", help="a request as bytes")
    return parser.parse_args(arguments)


def _findings(options: argparse.Namespace, calls: list[Call]) -> Iterator[str]:
    seconds = options.minutes * 60
    with _server() as server:
        share = 1.0 if options.episode is not None else _SHARE_OF_MUTATIONS
        fuzzer = MutationFuzzer(server, calls, options.seed)
        until = time.monotonic() + seconds * share
        episodes = fuzzer.run(until) if options.episode is None else fuzzer.episode(options.episode, until)
        for number, finding in enumerate(episodes, 1):
            yield _printed(finding, server, number)
        statuses = ", ".join(f"{status}: {count}" for status, count in sorted(fuzzer.statuses.items()))
        print(f"{fuzzer.sent} changed requests; {statuses}", flush=True)
    if options.episode is None:
        yield from _described(options, calls, seconds * (1 - share))


def _described(options: argparse.Namespace, calls: list[Call], seconds: float) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder, _server() as server:
        documents = described.documents(server, calls, Path(folder))
        for what, (document, more) in documents.items():
            report = described.try_document(server, document, more, options.seed, seconds / len(documents))
            print(f"schemathesis, {what}: {'found something' if report else 'nothing found'}", flush=True)
            if report:
                yield f"{what}\n{report}"


def _server() -> Server:
    """Return the server under test, with the embedded Whisper and a state folder."""
    arguments = ("--log-level", "info", "--state", "state", "--socket-timeout", "5", "--fetch-seconds", "2")
    return mockserver(*arguments, environment=clean_environment())


def _printed(finding: Finding, server: Server, number: int) -> str:
    path = saved(finding.request, FOLDER, f"finding-{number}")
    lines = [finding.what, f"python -m tools.fuzz --send {path}"]
    if command := finding.request.command(server.port):
        lines.append(command)
    if finding.before:
        lines.append(f"after these {len(finding.before)}, which were accepted:")
        lines += [each.command(server.port) or repr(each.data[:2000]) for each in finding.before]
    return "\n".join([*lines, finding.detail])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
