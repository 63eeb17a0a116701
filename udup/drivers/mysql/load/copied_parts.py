"""What of a copy that has not ended may stay when it begins again, as the target notes it.

`udup.copied_part` has a row for each table that could: what it was made by, at which positions of the source its rows
were read, whether it is whole. `udup.copied_chunk` has a row for each chunk, written in the chunk's own transaction.
Chunks are loaded side by side, so what counts are those from the first on without a gap; the few behind a gap are
removed before the next try goes on.

Each note has the version of the base row of the run that stands behind it, and a take-over gives it its own: so notes
of a run are of no more use as soon as an Udup has taken over that does not know them, and has made the tables again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.copied_before import (
    CopiedTable,
    Resumable,
    Segment,
    decode_segments,
    encode_segments,
)
from udup.pipeline.selection.schemas import UDUP_SCHEMA

PART_TABLE, CHUNK_TABLE = "copied_part", "copied_chunk"

_NAME = "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_OF_TABLE = f"""job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        table_schema {_NAME},
        table_name {_NAME},"""

CREATE_PARTS = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{PART_TABLE} (
        {_OF_TABLE}
        version BIGINT NOT NULL,
        definition CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        segments LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        state TINYINT NOT NULL DEFAULT 0,
        loaded BIGINT NOT NULL DEFAULT 0,
        stamps VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        PRIMARY KEY (job, table_schema, table_name)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='What of a full copy that has not ended may stay.'"""

CREATE_CHUNKS = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{CHUNK_TABLE} (
        {_OF_TABLE}
        number INT NOT NULL,
        up_to VARCHAR(24) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        loaded BIGINT NOT NULL,
        PRIMARY KEY (job, table_schema, table_name, number)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Chunks of a full copy that has not ended.'"""

#: States of a table: its rows come, it is whole, its indexes are being built (nobody knows which there are).
_LOADING, _WHOLE, _BUILDING = 0, 1, 2

#: Notes written, and rows removed, by one statement.
_AT_A_TIME, _ROWS_AT_A_TIME = 500, 10_000

_COLUMNS = "job, table_schema, table_name, version, definition, segments, state, loaded, stamps"


def carry_over(connection: Connection, job: str, before: int, version: int) -> bool:
    """Have the notes of the run before be this one's, within its take-over; return whether there are any."""
    sql = f"UPDATE {UDUP_SCHEMA}.{PART_TABLE} SET version = %s WHERE job = %s AND version = %s"
    with connection.cursor() as cursor:
        return bool(cursor.execute(sql, (version, job, before)))


def read_loaded(connection: Connection, job: str) -> tuple[dict[tuple[str, str], int], set[tuple[str, str]]]:
    """Return how many rows of each table a copy has loaded that is under way, and the tables that have all of them."""
    loaded: dict[tuple[str, str], int] = {}
    sql = f"SELECT table_schema, table_name, loaded, state FROM {UDUP_SCHEMA}.{PART_TABLE} WHERE job = %s"
    rows = query(connection, sql, job)
    whole = {(str(schema), str(name)) for schema, name, _, state in rows if state != _LOADING}
    sql = (
        f"SELECT table_schema, table_name, SUM(loaded) FROM {UDUP_SCHEMA}.{CHUNK_TABLE} WHERE job = %s"
        " GROUP BY table_schema, table_name"
    )
    for schema, name, count, *_ in (*rows, *query(connection, sql, job)):
        place = str(schema), str(name)
        loaded[place] = loaded.get(place, 0) + int(count)
    return loaded, whole


@dataclass(frozen=True)
class CopiedParts:
    """The notes of a job, by the version of its base row."""

    job: str
    version: int

    def read(self, connection: Connection) -> list[CopiedTable]:
        """Return what may stay."""
        sql = (
            "SELECT table_schema, table_name, definition, segments, state, loaded, stamps"
            f" FROM {UDUP_SCHEMA}.{PART_TABLE} WHERE job = %s AND version = %s AND state <> {_BUILDING}"
        )
        chunks = self._chunks(connection)
        found = []
        for schema, name, definition, segments, state, loaded, stamps in query(connection, sql, self.job, self.version):
            places, rows, whole = decode_segments(str(segments)), int(loaded), state == _WHOLE
            if not whole:
                up_to, more = chunks.get((str(schema), str(name)), (None, 0))
                last = () if up_to is None else (Segment(places[-1].position, up_to),)
                places, rows = (*places[:-1], *last), rows + more
            if places:
                found.append(CopiedTable(str(schema), str(name), str(definition), places, whole, rows, str(stamps)))
        return found

    def _chunks(self, connection: Connection) -> dict[tuple[str, str], tuple[int, int]]:
        """Return up to which number tables are there without a gap, and in how many rows."""
        sql = (
            f"SELECT table_schema, table_name, number, up_to, loaded FROM {UDUP_SCHEMA}.{CHUNK_TABLE}"
            " WHERE job = %s ORDER BY table_schema, table_name, number"
        )
        found: dict[tuple[str, str], tuple[int, int]] = {}
        numbers: dict[tuple[str, str], int] = {}
        for schema, table, number, up_to, loaded in query(connection, sql, self.job):
            name = str(schema), str(table)
            if number == numbers.get(name, 0):
                numbers[name] = number + 1
                found[name] = int(up_to), found.get(name, (0, 0))[1] + int(loaded)
        return found

    def forget_all(self, connection: Connection) -> None:
        for table in (PART_TABLE, CHUNK_TABLE):
            query(connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE job = %s", self.job)

    def keep(self, connection: Connection, kept: Sequence[tuple[Table, Resumable]], position: str) -> None:
        """Have only these stay, whose rows go on to be read at a position; remove rows behind a gap."""
        for table, one in kept:
            if one.up_to is not None:
                _trim(connection, table, one)
        connection.begin()
        try:
            self.forget_all(connection)
            rows = []
            for _, one in kept:
                copied = one.kept
                assert copied is not None
                segments = copied.segments if copied.whole else (*copied.segments, Segment(position))
                state = _WHOLE if copied.whole else _LOADING
                name = copied.schema, copied.name
                rows.append((*name, copied.definition, segments, state, copied.rows, copied.stamps))
            self._write(connection, rows)
            connection.commit()
        except BaseException:
            connection.rollback()
            raise

    def begin(
        self, connection: Connection, made: Iterable[tuple[Table, Resumable]], position: str, stamps: str
    ) -> None:
        """Note tables that were made, whose rows are read at a position."""
        self._write(
            connection,
            [(each.schema, each.name, one.definition, (Segment(position),), _LOADING, 0, stamps) for each, one in made],
        )

    def _write(
        self,
        connection: Connection,
        rows: Sequence[tuple[str, str, str, tuple[Segment, ...], int, int, str]],
    ) -> None:
        for at in range(0, len(rows), _AT_A_TIME):
            args: list[object] = []
            some = rows[at : at + _AT_A_TIME]
            for schema, name, definition, segments, *rest in some:
                text = encode_segments(segments).decode()
                args += [self.job, schema, name, self.version, definition, text, *rest]
            values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(some))
            query(connection, f"REPLACE INTO {UDUP_SCHEMA}.{PART_TABLE} ({_COLUMNS}) VALUES {values}", *args)

    def building(self, connection: Connection, table: Table) -> None:
        """All rows of a table are there, and its indexes are built from here on."""
        self._set(connection, table, f"state = {_BUILDING}")

    def whole(self, connection: Connection, table: Table, rows: int) -> None:
        """A table is complete."""
        self._set(connection, table, f"state = {_WHOLE}, loaded = {rows:d}")
        sql = f"DELETE FROM {UDUP_SCHEMA}.{CHUNK_TABLE} WHERE job = %s AND table_schema = %s AND table_name = %s"
        query(connection, sql, self.job, table.schema, table.name)

    def _set(self, connection: Connection, table: Table, what: str) -> None:
        sql = f"UPDATE {UDUP_SCHEMA}.{PART_TABLE} SET {what} WHERE job = %s AND table_schema = %s AND table_name = %s"
        query(connection, sql, self.job, table.schema, table.name)


def note_chunk(connection: Connection, job: str, table: Table, number: int, up_to: int, rows: int) -> None:
    """Note a chunk, within its own transaction."""
    sql = (
        f"INSERT INTO {UDUP_SCHEMA}.{CHUNK_TABLE} (job, table_schema, table_name, number, up_to, loaded)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
    )
    query(connection, sql, job, table.schema, table.name, number, str(up_to), rows)


def _trim(connection: Connection, table: Table, one: Resumable) -> None:
    """Remove the rows behind the number up to which a table is there without a gap."""
    sql = (
        f"DELETE FROM {qualified(table.schema, table.name)} WHERE {quote(one.key)} > {one.up_to}"
        f" LIMIT {_ROWS_AT_A_TIME}"
    )
    with connection.cursor() as cursor:
        while cursor.execute(sql) == _ROWS_AT_A_TIME:
            """There may be more."""


def with_foreign_keys(connection: Connection, tables: Collection[Table]) -> set[tuple[str, str]]:
    """Return those of these tables that have foreign keys already."""
    if not tables:
        return set()
    sql = (
        "SELECT DISTINCT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS"
        " WHERE CONSTRAINT_TYPE = 'FOREIGN KEY'"
    )
    there = {(str(schema), str(name)) for schema, name in query(connection, sql)}
    return there & {(each.schema, each.name) for each in tables}
