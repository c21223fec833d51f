"""Writes ``llms.txt``: the index of the guides for language models, in the format of https://llmstxt.org.

``python -m tools.llms``, or ``make llms``.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from mockserver.guides import guides, llms_file

_LINKED = "docs"
_OPTIONAL = "Internals"  # the group that readers with little room leave out
_HEAD = """\
# audio-mockserver

> An offline mock server and test double of the OpenAI API (also of Azure OpenAI and the AI/ML API's speech-to-text \
jobs), for tests of code that transcribes, speaks, chats, calls functions, holds Realtime sessions, embeds or \
batches. It really speaks and transcribes, refuses what the real API refuses, and needs no key, network or bill.

Install `audio-mockserver`, `pytest` and `openai`. The package includes a pytest plugin. The fixture `audio_api` gives \
each test an account of its own, and sets `OPENAI_BASE_URL` and `OPENAI_API_KEY`, so the code under test needs no \
change. Make the client in the test or in a function that it calls, not at import:

```python
import openai
import pytest


def test_a_note_is_transcribed(audio_api):
    audio_api.on_transcription(file="note*.wav").reply("Buy milk.")  # scripted: what is sent need not say it
    client = openai.OpenAI()
    speech = client.audio.speech.create(model="tts-1", voice="nova", input="Hello.", response_format="wav")
    note = client.audio.transcriptions.create(model="whisper-1", file=("note-1.wav", speech.content))
    assert note.text == "Buy milk."
    audio_api.verify_transcription(file="note*.wav", times=1)


def test_a_rate_limit_is_reported(audio_api):
    audio_api.fail_next("rate_limit_requests")
    with pytest.raises(openai.RateLimitError):
        openai.OpenAI(max_retries=0).chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "Hello."}]
        )
```

Without a script, requests get generated answers: chats `You wrote: …`, speech is synthesised, and known audio (the \
server's own speech, fixtures) is transcribed exactly. Script by `audio_api.on_transcription`, `on_speech`, `on_chat`, \
`on_response`, `on_realtime`, `on` (any path); then `.reply(text)`, `.say(text)`, `.call_tool(name, **arguments)`, \
`.fail(error)`. Break by `fail_next`, `break_next`. Look at what was sent by `verify_…`, `wait_for_…`, \
`audio_api.journal`, `print(audio_api.exchanges())`. Move time by `audio_api.clock.advance(61)`.

In other languages, start `mockserver serve` (http://127.0.0.1:4010/v1, any API key) and use the control API:

```sh
curl http://127.0.0.1:4010/_mock/stubs -H "Authorization: Bearer sk-mock-me" \\
  -d '{"when": {"endpoint": "chat"}, "reply": {"text": "Hello from a stub."}}'
curl http://127.0.0.1:4010/v1/chat/completions -H "Authorization: Bearer sk-mock-me" \\
  -H "Content-Type: application/json" \\
  -d '{"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello."}]}'
curl http://127.0.0.1:4010/_mock/journal/report -H "Authorization: Bearer sk-mock-me"
```

An API key is an account: stubs, faults, journal and limits of a control call with a key concern that account, without \
a key every account. A running server has these pages at /_mock/docs, its OpenAPI document at /_mock/openapi.json. \
`mockserver mcp` offers all of it as tools.
"""


def text() -> str:
    """Return the content of ``llms.txt``."""
    return _HEAD + "".join(_sections())


def _sections() -> Iterator[str]:
    for group, listed in groupby(guides(), key=lambda guide: guide.group):
        yield f"\n## {'Optional' if group == _OPTIONAL else group}\n\n"
        for guide in listed:
            name = guide.name.removesuffix(".md")
            yield f"- [{name}]({_LINKED}/{guide.name}): {guide.contents}\n"


if __name__ == "__main__":
    llms_file().write_text(text(), "utf-8")
