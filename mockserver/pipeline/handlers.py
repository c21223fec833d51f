"""The functions of an endpoint: the handler that answers, and the rules that its requests must obey."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from mockserver.pipeline.call import Answer, Call

if TYPE_CHECKING:
    from mockserver.pipeline.operation import Operation

Handler = Callable[[Call], Answer]
Rules = Callable[[Call], None]


class Route(NamedTuple):
    """An operation, the handler that answers it, and the rules that its requests must obey (if any)."""

    operation: Operation
    handler: Handler
    rules: Rules | None = None


class Lazy:
    """A function of ``(context, call)``, bound to its context; its module is imported at the first call.

    ``name`` is ``module.function`` below ``package``.
    """

    def __init__(self, package: str, name: str, context: object) -> None:
        module, _, self._function = name.rpartition(".")
        self._module = cache(lambda: import_module(f"{package}.{module}"))
        self.context = context

    def __call__(self, call: Call) -> Any:
        """Call the function."""
        return self.load()(self.context, call)

    def load(self) -> Callable[..., Any]:
        """Return the function. Raises ``ImportError`` and ``AttributeError`` where there is none."""
        function: Callable[..., Any] = getattr(self._module(), self._function)
        return function


def bound(package: str, operations: Iterable[Operation], context: object) -> tuple[Route, ...]:
    """Return the routes of operations whose handlers and rules are functions below ``package`` of that context."""
    return tuple(
        Route(
            operation,
            Lazy(package, operation.handler, context),
            Lazy(package, operation.rules, context) if operation.rules else None,
        )
        for operation in operations
    )
