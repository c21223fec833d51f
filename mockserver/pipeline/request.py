"""A request as a value: what the pipeline and the providers know of it, whoever received it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, quote

from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.sansio.utils import get_current_url, get_host

from mockserver.accounts.redaction import secrets_of
from mockserver.catalog.paths import without_version
from mockserver.transport.bodies import drain

if TYPE_CHECKING:
    from mockserver.accounts.accounts import Account
    from mockserver.accounts.redaction import Secrets
    from mockserver.transport.bodies import Readable
    from mockserver.transport.connection import Connection

_INNER = "mockserver.inner"  # of the WSGI environ, where no client can put anything


class RequestHeaders(Mapping[str, str]):
    """The headers of a request. They are found by their names in any case, and listed in lower case."""

    def __init__(self, headers: Mapping[str, str]) -> None:
        """``headers`` have their names in lower case."""
        self._headers = headers

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()]

    def get(self, name: str, default: Any = None, /) -> Any:
        """Return the value of a header, or ``default``."""
        return self._headers.get(name.lower(), default)

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


@dataclass(frozen=True, slots=True)
class InnerCall:
    """Marks a request that the server makes of itself, without HTTP.

    ``account`` is for whom. No rate limit concerns it; it costs ``price_share`` of what others do.
    """

    account: Account
    price_share: float

    def mark(self, environ: dict[str, Any]) -> None:
        """Mark the request of a WSGI environ as an inner one."""
        environ[_INNER] = self

    @staticmethod
    def of(environ: Mapping[str, Any]) -> InnerCall | None:
        """Return what marks the request of a WSGI environ, ``None`` unless it is an inner one."""
        found: InnerCall | None = environ.get(_INNER)
        return found


@dataclass(frozen=True, eq=False)
class Request:
    """A request.

    ``path`` is written as by the client, without the query. ``body`` has ``length`` bytes, ``None`` where it comes in
    chunks. ``protocol`` is that of the connection (``HTTP/1.1``), ``server`` the name and port that the server has
    itself. ``inner`` marks a request that the server makes of itself.
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

    @property
    def route_path(self) -> str:
        """Return the path without ``/v1``, as the routes and the tables have it."""
        return without_version(self.path)

    @cached_property
    def query(self) -> ImmutableMultiDict[str, str]:
        """Return the arguments of the query string. Raises ``UnicodeDecodeError``."""
        text = self.query_string.encode("latin-1").decode()
        return ImmutableMultiDict(parse_qsl(text, keep_blank_values=True, errors="werkzeug.url_quote"))

    @property
    def content_type(self) -> str:
        """Return the header ``Content-Type``; empty for none."""
        return str(self.headers.get("content-type", ""))

    @property
    def media_type(self) -> str:
        """Return the content type without parameters, in lower case."""
        return self.content_type.partition(";")[0].strip().lower()

    @property
    def host_url(self) -> str:
        """Return the URL of the server as the client called it: ``http://localhost:8080/``."""
        return get_current_url(self.scheme, get_host(self.scheme, self.headers.get("host"), self.server))

    @cached_property
    def secrets(self) -> Secrets:
        """Return the secrets that the request carries."""
        return secrets_of(self.headers, self.query_string)

    @property
    def logged_path(self) -> str:
        """Return the path as it is logged: without secrets, in one line."""
        return quote(self.secrets.hide_in_path(self.path), safe="/*")

    def logged(self, text: object) -> str:
        """Return what is logged of a text about the request: without its secrets."""
        return self.secrets.hide(str(text))

    def drain(self) -> None:
        """Read what is left of the body, so that the client reads the refusal."""
        drain(self.body, self.length)
