"""The checkpoint: what of the source is in the target, in the target, in the transactions that put it there.

Table `udup.checkpoint` has for each job a base row (slot 0: a GTID set) and a row for each worker (slot 1 …: the GTIDs
that this worker has committed and that are not in the base row yet). What is executed is the union. From time to time
DestApplier moves finished GTIDs into the base row; a worker's next commit leaves them out of its own.

A worker's row is changed by a row event in front of the group's own events, in the same BINLOG and the same commit.
The row's version is part of its primary key and of the event's before-image: if it is not the expected one (the group
was committed already, or another run has taken the job over) the server finds no row, error 1032, and nothing of the
group is applied. `take_over` changes all versions, so that whatever an earlier run still sends comes to nothing.

DDL commits by itself. It is run under a GTID of our own, `mark:number`, where the mark is made with the job's
checkpoint and the number counts its DDL: if the checkpoint says that a statement is still to be run but the server has
executed that GTID, the server itself skips it. The target's gtid_mode must be ON for that.
"""

from __future__ import annotations

import struct
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from udup.binlog.event import STMT_END, EventType, build
from udup.binlog.gtid import GtidSet
from udup.errors import Divergence, Fault, Refused
from udup.mysql.connection import Connection, MySQLError, query
from udup.mysql.names import UDUP_SCHEMA
from udup.target import prepared, unsure

TABLE = "checkpoint"
COPY_TABLE = "copied_table"

#: Every table of ours: rows of each belong to a job.
TABLES = (TABLE, COPY_TABLE, prepared.TABLE, unsure.TABLE)

#: Versions of one take-over differ from those of the next by this much: more groups than a run ever commits.
_VERSIONS_OF_A_RUN = 1 << 40

#: Bytes of the job's ID in the table, at most (255 characters of up to four bytes).
_JOB_BYTES = 1020

#: The table id that ties our own TABLE_MAP and rows event; those of the source start at about 100 and go up.
_TABLE_ID = (0xFFFFFFFFFFFE).to_bytes(6, "little")

#: The keys are longer than 767 bytes, which a target whose innodb_default_row_format is COMPACT would refuse (1709).
_CREATE = (
    f"CREATE DATABASE IF NOT EXISTS {UDUP_SCHEMA} CHARACTER SET utf8mb4",
    # Columns after `gtids` are left alone by the row events, whose TABLE_MAP ends there.
    f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        slot INT NOT NULL,
        version BIGINT NOT NULL,
        gtids LONGTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        mark CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        definitions BIGINT NOT NULL DEFAULT 0,
        selection CHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        PRIMARY KEY (job, slot, version)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='What of each source is in this server. Do not change.'""",
    f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{COPY_TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        table_schema VARCHAR(64) NOT NULL,
        table_name VARCHAR(64) NOT NULL,
        incarnation VARCHAR(64) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        PRIMARY KEY (job, table_schema, table_name)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Tables made by a full copy that has not ended.'""",
    prepared.CREATE,
    unsure.CREATE,
)


@dataclass(frozen=True)
class Position:
    """A job's checkpoint as a run finds it.

    The executed set, where its DDL count stands, and the version that every worker's row begins with.
    """

    executed: GtidSet
    mark: str
    definitions: int
    version: int


def create_tables(connection: Connection) -> None:
    """Udup's own tables on the target, if any is missing.

    It is asked for first: CREATE … IF NOT EXISTS waits for every transaction of other jobs that is open in the schema.
    """
    sql = "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    if set(TABLES) <= {str(name) for (name,) in query(connection, sql, UDUP_SCHEMA)}:
        return
    for statement in _CREATE:
        query(connection, statement)


class Checkpoint:
    """DestApplier's side, on a connection of its own with autocommit on."""

    def __init__(self, connection: Connection, job: str, incarnation: str, selection: str) -> None:
        """`selection` is the digest of what the job carries, `incarnation` tells it from one of its name before it."""
        self._connection = connection
        self._job = job
        self._incarnation = incarnation
        self._selection = selection
        self._version = 0

    def take_over(self, workers: int, initial: GtidSet | None) -> Position | None:
        """Fence off earlier runs and fold everything into the base row; None if there is no checkpoint yet.

        `initial` makes one where there is none. Waits for a transaction of an earlier run that is being committed.
        """
        with self._transaction():
            position = self._read(initial)
            if position is not None:
                self._rewrite(position, workers)
        return position

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._connection.begin()
        try:
            yield
            self._connection.commit()
        except BaseException:
            with suppress(MySQLError, OSError):  # a lost connection is rolled back by the server
                self._connection.rollback()
            raise

    def _read(self, initial: GtidSet | None) -> Position | None:
        rows = query(
            self._connection,
            f"SELECT slot, version, gtids, mark, definitions, selection FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s"
            " FOR UPDATE",
            self._job,
        )
        base = [row for row in rows if row[0] == 0]
        if not base:
            prepared.forget_all(self._connection, self._job)
            unsure.forget_all(self._connection, self._job)
            return None if initial is None else _new_position(initial)
        if base[0][5] != self._selection:
            raise Refused([_other_selection(self._job)])
        executed = GtidSet()
        for row in rows:
            executed.update(GtidSet.parse(row[2]))
        version = (max(int(row[1]) for row in rows) // _VERSIONS_OF_A_RUN + 1) * _VERSIONS_OF_A_RUN
        return Position(executed, base[0][3], int(base[0][4]), version)

    def _rewrite(self, position: Position, workers: int) -> None:
        query(self._connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", self._job)
        columns = "job, slot, version, gtids, mark, definitions, selection"
        values = ["(%s, 0, %s, %s, %s, %s, %s)"]
        values += [f"(%s, {slot}, %s, '', '', 0, '')" for slot in range(1, workers + 1)]
        insert = f"INSERT INTO {UDUP_SCHEMA}.{TABLE} ({columns}) VALUES "
        args: list[object] = [
            self._job,
            position.version,
            str(position.executed),
            position.mark,
            position.definitions,
            self._selection,
        ]
        for _ in range(workers):
            args += [self._job, position.version]
        query(self._connection, insert + ", ".join(values), *args)
        self._version = position.version

    def advance(self, executed: str, definitions: int) -> None:
        """Write the base row; `Divergence` if another run has taken over."""
        with self._connection.cursor() as cursor:
            changed = cursor.execute(
                f"UPDATE {UDUP_SCHEMA}.{TABLE} SET version = version + 1, gtids = %s, definitions = %s"
                " WHERE job = %s AND slot = 0 AND version = %s",
                (executed, definitions, self._job, self._version),
            )
        if changed != 1:
            raise Divergence(
                f"job {self._job}: the checkpoint in {UDUP_SCHEMA}.{TABLE} was changed by somebody else; is the same "
                "job running on another server?"
            )
        self._version += 1

    def copied_tables(self) -> list[tuple[str, str]]:
        """Tables that a full copy of this job made and did not finish."""
        sql = f"SELECT table_schema, table_name FROM {UDUP_SCHEMA}.{COPY_TABLE} WHERE job = %s AND incarnation = %s"
        rows = query(self._connection, sql, self._job, self._incarnation)
        return [(str(schema), str(table)) for schema, table in rows]

    def note_copied_table(self, schema: str, table: str) -> None:
        """Before a copy makes a table: it is ours, and may be dropped when the copy begins again."""
        sql = f"REPLACE INTO {UDUP_SCHEMA}.{COPY_TABLE} VALUES (%s, %s, %s, %s)"
        query(self._connection, sql, self._job, schema, table, self._incarnation)

    def finish_copy(self, workers: int, executed: GtidSet) -> Position:
        """The copy is whole: its tables are ordinary ones now and the job goes on from this set. One transaction."""
        position = _new_position(executed)
        with self._transaction():
            query(self._connection, f"DELETE FROM {UDUP_SCHEMA}.{COPY_TABLE} WHERE job = %s", self._job)
            self._rewrite(position, workers)
        return position


def _other_selection(job: str) -> Fault:
    return Fault(
        "ReplicateDoDb",
        f"is not what it was when job {job!r} made its checkpoint on the target, or ReplicateIgnoreDb is not; what "
        "came new would not be copied, and what has a new name is there under the old one",
        "give the job another ID, or have it begin anew by running on the target: "
        f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = {job!r}",
    )


def _new_position(executed: GtidSet) -> Position:
    """A job's first; the version starts at the time, so that a job of the same name before it can do no harm."""
    version = int(time.time()) % (1 << 22) * _VERSIONS_OF_A_RUN
    return Position(executed.copy(), str(uuid.uuid4()), 0, version)


# ---- The worker's side: the checkpoint as row events ------------------------------------------------------------

_LONG, _LONGLONG, _VARCHAR, _BLOB = 3, 8, 15, 252


def _table_map(with_crc: bool) -> bytes:
    """A TABLE_MAP of the first four columns: job, slot, version, gtids."""
    schema, table = UDUP_SCHEMA.encode(), TABLE.encode()
    names = bytes([len(schema)]) + schema + b"\0" + bytes([len(table)]) + table + b"\0"
    types = bytes([_VARCHAR, _LONG, _LONGLONG, _BLOB])
    meta = struct.pack("<HB", _JOB_BYTES, 4)  # VARCHAR: bytes at most; BLOB: bytes of its length
    body = _TABLE_ID + b"\1\0" + names + bytes([len(types)]) + types + bytes([len(meta)]) + meta + b"\0"
    return build(EventType.TABLE_MAP, body, with_crc=with_crc)


_MAPS = {with_crc: _table_map(with_crc) for with_crc in (False, True)}


def checkpoint_events(job: bytes, slot: int, version: int, after: int, gtids: str, *, with_crc: bool) -> bytes:
    """TABLE_MAP and UPDATE_ROWS: row (job, slot, version) becomes (job, slot, after, gtids) or it fails."""
    key = struct.pack("<H", len(job)) + job + struct.pack("<i", slot)
    text = gtids.encode()
    before = b"\0" + key + struct.pack("<q", version)
    changed = b"\0" + key + struct.pack("<q", after) + struct.pack("<I", len(text)) + text
    # Columns present: job, slot, version in the before-image; all four in the after-image.
    head = _TABLE_ID + struct.pack("<HH", STMT_END, 2) + b"\4" + b"\x07" + b"\x0f"
    return _MAPS[with_crc] + build(EventType.UPDATE_ROWS, head + before + changed, with_crc=with_crc)
