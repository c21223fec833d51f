"""What tests of responses share: a tool, a sentence, and the parts of the events of a response."""

from __future__ import annotations

import base64
import itertools
from typing import Any

from tests.providers.openai.realtime.conftest import Body, Talk, kinds

WEATHER = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
SENTENCE = "The quick brown fox jumps over the lazy dog, and then it sleeps in the warm sun."


def respond(talk: Talk, **response: Any) -> list[Body]:
    """Ask for a response, and return its events up to the limits."""
    talk.send("response.create", **({"response": response} if response else {}))
    return talk.until("rate_limits.updated")


def of_type(events: list[Body], kind: str) -> list[Body]:
    return [event for event in events if event["type"] == kind]


def done(events: list[Body]) -> Body:
    """Return the response as ``response.done`` shows it."""
    (event,) = of_type(events, "response.done")
    response: Body = event["response"]
    return response


def heard(events: list[Body]) -> bytes:
    """Return the audio of the deltas."""
    return b"".join(
        base64.b64decode(event["delta"]) for event in of_type(events, "response.output_audio.delta")
    )


def folded(events: list[Body]) -> list[str]:
    """Return the types of the events, of each run of deltas one."""
    return [kind for kind, _ in itertools.groupby(kinds(events))]
