"""The table of the dashboard's pages, and which requests are for them."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "/_mock/dashboard"  # of the paths of all pages and assets
_HTML = "text/html"


class Page(NamedTuple):
    """A page. ``name`` is the last part of its path, and names its module in ``static/js/pages``.

    ``title`` is its title in the navigation. Pages ``of_one`` show what an id in the path names, and are not in the
    navigation; the page ``section`` is the current one there. ``styles`` are style sheets that it shares with others.
    """

    name: str
    title: str
    section: str = ""
    of_one: bool = False
    styles: tuple[str, ...] = ()

    @property
    def rule(self) -> str:
        """Return the path as a Flask rule, below the prefix."""
        return f"/{self.section}/<id>" if self.of_one else f"/{self.name}"


PAGES = (
    Page("exchanges", "Exchanges"),
    Page("exchange", "Exchange", section="exchanges", of_one=True),
    Page("sessions", "Sessions"),
    Page("limits", "Limits"),
    Page("stubs", "Stubs", styles=("definitions",)),
    Page("faults", "Faults", styles=("definitions",)),
    Page("clock", "Clock"),
    Page("work", "Work"),
    Page("models", "Models"),
    Page("try", "Try it", styles=("audio",)),
)
FRONT = PAGES[0]


def is_for_dashboard(environ: Mapping[str, str]) -> bool:
    """Return whether the request of a WSGI environ is for a page or an asset.

    At ``/`` a page is for clients that prefer HTML, which are browsers; curl and SDKs do not ask for it.
    """
    path = environ.get("PATH_INFO", "")
    if path == "/":
        return environ["REQUEST_METHOD"] in ("GET", "HEAD") and _prefers_html(environ.get("HTTP_ACCEPT", ""))
    return path == PREFIX or path.startswith(f"{PREFIX}/")


def _prefers_html(accept: str) -> bool:
    """Return whether a header ``Accept`` names HTML, and no lower than plain text."""
    if _HTML not in accept:
        return False
    from werkzeug.datastructures import MIMEAccept
    from werkzeug.http import parse_accept_header

    accepted = parse_accept_header(accept, MIMEAccept)
    return accepted.best_match([_HTML, "text/plain"]) == _HTML
