"""The contents of the events of a transcription: deltas, segments, the end with its usage."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.wire import tokens, transcripts, usage

if TYPE_CHECKING:
    from mockserver.engines.transcription import Transcription
    from mockserver.providers.openai.realtime.hearing.live_text import LiveText
    from mockserver.providers.openai.realtime.hearing.spoken_items import Wanted


class Delta(NamedTuple):
    """A part of the text, with the log probabilities of its tokens."""

    text: str
    logprobs: list[transcripts.Logprob]


def deltas(wanted: Wanted, live: LiveText, heard: Transcription) -> Iterator[Delta]:
    """Yield the deltas of a transcription that are not yet sent; ``live`` is what is, by any model."""
    if wanted.rules.deltas == "live" or live.sent:
        yield from live_deltas(wanted, live, transcripts.text_of(heard.segments))
        return
    made = [Delta(*each) for each in transcripts.deltas(heard.segments, wanted.vocabulary)]
    if wanted.rules.deltas == "burst":
        yield from made
    elif made:
        yield Delta("".join(each.text for each in made), [row for each in made for row in each.logprobs])


def live_deltas(wanted: Wanted, live: LiveText, text: str) -> Iterator[Delta]:
    """Yield the deltas that continue ``live`` to ``text``, and note that they are sent."""
    begins = not live.sent
    more = live.more(text)
    if begins and more and wanted.rules.leading_space:
        more = " " + more
    for piece, _ in tokens.whole(tokens.split(more, wanted.vocabulary)):
        yield Delta(piece, [])


def segments(heard: Transcription) -> Iterator[dict[str, Any]]:
    """Yield the members of the events of segments with speakers."""
    for number, segment in enumerate(heard.segments):
        form = transcripts.diarized_segment(number, segment)
        yield {name: form[name] for name in ("text", "id", "speaker", "start", "end")}


def end(wanted: Wanted, heard: Transcription) -> dict[str, Any]:
    """Return the members of ``completed`` after the item."""
    text = transcripts.text_of(heard.segments)
    members: dict[str, Any] = {"transcript": text}
    if wanted.rules.languages:
        found = heard.languages and (wanted.hints or heard.languages)
        members["languages"] = [{"code": code} for code in found]
    if wanted.logprobs:
        made = transcripts.deltas(heard.segments, wanted.vocabulary)
        members["logprobs"] = [row for _, each in made for row in each]
    return {**members, "usage": _usage(wanted, heard, text)}


def _usage(wanted: Wanted, heard: Transcription, text: str) -> dict[str, object]:
    if wanted.rules.usage == "duration":
        return usage.duration(heard.duration)
    return usage.transcription(
        seconds=heard.duration,
        text=text,
        prompt=wanted.options.prompt,
        diarized=wanted.rules.speakers,
        vocabulary=wanted.vocabulary,
    )
