"""``python -m benchmarks [NAME ...]``: runs the benchmarks that are named, or all of them."""

from __future__ import annotations

import argparse
from importlib import import_module
from pathlib import Path

from benchmarks.report import Benchmark, Options, Row, print_table, write_json

NAMES = (
    "startup",
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
    "kills",
    "attack",
    "pytest_fixture",
)


def main() -> None:
    """Prints a table for each benchmark, as soon as it has been run."""
    arguments = _parser().parse_args()
    options = Options(arguments.aimock, arguments.model)
    findings: dict[str, list[Row]] = {}
    for name in arguments.names or NAMES:
        run: Benchmark = import_module(f"benchmarks.{name}").run
        findings[name] = list(run(options))
        print_table(name, _describe(name), findings[name])
        if arguments.output:
            write_json(arguments.output, findings)


def _parser() -> argparse.ArgumentParser:
    benchmarks = "\n".join(f"  {name:<12}{_describe(name)}" for name in NAMES)
    parser = argparse.ArgumentParser(
        "python -m benchmarks",
        description="Measures the server side by side with its rivals. Ratios count, not times.",
        epilog=f"benchmarks:\n{benchmarks}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "names", nargs="*", type=_name, metavar="NAME", help="a benchmark; all when none is named"
    )
    parser.add_argument("--output", type=Path, metavar="FILE", help="write the findings there as JSON")
    parser.add_argument(
        "--aimock",
        type=Path,
        metavar="FOLDER",
        help="folder with node_modules/@copilotkit/aimock [default: AIMOCK_DIR, else npm installs it]",
    )
    parser.add_argument(
        "--model",
        default="auto",
        metavar="FOLDER",
        help="Whisper model [default: the one the server would choose]",
    )
    return parser


def _name(given: str) -> str:
    if given not in NAMES:
        raise argparse.ArgumentTypeError(f"{given!r} is none of {', '.join(NAMES)}")
    return given


def _describe(name: str) -> str:
    """The first line of the benchmark's own description."""
    return (import_module(f"benchmarks.{name}").__doc__ or "").partition("\n")[0]


if __name__ == "__main__":
    main()
