"""The Python API for tests: scripts answers and faults, sets the clock, and verifies requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from mockserver.catalog.reading import CatalogError
from mockserver.settings.model import SettingsError
from mockserver.testing import keywords
from mockserver.testing.scripting import Scripting
from mockserver.testing.telephone import TelephoneCall
from mockserver.testing.verifying import Verifying
from mockserver.testing.webhooks import WebhooksApi
from mockserver.validation import documents

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import openai
    from typing_extensions import Unpack

    from mockserver.accounts.accounts import Account
    from mockserver.caller.call import Call, Tool
    from mockserver.caller.line import Pacing
    from mockserver.clock import Clock
    from mockserver.limits.policy import Overrides
    from mockserver.testing.context import ApiContext
    from mockserver.testing.sdk_clients import SdkClients
    from mockserver.webhooks.delivery import Delivery


class AudioApi(Scripting, Verifying):
    """The mock server for one account, or for all accounts if ``account`` is ``None``.

    Stubs, faults, settings and verifications apply to the requests of that account. ``base_url`` and ``api_key`` are
    the arguments for a client of the SDK; ``url`` is the address of the server.
    """

    def __init__(
        self, context: ApiContext, url: str, api_key: str, account: Account | None, clients: SdkClients
    ) -> None:
        super().__init__(context, account.id if account else None)
        self._clients = clients
        self.url = url
        self.base_url = f"{url}/v1"
        self.api_key = api_key

    @property
    def clock(self) -> Clock:
        """Return the clock of limits, timestamps and expiries. All accounts share it."""
        return self._context.clock

    @property
    def ca_file(self) -> Path | None:
        """Return the file (PEM) by which clients verify the server; ``None`` if it speaks plain HTTP."""
        return self._clients.ca_file

    @property
    def client(self) -> openai.OpenAI:
        """Return a client of the official SDK with this account's API key, without retries."""
        return self._clients.sync(self.api_key)

    @property
    def async_client(self) -> openai.AsyncOpenAI:
        """Return an asyncio client of the official SDK with this account's API key, without retries."""
        return self._clients.asynchronous(self.api_key)

    @property
    def webhooks(self) -> WebhooksApi:
        """Return the webhooks of this account: endpoints, deliveries and faults."""
        return WebhooksApi(self._context, self._account_id)

    def caller(
        self,
        *,
        voice: str = "nova",
        model: str | None = None,
        transcription: bool = False,
        session: Mapping[str, Any] | None = None,
        tools: Mapping[str, Tool] | None = None,
        pacing: Pacing = "auto",
        url: str | None = None,
    ) -> Call:
        """Call the Realtime API of this server, or of another one at ``url``, as a user with a ``voice`` would.

        ``model`` is that of the conversation; ``transcription`` opens a session that only transcribes. ``session`` is
        sent in ``session.update``. ``tools`` are functions by name, which answer the server's function calls. The words
        that the caller says are known to this server. Raises ``ValueError`` for an unknown voice, ``CallFailed`` if
        there is no call.
        """
        from mockserver.caller.opening import begin_call
        from mockserver.caller.sounds import CallerVoice

        chosen = self._context.catalog.voice(voice)
        if chosen is None:
            raise ValueError(f"voice: unknown voice {voice!r}. Choose one of {', '.join(self._voices)}.")
        return begin_call(
            url or self.base_url,
            self.api_key,
            CallerVoice(self._context.speaker, chosen, None if url else self._context.spoken),
            model=model,
            transcription=transcription,
            session=session,
            tools=tools,
            pacing=pacing,
            ca_file=None if url else self.ca_file,
        )

    def telephone(
        self, from_: str = "sip:caller@example.com", to: str = "sip:you@example.com", **headers: str
    ) -> TelephoneCall:
        """Call by telephone (SIP), which the webhook ``realtime.call.incoming`` announces.

        ``headers`` are more SIP headers. Raises ``ValueError`` on a ``MockServer``: a call belongs to an account.
        """
        if self._account_id is None:
            raise ValueError("A call belongs to an account. Use the API of one: server.account(key).")
        given = [("From", from_), ("To", to), *headers.items()]
        incoming = self._context.telephone.ring(self._account_id, given)
        self._context.webhooks.announce(self._account_id, *incoming.announcement)
        return TelephoneCall(self._context, incoming)

    @property
    def _voices(self) -> list[str]:
        return [voice.name for voice in self._context.catalog.voices]

    def send_webhook(self, event_type: str, data: Mapping[str, Any] | None = None) -> list[Delivery]:
        """Send an event to the endpoints that subscribe to its type, by default with sample data.

        Return the deliveries. Raises ``ValueError`` for an invalid event.
        """
        return self.webhooks.send(event_type, data)

    def configure(self, **changes: Unpack[keywords.SettingChanges]) -> None:
        """Change settings of this account. Raises ``TypeError`` for an unknown one, ``ValueError`` for a bad value."""
        keywords.check_names(changes, keywords.SettingChanges)
        try:
            self._context.account_settings.change(self._account_id, changes)
        except SettingsError as error:
            raise ValueError(str(error)) from error

    def set_tier(self, tier: str) -> None:
        """Set the usage tier of this account, such as ``free`` or ``tier-3``. Raises ``ValueError``."""
        documents.check(self._context.schemas, "limits", {"tier": tier})
        self._context.limiter.policy.set_tier(self._account_id, tier)

    def set_limits(self, model: str, **amounts: Unpack[keywords.LimitAmounts]) -> None:
        """Change rate limits of a model and of the models that share them; ``None`` removes a limit.

        Raises ``TypeError`` for an unknown limit, ``ValueError`` for a bad amount or an unknown model.
        """
        keywords.check_names(amounts, keywords.LimitAmounts)
        documents.check(self._context.schemas, "limits", {"model": model, "limits": amounts})
        card = self._context.catalog.served(model, self._account_id)
        if card is None:
            raise ValueError(f"model: unknown model {model!r}. `mockserver limits` lists them.")
        self._context.limiter.policy.override(self._account_id, card.limit_group, cast("Overrides", amounts))

    def add_model(
        self, model_id: str, *, like: str | None = None, **changes: Unpack[keywords.ModelChanges]
    ) -> None:
        """Add a model that behaves ``like`` another one except for the ``changes``, until a reset.

        A fine-tuned model (``ft:BASE:…``) is like its base by default. Raises ``TypeError`` for an unknown change,
        ``ValueError`` for an invalid model.
        """
        keywords.check_names(changes, keywords.ModelChanges)
        row = {"id": model_id, **({"like": like} if like is not None else {}), **changes}
        documents.check(self._context.schemas, "model", row)
        try:
            self._context.catalog.own_models.add(row, "model", owner=self._account_id)
        except CatalogError as error:
            raise ValueError(str(error).removeprefix("model.")) from error

    def remove_model(self, model_id: str) -> None:
        """Remove a model that was added. Raises ``ValueError`` if it was not."""
        if not self._context.catalog.own_models.remove(model_id, self._account_id):
            raise ValueError(f"model_id: {model_id!r} was not added by add_model().")

    def reset(self) -> None:
        """Reset the state of this account: stubs, faults, journal, limits, settings, files and other stored objects."""
        self._context.server_state.reset(self._account_id)
