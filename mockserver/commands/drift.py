"""The command ``mockserver drift``: reports the differences between the installed SDK and this server."""

from __future__ import annotations

import json
import sys
from itertools import groupby
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from mockserver.catalog.tables import Catalog
from mockserver.commands.failures import exit_with_message
from mockserver.drift.comparison import NoSdk, compare, sdk_version
from mockserver.drift.findings import read_accepted, without_accepted
from mockserver.resources import data_folder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mockserver.drift.findings import Finding

_ACCEPTED = "accepted_drift.toml"
_NO_SDK = 2  # exit status


@exit_with_message()
def run(*, as_json: bool, everything: bool) -> None:
    """Print the differences that are not accepted, or ``everything``. Exit with status 1 if there are any."""
    catalog = Catalog()
    try:
        version = sdk_version()
        found = compare(catalog, data_folder("schemas"))
    except NoSdk as error:
        sys.stderr.write(f"mockserver: {error}\n")
        sys.exit(_NO_SDK)
    left = without_accepted(found, () if everything else read_accepted(catalog.folder / _ACCEPTED))
    if as_json:
        _print_json(version, left, len(found))
    else:
        _print_table(version, left, len(found))
    if left:
        sys.exit(1)


def _print_json(version: str, left: Sequence[Finding], found: int) -> None:
    findings = [{"kind": each.kind, "where": each.where, "message": each.message} for each in left]
    document = {"sdk": version, "differences": found, "findings": findings}
    sys.stdout.write(json.dumps(document, indent=2) + "\n")


def _print_table(version: str, left: Sequence[Finding], found: int) -> None:
    console = Console(highlight=False)
    for kind, findings in groupby(left, key=lambda finding: finding.kind):
        table = Table("where", "what", title=kind.replace("_", " "), title_justify="left")
        for column in table.columns:
            column.overflow = "fold"
        for finding in findings:
            table.add_row(finding.where, finding.message)
        console.print(table, markup=False)
    console.print(f"Compared with openai {version}: {found} differences, {len(left)} of them not accepted.")
