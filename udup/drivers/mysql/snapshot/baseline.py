"""The start of a full copy: a snapshot, and the definitions that hold in it.

The dictionary is not part of a snapshot. A table changed or made after the snapshot was opened refuses to be read
(error 1412), but a dropped table, a view or a routine would be missed: the copy would not have it and the binary
log's DDL would meet something else on the target. So the catalog is read before and after the opening, and only
equal readings count.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.asking import Asking, asked
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, failure, query
from udup.drivers.mysql.dictionary.catalog import Catalog
from udup.drivers.mysql.dictionary.engines import is_transactional
from udup.drivers.mysql.snapshot.accounts import read_accounts
from udup.drivers.mysql.snapshot.locked_tables import LockedTables, SpoolIsFullError
from udup.drivers.mysql.snapshot.places import Places
from udup.drivers.mysql.snapshot.reader import CHANGED, ReadBlocks, blocks
from udup.drivers.mysql.snapshot.schema import read_catalog, same_definitions
from udup.drivers.mysql.snapshot.snapshot import Snapshot, open_snapshot
from udup.pipeline.selection.selection import Selection
from udup.pipeline.waits import Waits

#: Tries to open the snapshot between two DDL statements.
TRIES = 5


@dataclass(frozen=True)
class Baseline:
    """`snapshot` has one connection more than there are readers, for the planner of the chunks.

    `locked` are the tables without transactions; those that are small are read already.
    """

    snapshot: Snapshot
    catalog: Catalog
    locked: LockedTables

    def close(self) -> None:
        """End the snapshot and the locks, from any thread."""
        _close(self.snapshot, self.locked)


def open_baseline(
    endpoint: Endpoint,
    readers: int,
    selection: Selection,
    kept_users: frozenset[str] | None = None,
    chunk_rows: int | None = None,
    waits: Waits | None = None,
    read: ReadBlocks = blocks,
    holder: str = "",
    number: int = 0,
    asking: Asking | None = None,
) -> Baseline:
    """Return snapshot and catalog that belong together; with the accounts but those of `kept_users`, if it is given.

    `read` reads the tables without transactions. What a run of before holds in the name of `holder` is ended,
    if its `number` is not higher than this one's.

    Raise `Superseded` for a later run's, what `open_snapshot` and `read_catalog` raise, and `Transient` if DDL never
    pauses.
    """
    places = Places(holder, number)
    with asked(endpoint, asking) as connection:
        try:
            places.clear(connection)
            before = _read(connection, selection, kept_users)
            large: set[str] = set()
            for _ in range(TRIES):
                locked = LockedTables(endpoint, before.tables, chunk_rows, large, read, places)
                if locked.tables:
                    # Somebody's FLUSH TABLES may wait for these locks, and this connection behind it.
                    query(connection, patience.SESSION)
                snapshot = None
                try:
                    snapshot = _opened(endpoint, readers, before, locked, waits, places)
                    after = _read(connection, selection, kept_users)
                    if snapshot and same_definitions(before, after) and before.accounts == after.accounts:
                        return Baseline(snapshot, after, locked)
                except BaseException:
                    _close(snapshot, locked)
                    raise
                _close(snapshot, locked)
                before = after
        except MySQLError as error:
            raise failure(error, f"reading the definitions on {endpoint}", Transient) from error
    raise Transient(f"definitions on {endpoint} changed during each of {TRIES} snapshots: wait for the DDL to end")


def _opened(
    endpoint: Endpoint, readers: int, catalog: Catalog, locked: LockedTables, waits: Waits | None, places: Places
) -> Snapshot | None:
    """Return the snapshot, with small tables read; None if it has to be opened again.

    A table has changed since its definition was read, or small ones were found to be large.
    """
    try:
        names = [(each.schema, each.name) for each in catalog.tables if is_transactional(each.engine)]
        snapshot = open_snapshot(endpoint, readers + 1, tables=locked, waits=waits, job_tables=names, places=places)
    except UdupError as error:
        if isinstance(error.__cause__, MySQLError) and error_code(error.__cause__) in CHANGED:
            return None
        raise
    try:
        locked.spool()
        return snapshot
    except BaseException as error:
        snapshot.close()
        if isinstance(error, SpoolIsFullError):
            return None
        if isinstance(error, MySQLError) and error_code(error) in CHANGED:
            return None
        raise


def _close(snapshot: Snapshot | None, locked: LockedTables) -> None:
    if snapshot is not None:
        snapshot.close()
    locked.close()


def _read(connection: Connection, selection: Selection, kept_users: frozenset[str] | None) -> Catalog:
    catalog = read_catalog(connection, selection)
    return catalog if kept_users is None else replace(catalog, accounts=read_accounts(connection, kept_users))
