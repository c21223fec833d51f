"""The protocol of a provider (a hosted API that is imitated), and the routes of its operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, TypeVar

from mockserver.pipeline.call import Answer, Call

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.accounts.accounts import Account
    from mockserver.errors import ApiError
    from mockserver.pipeline.background_work import BackgroundWork
    from mockserver.pipeline.exchanges.exchange import Exchange
    from mockserver.pipeline.operation import Operation
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.request_facts import LiveFacts, Recall
    from mockserver.pipeline.responses import Reply
    from mockserver.settings.model import SupportsGet
    from mockserver.validation.violations import Violation

Context = TypeVar("Context")
Handler = Callable[[Call], Answer]
Rules = Callable[[Call], None]
Headers = list[tuple[str, str]]


class Fill(Protocol):
    """Makes a context: a record with fields of the names of parts of the server."""

    def __call__(self, context: type[Context], **own: Any) -> Context:
        """Return a ``context`` filled with parts of the server and with the provider's ``own`` parts."""
        ...


class Route(NamedTuple):
    """An operation, the handler that answers it, the rules that check its requests, and what recalls texts (if any)."""

    operation: Operation
    handler: Handler
    rules: Rules | None = None
    recall: Recall | None = None


class Lazy:
    """A function of ``(context, call)``, bound to its context; its module is imported at the first call.

    What recalls a text takes the facts of a call instead. ``name`` is ``module.function`` below ``package``.
    """

    def __init__(self, package: str, name: str, context: object) -> None:
        module, _, self._function = name.rpartition(".")
        self._module = cache(lambda: import_module(f"{package}.{module}"))
        self.context = context

    def __call__(self, call: Call | LiveFacts) -> Any:
        """Call the function."""
        return self.load()(self.context, call)

    def load(self) -> Callable[..., Any]:
        """Return the function. Raises ``ImportError`` or ``AttributeError`` if there is none."""
        function: Callable[..., Any] = getattr(self._module(), self._function)
        return function


def bound(package: str, operations: Iterable[Operation], context: object) -> tuple[Route, ...]:
    """Return a route for each operation: its functions, which are below ``package``, bound to ``context``."""
    return tuple(
        Route(
            operation,
            Lazy(package, operation.handler, context),
            Lazy(package, operation.rules, context) if operation.rules else None,
            Lazy(package, operation.recalls, context) if operation.recalls else None,
        )
        for operation in operations
    )


class Provider(Protocol):
    """A hosted API: its callers, its models, and the form of its answers and refusals."""

    @property
    def routes(self) -> Sequence[Route]:
        """Return the routes of the operations that are served."""
        ...

    def unserved_route(self, request: Request, served: Iterable[str]) -> Route | None:
        """Return the route of a request that matches none of ``routes``; ``None`` if its path is another provider's.

        ``served`` are the methods with a route of the same path.
        """
        ...

    def start(self) -> None:
        """Continue the work that an earlier server left unfinished in the state folder."""
        ...

    def close(self) -> None:
        """Stop the work in the background."""
        ...

    def background_work(self, account_id: str | None) -> list[BackgroundWork]:
        """Return the work of an account, or of all, that continues after its requests, and what has ended of it."""
        ...

    def caller(self, headers: SupportsGet) -> Account:
        """Return the account of the credentials in ``headers``. Raises ``ApiError`` if they are refused."""
        ...

    def request_id(self, operation: Operation) -> str:
        """Return a new request id."""
        ...

    def prepare(self, call: Call) -> None:
        """Complete a request whose body was read, before its model is found; may set its ``model``.

        Raises ``ApiError`` for what only this provider refuses.
        """
        ...

    def unknown_model(self, call: Call, name: str) -> ApiError:
        """Return the refusal of a model that does not exist."""
        ...

    def unserved_model(self, call: Call, name: str) -> ApiError | None:
        """Return the refusal of a model of other endpoints; ``None`` if it is refused only after it was charged."""
        ...

    def invalid(self, violations: Sequence[Violation], operation: Operation) -> ApiError:
        """Return the refusal of a document that violates the schema of its operation."""
        ...

    def headers(self, call: Call, began: float) -> Headers:
        """Return the standing headers of an answer; ``began`` is the request's start by ``time.perf_counter``."""
        ...

    def finish(self, reply: Reply, operation: Operation) -> None:
        """Change an answer to how the service behind the operation sends it."""
        ...

    def refuse(self, error: ApiError, operation: Operation, exchange: Exchange) -> Reply:
        """Return the reply that refuses a request; ``exchange.call`` is ``None`` until the caller is known."""
        ...
