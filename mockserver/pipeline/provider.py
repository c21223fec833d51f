"""What a server must know of a hosted API: its routes, and how it answers and refuses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.accounts.accounts import Account
    from mockserver.errors import ApiError
    from mockserver.pipeline.call import Call
    from mockserver.pipeline.exchange import Exchange
    from mockserver.pipeline.handlers import Route
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.response_headers import Headers
    from mockserver.pipeline.responses import Reply
    from mockserver.settings.model import SupportsGet
    from mockserver.validation.violations import Violation


Context = TypeVar("Context")


class Fill(Protocol):
    """Makes a context: a dataclass whose fields are parts of the server of the same names."""

    def __call__(self, context: type[Context], **own: Any) -> Context:
        """Return a context of the server's parts, and of the provider's ``own``."""
        ...


class Provider(Protocol):
    """A hosted API: how it knows callers and models, and what its answers and refusals look like."""

    @property
    def routes(self) -> Sequence[Route]:
        """The operations that are served, each with what answers it."""
        ...

    def start(self) -> None:
        """Go on with the work that an earlier server left unfinished in the state folder."""
        ...

    def close(self) -> None:
        """End the work that goes on in the background."""
        ...

    def caller(self, headers: SupportsGet) -> Account:
        """Return the account of the credentials in ``headers``. Raises ``ApiError`` where they are refused."""
        ...

    def request_id(self, operation: Operation) -> str:
        """Return a new id for a request."""
        ...

    def unknown_model(self, call: Call, name: str) -> ApiError:
        """Return the refusal of a model that does not exist."""
        ...

    def unserved_model(self, call: Call, name: str) -> ApiError | None:
        """Return the refusal of a model of other endpoints; ``None`` where it is refused after it was charged."""
        ...

    def invalid(self, violations: Sequence[Violation], operation: Operation) -> ApiError:
        """Return the refusal of a document that violates the schema of its operation."""
        ...

    def headers(self, call: Call, began: float) -> Headers:
        """Return the standing headers of an answer; ``began`` is the request's start by ``time.perf_counter``."""
        ...

    def finish(self, reply: Reply, operation: Operation) -> None:
        """Have an answer sent as the service behind the operation does."""
        ...

    def refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        """Return the reply to a request that is refused; ``exchange.call`` is ``None`` until the caller is known."""
        ...
