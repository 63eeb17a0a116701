"""Completes the TABLE_MAPs of a source with `binlog_row_metadata = MINIMAL`, so that nobody behind sees a difference.

Such a TABLE_MAP says types, signs and character sets, and neither names nor keys nor the members of ENUM and SET; those
of MySQL before 8.0.1, and of MariaDB as it comes, say the types alone. These are in the source's dictionary, as they
are now, and the rows may have been logged before a change of their table. What makes it certain whether they were:

* a definition comes together with the GTID set that it has in it (`dictionary.py`);
* between the place in the log and that set no statement may have changed the table, which a second look into the log
  tells (`ahead.py`); with a job that follows closely there is nothing to look at;
* columns that were put behind the others since are left away again, whatever else was changed is not to be undone;
* what was found holds until the log itself brings a statement about the table, and is asked again behind it.

All of the job's tables are asked at the beginning of a run, when most of them have no change ahead. Beside all that the
TABLE_MAP must agree in what it says. Where the definition of rows is not to be known any more, the job stops.
"""

from __future__ import annotations

from contextlib import closing

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import HEADER_SIZE, EventType, has_checksums, resized
from udup.drivers.mysql.binlog.gtid import GtidSet, parse_gtid_event
from udup.drivers.mysql.binlog.query import is_begin
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition, parse_columns
from udup.drivers.mysql.binlog.table_map import definition_bytes, table_name
from udup.drivers.mysql.client.asking import Asking, asked
from udup.drivers.mysql.client.connection import connect
from udup.drivers.mysql.client.facts import read_global
from udup.drivers.mysql.mariadb.passed import PASSED, parse_passed
from udup.drivers.mysql.naming.ahead import LogAhead
from udup.drivers.mysql.naming.dictionary import DictionaryLook
from udup.drivers.mysql.naming.table_names import touched_by
from udup.drivers.mysql.snapshot.names import read_base_tables
from udup.drivers.mysql.telling.definitions import TableDefinition
from udup.pipeline.ports import Scope
from udup.pipeline.selection.renames import Name

_ID_AND_FLAGS = 8

#: What says whether the log names columns; a server before 8.0.1 never does.
_METADATA = "binlog_row_metadata"

#: Its value on MariaDB unless that is changed; older servers of MySQL log as little.
_NOTHING_LOGGED = "NO_LOG"

#: GTIDs that are counted together at most: they are asked for seldom.
_BEHIND_MAX = 1000

_WHAT_TO_DO = (
    "run SET PERSIST binlog_row_metadata = 'FULL' on the source, delete the job with its position"
    " (DELETE /v1/job/ID?purge=true) and post it again, so that it begins with a snapshot"
)


def logs_signs(endpoint: Endpoint, asking: Asking | None = None) -> bool:
    """Return whether the source's log says of numbers whether they have a sign, as all do since MySQL 8.0.1."""
    with asked(endpoint, asking) as connection:
        return read_global(connection, _METADATA).get(_METADATA, _NOTHING_LOGGED).upper() != _NOTHING_LOGGED


class Naming:
    """`begin`, then every event passes here, in the log's order, on one thread. `close` from any."""

    def __init__(self, endpoint: Endpoint, job: str, scope: Scope, start_after: GtidSet) -> None:
        self._endpoint, self._scope = endpoint, scope
        self._passed = start_after.copy()
        self._dictionary = DictionaryLook(endpoint)
        self._ahead = LogAhead(endpoint, job, fold_names=scope.fold_names)
        self._definitions: dict[Name, TableDefinition] = {}
        self._made: dict[bytes, tuple[Name, bytes]] = {}  # by what the log has: whose it is, and what stands for it
        self._behind: list[bytes] = []  # events of GTIDs that are to be counted as passed
        self._has_crc = True

    def begin(self) -> None:
        """Ask for all tables of the job, if the source does not name their columns now."""
        with closing(connect(self._endpoint)) as connection:
            if read_global(connection, _METADATA).get(_METADATA, "MINIMAL").upper() == "FULL":
                return
            names = read_base_tables(connection, self._scope.selection)
        for definitions, executed in self._dictionary.read(names, available=True):
            changes = self._ahead.changes(self._passed, executed)
            for name, definition in definitions.items():
                if not any(name in change.touched for change in changes):
                    self._definitions[name] = definition

    def completed(self, event: bytes) -> bytes:
        """Return the event; a TABLE_MAP of the job's that names no columns with all that the dictionary says."""
        kind = event[4]
        if kind == EventType.TABLE_MAP:
            return self._completed(event)
        if kind in (EventType.GTID, EventType.GTID_TAGGED):
            self._behind.append(event)
            if len(self._behind) >= _BEHIND_MAX:
                self._count_passed()
        elif kind == EventType.QUERY:
            self._pass_statement(event)
        elif kind == PASSED:
            self._passed.add_range(*parse_passed(event))
        elif kind == EventType.FORMAT_DESCRIPTION:
            self._count_passed()
            self._has_crc = has_checksums(event)
            self._made.clear()
        return event

    def _count_passed(self) -> GtidSet:
        """Return what of the log was passed, as of now."""
        for event in self._behind:
            gtid = parse_gtid_event(event, has_crc=self._has_crc)
            self._passed.add(gtid.source, gtid.number)
        self._behind.clear()
        return self._passed

    def _pass_statement(self, event: bytes) -> None:
        """Forget what a statement may have changed."""
        if is_begin(event, has_crc=self._has_crc):
            return
        touched = touched_by(event, has_crc=self._has_crc, fold_names=self._scope.fold_names)
        if touched:
            for name in [name for name in self._definitions if name in touched]:
                del self._definitions[name]
            for logged in [logged for logged, (name, _) in self._made.items() if name in touched]:
                del self._made[logged]

    def _completed(self, event: bytes) -> bytes:
        logged = definition_bytes(event, has_crc=self._has_crc)
        if (made := self._made.get(logged)) is None:
            named = table_name(event)
            name = named.schema, named.table
            wanted = self._scope.selection.wants(*name)
            made = self._made[logged] = name, self._body(name, event) if wanted else b""
        body = made[1]
        if not body:
            return event
        return resized(event[: HEADER_SIZE + _ID_AND_FLAGS] + body, has_crc=self._has_crc)

    def _body(self, name: Name, event: bytes) -> bytes:
        """Return what stands behind id and flags with a checksum's room; nothing where the log has the names."""
        logged = parse_columns(event, has_crc=self._has_crc)
        if logged and logged[0].name is not None:
            return b""
        definition = self._definitions.get(name)
        if definition is None:
            definition = self._definitions[name] = self._ask(name, len(logged))
        whole = definition.table_map(0, has_crc=self._has_crc)
        if not _agree(logged, parse_columns(whole, has_crc=self._has_crc)):
            raise Unsupported(
                f"the columns of {'.'.join(name)} are others in the source's log than in its dictionary, though no"
                " statement of the log has changed them (sql_log_bin = 0?), and the log does not name them"
                f" (binlog_row_metadata): {_WHAT_TO_DO}",
                table=".".join(name),
            )
        return whole[HEADER_SIZE + _ID_AND_FLAGS :]

    def _ask(self, name: Name, count: int) -> TableDefinition:
        """Return the definition that rows of so many columns were logged by."""
        [(definitions, executed)] = self._dictionary.read([name])
        changes = [each for each in self._ahead.changes(self._count_passed(), executed) if name in each.touched]
        definition = definitions.get(name)
        if definition is not None and all(each.touched.appends for each in changes):
            return definition.first(count) if changes else definition
        later = next((each for each in changes if not each.touched.appends), None)
        why = f"and {later.gtid} changed the table before they were read" if later else "and it is not there any more"
        raise Unsupported(
            f"what the columns of {'.'.join(name)} were called when its rows were logged is not to be known: the log"
            f" does not say it (binlog_row_metadata is MINIMAL), {why}: {_WHAT_TO_DO}",
            table=".".join(name),
        )

    def close(self) -> None:
        """End what is under way."""
        self._dictionary.close()
        self._ahead.close()


def _agree(logged: tuple[ColumnDefinition, ...], told: tuple[ColumnDefinition, ...]) -> bool:
    """Return whether the log says nothing of the columns that the dictionary contradicts."""
    return len(logged) == len(told) and all(map(_is_same, logged, told))


def _is_same(logged: ColumnDefinition, told: ColumnDefinition) -> bool:
    certain = (logged.kind, logged.metadata, logged.nullable) == (told.kind, told.metadata, told.nullable)
    pairs = (
        (logged.unsigned, told.unsigned),
        (logged.collation, told.collation),
        (logged.geometry, told.geometry),
        (logged.dimensions, told.dimensions),
        (logged.members, told.members),
    )
    return certain and all(one is None or one == other for one, other in pairs)
