"""Runs Chromium without a window: the installed one, else that of the npm package."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
UNPACKED = HERE.parents[1] / "build" / "browser"
# Names that a foreign page may resolve to this machine. No DNS is used.
_NAMES = ", ".join(
    (
        *(f"MAP {name} 127.0.0.1" for name in ("evil.example", "*.evil.example", "localhost", "*.localhost")),
        *("MAP * ~NOTFOUND", "EXCLUDE 127.0.0.1", "EXCLUDE [::ffff:7f00:1]"),
    )
)
_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-quic"),
    # Pages may play sound unasked, and offer their addresses for WebRTC as they are.
    *("--autoplay-policy=no-user-gesture-required", "--disable-features=WebRtcHideLocalIpsWithMdns"),
    *("--disable-domain-reliability", f"--host-resolver-rules={_NAMES}"),
)


def _command(profile: Path) -> tuple[list[str], dict[str, str]]:
    """Return the command line of the browser, and the environment that it needs."""
    program = shutil.which("chromium")
    environment = {"PATH": os.environ["PATH"], "HOME": str(profile)}
    if program is None:
        UNPACKED.mkdir(parents=True, exist_ok=True)
        unpacking = ["node", str(HERE / "unpack.mjs")]
        completed = subprocess.run(
            unpacking, env=environment | {"TMPDIR": str(UNPACKED)}, check=True, capture_output=True, text=True
        )
        program = completed.stdout.strip()
        environment["LD_LIBRARY_PATH"] = str(UNPACKED / "al2023" / "lib")
    return [program, *_OPTIONS, f"--user-data-dir={profile}"], environment


@contextlib.contextmanager
def showing(url: str, profile: Path) -> Iterator[None]:
    """Yield while a browser shows the page at ``url``."""
    command, environment = _command(profile)
    with subprocess.Popen(
        [*command, url], env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()
