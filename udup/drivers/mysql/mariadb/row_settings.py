"""Global settings of a MariaDB target by which BINLOG applies rows otherwise than they came.

MySQL has the first in a session (`rbr_exec_mode`), and the second not at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from udup.base.errors import Fault, Refused
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.client.facts import read_global
from udup.pipeline.checks import DEST, Finding, failed

#: What each has to be, and what another value does.
_WANTED = {
    "slave_exec_mode": (
        "STRICT",
        "BINLOG passes over rows that are not there, and over the checkpoint's, which is what keeps a transaction from"
        " being applied twice",
    ),
    "slave_run_triggers_for_rbr": (
        "NO",
        "BINLOG sets off triggers, whose changes the source's log brings too",
    ),
}


def row_settings(variables: Mapping[str, str]) -> Iterator[Finding]:
    """Yield what must be otherwise before rows may be applied; `variables` are the global ones."""
    for name, (wanted, does) in _WANTED.items():
        value = variables.get(name, wanted).upper()
        if value != wanted:
            yield failed(
                f"{name} is {value}: with it {does}",
                f"SET GLOBAL {name} = '{wanted}', and in the option file, for as long as the job runs",
            )


def check_row_settings(connection: Connection, where: str) -> None:
    """Raise `Refused` if the server has others than `row_settings` takes, now."""
    found = list(row_settings(read_global(connection, *_WANTED)))
    if found:
        raise Refused([Fault(where, each.found, each.remedy, DEST) for each in found])
