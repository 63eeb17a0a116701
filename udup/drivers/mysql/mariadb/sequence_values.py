"""Sequences on a MariaDB target: made before the tables that take from them, and never set back.

A log has a sequence's whole row whenever numbers were taken. It is not given to BINLOG: MariaDB 10.5 dies of that (seen
on 10.5.23), and transactions of one group commit, which are applied side by side, could leave the lower number. SETVAL
sets a sequence to what is higher and does nothing else, in whichever order and how often ever it comes. It does not
wait for the commit of the rows beside it; a number that is lost with them is lost on the source as well.
"""

from __future__ import annotations

from collections.abc import Iterable

from udup.base.causes import Cause, reason
from udup.base.errors import Divergence, Unsupported
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType, ending_statement, ends_statement
from udup.drivers.mysql.binlog.split import headers
from udup.drivers.mysql.binlog.table_map import TableName, table_id, table_name
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, is_transient, query, scalar
from udup.drivers.mysql.client.errors import ER
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import NumberSequence
from udup.drivers.mysql.mariadb.sequences import MARK, is_sequence
from udup.drivers.mysql.rows.codec import RowCodecs

#: What a sequence is besides its number and how often it began again.
_DEFINITION = "minimum_value, maximum_value, start_value, increment, cache_size, cycle_option"
_NUMBER, _DEFINED, _CYCLES = 0, slice(1, 7), 7


class SequenceValues:
    """What one connection has set, and what it knows of the sequences there."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._codecs = RowCodecs()
        self._known: dict[TableName, tuple[int, ...]] = {}

    def without(self, data: bytes, *, has_crc: bool) -> bytes:
        """Set what events say of sequences, and return the others: whole events with the TABLE_MAPs that they need."""
        if MARK not in data:
            return data
        maps: dict[bytes, bytes] = {}
        kept: list[bytes] = []
        for kind, start, end in headers(data):
            event = data[start:end]
            if kind == EventType.TABLE_MAP:
                maps.pop(table_id(event), None)
                if is_sequence(event, has_crc=has_crc):
                    maps[table_id(event)] = event
                    continue
            elif kind in ROWS_EVENTS and table_id(event) in maps:
                self._set(maps[table_id(event)], event, has_crc=has_crc)
                if ends_statement(event) and kept and kept[-1][4] in ROWS_EVENTS:
                    kept[-1] = ending_statement(kept[-1])
                continue
            kept.append(event)
        return b"".join(kept)

    def _set(self, table_map: bytes, event: bytes, *, has_crc: bool) -> None:
        name = table_name(table_map)
        rows = self._codecs.of(table_map, has_crc=has_crc).read(event, has_crc=has_crc)
        for _, row in rows.changes:
            if row is not None:
                numbers = tuple(int(str(each)) for each in row)
                self._check(name, numbers[_DEFINED])
                set_number(self._connection, name, numbers[_NUMBER], numbers[_CYCLES])

    def _check(self, name: TableName, wanted: tuple[int, ...]) -> None:
        """Raise `Unsupported` unless the sequence is there as the source has it."""
        if self._known.get(name) == wanted:
            return
        found = query(self._connection, f"SELECT {_DEFINITION} FROM {qualified(name.schema, name.table)}")
        self._known[name] = there = tuple(map(int, found[0]))
        if there != wanted:
            shown = zip(_DEFINITION.split(", "), wanted, there, strict=True)
            unlike = ", ".join(f"{what} {ours} there, {theirs} here" for what, ours, theirs in shown if ours != theirs)
            raise Unsupported(
                f"the sequence {name} is another one on the source ({unlike}), as by an INSERT into it; run on the"
                " target the ALTER SEQUENCE that makes it alike, then resume the job"
            )


def set_number(connection: Connection, name: TableName, number: int, cycle: int) -> None:
    """Have a sequence give no number before this one; leave it if it is beyond that."""
    query(connection, f"SELECT SETVAL({qualified(name.schema, name.table)}, {number}, 0, {cycle})")


def check_sequence(connection: Connection, name: TableName) -> None:
    """Raise `Divergence` unless the target has a sequence of this name."""
    sql = "SELECT TABLE_TYPE FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    if scalar(connection, sql, name.schema, name.table) != "SEQUENCE":
        raise Divergence(
            f"numbers were taken from the sequence {name} on the source, and the target has none of that name; make it"
            f" there (SHOW CREATE SEQUENCE {name}) and resume the job, or give the job another ID"
        ).because(reason(Cause.TABLE_MISSING, {"table": name}))


def make_sequences(connection: Connection, sequences: Iterable[NumberSequence]) -> None:
    """Make the sequences of a copy, where they are to go on."""
    for each in sequences:
        place = TableName(each.schema, each.name)
        query(connection, f"CREATE SEQUENCE {qualified(each.schema, each.name)}{each.options}")
        set_number(connection, place, each.number, each.cycle)


def raise_sequences(connection: Connection, sequences: Iterable[NumberSequence]) -> list[str]:
    """Have sequences that are there already go on where those of the source do; return those that are not, as told."""
    told = []
    for each in sequences:
        try:
            set_number(connection, TableName(each.schema, each.name), each.number, each.cycle)
        except MySQLError as error:
            if is_transient(error) or error_code(error) != ER.NO_SUCH_TABLE:
                raise
            told.append(f"{each.schema}.{each.name}: the target does not have this sequence of the source's")
    return told
