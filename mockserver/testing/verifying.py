"""The part of the Python API that verifies requests by the journal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mockserver.journal import report, verification
from mockserver.journal.record import shown
from mockserver.testing import keywords
from mockserver.testing.context import OfAccount
from mockserver.validation import documents

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typing_extensions import Unpack

    from mockserver.journal.verification import Verdict

_TIMEOUT = 10.0  # seconds


class Verifying(OfAccount):
    """The methods that show and verify the requests of an account, or of all accounts.

    They raise ``TypeError`` for an unknown condition, ``ValueError`` for an invalid one, and ``AssertionError`` with
    the near misses if the expected requests did not arrive.
    """

    @property
    def journal(self) -> list[dict[str, Any]]:
        """Return the journal entries, oldest first, with the members of ``GET /_mock/journal``."""
        return [shown(record) for record in self._context.journal.records(self._account_id)]

    def exchanges(self, latest: int = report.LATEST) -> str:
        """Return the latest exchanges as text: a line for each, and one for each of its audio files.

        Then problems of the calls follow: endpoints that are not served, unknown models, wrong URLs.
        """
        records = self._context.journal.records(self._account_id)
        return report.exchanges(
            records, lambda model: self._context.catalog.model(model, self._account_id) is not None, latest
        )

    def verify(
        self,
        endpoint: keywords.Names | None = None,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of requests that satisfy the conditions; without bounds, at least one must."""
        __tracebackhide__ = True
        bounds = {"exactly": times, "at_least": at_least, "at_most": at_most}
        numbers = {name: number for name, number in bounds.items() if number is not None}
        when = self._when(endpoint, conditions)
        documents.check(self._context.schemas, "verify", {"when": when, **numbers})
        _assert(verification.verify(self._context.journal, self._account_id, when, **numbers))

    def wait_for(
        self,
        endpoint: keywords.Names | None = None,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for ``at_least`` requests that satisfy the conditions; fail after ``timeout`` real seconds."""
        __tracebackhide__ = True
        when = self._when(endpoint, conditions)
        asked = {"when": when, "at_least": at_least, "timeout": timeout}
        documents.check(self._context.schemas, "wait", asked)
        _assert(
            verification.wait(
                self._context.journal,
                self._account_id,
                when,
                at_least=at_least,
                timeout=timeout,
                given_up=self._context.closing.is_set,
            )
        )

    def verify_transcription(
        self,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of requests for a transcription; see ``verify``."""
        __tracebackhide__ = True
        self.verify("transcriptions", times=times, at_least=at_least, at_most=at_most, **conditions)

    def verify_translation(
        self,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of requests for a translation; see ``verify``."""
        __tracebackhide__ = True
        self.verify("translations", times=times, at_least=at_least, at_most=at_most, **conditions)

    def verify_speech(
        self,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of requests for speech; see ``verify``."""
        __tracebackhide__ = True
        self.verify("speech", times=times, at_least=at_least, at_most=at_most, **conditions)

    def verify_chat(
        self,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of chats; see ``verify``."""
        __tracebackhide__ = True
        self.verify("chat", times=times, at_least=at_least, at_most=at_most, **conditions)

    def verify_response(
        self,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of requests for a response (``/v1/responses``); see ``verify``."""
        __tracebackhide__ = True
        self.verify("responses", times=times, at_least=at_least, at_most=at_most, **conditions)

    def verify_realtime(
        self,
        *,
        times: int | None = None,
        at_least: int | None = None,
        at_most: int | None = None,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Assert the number of turns of Realtime sessions; without conditions on turns, that of sessions."""
        __tracebackhide__ = True
        self.verify("realtime", times=times, at_least=at_least, at_most=at_most, **conditions)

    def wait_for_transcription(
        self,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for requests for a transcription; see ``wait_for``."""
        __tracebackhide__ = True
        self.wait_for("transcriptions", at_least=at_least, timeout=timeout, **conditions)

    def wait_for_translation(
        self,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for requests for a translation; see ``wait_for``."""
        __tracebackhide__ = True
        self.wait_for("translations", at_least=at_least, timeout=timeout, **conditions)

    def wait_for_speech(
        self,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for requests for speech; see ``wait_for``."""
        __tracebackhide__ = True
        self.wait_for("speech", at_least=at_least, timeout=timeout, **conditions)

    def wait_for_chat(
        self,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for chats; see ``wait_for``."""
        __tracebackhide__ = True
        self.wait_for("chat", at_least=at_least, timeout=timeout, **conditions)

    def wait_for_response(
        self,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for requests for a response (``/v1/responses``); see ``wait_for``."""
        __tracebackhide__ = True
        self.wait_for("responses", at_least=at_least, timeout=timeout, **conditions)

    def wait_for_realtime(
        self,
        *,
        at_least: int = 1,
        timeout: float = _TIMEOUT,
        **conditions: Unpack[keywords.JournalConditions],
    ) -> None:
        """Wait for turns of Realtime sessions, also of those in progress; see ``verify_realtime``."""
        __tracebackhide__ = True
        self.wait_for("realtime", at_least=at_least, timeout=timeout, **conditions)

    def _when(self, endpoint: keywords.Names | None, conditions: Mapping[str, Any]) -> dict[str, Any]:
        keywords.check_names(conditions, keywords.JournalConditions)
        return keywords.when(endpoint, conditions, keywords.JournalConditions)


def _assert(verdict: Verdict) -> None:
    __tracebackhide__ = True
    if not verdict.ok:
        raise AssertionError(verdict.message)
