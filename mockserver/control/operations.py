"""The table of the control API's operations. Their documentation is in ``operations.toml``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from mockserver.control import openapi
from mockserver.control.contexts import (
    CallsContext,
    ExchangesContext,
    FaultsContext,
    JournalContext,
    LimitsContext,
    MetricsContext,
    ModelsContext,
    ServerContext,
    SettingsContext,
    SnapshotContext,
    StubsContext,
    WebhooksContext,
    WorkContext,
)
from mockserver.control.journal import audio as journal_audio
from mockserver.control.journal import entries as journal
from mockserver.control.journal import events as journal_events
from mockserver.control.journal import exchanges
from mockserver.control.journal import queries as journal_queries
from mockserver.control.operation import ControlOperation as Row
from mockserver.control.resources import (
    calls,
    faults,
    guides,
    health,
    limits,
    metrics,
    models,
    server,
    settings,
    snapshot,
    stubs,
    webhooks,
    work,
)

if TYPE_CHECKING:
    from mockserver.control.operation import Call


@cache
def _description() -> dict[str, Any]:
    return openapi.describe(OPERATIONS)


def _openapi(_: ServerContext, __: Call) -> dict[str, Any]:
    return _description()


OPERATIONS = (
    Row("GET", "/_mock/health", health.show, ServerContext, by_account=False, is_open=True),
    Row("GET", "/_mock/openapi.json", _openapi, ServerContext, by_account=False),
    Row("GET", "/_mock/llms.txt", guides.show_index, ServerContext, by_account=False),
    Row("GET", "/_mock/docs/<name>", guides.show, ServerContext, by_account=False),
    Row("GET", "/_mock/metrics", metrics.show, MetricsContext, by_account=False),
    Row("POST", "/_mock/shutdown", server.shut_down, ServerContext, status=202, by_account=False),
    Row("GET", "/_mock/models", models.show_all, ModelsContext),
    Row("POST", "/_mock/models", models.add, ModelsContext, "model", status=201),
    Row("DELETE", "/_mock/models", models.remove_all, ModelsContext),
    Row("GET", "/_mock/models/<path:name>", models.show, ModelsContext),
    Row("DELETE", "/_mock/models/<path:name>", models.remove, ModelsContext),
    Row("GET", "/_mock/catalog", models.show_catalog, ModelsContext),
    Row("GET", "/_mock/settings", settings.show, SettingsContext),
    Row("PATCH", "/_mock/settings", settings.change, SettingsContext, "settings"),
    Row("DELETE", "/_mock/settings", settings.reset, SettingsContext),
    Row("GET", "/_mock/limits", limits.show_limits, LimitsContext, query=("model",)),
    Row("PUT", "/_mock/limits", limits.change_limits, LimitsContext, "limits"),
    Row("DELETE", "/_mock/limits", limits.reset_limits, LimitsContext),
    Row("GET", "/_mock/costs", limits.show_costs, LimitsContext),
    Row("DELETE", "/_mock/costs", limits.reset_costs, LimitsContext),
    Row("GET", "/_mock/clock", server.show_clock, ServerContext, by_account=False),
    Row("PUT", "/_mock/clock", server.change_clock, ServerContext, "clock", by_account=False),
    Row("POST", "/_mock/reset", snapshot.reset, SnapshotContext, "reset", body_is_optional=True),
    Row("GET", "/_mock/snapshot", snapshot.take, SnapshotContext),
    Row(
        "PUT",
        "/_mock/snapshot",
        snapshot.restore,
        SnapshotContext,
        "snapshot",
        size_setting="max_snapshot_bytes",
        max_depth=snapshot.MAX_DEPTH,
        one_at_a_time=True,
    ),
    Row("GET", "/_mock/stubs", stubs.show_all, StubsContext),
    Row("POST", "/_mock/stubs", stubs.add, StubsContext, "stub", size_setting="max_stub_bytes", status=201),
    Row("DELETE", "/_mock/stubs", stubs.remove_all, StubsContext),
    Row("GET", "/_mock/stubs/<path:id>", stubs.show, StubsContext),
    Row("PUT", "/_mock/stubs/<path:id>", stubs.replace, StubsContext, "stub", size_setting="max_stub_bytes"),
    Row("PATCH", "/_mock/stubs/<path:id>", stubs.switch, StubsContext, "switch"),
    Row("DELETE", "/_mock/stubs/<path:id>", stubs.remove, StubsContext),
    Row("GET", "/_mock/scenarios", stubs.show_scenarios, StubsContext),
    Row("PUT", "/_mock/scenarios/<name>", stubs.set_scenario, StubsContext, "scenario"),
    Row("GET", "/_mock/faults", faults.show_all, FaultsContext),
    Row("POST", "/_mock/faults", faults.add, FaultsContext, "fault", status=201),
    Row("DELETE", "/_mock/faults", faults.remove_all, FaultsContext),
    Row("GET", "/_mock/faults/<path:id>", faults.show, FaultsContext),
    Row("PUT", "/_mock/faults/<path:id>", faults.replace, FaultsContext, "fault"),
    Row("PATCH", "/_mock/faults/<path:id>", faults.switch, FaultsContext, "switch"),
    Row("DELETE", "/_mock/faults/<path:id>", faults.remove, FaultsContext),
    Row("GET", "/_mock/journal", journal.show_all, JournalContext, query=journal_queries.ENTRIES),
    Row("GET", "/_mock/journal/events", journal_events.stream, JournalContext, query=journal_queries.EVENTS),
    Row("DELETE", "/_mock/journal", journal.remove_all, JournalContext),
    Row(
        "POST", "/_mock/journal/query", journal.query, JournalContext, "journal_query", body_is_optional=True
    ),
    Row(
        "POST", "/_mock/journal/count", journal.count, JournalContext, "journal_count", body_is_optional=True
    ),
    Row("GET", "/_mock/journal/report", journal.report, JournalContext),
    Row("GET", "/_mock/journal/<id>", journal.show, JournalContext),
    Row("GET", "/_mock/journal/<id>/code", exchanges.show_code, ExchangesContext),
    Row("GET", "/_mock/journal/<id>/near-misses", exchanges.show_near_misses, ExchangesContext),
    Row("GET", "/_mock/journal/<id>/audio/<int:number>", journal_audio.sent, JournalContext),
    Row("GET", "/_mock/journal/<id>/said/<int:number>", journal_audio.said, JournalContext),
    Row("POST", "/_mock/verify", journal.verify, JournalContext, "verify", body_is_optional=True),
    Row("POST", "/_mock/wait", journal.wait, JournalContext, "wait", body_is_optional=True),
    Row("GET", "/_mock/webhooks", webhooks.show_all, WebhooksContext),
    Row("POST", "/_mock/webhooks", webhooks.add, WebhooksContext, "webhook", status=201),
    Row("DELETE", "/_mock/webhooks", webhooks.remove_all, WebhooksContext),
    Row("POST", "/_mock/webhooks/send", webhooks.send, WebhooksContext, "webhook_event", status=202),
    Row("GET", "/_mock/webhooks/deliveries", webhooks.show_deliveries, WebhooksContext, query=webhooks.QUERY),
    Row("GET", "/_mock/webhooks/deliveries/<id>", webhooks.show_delivery, WebhooksContext),
    Row("POST", "/_mock/webhooks/deliveries/<id>/redeliver", webhooks.redeliver, WebhooksContext, status=202),
    Row(
        "POST", "/_mock/webhooks/wait", webhooks.wait, WebhooksContext, "webhook_wait", body_is_optional=True
    ),
    Row("POST", "/_mock/webhooks/faults", webhooks.add_fault, WebhooksContext, "webhook_fault", status=201),
    Row("DELETE", "/_mock/webhooks/faults", webhooks.remove_faults, WebhooksContext),
    Row("GET", "/_mock/webhooks/<id>", webhooks.show, WebhooksContext),
    Row("DELETE", "/_mock/webhooks/<id>", webhooks.remove, WebhooksContext),
    Row("GET", "/_mock/work", work.show_all, WorkContext, query=work.QUERY),
    Row("GET", "/_mock/calls", calls.show_all, CallsContext),
    Row("POST", "/_mock/calls", calls.ring, CallsContext, "telephone_call", status=201),
    Row("DELETE", "/_mock/calls", calls.remove_all, CallsContext),
    Row("GET", "/_mock/calls/<id>", calls.show, CallsContext),
    Row(
        "POST",
        "/_mock/calls/<id>/say",
        calls.say,
        CallsContext,
        "telephone_speech",
        size_setting="max_stub_bytes",
    ),
    Row("POST", "/_mock/calls/<id>/press", calls.press, CallsContext, "telephone_keys"),
    Row("POST", "/_mock/calls/<id>/hangup", calls.hang_up, CallsContext),
    Row("GET", "/_mock/calls/<id>/audio", calls.download_heard, CallsContext),
)
