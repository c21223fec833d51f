"""The functions of an endpoint: the handler that answers, and the rules that its requests must obey."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.pipeline.call import Answer, Call
from mockserver.services import Services

if TYPE_CHECKING:
    from mockserver.pipeline.operation import Operation

Handler = Callable[[Services, Call], Answer]
Rules = Callable[[Services, Call], None]


class Route(NamedTuple):
    """An operation, the handler that answers it, and the rules that its requests must obey (if any)."""

    operation: Operation
    handler: Handler
    rules: Rules | None = None


class Lazy:
    """A function, ``module.function`` below ``package``, whose module is imported at the first call."""

    def __init__(self, package: str, name: str) -> None:
        module, _, self._function = name.rpartition(".")
        self._module = cache(lambda: import_module(f"{package}.{module}"))

    def __call__(self, *arguments: Any) -> Any:
        """Call the function."""
        return self.load()(*arguments)

    def load(self) -> Callable[..., Any]:
        """Return the function. Raises ``ImportError`` and ``AttributeError`` where there is none."""
        function: Callable[..., Any] = getattr(self._module(), self._function)
        return function


def routes_of(package: str, handlers: Iterable[tuple[Operation, str]]) -> tuple[Route, ...]:
    """Return the routes of a provider; its handlers and rules are functions below ``package``."""
    return tuple(
        Route(
            operation,
            Lazy(package, name),
            Lazy(package, operation.rules) if operation.rules else None,
        )
        for operation, name in handlers
    )
