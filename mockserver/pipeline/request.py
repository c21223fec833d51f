"""A request as a value, which does not depend on the web framework."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from mockserver.accounts.redaction import secrets_of
from mockserver.catalog.paths import without_version
from mockserver.installation import importing
from mockserver.pipeline.once import once
from mockserver.transport.bodies import drain

if TYPE_CHECKING:
    from werkzeug.datastructures import ImmutableMultiDict

    from mockserver.accounts.accounts import Account
    from mockserver.accounts.redaction import Secrets
    from mockserver.transport.bodies import Readable
    from mockserver.transport.connection import Connection

_INNER = "mockserver.inner"  # a key of the WSGI environ, which clients cannot set


class RequestHeaders(Mapping[str, str]):
    """The headers of a request. Names match in any case, and are listed in lower case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """Take headers with names in lower case."""
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()]

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a header, or ``default``."""
        return self._headers.get(name.lower(), default)

    @property
    def may_steer(self) -> bool:
        """Return whether there may be ``x-mock-*`` headers. Fast, because most requests have none."""
        return "x-mock-" in " ".join(self._headers)

    def items(self) -> ItemsView[str, str]:
        """Return the names and values. (Those of ``Mapping`` are looked up one by one.)"""
        return self._headers.items()

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


@dataclass(frozen=True, slots=True)
class InnerCall:
    """The mark of an inner request: one that the server sends to itself, without HTTP, such as a line of a batch.

    It is made for ``account``, has no rate limits, and costs ``price_share`` of the price.
    """

    account: Account
    price_share: float

    def mark(self, environ: dict[str, Any]) -> None:
        """Mark the request of a WSGI environ as an inner one."""
        environ[_INNER] = self

    @staticmethod
    def of(environ: Mapping[str, Any]) -> InnerCall | None:
        """Return the mark of the request in a WSGI environ; ``None`` unless it is an inner one."""
        found: InnerCall | None = environ.get(_INNER)
        return found


@dataclass(frozen=True, slots=True)
class Session:
    """The long-lived connection that a request came on as a message: the id of its handshake, and its account.

    ``memory`` is what the endpoint keeps for the connection. Stubs answer the message if it ``is_scriptable``.
    """

    id: str
    account: Account
    memory: Any
    is_scriptable: bool


@dataclass(frozen=True, eq=False)
class Request:
    """An HTTP request.

    ``path`` is as the client wrote it, without the query. ``body`` has ``length`` bytes, ``None`` if it is sent in
    chunks. ``protocol`` is that of the connection (``HTTP/1.1``), ``server`` the server's own name and port.
    ``inner`` marks a request that the server sends to itself, ``session`` one that is a message of a WebSocket.
    """

    method: str
    path: str
    query_string: str
    headers: RequestHeaders
    body: Readable
    length: int | None
    connection: Connection
    protocol: str = "HTTP/1.1"
    scheme: str = "http"
    server: tuple[str, int | None] | None = None
    inner: InnerCall | None = None
    session: Session | None = None

    @property
    def route_path(self) -> str:
        """Return the path without ``/v1``, as in the routes and tables."""
        return without_version(self.path)

    @once
    def query(self) -> ImmutableMultiDict[str, str]:
        """Return the arguments of the query string. Raises ``UnicodeDecodeError``."""
        with importing:
            from werkzeug.datastructures import ImmutableMultiDict

        text = self.query_string.encode("latin-1").decode()
        return ImmutableMultiDict(parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote"))

    @property
    def content_type(self) -> str:
        """Return the header ``Content-Type``, or an empty string."""
        return str(self.headers.get("content-type", ""))

    @property
    def media_type(self) -> str:
        """Return the content type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def host_url(self) -> str:
        """Return the server's URL as the client addressed it: ``http://localhost:8080/``."""
        with importing:
            from werkzeug.sansio.utils import get_current_url, get_host

        return get_current_url(self.scheme, get_host(self.scheme, self.headers.get("host"), self.server))

    @once
    def secrets(self) -> Secrets:
        """Return the secrets that the request carries."""
        return secrets_of(self.headers, self.query_string)

    @property
    def logged_path(self) -> str:
        """Return the path for logs: without secrets, in one line."""
        return quote(self.secrets.hide_in_path(self.path), safe="/*")

    def logged(self, text: object) -> str:
        """Return ``text`` without the secrets of the request, for logs."""
        return self.secrets.hide(str(text))

    def drain(self) -> None:
        """Read and discard the rest of the body, so that the client can read the refusal."""
        drain(self.body, self.length)
