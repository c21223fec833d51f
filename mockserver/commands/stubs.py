"""The command ``mockserver stubs check``."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from mockserver.app import build_services
from mockserver.commands.failures import exit_with_message
from mockserver.scripting.stubs.files import load_stubs
from mockserver.settings.model import Settings


@exit_with_message()
def check_stubs(folders: tuple[str, ...]) -> None:
    """Print the number of stubs in ``folders``, and warnings. Exits with a message if a stub is invalid."""
    known = build_services(Settings(whisper_model="none")).stubs
    stubs = load_stubs([Path(folder) for folder in folders], known.check)
    files = {stub.source.rpartition(":")[0] for stub in stubs}
    console = Console(highlight=False, soft_wrap=True)
    for stub in stubs:
        for doubt in known.doubts(known.check(stub.document)):
            console.print(f"{stub.source}: {doubt}", markup=False)
    console.print(f"{_counted(len(stubs), 'stub')} in {_counted(len(files), 'file')}.")


def _counted(count: int, noun: str) -> str:
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"
