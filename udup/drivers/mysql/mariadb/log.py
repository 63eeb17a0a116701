"""A MariaDB log's events in MySQL's form, so that everything behind sees what a MySQL source would send.

* GTID becomes MySQL's, with domain and server in the place of the UUID, and BEGIN or XA START behind it, which MariaDB
  does not write. The order of commits is made of the place in the stream: transactions of one group commit depend on
  nothing within it, all others on what is before them. DDL, and what the server says not to run in parallel, is alone.
* Rows and statements that are compressed are inflated; rows get the header of the second version.
* CREATE TABLE … SELECT ends in START TRANSACTION, as MySQL writes it: its rows follow in the same transaction.
* What stands in `/*M! … */`, which MariaDB alone reads, is in the open.
* sql_mode is translated by name, status variables of MariaDB's alone are left out.
* Rows of sequences are a MariaDB's; for others they are nobody's, what was taken from one is in the rows of tables.
* Columns that the server keeps for itself are left out, and what else only a MariaDB takes (`row_forms.py`).
* What a replica does for itself is not passed on: lists of GTIDs, checkpoints, annotations.

The stream begins at the last transaction of each domain before its first gap, so what is executed behind that comes
again and is left out here. Numbers that nobody has used are told as passed, by an event of Udup's own (`PASSED`), when
the transaction behind them comes: without that a set would have a gap there for ever.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import replace

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.mysql.binlog.event import (
    CRC_SIZE,
    HEADER,
    HEADER_SIZE,
    EventType,
    has_checksums,
    resized,
    server_version,
)
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.client.flavour import version_of
from udup.drivers.mysql.ddl.sqltokens import codec_of, decoded
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.events import (
    ExtraFlag,
    GtidFlag,
    MariaEvent,
    MariaGtid,
    inflated,
    parse_gtid,
    rows_offset,
    status_to_mysql,
)
from udup.drivers.mysql.mariadb.gtids import as_octets
from udup.drivers.mysql.mariadb.parts import in_the_open
from udup.drivers.mysql.mariadb.passed import passed_event
from udup.drivers.mysql.mariadb.row_forms import RowForms
from udup.drivers.mysql.mariadb.sequences import without_sequence
from udup.drivers.mysql.mariadb.table_maps import in_mysql_form

_GTID_BODY = struct.Struct("<B16sqBqq7s")
_LOGICAL_CLOCK = 2

#: What begins a comment that is a statement to MariaDB alone.
_OWN_COMMENT = b"/*M!"

#: Thread, time, length of the schema's name, error, length of the status variables; then the name's zero.
_QUERY_FIXED = struct.Struct("<IIBHH")
_STATUS_LENGTH = HEADER_SIZE + 11

#: From a rows event of the first version to the second: its type, and its extra data, which are none.
_V2 = 7
_NO_EXTRA = b"\x02\x00"
_V1_KINDS = frozenset({EventType.WRITE_ROWS_V1, EventType.UPDATE_ROWS_V1, EventType.DELETE_ROWS_V1})
_V2_KINDS = frozenset({EventType.WRITE_ROWS, EventType.UPDATE_ROWS, EventType.DELETE_ROWS})

#: Compressed rows, and what they are when they are inflated.
_INFLATED: dict[int, EventType] = {
    MariaEvent.WRITE_ROWS_COMPRESSED_V1: EventType.WRITE_ROWS_V1,
    MariaEvent.UPDATE_ROWS_COMPRESSED_V1: EventType.UPDATE_ROWS_V1,
    MariaEvent.DELETE_ROWS_COMPRESSED_V1: EventType.DELETE_ROWS_V1,
    MariaEvent.WRITE_ROWS_COMPRESSED: EventType.WRITE_ROWS,
    MariaEvent.UPDATE_ROWS_COMPRESSED: EventType.UPDATE_ROWS,
    MariaEvent.DELETE_ROWS_COMPRESSED: EventType.DELETE_ROWS,
}
_UPDATES = frozenset({EventType.UPDATE_ROWS_V1, EventType.UPDATE_ROWS})

#: Said by a server for its replicas alone.
_NOT_PASSED_ON = frozenset(
    {
        MariaEvent.ANNOTATE_ROWS,
        MariaEvent.BINLOG_CHECKPOINT,
        MariaEvent.GTID_LIST,
        MariaEvent.START_ENCRYPTION,
    }
)

#: Events that stand between transactions.
_APART = frozenset(
    {
        EventType.FORMAT_DESCRIPTION,
        EventType.ROTATE,
        EventType.STOP,
        EventType.HEARTBEAT,
        EventType.INCIDENT,
        *_NOT_PASSED_ON,
    }
)

#: How a server writes where the partitions of a table begin.
_PARTITIONS = b"\n PARTITION BY "

#: Flags of a transaction that others may run beside.
_PARALLEL = GtidFlag.TRANSACTIONAL | GtidFlag.MAY_RUN_IN_PARALLEL
_ALONE = GtidFlag.STANDALONE | GtidFlag.DDL | GtidFlag.PREPARED_XA | GtidFlag.COMPLETED_XA


class Translation:
    """Feed it the events of a stream in order, each with its CRC if the log has any."""

    def __init__(self, start_after: GtidSet, forms: RowForms | None = None) -> None:
        """`forms`: of a job's rows; without them nobody's rows are taken apart."""
        self._forms = forms or RowForms(Server.of(""), lambda _schema, _table: False)
        self.passed = start_after.copy()  # what was left out or sent; a stream that begins again goes on by it
        self._last: dict[int, int] = {}  # by domain: the last number before what comes next
        self._has_crc = True
        self._within = False  # a transaction that is left out
        self._is_group = False  # the transaction has rows, and is no statement by itself
        self._place = 0  # of the last transaction in the log's file, as it was read
        self._before_group = 0  # the place before the first of the group commit
        self._commit_id = 0

    def begin(self, last: Mapping[int, int]) -> None:
        """Begin with a stream that goes on behind these numbers of the domains; domains that are missing from 1 on."""
        self._last = dict(last)
        self._within = False

    def events_of(self, event: bytes) -> Sequence[bytes]:
        """Return what becomes of an event."""
        kind = event[4]
        if kind == MariaEvent.GTID:
            return self._gtid(event)
        if kind in _NOT_PASSED_ON:
            return ()
        if kind in _APART:
            if kind == EventType.FORMAT_DESCRIPTION:
                self._has_crc = has_checksums(event)
                self._forms.write_by(version_of(server_version(event)))
                self._place = self._before_group = self._commit_id = 0
            return (event,)
        if self._within:
            return ()
        if kind in _INFLATED or kind in _V1_KINDS or kind in _V2_KINDS:
            return self._forms.rows(self._rows(event), has_crc=self._has_crc)
        if kind == EventType.TABLE_MAP:
            return (self._table_map(event),)
        if kind in (EventType.QUERY, MariaEvent.QUERY_COMPRESSED):
            return (self._query(event),)
        return (event,)

    # ---- Transactions ----

    def _gtid(self, event: bytes) -> Sequence[bytes]:
        seconds, _, server, _, position, flags = HEADER.unpack_from(event)
        gtid = parse_gtid(event[HEADER_SIZE : -CRC_SIZE if self._has_crc else None], server)
        self._place += 1
        order = self._order(gtid)
        self._within = self.passed.contains(gtid.source, gtid.number)
        is_nothing = bool(gtid.extra & (ExtraFlag.START_ALTER | ExtraFlag.ROLLBACK_ALTER))
        out = []
        for first, stop in self._unused(gtid, and_itself=is_nothing):
            self.passed.add_range(gtid.source, first, stop)
            out.append(self._finished(passed_event(event[:HEADER_SIZE], gtid.source, first, stop)))
        if self._within or is_nothing:  # of an ALTER in two halves, its end says what is done
            self._within = True
            return out
        self.passed.add(gtid.source, gtid.number)
        body = _GTID_BODY.pack(
            0, as_octets(gtid.domain, gtid.server), gtid.number, _LOGICAL_CLOCK, *order, _micro(seconds)
        )
        head = HEADER.pack(seconds, EventType.GTID, server, 0, position, flags & ~_IGNORABLE)
        out.append(self._finished(head + body))
        self._is_group = not gtid.flags & (GtidFlag.STANDALONE | GtidFlag.COMPLETED_XA)
        if self._is_group:
            statement = f"XA START {gtid.xid}" if gtid.flags & GtidFlag.PREPARED_XA else "BEGIN"
            fixed = _QUERY_FIXED.pack(gtid.thread_id, 0, 0, 0, 0)
            head = HEADER.pack(seconds, EventType.QUERY, server, 0, position, 0)
            out.append(self._finished(head + fixed + b"\0" + statement.encode()))
        return out

    def _unused(self, gtid: MariaGtid, *, and_itself: bool) -> list[list[int]]:
        """Return ranges of the numbers before this one that nobody has used and that were not passed."""
        last = self._last.get(gtid.domain, 0)
        if gtid.number <= last:
            raise Unsupported(
                f"{gtid.source}-{gtid.number} stands in the log behind number {last} of its domain: numbers that do"
                " not grow cannot say what is executed. Several servers write to one domain at a time, or somebody has"
                " set gtid_seq_no: give each a gtid_domain_id of its own, SET GLOBAL gtid_strict_mode = 1 forbids such"
                f" numbers; {NEW_COPY}"
            )
        self._check_joins(gtid, last)
        self._last[gtid.domain] = gtid.number
        stop = gtid.number + and_itself
        if last + 1 >= stop:
            return []
        between = GtidSet()
        between.add_range(gtid.source, last + 1, stop)
        return (between - self.passed).ranges_of(gtid.source)

    def _check_joins(self, gtid: MariaGtid, last: int) -> None:
        """Raise `Unsupported` if the log begins behind what the job has: what lies between may have been in another."""
        first, stop = next(iter(self.passed.ranges_of(gtid.source)), (0, 0))
        if last == 0 and first == 1 and gtid.number > stop:
            raise Unsupported(
                f"the source's log begins with {gtid.source}-{gtid.number}, and the job goes on after number"
                f" {stop - 1} of this domain: it was begun anew from a later copy, as a replica's is, and what lies"
                f" between is not in it; go on with a server whose log has it, or {NEW_COPY}"
            ).because(reason(Cause.SOURCE_PURGED, {"gtids": f"{gtid.source}-{stop - 1}"}))

    def _order(self, gtid: MariaGtid) -> tuple[int, int]:
        """Return the place up to which all must be committed before it, and its own."""
        place = self._place
        is_parallel = gtid.flags & _PARALLEL == _PARALLEL and not gtid.flags & _ALONE
        if is_parallel and gtid.commit_id and gtid.commit_id == self._commit_id:
            return self._before_group, place
        self._commit_id = gtid.commit_id if is_parallel else 0
        self._before_group = place - 1
        return place - 1, place

    # ---- Events of a transaction ----

    def _table_map(self, event: bytes) -> bytes:
        if not self._forms.target.is_mariadb:
            event = without_sequence(event, has_crc=self._has_crc)
        return self._forms.table_map(in_mysql_form(event, has_crc=self._has_crc), has_crc=self._has_crc)

    def _rows(self, event: bytes) -> bytes:
        kind = EventType(_INFLATED.get(event[4], event[4]))
        if event[4] in _INFLATED:
            body = event[:-CRC_SIZE] if self._has_crc else event
            start = rows_offset(body, is_update=kind in _UPDATES, has_extra=kind in _V2_KINDS)
            event = body[:start] + inflated(body[start:]) + (bytes(CRC_SIZE) if self._has_crc else b"")
        if kind in _V1_KINDS:
            kind = EventType(kind + _V2)
            event = event[: HEADER_SIZE + 8] + _NO_EXTRA + event[HEADER_SIZE + 8 :]
        return resized(event[:4] + bytes([kind]) + event[5:], has_crc=self._has_crc)

    def _query(self, event: bytes) -> bytes:
        found = parse_query(event, has_crc=self._has_crc)
        sql = inflated(found.sql) if event[4] == MariaEvent.QUERY_COMPRESSED else found.sql
        if self._is_group and sql[:7].upper() == b"CREATE ":
            end = sql.rfind(_PARTITIONS)  # MySQL's word stands among the options, in front of them
            end = end if end > 0 else len(sql)
            sql = sql[:end] + b" START TRANSACTION" + sql[end:]
        status = status_to_mysql(found.status)
        if _OWN_COMMENT in sql:
            sql = _read_by_mysql(replace(found, sql=sql, status=status))
        fixed = event[HEADER_SIZE:_STATUS_LENGTH] + struct.pack("<H", len(status))
        head = event[:4] + bytes([EventType.QUERY]) + event[5:HEADER_SIZE]
        return self._finished(head + fixed + status + found.schema + b"\0" + sql)

    def _finished(self, event: bytes) -> bytes:
        """Return an event without CRC as one with its size, and with a CRC if the log has them."""
        return resized(event + bytes(CRC_SIZE) if self._has_crc else event, has_crc=self._has_crc)


def _read_by_mysql(query: QueryEvent) -> bytes:
    """Return a statement with what MariaDB alone reads in the open: it did, where the log still has its mark."""
    variables = query.variables()
    text, codec = decoded(query.sql, codec_of(variables.charset.client) if variables.charset else "utf-8")
    return in_the_open(text, variables.sql_mode or 0, is_mariadbs=True).encode(codec)


#: Header flag of events that a reader may ignore when it does not know them.
_IGNORABLE = 0x80


def _micro(seconds: int) -> bytes:
    return (seconds * 1_000_000).to_bytes(7, "little")
