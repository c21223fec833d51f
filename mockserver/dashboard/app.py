"""Creates the Flask app of the dashboard: the shells of its pages, and its assets.

A shell has no data of the server. Its script reads them from the control API, which decides by itself who may do so.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import flask

from mockserver.control import guard
from mockserver.control.headers import HEADERS
from mockserver.dashboard.pages import FRONT, PAGES, PREFIX, Page
from mockserver.version import __version__

if TYPE_CHECKING:
    from mockserver.settings.model import Settings

_FOLDER = str(Path(__file__).parent)
_NO_TOKEN = 401  # status of the guard's refusal of callers without the control token, for which the page asks
_POLICY = "; ".join(
    (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "font-src 'self'"),
        *("img-src 'self' data: blob:", "media-src 'self' blob:", "connect-src 'self'"),
        *("base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'"),
    )
)
_HEADERS = HEADERS | {
    "cache-control": "no-cache",  # browsers ask whether an asset has changed
    "content-security-policy": _POLICY,
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(self)",
}


def create_dashboard_app(settings: Settings) -> flask.Flask:
    """Return the pages of the dashboard as a WSGI application."""
    app = flask.Flask(
        "mockserver.dashboard",
        root_path=_FOLDER,
        static_folder="static",
        static_url_path=f"{PREFIX}/assets",
    )

    def refuse() -> flask.Response | None:
        refused = guard.refusal(flask.request.environ, settings)
        if refused is None or refused.status == _NO_TOKEN:
            return None
        return _refusal("The control API does not answer you.", refused.message, refused.status)

    app.before_request(refuse)
    app.after_request(_close_to_others)
    app.register_error_handler(404, _refuse_path)
    app.register_error_handler(405, _refuse_method)
    for page in PAGES:
        app.add_url_rule(PREFIX + page.rule, page.name, partial(_show, page))
    for front in ("/", PREFIX, f"{PREFIX}/"):
        app.add_url_rule(front, f"front {front}", partial(_show, FRONT))
    return app


def _show(page: Page, id: str = "") -> flask.Response:  # noqa: A002 - the variable of the path
    return flask.make_response(_rendered("page.html", page=page, id=id, title=page.title))


def _refuse_path(_: Exception) -> flask.Response:
    return _refusal("There is no such page.", f"Unknown path {flask.request.path}.", 404)


def _refuse_method(_: Exception) -> flask.Response:
    asked = flask.request
    refused = _refusal(
        "Pages are read-only.", f"{asked.path} does not support {asked.method}. Use GET, HEAD.", 405
    )
    refused.headers["allow"] = "GET, HEAD"
    return refused


def _refusal(title: str, message: str, status: int) -> flask.Response:
    return flask.make_response(_rendered("refused.html", page=None, title=title, message=message), status)


def _rendered(template: str, **values: object) -> str:
    """Return a page as HTML. ``root`` is the path of the server, which may be mounted below another one."""
    root = flask.request.script_root
    return flask.render_template(
        template, pages=PAGES, root=root, prefix=root + PREFIX, version=__version__, **values
    )


def _close_to_others(response: flask.Response) -> flask.Response:
    """Set the headers of every answer: nothing but the server's own scripts and styles, and no other site."""
    for name, value in _HEADERS.items():
        response.headers[name] = value
    response.vary.update(("Accept", "Origin"))
    return response
