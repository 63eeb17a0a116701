"""Foreign keys that wait on the target until the tables of both ends stand together (`jobs/growth.py`).

While two parts of a job go each its own way, a row of the one may come before the row of the other that it refers to.
So there is no foreign key between them on the target meanwhile. It is noted in `udup.later_key` before it is taken away
or left out; from the join on it is *due*, and it is made as soon as no table of the job is ahead of another
(`pipeline/positions.py`). What is noted is the whole of it: whoever dies between two steps leaves it to the next run.

It is made without a look at the rows, as a copy makes all foreign keys: they are the source's. Rows that do not fit
are looked for and told of. A statement of the log that renames or drops a table has its keys follow, once, whatever
dies; one that drops a constraint waits for the join (`ddl/held.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial

from udup.base import logs, runtime
from udup.base.errors import Refused
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe, is_transient, query
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.dictionary.claims import TABLE as CLAIM_TABLE
from udup.drivers.mysql.dictionary.crossing import acting_fault, crossing, is_there
from udup.drivers.mysql.dictionary.later_keys import LaterKey, Name
from udup.drivers.mysql.dictionary.orphans import has_orphans
from udup.pipeline.ports import Apart
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

TABLE = "later_key"

_NAME = "VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_JOB = "VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"
_TEXT = "TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL"

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job {_JOB},
        table_schema {_NAME},
        table_name {_NAME},
        name {_NAME},
        side {_JOB},
        of_columns {_TEXT},
        parent_schema {_NAME},
        parent {_NAME},
        others {_TEXT},
        rules {_TEXT},
        due TINYINT NOT NULL DEFAULT 0,
        followed VARCHAR(200) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        problem {_TEXT},
        PRIMARY KEY (job, table_schema, table_name, name)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Foreign keys that are made when tables stand together.'"""

_KEY = "table_schema, table_name, name, of_columns, parent_schema, parent, others, rules"

#: Seconds until a key is tried again that could not be made.
AGAIN_SECONDS = 15.0


@dataclass(frozen=True)
class Kept:
    """A foreign key as it is noted; `problem`: why it could not be made, "" if that was not tried."""

    key: LaterKey
    due: bool
    problem: str = ""


def read(connection: Connection, job: str) -> list[Kept]:
    sql = f"SELECT {_KEY}, due, problem FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s ORDER BY table_schema, table_name"
    return [Kept(LaterKey(*map(str, row[:8])), bool(row[8]), str(row[9])) for row in query(connection, sql, job)]


def note(connection: Connection, job: str, side: str, keys: Iterable[LaterKey]) -> None:
    for key in keys:
        sql = f"REPLACE INTO {UDUP_SCHEMA}.{TABLE} (job, side, problem, {_KEY}) VALUES (%s, %s, '', {_places(8)})"
        query(connection, sql, job, side, *_values(key))


def make_due(connection: Connection, job: str, side: str) -> None:
    """Have those that waited for a side job be made, within the transaction that joins it."""
    query(connection, f"UPDATE {UDUP_SCHEMA}.{TABLE} SET due = 1 WHERE job = %s AND side = %s", job, side)


def forget(connection: Connection, job: str, key: LaterKey) -> None:
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND {_IS}", job, *key.child, key.name)


_IS = "table_schema = %s AND table_name = %s AND name = %s"


def _places(count: int) -> str:
    return ", ".join(["%s"] * count)


def _values(key: LaterKey) -> tuple[str, ...]:
    return (*key.child, key.name, key.columns, *key.of, key.others, key.rules)


# ---- Tables go apart ----


def note_leaving(connection: Connection, job: str, apart: Apart, selection: Selection) -> None:
    """Note the keys between tables that stay in a job and those that it lets go of, to be copied again.

    Before its claims on these are given up. Those of a table that is copied again are noted to be taken away: the copy
    says which there are to be.
    """
    staying, leaving = set(), set()
    for there, source in _claimed(connection, job).items():
        if _wants(selection, source):
            staying.add(there)
        elif _wants(apart.other, source):
            leaving.add(there)
    for kept in read(connection, job):
        if leaving & {kept.key.child, kept.key.of}:
            note(connection, job, apart.side, [kept.key])
    found = crossing(connection, staying, leaving)
    note(connection, job, apart.side, [key for key in found if key.child in leaving or not key.acts])


def begin_copy(
    connection: Connection,
    where: str,
    apart: Apart,
    tables: Collection[Name],
    later: Sequence[LaterKey],
    *,
    fills: bool,
) -> None:
    """Take away what ties tables that are copied to others of their job; `later` is what the source has of it.

    `fills`: the tables stay as they are. `Refused` for keys that change rows.
    """
    own = set(_claimed(connection, apart.job)) - set(tables)
    found = crossing(connection, own, set(tables))
    stays = [key for key in found if fills or key.child in own]
    if faults := [acting_fault(where, key) for key in stays if key.acts]:
        raise Refused(faults)
    if not fills:
        stale = [each.key for each in read(connection, apart.job) if not each.due and each.key.child not in own]
        for key in stale:
            forget(connection, apart.job, key)
    note(connection, apart.job, apart.side, [*stays, *(() if fills else later)])
    take_away(connection, apart.job)


def take_away(connection: Connection, job: str) -> None:
    """Drop those that are noted and not due, on a connection that may wait for tables in short goes alone."""
    query(connection, patience.SESSION)
    for kept in read(connection, job):
        if not kept.due and is_there(connection, kept.key):
            patience.patiently(partial(query, connection, kept.key.drop))


def _claimed(connection: Connection, job: str) -> dict[Name, Name]:
    """Return the tables that a job keeps current, each with its name on the source."""
    sql = (
        f"SELECT table_schema, table_name, source_schema, source_table FROM {UDUP_SCHEMA}.{CLAIM_TABLE} WHERE job = %s"
    )
    rows = [tuple(map(str, row)) for row in query(connection, sql, job)]
    return {(schema, table): (source_schema, source) for schema, table, source_schema, source in rows}


def _wants(selection: Selection, source: Name) -> bool:
    return any(selection.folding(folds).wants(*source) for folds in (False, True))


# ---- They stand together ----


class LaterKeys:
    """Those of one job, on the control's thread. `job` has them: of a side job it is the job that it comes to."""

    def __init__(self, job: str, *, makes: bool, together: Callable[[], bool] = lambda: False) -> None:
        """`makes`: it is no side job, which is alone with its tables. `together`: none is ahead of another now."""
        self._job, self._makes, self._together = job, makes, together
        self._kept: tuple[Kept, ...] = ()
        self._made: tuple[str, ...] = ()
        self._not_before = 0.0

    @property
    def told(self) -> tuple[str, ...]:
        """Return what is to be known of them; any thread may ask."""
        return (*self._made, *map(_told, self._kept))

    def read(self, connection: Connection) -> None:
        self._kept = tuple(read(connection, self._job)) if self._makes else ()

    @property
    def any_due(self) -> bool:
        return any(each.due for each in self._kept)

    def make(
        self, connection: Connection, opened: Callable[[], AbstractContextManager[Connection]], *, now: bool = False
    ) -> None:
        """Make those that are due, unless it was just tried in vain; `opened` connects what may run definitions.

        The job goes on without those that cannot be made: they are tried again, and told of.
        """
        if not self.any_due or not self._together() or (not now and runtime.now() < self._not_before):
            return
        with opened() as making:
            for kept in self._kept:
                if kept.due:
                    self._make(connection, making, kept.key)
        self.read(connection)
        self._not_before = runtime.now() + AGAIN_SECONDS

    def _make(self, connection: Connection, making: Connection, key: LaterKey) -> None:
        log = logs.logger("applier")
        try:
            if not is_there(making, key):
                query(making, key.add)
            if has_orphans(making, key):
                rows = f"rows of {key.schema}.{key.table} on the target refer to no row, by the"
                self._tell(f"{rows} {key}: {_COMPARE}")
        except MySQLError as error:
            if is_transient(error) and not making.open:
                raise
            log.warning("foreign_key_not_made", job=self._job, key=str(key), error=describe(error))
            sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET problem = %s WHERE job = %s AND {_IS}"
            query(connection, sql, describe(error), self._job, *key.child, key.name)
            return
        forget(connection, self._job, key)
        self._tell(f"the {key} is made on the target, as its tables stand together now")
        log.info("foreign_key_made", job=self._job, key=str(key))

    def _tell(self, text: str) -> None:
        if text not in self._made:
            self._made = (*self._made, text)

    # ---- Statements of the log ----

    def concerns(self, statement: Statement) -> bool:
        """Return whether a key that is due is of a table, or to one, that a statement names."""
        named = set(map(tuple, statement.objects))
        return any(
            each.due and (named & {each.key.child, each.key.of} or each.key.schema in statement.schemas)
            for each in self._kept
        )

    def follow(self, connection: Connection, statement: Statement, own: str) -> None:
        """Have the keys follow tables that a statement has renamed or dropped; `own` tells it from all others."""
        moves: dict[Name, Name] = {(old.schema, old.name): (new.schema, new.name) for old, new in statement.moves}
        drops = statement.verb in ("DROP TABLE", "DROP DATABASE")
        if statement.kind not in (Kind.TABLE_DDL, Kind.DATABASE_DDL) or not (moves or drops):
            return
        gone = set(map(tuple, statement.objects)) if drops else set()
        connection.begin()
        try:
            sql = f"SELECT {_KEY}, followed, side, due FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s FOR UPDATE"
            there: list[tuple[LaterKey, str, int]] = []
            for row in query(connection, sql, self._job):
                key = LaterKey(*map(str, row[:8]))
                goes = key.child in gone or (drops and key.schema in statement.schemas)
                if str(row[8]) == own or not (goes or moves.keys() & {key.child, key.of}):
                    continue
                forget(connection, self._job, key)
                if not goes:
                    there.append((key.moved(moves), str(row[9]), int(row[10])))
            for key, side, due in there:  # when none has its old name any more: tables may be exchanged
                self._put(connection, key, own, side, due)
            connection.commit()
        except BaseException:
            if connection.open:
                connection.rollback()
            raise
        self.read(connection)

    def _put(self, connection: Connection, key: LaterKey, own: str, side: str, due: int) -> None:
        sql = (
            f"INSERT INTO {UDUP_SCHEMA}.{TABLE} (job, followed, side, due, problem, {_KEY})"
            f" VALUES (%s, %s, %s, %s, '', {_places(8)})"
        )
        query(connection, sql, self._job, own, side, due, *_values(key))


_COMPARE = "if that is not so on the source, somebody has written there (udup job compare shows which)"


def _told(kept: Kept) -> str:
    if not kept.problem:
        return f"the {kept.key} is left out on the target until its tables stand together"
    return (
        f"the {kept.key} is NOT on the target, where it could not be made: {kept.problem}. It is tried again; or run"
        f" there what it needs, then {kept.key.add}"
    )
