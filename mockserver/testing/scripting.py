"""The part of the Python API that scripts answers and faults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.matching.patterns import Pattern
from mockserver.testing import keywords
from mockserver.testing.context import OfAccount
from mockserver.testing.stub_builder import StubBuilder
from mockserver.validation import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from mockserver.testing.context import ApiContext

_DOCUMENT_NAMES = {"since": "from"}  # ``from`` is a keyword in Python


class Scripting(OfAccount):
    """The methods that script answers to the requests of an account, or of all accounts.

    They raise ``TypeError`` for an unknown condition or option, and ``ValueError`` for an invalid one.
    """

    def on(
        self, endpoint: keywords.Names | None = None, **conditions: Unpack[keywords.StubOptions]
    ) -> StubBuilder:
        """Select requests of an endpoint, or of any, that satisfy the conditions, to script their answers.

        ``times`` limits the number of answers. The stub with the highest ``priority`` answers; of equal ones the most
        recent. One that is not ``enabled`` answers nothing until it is switched on.
        """
        keywords.check_names(conditions, keywords.StubOptions)
        stub: dict[str, Any] = {
            name: conditions[name] for name in ("times", "priority", "name", "enabled") if name in conditions
        }
        stub["when"] = keywords.when(endpoint, conditions, keywords.Conditions)
        documents.check(self._context.schemas, "when", stub["when"])
        Pattern(stub["when"], self._context.journal.endpoints)  # raises ``ValueError``
        return StubBuilder(self._context, self._account_id, stub)

    def on_transcription(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select requests for a transcription that satisfy the conditions."""
        return self.on("transcriptions", **conditions)

    def on_translation(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select requests for a translation that satisfy the conditions."""
        return self.on("translations", **conditions)

    def on_speech(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select requests for speech that satisfy the conditions."""
        return self.on("speech", **conditions)

    def on_chat(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select chats that satisfy the conditions."""
        return self.on("chat", **conditions)

    def on_embedding(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select embeddings that satisfy the conditions."""
        return self.on("embeddings", **conditions)

    def on_moderation(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select moderations that satisfy the conditions."""
        return self.on("moderations", **conditions)

    def on_completion(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select completions (not chat completions) that satisfy the conditions."""
        return self.on("completions", **conditions)

    def on_response(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select requests for a response (``/v1/responses``) that satisfy the conditions."""
        return self.on("responses", **conditions)

    def on_realtime(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select turns of Realtime sessions that satisfy the conditions: what was ``heard``, the ``turn``, …"""
        return self.on("realtime", **conditions)

    def on_realtime_transcription(self, **conditions: Unpack[keywords.StubOptions]) -> StubBuilder:
        """Select what users say in Realtime sessions, to script its transcript."""
        return self.on("realtime_transcriptions", **conditions)

    def fail_next(
        self, error: str | int, times: int | None = 1, **options: Unpack[keywords.ErrorOptions]
    ) -> FaultHandle:
        """Answer the next requests that satisfy the conditions with an error of the catalog, by its name or status.

        ``times`` is the number of requests, ``None``: all.
        """
        keywords.check_names(options, keywords.ErrorOptions)
        return self._break({"error": error}, times, options)

    def break_next(
        self, fault: str, times: int | None = 1, **options: Unpack[keywords.BreakOptions]
    ) -> FaultHandle:
        """Break the next requests, their connections or their answers, by the kind of fault."""
        keywords.check_names(options, keywords.BreakOptions)
        return self._break({"fault": fault}, times, options)

    def _break(self, what: Mapping[str, Any], times: int | None, options: Mapping[str, Any]) -> FaultHandle:
        conditions = keywords.when(options.get("endpoint"), options, keywords.Conditions)
        options_given = {
            _DOCUMENT_NAMES.get(name, name): value
            for name, value in options.items()
            if name not in conditions and name != "endpoint"
        }
        fault = {**what, **options_given, **({} if times is None else {"times": times})}
        return FaultHandle(
            self._context, self._account_id, fault | ({"when": conditions} if conditions else {})
        )


class FaultHandle:
    """A fault that was added."""

    def __init__(self, context: ApiContext, account_id: str | None, document: Mapping[str, Any]) -> None:
        """Add the fault. Raises ``ValueError``."""
        document = documents.as_json(document)
        documents.check(context.schemas, "fault", document)
        self._faults = context.faults
        self._account_id = account_id
        self.id = self._faults.add(document, account_id).id

    @property
    def hits(self) -> int:
        """Return how many requests the fault has hit."""
        status = self._faults.get(self.id, self._account_id)
        return status.hits if status else 0

    def enable(self) -> None:
        """Switch the fault on."""
        self._faults.switch(self.id, self._account_id, True)

    def disable(self) -> None:
        """Switch the fault off: it hits nothing until it is switched on, and keeps its counters."""
        self._faults.switch(self.id, self._account_id, False)

    def remove(self) -> None:
        """Remove the fault."""
        self._faults.remove(self.id, self._account_id)
