"""Resamples the output of espeak-ng and, for extreme speeds, changes its tempo."""

from __future__ import annotations

from fractions import Fraction

from mockserver.audio.pyav import av
from mockserver.engines.espeak.helper import SAMPLE_RATE
from mockserver.engines.speech import SPEECH_SAMPLE_RATE

# Seconds of input by which FFmpeg's atempo shifts sounds forward: half of its window of 1024 samples at 22,050 Hz.
ATEMPO_LEAD = 512 / SAMPLE_RATE


class Rendering:
    """A converter of s16le mono at 22,050 Hz to s16le mono at ``SPEECH_SAMPLE_RATE``, chunk by chunk.

    ``tempo`` (at least 0.5) is the factor by which the speech is sped up. The result does not depend on how the input
    is divided into chunks.
    """

    def __init__(self, tempo: float) -> None:
        self._tempo = tempo
        self._graph = _graph(tempo)
        self._samples_in = 0
        self._samples_out = 0

    @property
    def duration(self) -> float:
        """Return the seconds delivered so far."""
        return self._samples_out / SPEECH_SAMPLE_RATE

    def time_of(self, sample: int) -> float:
        """Return the time of ``sample`` of the input in the delivered speech, in seconds."""
        lead = 0.0 if self._tempo == 1 else ATEMPO_LEAD
        return max(0.0, sample / SAMPLE_RATE - lead) / self._tempo

    def feed(self, pcm: bytes) -> bytes:
        """Add input. Return the output that is ready; it may be empty."""
        frame = av.AudioFrame("s16", "mono", samples=len(pcm) // 2, align=1)
        frame.planes[0].update(pcm)
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._samples_in
        frame.time_base = Fraction(1, SAMPLE_RATE)
        self._samples_in += frame.samples
        self._graph.push(frame)
        return self._pull()

    def finish(self) -> bytes:
        """Return the rest of the output, after the last input."""
        if not self._samples_in:
            return b""
        self._graph.push(None)
        return self._pull()

    def _pull(self) -> bytes:
        ready = bytearray()
        while True:
            try:
                frame = self._graph.pull()
            except (av.BlockingIOError, av.EOFError):
                return bytes(ready)
            assert isinstance(frame, av.AudioFrame)
            self._samples_out += frame.samples
            ready += memoryview(frame.planes[0])[: frame.samples * 2]


def _graph(tempo: float) -> av.filter.Graph:
    graph = av.filter.Graph()
    graph.threads = 1  # these filters use one only; starting others would delay the first sound
    nodes = [
        graph.add_abuffer(
            sample_rate=SAMPLE_RATE, format="s16", layout="mono", time_base=Fraction(1, SAMPLE_RATE)
        )
    ]
    if tempo != 1:
        nodes.append(graph.add("atempo", f"{tempo:.6f}"))
    nodes.append(graph.add("aresample", str(SPEECH_SAMPLE_RATE)))
    nodes.append(graph.add("aformat", "sample_fmts=s16:channel_layouts=mono"))
    nodes.append(graph.add("abuffersink"))
    graph.link_nodes(*nodes).configure()
    return graph
