"""The table of conditions: the fact that each reads, and how it compares it.

A *pattern* is the ``when`` of a stub, fault or verification (``patterns``). A new condition is a row here, a member of
the schemas in ``schemas/mock`` and a keyword of the Python API; a test compares them. It may need a new member of
``Facts``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from mockserver.catalog.paths import lacks_version, path_expression, without_version
from mockserver.matching import comparisons
from mockserver.matching.comparisons import Difference, PatternError, Test, differs, listed, shortened
from mockserver.matching.expressions import Expression, ExpressionError, compiled
from mockserver.matching.fields import fields
from mockserver.matching.hashed_secrets import is_digest

if TYPE_CHECKING:
    from mockserver.matching.facts import Facts, Outcome

Subject = Literal["request", "entry"]  # a request that is not answered yet, or a journal entry
_ANY: frozenset[Subject] = frozenset({"request", "entry"})
_REQUEST: frozenset[Subject] = frozenset({"request"})
_ENTRY: frozenset[Subject] = frozenset({"entry"})


class Condition(Struct, frozen=True):
    """A condition of patterns.

    ``read`` returns the value to compare from the facts, or with ``of_clips`` from each audio file, one of which must
    match. ``compare`` returns the test of that value, from the name and the wanted value. ``subjects`` are those that
    the condition applies to; ``elsewhere`` is the advice for others. ``exact`` returns the only value that satisfies
    the wanted one, by which stubs are indexed, or ``None``; the index prefers conditions with a low ``rank``.
    ``needs_transcript`` is whether the audio must be transcribed. ``of_turns``: in the entry of a Realtime session
    it is one on each of its turns.
    """

    name: str
    read: Callable[[Any], Any]
    compare: Callable[[str, Any], Test]
    of_clips: bool = False
    subjects: frozenset[Subject] = _ANY
    elsewhere: str = ""
    exact: Callable[[Any], str | None] | None = None
    rank: int = 0
    needs_transcript: bool = False
    of_turns: bool = False

    def test(self, wanted: Any) -> Callable[[Facts | Outcome], Difference]:
        """Return the test of facts. Raises ``PatternError`` for an invalid wanted value."""
        test = self.compare(self.name, wanted)
        if self.of_clips:
            return lambda facts: self._of_any_clip(facts, test)
        return lambda facts: test(self.read(facts))

    def values(self, facts: Facts) -> Iterator[str]:
        """Yield the values of facts under which patterns with an exact value are indexed."""
        if not self.of_clips:
            yield self.read(facts)
            return
        from mockserver.audio.decode import UnusableAudio

        for clip in facts.clips:
            try:
                yield self.read(clip)
            except UnusableAudio:
                continue

    def _of_any_clip(self, facts: Facts | Outcome, test: Test) -> Difference:
        from mockserver.audio.decode import UnusableAudio

        difference: Difference = "the request has no audio"
        for clip in facts.clips:
            try:
                difference = test(self.read(clip))
            except UnusableAudio as error:
                difference = f"the audio cannot be decoded: {error}"
            if difference is None:
                break
        return difference


def is_path(name: str) -> bool:
    """Return whether the name of an endpoint is a path. Any path is valid."""
    return name.startswith("/")


def _endpoint(name: str, wanted: str | list[str]) -> Test:
    names = frozenset(listed(wanted))
    paths = [(_path(name, each), lacks_version(each)) for each in names if is_path(each)]

    def test(facts: Facts) -> Difference:
        found, path = facts.endpoint_names, facts.path
        if names & found:
            return None
        for expression, is_short in paths:
            is_comparable = is_short or not lacks_version(path)
            if is_comparable and comparisons.is_all_of(expression, without_version(path)):
                return None
        return differs(wanted, path if paths else min(found, key=len, default=""))

    return test


def _path(name: str, path: str) -> Expression:
    try:
        return compiled(path_expression(without_version(path)))
    except ExpressionError as error:
        raise PatternError(f"{name}: {shortened(path)!r} {error}") from error


def _whole_text(wanted: Any) -> str | None:
    found = wanted.get("equals") if isinstance(wanted, Mapping) and set(wanted) == {"equals"} else None
    return found if isinstance(found, str) else None


def _whole_name(wanted: Any) -> str | None:
    is_open = isinstance(wanted, str) and (set(wanted) & set("*?[") or is_digest(wanted))
    return wanted if isinstance(wanted, str) and not is_open else None


def _whole_hash(wanted: Any) -> str | None:
    return wanted.lower() if isinstance(wanted, str) else None


def _fact(name: str) -> Condition:
    """Return the condition on a fact of an audio file, for which the file is decoded."""
    return Condition(name, attrgetter(f"facts.{name}"), comparisons.one_of, of_clips=True)


_ROWS = (  # cheapest first: a pattern tries them in this order
    Condition("endpoint", lambda facts: facts, _endpoint),
    Condition("method", attrgetter("method"), comparisons.method),
    Condition("account", attrgetter("account_names"), comparisons.account),
    Condition("model", attrgetter("model"), comparisons.like),
    Condition("headers", attrgetter("headers"), comparisons.headers),
    Condition("fields", attrgetter("document"), fields),
    Condition("turn", attrgetter("turn"), comparisons.number, of_turns=True),
    Condition("prompt", attrgetter("prompt"), comparisons.text, exact=_whole_text, rank=4, of_turns=True),
    Condition(
        "user_text", attrgetter("user_text"), comparisons.text, exact=_whole_text, rank=3, of_turns=True
    ),
    Condition("file", attrgetter("name"), comparisons.like, of_clips=True, exact=_whole_name, rank=2),
    Condition(
        "sha256", attrgetter("sha256"), comparisons.same_hash, of_clips=True, exact=_whole_hash, rank=1
    ),
    _fact("container"),
    _fact("codec"),
    _fact("channels"),
    _fact("sample_rate"),
    Condition("duration", attrgetter("facts.duration"), comparisons.duration, of_clips=True),
    Condition(
        "pcm_sha256",
        attrgetter("facts.pcm_sha256"),
        comparisons.same_hash,
        of_clips=True,
        exact=_whole_hash,
        rank=5,
    ),
    Condition(
        "language",
        attrgetter("languages"),
        comparisons.shares_one,
        subjects=_REQUEST,
        elsewhere="the journal does not record it. Use `heard`.",
        needs_transcript=True,
    ),
    Condition("heard", attrgetter("heard"), comparisons.text, needs_transcript=True, of_turns=True),
    Condition("status", attrgetter("status"), comparisons.status, subjects=_ENTRY),
    Condition("error", attrgetter("error"), comparisons.any_like, subjects=_ENTRY, of_turns=True),
    Condition("answered_by", attrgetter("answered_by"), comparisons.any_like, subjects=_ENTRY, of_turns=True),
    Condition("stub", attrgetter("stub"), comparisons.any_like, subjects=_ENTRY, of_turns=True),
    Condition("said", attrgetter("said"), comparisons.text, subjects=_ENTRY, of_turns=True),
    Condition("tool", attrgetter("tools"), comparisons.any_like, subjects=_ENTRY, of_turns=True),
    Condition("interrupted", attrgetter("interrupted"), comparisons.flag, subjects=_ENTRY, of_turns=True),
    Condition("event", attrgetter("event_types"), comparisons.any_like, subjects=_ENTRY),
    Condition("fault", attrgetter("fault_names"), comparisons.any_like, subjects=_ENTRY),
    Condition("hung_up", attrgetter("hung_up"), comparisons.flag, subjects=_ENTRY),
    Condition("in_flight", attrgetter("in_flight"), comparisons.flag, subjects=_ENTRY),
)
CONDITIONS: Mapping[str, Condition] = {row.name: row for row in _ROWS}
