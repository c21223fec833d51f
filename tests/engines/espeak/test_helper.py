import subprocess
import sys

SPEAK_SOME_TEXTS = """
import sys
from mockserver.engines.espeak import helper

speak = helper._prepare()
if sys.argv[1] == "rehearse":
    helper._rehearse(speak)
for voice, text, rate in (
    ("gmw/en-us+f4", "Hello there, how are you?", 175),
    ("gmw/en-gb-x-rp+whisper", "Psst! 50% of $3.99 - really?", 87),
    ("gmw/de+m3", "Guten Morgen.", 438),
    ("jpx/ja+f2", "\u3053\u3093\u306b\u3061\u306f", 175),
):
    request = helper.SpeechRequest(text, voice, rate, pitch=40, pitch_range=60, volume=1.0)
    speak(request.to_line(), lambda frame: print(frame.hex()))
"""


def frames(first: str) -> list[str]:
    command = [sys.executable, "-c", SPEAK_SOME_TEXTS, first]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()


def test_a_rehearsal_leaves_no_trace_in_the_speech_after_it() -> None:
    plain = frames("speak")

    assert len(plain) > 20
    assert frames("rehearse") == plain
