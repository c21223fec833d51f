"""Imports PyAV and checks that it works.

Memory can run out while its sixty modules are imported. The next import then creates new types, while some modules keep
the old ones, and PyAV refuses every frame as "not a Frame" for the lifetime of the process.
"""

from __future__ import annotations

import io

import av

__all__ = ["av"]


def _try_out() -> None:
    """Encode, decode and resample a moment of silence."""
    file = io.BytesIO()
    with av.open(file, "w", format="wav") as container:
        stream = container.add_stream("pcm_s16le", 8000, layout="mono")
        frame = av.AudioFrame("s16", "mono", 80)
        frame.planes[0].update(bytes(frame.planes[0].buffer_size))
        frame.sample_rate = 8000
        container.mux([*stream.encode(frame), *stream.encode(None)])
    file.seek(0)
    resampler = av.AudioResampler("s16", "mono", 16000)
    with av.open(file, "r", format="wav") as container:
        for frame in container.decode(container.streams.audio[0]):
            resampler.resample(frame)


try:
    _try_out()
except (TypeError, AttributeError, ImportError, SystemError) as error:
    reason = "its modules do not fit together. If memory ran out while they were loaded, restart the server"
    raise ImportError(reason, name="av") from error
