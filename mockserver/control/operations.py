"""The table of the control API's operations. Their documentation is in ``operations.toml``."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from mockserver.control import (
    faults,
    journal,
    limits,
    metrics,
    models,
    openapi,
    server,
    settings,
    snapshot,
    stubs,
)
from mockserver.control.operation import ControlOperation as Row

if TYPE_CHECKING:
    from mockserver.control.operation import Call, ControlContext


@cache
def _description() -> dict[str, Any]:
    return openapi.describe(OPERATIONS)


def _openapi(_: ControlContext, __: Call) -> dict[str, Any]:
    return _description()


OPERATIONS = (
    Row("GET", "/_mock/health", server.health, by_account=False, is_open=True),
    Row("GET", "/_mock/openapi.json", _openapi, by_account=False),
    Row("GET", "/_mock/metrics", metrics.show, by_account=False),
    Row("POST", "/_mock/shutdown", server.shut_down, status=202, by_account=False),
    Row("GET", "/_mock/models", models.show_all),
    Row("POST", "/_mock/models", models.add, "model", status=201),
    Row("DELETE", "/_mock/models", models.remove_all),
    Row("GET", "/_mock/models/<path:name>", models.show),
    Row("DELETE", "/_mock/models/<path:name>", models.remove),
    Row("GET", "/_mock/settings", settings.show),
    Row("PATCH", "/_mock/settings", settings.change, "settings"),
    Row("DELETE", "/_mock/settings", settings.reset),
    Row("GET", "/_mock/limits", limits.show_limits, query=("model",)),
    Row("PUT", "/_mock/limits", limits.change_limits, "limits"),
    Row("DELETE", "/_mock/limits", limits.reset_limits),
    Row("GET", "/_mock/costs", limits.show_costs),
    Row("DELETE", "/_mock/costs", limits.reset_costs),
    Row("GET", "/_mock/clock", server.show_clock, by_account=False),
    Row("PUT", "/_mock/clock", server.change_clock, "clock", by_account=False),
    Row("POST", "/_mock/reset", snapshot.reset, "reset", body_is_optional=True),
    Row("GET", "/_mock/snapshot", snapshot.take),
    Row(
        "PUT",
        "/_mock/snapshot",
        snapshot.restore,
        "snapshot",
        size_setting="max_snapshot_bytes",
        max_depth=snapshot.MAX_DEPTH,
        one_at_a_time=True,
    ),
    Row("GET", "/_mock/stubs", stubs.show_all),
    Row("POST", "/_mock/stubs", stubs.add, "stub", size_setting="max_stub_bytes", status=201),
    Row("DELETE", "/_mock/stubs", stubs.remove_all),
    Row("GET", "/_mock/stubs/<path:id>", stubs.show),
    Row("PUT", "/_mock/stubs/<path:id>", stubs.replace, "stub", size_setting="max_stub_bytes"),
    Row("DELETE", "/_mock/stubs/<path:id>", stubs.remove),
    Row("GET", "/_mock/scenarios", stubs.show_scenarios),
    Row("PUT", "/_mock/scenarios/<name>", stubs.set_scenario, "scenario"),
    Row("GET", "/_mock/faults", faults.show_all),
    Row("POST", "/_mock/faults", faults.add, "fault", status=201),
    Row("DELETE", "/_mock/faults", faults.remove_all),
    Row("GET", "/_mock/faults/<path:id>", faults.show),
    Row("PUT", "/_mock/faults/<path:id>", faults.replace, "fault"),
    Row("DELETE", "/_mock/faults/<path:id>", faults.remove),
    Row("GET", "/_mock/journal", journal.show_all, query=journal.QUERY),
    Row("DELETE", "/_mock/journal", journal.remove_all),
    Row("POST", "/_mock/journal/query", journal.query, "journal_query", body_is_optional=True),
    Row("POST", "/_mock/journal/count", journal.count, "journal_count", body_is_optional=True),
    Row("GET", "/_mock/journal/<id>", journal.show),
    Row("GET", "/_mock/journal/<id>/audio/<int:number>", journal.download_audio),
    Row("POST", "/_mock/verify", journal.verify, "verify", body_is_optional=True),
    Row("POST", "/_mock/wait", journal.wait, "wait", body_is_optional=True),
)
