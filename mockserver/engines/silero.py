"""Silero's model, which ships with faster-whisper and detects speech."""

from __future__ import annotations

import os
import threading
from typing import Any

_loading = threading.Lock()


def speech_model() -> Any:
    """Return the session of onnxruntime that runs the model. It is loaded once.

    Raises ``ImportError`` and others if it cannot be used.
    """
    with _loading:
        # From version 1.29 on, onnxruntime reports to its makers as soon as it is imported.
        os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
        from faster_whisper.vad import get_vad_model

        return get_vad_model().session
