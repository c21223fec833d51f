"""A pyttsx3 driver that passes on PCM as espeak-ng produces it, instead of playing it or writing files.

It is a subclass of pyttsx3's espeak driver that runs the synthesis synchronously, inside ``runAndWait``, without a
thread or polling. Only ``driver.init_engine``, which loads espeak-ng first, should import it.

In addition to pyttsx3's topics, an engine with this driver notifies ``pcm`` with ``data``: s16le mono at
``SAMPLE_RATE``. ``started-word``, whose ``location`` counts characters from 1, also has ``sample``: the number of
samples before the word. The property ``pitch_range`` (0 to 100, default 50) is an addition, too.
"""

from __future__ import annotations

import ctypes
from typing import Any

from pyttsx3.drivers import _espeak
from pyttsx3.drivers.espeak import EspeakDriver

from mockserver.engines.speech import SpeechFailed

SAMPLE_RATE = 22_050  # Hz; espeak-ng's output
BUFFER_MS = 100
DEFAULT_VOICE = "gmw/en-us"
DONT_EXIT = 0x8000  # espeakINITIALIZE_DONT_EXIT of speak_lib.h: missing data must not end the process
RANDOM_SEED = 1


def buildDriver(proxy: Any) -> PcmDriver:  # noqa: N802 (pyttsx3 looks for this name in a driver module)
    """Return the driver for pyttsx3."""
    return PcmDriver(proxy)


class PcmDriver(EspeakDriver):  # type: ignore[misc]
    """A driver that speaks while ``runAndWait`` runs; ``stop``, called in a notification, ends the utterance."""

    def __init__(self, proxy: Any) -> None:
        _initialize_espeak()
        super().__init__(proxy)
        self._waiting: list[str] = []
        self._stopped = False

    @staticmethod
    def setProperty(name: str, value: Any) -> None:  # noqa: N802
        """Set a property of pyttsx3, or ``pitch_range``."""
        if name == "pitch_range":
            _espeak.SetParameter(_espeak.RANGE, int(value), 0)
        else:
            EspeakDriver.setProperty(name, value)

    def say(self, text: str) -> None:
        """Queue ``text`` for the next ``startLoop``."""
        self._waiting.append(text)

    def stop(self) -> None:
        """End the current utterance, if any."""
        self._stopped = True

    def startLoop(self) -> None:  # noqa: N802
        """Speak all queued texts, then return."""
        self._proxy.setBusy(False)
        while self._waiting:
            self._speak(self._waiting.pop(0))

    def _speak(self, text: str) -> None:
        self._text_to_say = text
        self._stopped = False
        # espeak-ng 1.52 seeds the noise of breathy voices with the time of day. 1.51 does not, and has no seed.
        if hasattr(_espeak.dll, "espeak_ng_SetRandSeed"):
            _espeak.dll.espeak_ng_SetRandSeed(RANDOM_SEED)
        self._proxy.notify("started-utterance")
        result = _espeak.Synth(text.encode(), flags=_espeak.ENDPAUSE | _espeak.CHARS_UTF8)
        if result != _espeak.EE_OK:
            raise SpeechFailed(f"espeak-ng failed to speak (error {result})")
        self._proxy.notify("finished-utterance", completed=not self._stopped)

    def _onSynth(self, wav: Any, sample_count: int, events: Any) -> int:  # noqa: N802
        """Receive samples and their events from espeak-ng. Return 1 to end the synthesis."""
        for event in _until_terminator(events):
            # espeak-ng 1.51 reports words without a length if it reads out nothing of the text.
            if event.type == _espeak.EVENT_WORD and event.length > 0:
                start = event.text_position - 1
                self._proxy.notify(
                    "started-word",
                    name=self._text_to_say[start : start + event.length],
                    location=event.text_position,
                    length=event.length,
                    sample=event.sample,
                )
        if sample_count > 0:
            self._proxy.notify("pcm", data=ctypes.string_at(wav, sample_count * 2))
        return int(self._stopped)


def _initialize_espeak() -> None:
    if EspeakDriver._moduleInitialized:
        return
    if _espeak.Initialize(_espeak.AUDIO_OUTPUT_SYNCHRONOUS, BUFFER_MS, None, DONT_EXIT) != SAMPLE_RATE:
        raise SpeechFailed(
            "espeak-ng could not be initialised: its data folder (ESPEAK_DATA_PATH) is unusable"
        )
    EspeakDriver._defaultVoice = DEFAULT_VOICE
    EspeakDriver._moduleInitialized = True


def _until_terminator(events: Any) -> Any:
    index = 0
    while events[index].type != _espeak.EVENT_LIST_TERMINATED:
        yield events[index]
        index += 1
