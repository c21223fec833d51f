"""The commands ``mockserver limits`` and ``mockserver limits watch``."""

from __future__ import annotations

import contextlib
import re
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mockserver.catalog.limit_kinds import KINDS, QUEUE_KINDS
from mockserver.commands.consoles import table_console
from mockserver.commands.failures import fail
from mockserver.control_client import ControlClient, ControlFailed
from mockserver.limits.headers import go_duration
from mockserver.settings.loading import catalog_of
from mockserver.wording import shown

if TYPE_CHECKING:
    from mockserver.catalog.records import TierLimits
    from mockserver.catalog.tables import Catalog
    from mockserver.settings.model import LimitRow, Settings

_INTERVAL = 0.5  # seconds between updates
_TIMEOUT = 5.0  # seconds for an answer of the control API
_BAR_WIDTH = 24  # characters


def show_limits(settings: Settings, tier: str | None, name: str | None) -> None:
    """Print the limits of all limit groups and tiers, or of one ``tier`` or the model ``name``, and their changes."""
    catalog = catalog_of(settings)
    console = table_console()
    tables: list[TierLimits] = []
    observed: list[TierLimits] = []
    unknown = []
    groups = _groups(catalog, name)
    changed = [row for row in settings.limit_rows if row.group in groups and tier in (None, row.tier or tier)]
    for group in groups:
        rows = [row for each in catalog.tiers if (row := catalog.tier_limits(group, each))]
        seen = [row for each in catalog.tiers if (row := catalog.observed_limits(group, each))]
        observed += [row for row in seen if tier in (None, row.tier) and row not in rows]
        tables += [row for row in rows if tier in (None, row.tier)]
        if not rows and not any(row.group == group for row in changed):
            unknown.append(group)
    if tables:
        console.print(_limits(tables))
    if observed:
        console.print('Observed in responses, contrary to the table. They apply with limits = "observed":')
        console.print(_limits(observed))
    if changed:
        console.print("Changed by the configuration:")
        console.print(_changes(changed))
    if settings.limits:
        console.print(f"Changed by the setting `limits`, for every group: {settings.limits}", markup=False)
    if unknown:
        console.print(f"No limits are known or enforced for {', '.join(unknown)}.")


def _groups(catalog: Catalog, name: str | None) -> list[str]:
    """Return the limit groups in the order of the catalog, or only that of the model or group ``name``."""
    groups = list(dict.fromkeys(model.limit_group for model in catalog.models_of(None)))
    if name is None:
        return groups
    model = catalog.model(name)
    if model is None and name not in groups:
        fail(f"unknown model {shown(name)}. `mockserver models` lists them.")
    return [model.limit_group if model else name]


def _limits(rows: list[TierLimits]) -> Table:
    kinds = [kind for kind in (*KINDS, *QUEUE_KINDS) if any(kind in row.kinds() for row in rows)] or [*KINDS]
    table = _table("limit group", "tier", "source", *map(_words, kinds), numbers=len(kinds))
    for row in rows:
        amounts = row.kinds()
        cells = [f"{amounts[kind]:,}" if kind in amounts else "" for kind in kinds]
        if not row.supported:
            cells[0] = "not supported"
        source = f"{row.seen}, {row.reference}" if row.seen else row.source
        table.add_row(row.group, row.tier, source, *cells)
    return table


def _changes(rows: list[LimitRow]) -> Table:
    """Return a table of the limits in the configuration; ``none`` stands for a removed limit."""
    kinds = list(dict.fromkeys(kind for row in rows for kind, _ in row.limits))
    table = _table("limit group", "tier", "observed limits", *map(_words, kinds), numbers=len(kinds))
    for row in rows:
        amounts = dict(row.limits)
        cells = [_amount(amounts[kind]) if kind in amounts else "" for kind in kinds]
        table.add_row(row.group, row.tier or "every tier", "yes" if row.observed else "", *cells)
    return table


def _amount(amount: int | None) -> str:
    return "none" if amount is None else f"{amount:,}"


def watch_limits(url: str, *, token: str = "", once: bool) -> None:
    """Show the buckets and costs of the server at ``url`` until interrupted, or ``once``.

    ``token`` is the server's setting ``control_token``.
    """
    console = Console()
    try:
        server = ControlClient(url, token=token)
    except ControlFailed as error:
        fail(f"--url: {error}")
    if once:
        console.print(_frame(server))
        return
    with contextlib.suppress(KeyboardInterrupt), Live(console=console, auto_refresh=False) as live:
        while True:
            live.update(_frame(server), refresh=True)
            time.sleep(_INTERVAL)


def _frame(server: ControlClient) -> Group:
    try:
        limits, costs = (
            server.call("GET", f"/_mock/{each}", timeout=_TIMEOUT) for each in ("limits", "costs")
        )
    except ControlFailed as error:
        fail(error)
    try:
        return Group(
            _clock(limits["clock"]), _gauges(limits["accounts"]), _costs(costs["rows"]), _total(costs)
        )
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError, OSError):
        fail(
            f"{server.url}: the server there is not an audio-mockserver of this version. Name one with --url."
        )


def _clock(clock: dict[str, Any]) -> Text:
    shown = datetime.fromtimestamp(clock["now"], UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    pace = "frozen" if clock["frozen"] else f"{clock['scale']:g} times real time"
    return Text(f"{shown}, {pace}")


def _gauges(accounts: list[dict[str, Any]]) -> Table:
    table = _table("account", "tier", "limit group", "kind", "", "used", "of", "left", "full in", numbers=4)
    for account in accounts:
        for group in account["groups"]:
            for gauge in group["limits"]:
                table.add_row(
                    Text(account["account"]),
                    account["tier"],
                    group["group"],
                    _words(gauge["kind"]),
                    _bar(gauge["used"], gauge["limit"]),
                    *(f"{gauge[name]:,}" for name in ("used", "limit", "remaining")),
                    go_duration(gauge["reset_ms"]),
                )
    return table


def _bar(used: int, limit: int) -> ProgressBar:
    colour = "green" if used < 0.7 * limit else "yellow" if used < limit else "red"
    return ProgressBar(limit, used, _BAR_WIDTH, complete_style=colour, finished_style=colour)


def _costs(rows: list[dict[str, Any]]) -> Table:
    table = _table("account", "model", "requests", "tokens", "seconds", "cost", numbers=4)
    for row in rows:
        counts = [f"{row[name]:,}" for name in ("requests", "tokens", "seconds")]
        account = Text(row["account"] or row["project"])
        table.add_row(account, row["model"], *counts, _usd(row["cost_usd"]))
    return table


def _total(costs: dict[str, Any]) -> Text:
    unknown = costs["requests_of_unknown_cost"]
    return Text(f"cost so far: {_usd(costs['total_usd'])}; requests of unknown cost: {unknown}")


def _usd(cost: float | None) -> str:
    return "unknown" if cost is None else f"${cost:.6f}"


def _table(*headers: str, numbers: int) -> Table:
    """Return a table with ``headers``. The last ``numbers`` columns are numeric: right-aligned and never folded."""
    table = Table(box=box.SIMPLE_HEAD)
    first = len(headers) - numbers
    words, figures = headers[:first], headers[first:]
    for header in words:
        table.add_column(header, no_wrap=header == "tier", overflow="fold")
    for header in figures:
        table.add_column(re.sub(" (per|tokens)", r"\n\1", header), justify="right", no_wrap=True)
    return table


def _words(kind: str) -> str:
    return kind.replace("_", " ")
