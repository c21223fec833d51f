"""The model that detects speech."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

_USE = """
from mockserver.engines.turn_detection.detectors import SileroDetector, WINDOW_SAMPLES
import numpy as np

SileroDetector().probability(np.ones(WINDOW_SAMPLES, np.float32))
"""


@pytest.mark.slow
def test_its_runtime_reports_nothing_to_its_makers(tmp_path: Path) -> None:
    """It would keep what it wants to report in a folder of the user."""
    pytest.importorskip("faster_whisper")
    kept = ("PATH", "PYTHONPATH", "SYSTEMROOT", "LD_LIBRARY_PATH")  # not CI, by which it is silent too
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    homes = dict.fromkeys(("HOME", "XDG_CACHE_HOME", "TMPDIR", "LOCALAPPDATA", "TEMP"), str(tmp_path))
    subprocess.run([sys.executable, "-c", _USE], env=environ | homes, check=True)
    assert not list(tmp_path.rglob("*onnxruntime*"))
