"""``python -m benchmarks [NAME[:PART] ...]``: runs the named benchmarks, or all of them."""

from __future__ import annotations

import argparse
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from benchmarks.report import Benchmark, Options, Row, print_progress, print_table, write_json

NAMES = (
    "startup",
    "http",
    "upload",
    "chat",
    "whisper",
    "first_byte",
    "memory",
    "files",
    "streams",
    "limits",
    "batches",
    "tokens",
    "stubs",
    "soak",
    "endurance",
    "kills",
    "attack",
    "realtime",
    "ears",
    "workers",
    "stores",
    "dashboard",
    "worker_kills",
    "pytest_fixture",
)

_FEWEST_REQUESTS = 150_000  # fewer would not fill journal and heaps


def main() -> None:
    """Print each row as soon as it is measured, and a table after each benchmark."""
    arguments = _parser().parse_args()
    options = Options(arguments.aimock, arguments.model, arguments.requests)
    findings: dict[str, list[Row]] = {}
    for chosen in arguments.names or NAMES:
        name, _, part = chosen.partition(":")
        run: Benchmark = import_module(f"benchmarks.{name}").run
        rows = findings[chosen] = []
        for row in run(replace(options, part=part)):
            print_progress(chosen, row)
            rows.append(row)
        print_table(chosen, _describe(name), rows)
        if arguments.output:
            write_json(arguments.output, findings)


def _parser() -> argparse.ArgumentParser:
    benchmarks = "\n".join(
        line for name in NAMES for line in (f"  {name:<16}{_describe(name)}", *_describe_parts(name))
    )
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description="Measures the server side by side with its rivals. Ratios count, not times.",
        epilog=f"benchmarks:\n{benchmarks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names",
        nargs="*",
        type=_name,
        metavar="NAME[:PART]",
        help="a benchmark, or a part of one; all when none is named",
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the findings there as JSON")
    parser.add_argument(
        "--aimock",
        type=Path,
        metavar="FOLDER",
        help="folder with node_modules/@copilotkit/aimock (and the rivals of http) "
        "[default: AIMOCK_DIR, else npm installs it]",
    )
    parser.add_argument(
        "--model",
        default="auto",
        metavar="FOLDER",
        help="Whisper model [default: the one the server would choose]",
    )
    parser.add_argument(
        "--requests",
        type=_requests,
        default=Options().requests,
        metavar="NUMBER",
        help="requests that endurance and soak send [default: 1000000]",
    )
    return parser


def _name(given: str) -> str:
    name, colon, part = given.partition(":")
    if name not in NAMES:
        raise argparse.ArgumentTypeError(f"{given!r} is none of {', '.join(NAMES)}")
    if colon and part not in _parts(name):
        parts = ", ".join(_parts(name)) or "none"
        raise argparse.ArgumentTypeError(f"{name!r} has no part {part!r}. Its parts: {parts}")
    return given


def _requests(given: str) -> int:
    if not given.isdigit() or int(given) < _FEWEST_REQUESTS:
        raise argparse.ArgumentTypeError(f"{given!r} is not a number from {_FEWEST_REQUESTS:,} on")
    return int(given)


def _parts(name: str) -> tuple[str, ...]:
    """Return the names of the parts of a benchmark that can run alone."""
    parts: tuple[str, ...] = getattr(import_module(f"benchmarks.{name}"), "PARTS", ())
    return parts


def _describe_parts(name: str) -> list[str]:
    return [f"  {'':<16}parts: {', '.join(_parts(name))}"] if _parts(name) else []


def _describe(name: str) -> str:
    """Return the first line of the benchmark's docstring."""
    return (import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    main()
