"""What of a copy that has not ended may stay when it begins again, as the target notes it.

`udup.copied_part` has a row for each table that could: what it was made by, at which positions of the source its rows
were read, whether it is whole. `udup.copied_chunk` has a row for each chunk, written in the chunk's own transaction.
Chunks are loaded side by side, so there may be gaps between them. Where a chunk ends among rows that begin with the
same integers, and the next one is missing, these rows are removed before the next try goes on, and read again.

Each note has the version of the base row of the run that stands behind it, and a take-over gives it its own: so notes
of a run are of no more use as soon as an Udup has taken over that does not know them, and has made the tables again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.copied_before import (
    Chunk,
    CopiedTable,
    Resumable,
    Segment,
    decode_chunk,
    decode_segments,
    encode_segments,
    with_chunks,
)
from udup.drivers.mysql.snapshot.chunks import all_of, between
from udup.pipeline.positions import Numbers
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
        span VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        loaded BIGINT NOT NULL,
        PRIMARY KEY (job, table_schema, table_name, number)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Chunks of a full copy that has not ended.'"""

#: States of a table: its rows come; it is whole; all rows are there and its indexes come. In the last, too, but what is
#: computed from all rows would have to be compared again, for which the source has to read them again.
_LOADING, _WHOLE, _READ, _SUMMED = 0, 1, 2, 3

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
            f" FROM {UDUP_SCHEMA}.{PART_TABLE} WHERE job = %s AND version = %s AND state <> {_SUMMED}"
        )
        chunks = self._chunks(connection)
        found = []
        for schema, name, definition, segments, state, loaded, stamps in query(connection, sql, self.job, self.version):
            places, rows, loads = decode_segments(str(segments)), int(loaded), state == _LOADING
            if loads:
                there = chunks.get((str(schema), str(name)), [])
                places = with_chunks(places, [chunk for chunk, _ in there])
                rows += sum(more for _, more in there)
            else:
                places = tuple(Segment(each.position, each.up_to) for each in places)
            if any(each.read for each in places):
                whole = state == _WHOLE
                found.append(CopiedTable(str(schema), str(name), str(definition), places, whole, rows, str(stamps)))
        return found

    def _chunks(self, connection: Connection) -> dict[tuple[str, str], list[tuple[Chunk, int]]]:
        """Return the chunks of each table, and how many rows they have."""
        sql = (
            f"SELECT table_schema, table_name, number, span, loaded FROM {UDUP_SCHEMA}.{CHUNK_TABLE}"
            " WHERE job = %s ORDER BY table_schema, table_name, number"
        )
        found: dict[tuple[str, str], list[tuple[Chunk, int]]] = {}
        for schema, table, number, span, loaded in query(connection, sql, self.job):
            chunk = decode_chunk(int(number), str(span))
            found.setdefault((str(schema), str(table)), []).append((chunk, int(loaded)))
        return found

    def forget_all(self, connection: Connection) -> None:
        for table in (PART_TABLE, CHUNK_TABLE):
            query(connection, f"DELETE FROM {UDUP_SCHEMA}.{table} WHERE job = %s", self.job)

    def forget(self, connection: Connection, tables: Iterable[Table]) -> None:
        """Have tables be copied again."""
        for table in tables:
            for name in (PART_TABLE, CHUNK_TABLE):
                self._query(connection, table, f"DELETE FROM {UDUP_SCHEMA}.{name}")

    def changed(self, connection: Connection, kept: Sequence[tuple[Table, Resumable]]) -> list[Table]:
        """Return the tables that have not as many rows as were loaded: somebody else has written to them."""
        found = []
        for table, one in kept:
            rows = scalar(connection, f"SELECT COUNT(*) FROM {qualified(table.schema, table.name)}")
            if one.kept is not None and rows != one.kept.rows:
                found.append(table)
        return found

    def keep(self, connection: Connection, kept: Sequence[tuple[Table, Resumable]], position: str) -> None:
        """Have only these stay, whose rows go on to be read at a position; remove what is there of those to be read."""
        removed = [
            sum(self._trim(connection, table, one, begin, end) for begin, end in one.gaps) for table, one in kept
        ]
        with _transaction(connection):
            self.forget_all(connection)
            rows = []
            for (_, one), less in zip(kept, removed, strict=True):
                copied = one.kept
                assert copied is not None
                segments = [each if each.read else Segment(position, each.up_to, False) for each in copied.segments]
                state = _WHOLE if copied.whole else _READ if copied.is_read else _LOADING
                name = copied.schema, copied.name
                rows.append((*name, copied.definition, segments, state, copied.rows - less, copied.stamps))
            self._write(connection, rows)

    def begin(
        self, connection: Connection, made: Iterable[tuple[Table, Resumable]], position: str, stamps: str
    ) -> None:
        """Note tables that were made, whose rows are read at a position."""
        self._write(
            connection,
            [
                (each.schema, each.name, one.definition, (Segment(position, None, False),), _LOADING, 0, stamps)
                for each, one in made
            ],
        )

    def _write(
        self,
        connection: Connection,
        rows: Sequence[tuple[str, str, str, Sequence[Segment], int, int, str]],
    ) -> None:
        for at in range(0, len(rows), _AT_A_TIME):
            args: list[object] = []
            some = rows[at : at + _AT_A_TIME]
            for schema, name, definition, segments, *rest in some:
                text = encode_segments(segments).decode()
                args += [self.job, schema, name, self.version, definition, text, *rest]
            values = ", ".join(["(%s, %s, %s, %s, %s, %s, %s, %s, %s)"] * len(some))
            query(connection, f"REPLACE INTO {UDUP_SCHEMA}.{PART_TABLE} ({_COLUMNS}) VALUES {values}", *args)

    def building(self, connection: Connection, table: Table, rows: int, *, is_summed: bool) -> None:
        """All rows of a table are there, so many by this try, and its indexes are built from here on."""
        state = _SUMMED if is_summed else _READ
        with _transaction(connection):
            self._set(connection, table, f"state = {state}, loaded = loaded + {rows:d}")
            self._query(connection, table, f"DELETE FROM {UDUP_SCHEMA}.{CHUNK_TABLE}")

    def whole(self, connection: Connection, table: Table) -> None:
        """A table is complete."""
        self._set(connection, table, f"state = {_WHOLE}")

    def _set(self, connection: Connection, table: Table, what: str) -> None:
        self._query(connection, table, f"UPDATE {UDUP_SCHEMA}.{PART_TABLE} SET {what}")

    def _query(self, connection: Connection, table: Table, what: str) -> None:
        sql = f"{what} WHERE job = %s AND table_schema = %s AND table_name = %s"
        query(connection, sql, self.job, table.schema, table.name)

    def _trim(
        self, connection: Connection, table: Table, one: Resumable, begin: Numbers | None, end: Numbers | None
    ) -> int:
        """Remove the rows from behind one key up to another, and their number from the note; return it."""
        where = all_of(*between(one.key, begin, end))
        sql = f"DELETE FROM {qualified(table.schema, table.name)} WHERE {where} LIMIT {_ROWS_AT_A_TIME}"
        removed, last = 0, _ROWS_AT_A_TIME
        while last == _ROWS_AT_A_TIME:
            with _transaction(connection), connection.cursor() as cursor:
                last = int(cursor.execute(sql))
                self._set(connection, table, f"loaded = loaded - {last}")
            removed += last
        return removed


def note_chunk(connection: Connection, job: str, table: Table, number: int, span: str, rows: int) -> None:
    """Note a chunk, within its own transaction."""
    sql = (
        f"INSERT INTO {UDUP_SCHEMA}.{CHUNK_TABLE} (job, table_schema, table_name, number, span, loaded)"
        " VALUES (%s, %s, %s, %s, %s, %s)"
    )
    query(connection, sql, job, table.schema, table.name, number, span, rows)


@contextmanager
def _transaction(connection: Connection) -> Iterator[None]:
    connection.begin()
    try:
        yield
        connection.commit()
    except BaseException:
        if connection.open:
            connection.rollback()
        raise


def indexes_of(connection: Connection, table: Table) -> frozenset[str]:
    """Return the names of a table's indexes, in lower case."""
    sql = "SELECT DISTINCT INDEX_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return frozenset(str(name).lower() for (name,) in query(connection, sql, table.schema, table.name))


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
