"""Properties that are computed once per object, without a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

Value = TypeVar("Value")


class once(Generic[Value]):  # noqa: N801 - used like ``property``
    """A property that is computed once per object, which one thread uses at a time.

    Until Python 3.12, ``functools.cached_property`` holds a lock of the class meanwhile: requests whose audio is
    decoded or transcribed for a fact would wait for each other.
    """

    def __init__(self, compute: Callable[[Any], Value]) -> None:
        self._compute = compute
        self._name = compute.__name__
        self.__doc__ = compute.__doc__

    def __get__(self, instance: object, owner: type) -> Value:
        value: Value = self._compute(instance)
        instance.__dict__[self._name] = value  # found before this descriptor from now on
        return value
