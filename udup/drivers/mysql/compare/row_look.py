"""A row of the ledger as it is on both servers now, column by column, for somebody who looks at it.

Each side is read in a transaction of its own, so a row that is changed meanwhile may be seen on one side before and on
the other after: it is a look, no comparison. Values are equal as a comparison says so, by a digest of each.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Side as ErrorSide
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.errors import NOTHING_THERE
from udup.drivers.mysql.client.seam import behind_the_seam, seam
from udup.drivers.mysql.client.sessions import SNAPSHOT
from udup.drivers.mysql.compare.ledger import TABLE
from udup.drivers.mysql.compare.side import Side
from udup.drivers.mysql.compare.tables import Compared, pair_tables, read_servers
from udup.drivers.mysql.snapshot.moment import start_all
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.pipeline.ports.rows import ColumnSeen, RowSeen
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

#: Letters and bytes of a value that are shown.
LETTERS, BYTES = 4096, 1024

_PLACE = (
    f"SELECT place FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND table_schema = %s AND table_name = %s AND row_key = %s"
    " ORDER BY repaired IS NOT NULL, last_seen DESC LIMIT 1"
)


@behind_the_seam(ErrorSide.SOURCE)
class MySQLRows:
    """Holds no connection."""

    def __init__(self, source: Endpoint, target: Endpoint, selection: Selection, job: str) -> None:
        self.endpoint = source
        self._target, self._selection, self._job = target, selection, job

    def read(self, schema: str, table: str, key: str) -> RowSeen | None:
        """Return a row of the ledger as both sides have it now, None if the ledger has no such row."""
        with ExitStack() as open_:
            with seam(ErrorSide.TARGET, self._target):
                theirs = open_.enter_context(closing(connect(self._target, SNAPSHOT)))
                place = self._place(theirs, schema, table, key)
            if place is None:
                return None
            ours = open_.enter_context(closing(connect(self.endpoint, SNAPSHOT)))
            asking = open_.enter_context(closing(connect(self.endpoint)))
            chosen = self._selection.within(Selection.of([(schema, [table])]))
            catalog = read_catalog(asking, chosen)
            with seam(ErrorSide.TARGET, self._target):
                [compared] = pair_tables(catalog, self._selection, ours, theirs, (f"{schema}.{table}",))
            if compared.problem:
                return RowSeen(problem=compared.problem)
            for connection in (ours, theirs):
                query(connection, patience.SESSION)
            start_all([ours, theirs])
            for connection in (ours, theirs):
                query(connection, "SAVEPOINT udup")
            return _seen(ours, theirs, compared, place, self._target)

    def _place(self, theirs: Connection, schema: str, table: str, key: str) -> tuple[str, ...] | None:
        try:
            found = query(theirs, _PLACE, self._job, schema, table, key)
        except MySQLError as error:
            if error.args[0] in NOTHING_THERE:
                return None
            raise
        return tuple(json.loads(found[0][0])) if found else None


def _seen(
    ours: Connection, theirs: Connection, compared: Compared, place: tuple[str, ...], target: Endpoint
) -> RowSeen:
    servers = read_servers(ours, theirs)
    here = Side(ours, compared, servers, is_source=True).seen(place, LETTERS, BYTES)
    with seam(ErrorSide.TARGET, target):
        there = Side(theirs, compared, servers, is_source=False).seen(place, LETTERS, BYTES)
    columns = []
    for at, pair in enumerate(compared.pairs):
        ours_is, theirs_is = here[at] if here else None, there[at] if there else None
        columns.append(
            ColumnSeen(
                name=pair.source.name,
                kind=pair.source.column_type,
                source=None if ours_is is None else ours_is.text,
                target=None if theirs_is is None else theirs_is.text,
                equal=ours_is is not None and theirs_is is not None and ours_is.digest == theirs_is.digest,
                computed=pair.computed,
                cut=bool((ours_is and ours_is.cut) or (theirs_is and theirs_is.cut)),
            )
        )
    return RowSeen(tuple(columns), source_there=here is not None, target_there=there is not None)
