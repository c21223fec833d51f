"""What goes wrong, and what is answered: the part of the Python API that scripts requests to come."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.matching.patterns import Pattern
from mockserver.testing import keywords
from mockserver.testing.account_scope import OfAccount
from mockserver.testing.stub_builder import StubBuilder
from mockserver.validation import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from mockserver.services import Services

_SPELLED = {"since": "from"}  # in documents; in Python it is a keyword


class Scripting(OfAccount):
    """Scripts what is answered to the requests of an account, or of all accounts.

    The methods raise ``TypeError`` for an unknown condition or option, and ``ValueError`` for one
    that makes no sense.
    """

    def on(
        self, endpoint: keywords.Names | None = None, **conditions: Unpack[keywords.StubOptions]
    ) -> StubBuilder:
        """Select requests of an endpoint, or of any, that satisfy the conditions, to script their answers.

        ``times`` is how many of them are, ``priority`` puts a stub before others. Else the most recent answers.
        """
        keywords.check_names(conditions, keywords.StubOptions)
        stub: dict[str, Any] = {
            name: conditions[name] for name in ("times", "priority", "name") if name in conditions
        }
        stub["when"] = _when(endpoint, conditions)
        documents.check(self._services.schemas, "when", stub["when"])
        Pattern(stub["when"], self._services.journal.endpoints)  # raises for what the schema cannot tell
        return StubBuilder(self._services, self._account_id, stub)

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

    def fail_next(
        self, error: str | int, times: int | None = 1, **options: Unpack[keywords.ErrorOptions]
    ) -> FaultHandle:
        """Answer the next requests with an error of the catalog, by its name or status.

        Those of the conditions, if any are given; ``times`` is how many, ``None``: all of them.
        """
        keywords.check_names(options, keywords.ErrorOptions)
        return self._break({"error": error}, times, options)

    def break_next(
        self, fault: str, times: int | None = 1, **options: Unpack[keywords.BreakOptions]
    ) -> FaultHandle:
        """Break the next requests, their connections or their answers, as ``fault`` says."""
        keywords.check_names(options, keywords.BreakOptions)
        return self._break({"fault": fault}, times, options)

    def _break(self, what: Mapping[str, Any], times: int | None, options: Mapping[str, Any]) -> FaultHandle:
        conditions = _when(options.get("endpoint"), options)
        options_given = {
            _SPELLED.get(name, name): value
            for name, value in options.items()
            if name not in conditions and name != "endpoint"
        }
        fault = {**what, **options_given, **({} if times is None else {"times": times})}
        return FaultHandle(
            self._services, self._account_id, fault | ({"when": conditions} if conditions else {})
        )


class FaultHandle:
    """A fault that is there."""

    def __init__(self, services: Services, account_id: str | None, document: Mapping[str, Any]) -> None:
        """Add the fault. Raises ``ValueError``."""
        document = documents.as_json(document)
        documents.check(services.schemas, "fault", document)
        self._faults = services.faults
        self._account_id = account_id
        self.id = self._faults.add(document, account_id).id

    @property
    def hits(self) -> int:
        """Return how many requests it has hit."""
        status = self._faults.get(self.id, self._account_id)
        return status.hits if status else 0

    def remove(self) -> None:
        """Remove it."""
        self._faults.remove(self.id, self._account_id)


def _when(endpoint: keywords.Names | None, conditions: Mapping[str, Any]) -> dict[str, Any]:
    of_endpoint = {} if endpoint is None else {"endpoint": endpoint}
    when: dict[str, Any] = documents.as_json(of_endpoint | keywords.when(conditions, keywords.Conditions))
    return when
