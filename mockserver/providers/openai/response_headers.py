"""The standing headers of responses, which differ by the service behind an endpoint."""

from __future__ import annotations

import time
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from mockserver.catalog.reading import read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mockserver.accounts.accounts import Account
    from mockserver.clock import Clock
    from mockserver.ids import Ids
    from mockserver.pipeline.provider import Headers

API_VERSION = "2020-10-01"

_TABLE = Path(__file__).parents[2] / "catalog" / "headers.toml"


class Service(Struct, frozen=True):
    """A row of ``services`` in ``catalog/headers.toml``, which explains the columns."""

    operations: tuple[str, ...]
    expose: tuple[str, ...]
    streams: Mapping[str, str] = {}
    any_origin: bool = False
    names_account: bool = True
    request_id: Literal["req", "uuid"] = "req"
    chunked: bool = False
    newline: bool = False
    without: tuple[str, ...] = ()
    limits_of_refusals: bool = True
    refuses_keys: bool = False
    upstream_time: bool = False
    bare: bool = False


def services_of_table() -> Mapping[str, Service]:
    """Return the services by the operations that they answer; ``""`` answers all other operations."""
    rows = (Service(**_with_tuples(row)) for row in _table()["services"].values())
    return {name: service for service in rows for name in service.operations or ("",)}


def _with_tuples(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in row.items()}


def _table() -> dict[str, Any]:
    return read_table(_TABLE)


class ResponseHeaders:
    """Makes the standing headers of responses: the ``full`` set, or only those that clients read."""

    def __init__(self, ids: Ids, clock: Clock, *, full: bool, repeatable: bool) -> None:
        """Make the same headers in every run if ``repeatable``, even if ``clock`` is not frozen."""
        self._ids = ids
        self._clock = clock
        self._repeatable = repeatable
        table = _table()
        self._static: Headers = list(table["full"].items()) if full else []
        self._gateway_exposes = tuple(table["gateway"]["expose"])
        self._services = services_of_table()

    def service(self, operation: str) -> Service:
        """Return the service that answers an operation."""
        return self._services.get(operation, self._services[""])

    def request_id(self, operation: str) -> str:
        """Return a new request id in the form of the operation's service."""
        return self._ids.uuid() if self.service(operation).request_id == "uuid" else self._ids.request_id()

    def of_answers(self, operation: str, account: Account, request_id: str, began: float) -> Headers:
        """Return the headers of an endpoint's answers; ``began`` is the request's start by ``time.perf_counter``."""
        service = self.service(operation)
        if service.bare:
            return self._of_network(service.without)
        duration = ("openai-processing-ms", str(self._milliseconds(operation, began)))
        version = ("openai-version", API_VERSION)
        gateway = self._of_gateway(
            request_id, service.expose, any_origin=service.any_origin, without=service.without
        )
        if service.upstream_time and self._static:
            gateway.append(("x-envoy-upstream-service-time", duration[1]))
        if not service.names_account:
            return [duration, version, *gateway]
        organization, project = (
            ("openai-organization", account.organization),
            ("openai-project", account.project),
        )
        return [organization, duration, project, version, *gateway]

    def _milliseconds(self, operation: str, began: float) -> int:
        """Return the duration of a request; if answers are repeatable, a value that depends only on the operation."""
        if self._repeatable or self._clock.is_frozen:
            return 100 + zlib.crc32(operation.encode()) % 900
        return round((time.perf_counter() - began) * 1000)

    def of_refusals(self, operation: str, request_id: str) -> Headers:
        """Return the headers of the gateway's refusals, which do not reach the endpoint of the operation."""
        service = self.service(operation)
        if service.bare:
            return self._of_network(service.without)
        return self._of_gateway(request_id, self._gateway_exposes, without=service.without)

    def of_refused_keys(self, operation: str, request_id: str, began: float) -> Headers:
        """Return the headers of the refusal of a key, by the gateway or by the service behind the operation."""
        service = self.service(operation)
        if not service.refuses_keys:
            return self.of_refusals(operation, request_id)
        duration = ("openai-processing-ms", str(self._milliseconds(operation, began)))
        gateway = self._of_gateway(request_id, service.expose, without=service.without)
        return [duration, ("openai-version", API_VERSION), *gateway]

    def _of_gateway(
        self,
        request_id: str,
        exposed: tuple[str, ...],
        *,
        any_origin: bool = False,
        without: tuple[str, ...] = (),
    ) -> Headers:
        headers = [("x-request-id", request_id)]
        if not self._static:
            return headers
        headers += [("access-control-expose-headers", name) for name in exposed]
        if any_origin:
            headers.append(("access-control-allow-origin", "*"))
        return [*headers, *self._of_network(without)]

    def _of_network(self, without: tuple[str, ...]) -> Headers:
        """Return the headers of the network in front of the API."""
        if not self._static:
            return []
        static = [header for header in self._static if header[0] not in without]
        return [("cf-ray", self._ids.ray()), *static]
