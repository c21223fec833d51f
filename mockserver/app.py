"""Composes the parts of the server into a WSGI application, which any WSGI server can host."""

from __future__ import annotations

import os
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from mockserver.accounts.accounts import Accounts
from mockserver.accounts.settings import AccountSettings
from mockserver.building.engines import (
    fixtures_of,
    responders_of,
    speaker_of,
    url_sources_of,
    watch_stubs,
    whisper_of,
)
from mockserver.building.state import journal_of, next_number, replicas_of, server_state_of
from mockserver.catalog.paths import VERSION
from mockserver.clock import Clock
from mockserver.control import probes
from mockserver.control.contexts import ServerContext
from mockserver.control.resources import health
from mockserver.dashboard.pages import is_for_dashboard
from mockserver.engines.answers import AnswerChain
from mockserver.engines.excerpts.known import KnownSpeech
from mockserver.engines.fixtures import FixtureTranscriber
from mockserver.engines.spoken import SpokenMemory
from mockserver.errors import ErrorTable
from mockserver.ids import Ids
from mockserver.installation import origin_of
from mockserver.journal.metrics import Metrics
from mockserver.limits.costs import Ledger
from mockserver.limits.limiter import Limiter
from mockserver.logs import Notices
from mockserver.pipeline.adapters.fixed_paths import FixedPaths, LateApp
from mockserver.pipeline.adapters.wsgi_adapter import Failures
from mockserver.pipeline.operation import EndpointNames
from mockserver.pipeline.pipeline import Pipeline, PipelineParts
from mockserver.pipeline.request_body import RequestBodies
from mockserver.providers.aimlapi.provider import OPERATIONS as AIMLAPI_OPERATIONS
from mockserver.providers.aimlapi.provider import AimlApi
from mockserver.providers.azure.paths import with_one_slash
from mockserver.providers.azure.provider import OPERATIONS as AZURE_OPERATIONS
from mockserver.providers.azure.provider import Azure
from mockserver.providers.openai.provider import OpenAi
from mockserver.providers.openai.routes import OPERATIONS as OPENAI_OPERATIONS
from mockserver.providers.openai.routes import REALTIME_TURNS
from mockserver.resources import data_folder
from mockserver.scripting.faults.registry import Faults
from mockserver.scripting.stubs.stubs import Stubs
from mockserver.services import Services
from mockserver.settings.loading import catalog_of, load_settings
from mockserver.state.files import Files
from mockserver.state.held_leases import HeldLeases
from mockserver.state.opening import open_state
from mockserver.state.shared import open_shared
from mockserver.state.snapshots import StoreSnapshots
from mockserver.state.value_rules import ValueRules
from mockserver.telephone import Telephone
from mockserver.transport.answer_memory import AnswerMemory
from mockserver.transport.connection import HEADERS
from mockserver.transport.reasons import with_reasons
from mockserver.validation.schemas import RequestSchemas, Schemas
from mockserver.webhooks.webhooks import Webhooks

if TYPE_CHECKING:
    from collections.abc import Iterable

    import flask
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from mockserver.catalog.tables import Catalog
    from mockserver.pipeline.provider import Context
    from mockserver.pipeline.request import Request
    from mockserver.pipeline.responses import Reply
    from mockserver.settings.model import Settings
    from mockserver.telemetry.setup import Telemetry


OPERATIONS = (*OPENAI_OPERATIONS, *AIMLAPI_OPERATIONS, *AZURE_OPERATIONS)
ENDPOINTS = EndpointNames((*OPERATIONS, *REALTIME_TURNS))

_CONTROL = "/_mock"
_WRITE_DATES = ("gunicorn",)  # servers that always write a Date header


def create_app(settings: Settings | None = None) -> flask.Flask:
    """Return the server as a Flask app, which any WSGI server can host; WSGI middleware can be put around it.

    Without ``settings``, ``mockserver.toml`` and the environment are read. Raises ``FixtureError``, ``StubFileError``,
    ``CatalogError``, ``EngineFailed`` and ``StateFolderError`` if something that the settings name cannot be used.
    """
    import flask

    services = build_services(settings or load_settings(environ=os.environ))
    app = flask.Flask("mockserver", static_folder=None)
    app.extensions["mockserver"] = services
    app.wsgi_app = _behind_middleware(create_wsgi_app(services))  # type: ignore[assignment, method-assign]
    return app


def create_wsgi_app(services: Services) -> WSGIApplication:
    """Return the server as a WSGI application, which imports Flask at the first request that needs it.

    Raises ``ModuleNotFoundError`` if Flask is not installed.
    """
    for module in ("flask", "werkzeug"):
        if origin_of(module) is None:
            raise ModuleNotFoundError(f"No module named {module!r}", name=module)
    fill = partial(context_of, services)
    bodies = RequestBodies(services.settings, services.request_schemas, services.blobs, services.url_sources)
    parts = fill(PipelineParts, bodies=bodies)
    openai = OpenAi(fill)
    services.providers.extend([Azure(fill, openai), AimlApi(fill), openai])
    pipelines = [Pipeline(provider, parts) for provider in services.providers]
    answers = [
        (route.operation, partial(pipeline.reply, route))
        for pipeline, provider in zip(pipelines, services.providers, strict=True)
        for route in provider.routes
    ]
    failures = Failures(services.errors, services.ids, services.journal, services.tracing)

    def unserved(request: Request, served: Iterable[str]) -> Reply:
        for pipeline, provider in zip(pipelines, services.providers, strict=True):
            route = provider.unserved_route(request, served)
            if route is not None:
                return pipeline.reply(route, request, {})
        raise AssertionError("the last provider, OpenAI's, refuses every path")

    def by_flask() -> WSGIApplication:
        from mockserver.pipeline.adapters.flask_adapter import routing_app

        return with_reasons(routing_app(answers, unserved, failures))

    fixed = {(each.method, each.path): answer for each, answer in answers if "<" not in each.path}
    answering = FixedPaths(LateApp(by_flask, failures), fixed, failures)
    mounted = _also_below_version(with_one_slash(_beside_control(answering, services, failures)))
    app = _dated(probes.beside(mounted, fill(ServerContext)), services.clock)
    # Last, because it resumes the batches of an earlier server, whose lines call the complete app, and its webhooks.
    openai.bind(app)
    services.webhooks.resume()
    return app


def context_of(services: Services, context: type[Context], **own: Any) -> Context:
    """Return a context with ``own`` fields; the others are the services of the same names."""
    names = [name for name in context.__match_args__ if name not in own]  # type: ignore[attr-defined]
    return context(**own, **{name: getattr(services, name) for name in names})


def _beside_control(wsgi_app: WSGIApplication, services: Services, failures: Failures) -> WSGIApplication:
    """Return an app that serves the control API below ``/_mock``, its dashboard, and ``wsgi_app`` elsewhere."""
    fill = partial(context_of, services)

    def control_by_flask() -> WSGIApplication:
        from mockserver.control.app import create_control_app

        return with_reasons(create_control_app(fill))

    def dashboard_by_flask() -> WSGIApplication:
        from mockserver.dashboard.app import create_dashboard_app

        return with_reasons(create_dashboard_app(services.settings))

    control, dashboard = LateApp(control_by_flask, failures), LateApp(dashboard_by_flask, failures)
    healthy = {("GET", f"{_CONTROL}/health"): partial(health.reply, fill(ServerContext))}
    without_query = FixedPaths(control, healthy, failures)

    def parted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if is_for_dashboard(environ):
            return dashboard(environ, start_response)
        if path == _CONTROL or path.startswith(_CONTROL + "/"):
            called = control if environ.get("QUERY_STRING") else without_query
            return called(environ, start_response)
        return wsgi_app(environ, start_response)

    return parted


def _also_below_version(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Return an app that serves the same paths at the root and below ``/v1``: base URLs with and without it work."""

    def mounted(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path.startswith(VERSION + "/"):
            environ["SCRIPT_NAME"] = environ.get("SCRIPT_NAME", "") + VERSION
            environ["PATH_INFO"] = path[len(VERSION) :]
        return wsgi_app(environ, start_response)

    return mounted


def _dated(wsgi_app: WSGIApplication, clock: Clock) -> WSGIApplication:
    """Return the app with a ``Date`` header of the server's clock if that differs from the real time."""

    def answered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        def start(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            if not clock.is_real and not any(name.lower() == "date" for name, _ in headers):
                headers = [*headers, ("date", clock.http_date())]
            return start_response(status, headers, *rest)

        writes_a_date = environ.get("SERVER_SOFTWARE", "").startswith(_WRITE_DATES)
        return wsgi_app(environ, start_response if writes_a_date else start)

    return answered


def _behind_middleware(wsgi_app: WSGIApplication) -> WSGIApplication:
    """Return the app for use behind middleware: only the headers in the environ count, not our server's copy."""

    def answered(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        environ.pop(HEADERS, None)
        return wsgi_app(environ, start_response)

    return answered


def services_of(app: flask.Flask) -> Services:
    """Return the services of an app that ``create_app`` made."""
    services: Services = app.extensions["mockserver"]
    return services


def build_services(settings: Settings) -> Services:
    """Return the services of a server. Its engines are started by ``Services.start``."""
    catalog, errors = catalog_of(settings), ErrorTable()
    check_tables(catalog, errors)
    clock = Clock(scale=settings.time_scale, frozen_at=settings.frozen_time or None)
    schemas = Schemas(data_folder("schemas"))
    fixtures = FixtureTranscriber(fixtures_of(settings, catalog, schemas))
    closing = threading.Event()
    whisper = whisper_of(settings)  # before a store is created that it cannot use
    shared = open_shared(settings.store)
    spoken = SpokenMemory(settings.remember_speech, shared.open_log if shared.changes else None)
    leases = HeldLeases(shared.leases, is_alone=shared.changes is None)
    ids = Ids(
        settings.seed, partial(shared.counters.change, "ids", "", next_number) if shared.changes else None
    )
    stubs = Stubs(ENDPOINTS, ENDPOINTS.reply_kinds, errors.check_name, shared.counters)
    faults = Faults(clock, settings.seed, errors, ENDPOINTS, shared.counters)
    account_settings = AccountSettings(settings)
    limiter = Limiter(catalog, clock, settings, shared.buckets, shared.counters)
    ledger, journal = Ledger(shared.counters), journal_of(settings, clock, shared, ENDPOINTS)
    rules = ValueRules(schemas)
    store, blobs = open_state(settings.state, rules, store=settings.store, shared=shared)
    server_state = server_state_of(
        clock,
        settings=account_settings,
        models=catalog.own_models,
        limits=limiter,
        costs=ledger,
        store=StoreSnapshots(store, blobs, rules),
        stubs=stubs,
        faults=faults,
        journal=journal,
    )
    return Services(
        settings=settings,
        catalog=catalog,
        schemas=schemas,
        request_schemas=RequestSchemas(schemas, Schemas(data_folder("schemas"), real=True)),
        errors=errors,
        accounts=Accounts(settings, shared.counters if shared.changes else None),
        ids=ids,
        clock=clock,
        limiter=limiter,
        shared=shared,
        leases=leases,
        replicas=replicas_of(shared, server_state.definitions),
        server_state=server_state,
        ledger=ledger,
        store=store,
        blobs=blobs,
        files=Files(store, blobs, clock, ids),
        fixtures=fixtures,
        spoken=spoken,
        known_speech=KnownSpeech(fixtures, spoken),
        whisper=whisper,
        transcribers=AnswerChain(known=(fixtures, spoken), engine=whisper),
        speaker=speaker_of(settings),
        responders=responders_of(settings),
        account_settings=account_settings,
        stubs=stubs,
        stub_watcher=watch_stubs(settings, schemas, stubs, closing),
        closing=closing,
        faults=faults,
        journal=journal,
        metrics=Metrics(lambda: (model.id for model in catalog.every_model)),
        notices=Notices(),
        webhooks=Webhooks(settings, store, clock, ids, closing, leases),
        telephone=Telephone(clock, ids),
        url_sources=url_sources_of(settings, fixtures),
        answer_memory=AnswerMemory(settings.max_answer_memory),
        telemetry=_telemetry(settings),
    )


def _telemetry(settings: Settings) -> Telemetry | None:
    if not settings.otel:
        return None
    from mockserver.telemetry.setup import telemetry

    return telemetry(content=settings.otel_content)


def check_tables(catalog: Catalog, errors: ErrorTable) -> None:
    """Read the tables that every request needs. Raises ``CatalogError``."""
    _ = catalog.models, errors.rows
