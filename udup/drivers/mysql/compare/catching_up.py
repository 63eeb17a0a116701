"""Tables of a job that stands still, put right as a snapshot of the source has them (`ports.Comparer` that writes).

A job that has met a row which is not as the source's goes no further, so its target never stands where a snapshot of
the source does. But nothing of the job writes meanwhile: its checkpoint is locked for the whole transaction. So a
table is compared with the source as it is now, all rows that differ are written, and a note says that it is ahead of
the job (`pipeline/positions.py`). The next run leaves it out of the transactions that it has, that which failed among
them.

What the log would do to the table meanwhile beside its rows is not done again: so its definition must be the source's,
and no foreign key may act on it or by it.
"""

from __future__ import annotations

import re
from contextlib import suppress

from udup.base import runtime
from udup.base.errors import Fault, Refused, Transient
from udup.base.errors import Side as ErrorSide
from udup.base.remedies import for_job, reload_of
from udup.drivers.mysql.apply import ahead, unsure
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.apply.checkpoint import COPYING
from udup.drivers.mysql.apply.checkpoint import TABLE as CHECKPOINT
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.checks.parts import with_tied
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.seam import behind_the_seam, seam
from udup.drivers.mysql.client.sessions import SNAPSHOT
from udup.drivers.mysql.compare import ledger
from udup.drivers.mysql.compare.both import Both, Pace
from udup.drivers.mysql.compare.multisets import compare_as_set
from udup.drivers.mysql.compare.ranges import compare_ranges
from udup.drivers.mysql.compare.repairer import Batch, MySQLRepairer, Opened, obstacle
from udup.drivers.mysql.compare.side import Side
from udup.drivers.mysql.compare.tables import UNKNOWN, Compared
from udup.drivers.mysql.snapshot.moment import start_all
from udup.pipeline.ports.compare import CompareTold, RowDifference, TableCompared
from udup.pipeline.positions import AheadNote
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

#: Rows of a table that are put right; where more differ it is faster to load it again.
MOST_ROWS = 5000

_NUMBER = re.compile(r" AUTO_INCREMENT=\d+")
_NAME = re.compile(r"^(CREATE TABLE) `(?:[^`]|``)*`")
_ACTS = ("CASCADE", "SET NULL", "SET DEFAULT")


@behind_the_seam(ErrorSide.SOURCE)
class MySQLCatchUp(MySQLRepairer):
    """Of the tables that the plan names. `open_target` does it all."""

    _done: tuple[TableCompared, ...] = ()

    def open_target(self) -> None:
        """Put the tables right in one transaction, or none of them."""
        assert self._opened is not None, "open the source first"
        with seam(ErrorSide.TARGET, self._target):
            ledger.make(self._opened.writing)
            theirs = connect(self._target, SNAPSHOT)
            pool = runtime.Pool(1, thread_name_prefix="catch-up")
            try:
                self._lock(self._opened)
                start_all([theirs])
                query(theirs, "SAVEPOINT udup")
                self._done = tuple(self._caught_up(name, self._opened, theirs, pool) for name in self._plan.tables)
                self._opened.look_steady()
                self._opened.writing.commit()
            finally:
                pool.shutdown(wait=True, cancel_futures=True)
                with suppress(MySQLError, OSError):
                    theirs.close()

    def compare(self, told: CompareTold, _seconds: float) -> bool:
        """Tell what was done."""
        for table in self._done:
            told.rows(table.rows)
            told.table(table)
        return True

    def _wanted(self) -> list[str]:
        return list(self._plan.tables)

    def _lock(self, opened: Opened) -> None:
        """Keep every run of the job off, and look that nothing is open which no note can tell."""
        job, sql = self._plan.job, f"FROM {UDUP_SCHEMA}.{CHECKPOINT} WHERE job = %s ORDER BY slot FOR UPDATE"
        rows = query(opened.writing, f"SELECT slot, gtids, selection {sql}", job)
        if not rows or rows[0][0] != 0 or rows[0][2] == COPYING:
            raise _refused("the job has no checkpoint on the target: its copy has not ended", "resume the job")
        for table, more in ((prepared.TABLE, ""), (unsure.TABLE, " AND gtids <> ''")):
            if query(opened.writing, f"SELECT 1 FROM {UDUP_SCHEMA}.{table} WHERE job = %s{more} LIMIT 1", job):
                problem = "a transaction of the job is prepared, or nobody knows whether it was applied"
                raise _refused(problem, "put the rows right by hand, then resume the job")
        snapshot = GtidSet.parse(opened.snapshot.gtid_set)
        if not all(GtidSet.parse(str(gtids)) <= snapshot for _, gtids, _ in rows):
            raise Transient("the target has transactions that the source's snapshot lacks")
        self._selection_kept = str(rows[0][2])

    def _caught_up(self, name: str, opened: Opened, theirs: Connection, pool: runtime.Pool) -> TableCompared:
        compared = next(pair for pair in opened.pairs.values() if ".".join(pair.name) == name)
        schema, table = compared.name
        if compared.problem == UNKNOWN:
            raise _refused(f"{name}: {UNKNOWN}", "name it as the source has it")
        if problem := obstacle(compared, opened) or _stands_alone(compared, opened.writing):
            raise self._to_load_again(f"{name}: {problem}", name)
        found = self._found(compared, opened, theirs, pool)
        if found:
            kept = ledger.add(opened.writing, self._plan.job, found, opened.snapshot.gtid_set)
            Batch(self._plan.job, compared, opened, kept).write()
        notes = ahead.read(opened.writing, self._plan.job)
        note = AheadNote(Selection.of([(schema, [table])]), GtidSet.parse(opened.snapshot.gtid_set))
        ahead.write(opened.writing, self._plan.job, notes.plus(note))
        if not notes:
            digest = ahead.digest_with(notes.plus(note), self._selection_kept)
            sql = f"UPDATE {UDUP_SCHEMA}.{CHECKPOINT} SET selection = %s WHERE job = %s AND slot = 0"
            query(opened.writing, sql, digest, self._plan.job)
        return TableCompared(schema, table, len(found))

    def _to_load_again(self, problem: str, name: str) -> Refused:
        """Return the refusal that names the command instead: of all the tables that are to come in one step."""
        tables = with_tied(self.endpoint, self._selection, [name])
        what = "it" if len(tables) == 1 else "it, and what its foreign keys tie to it,"
        return _refused(problem, f"have the job load {what} again: {for_job(reload_of(tables), self._plan.job)}")

    def _found(self, compared: Compared, opened: Opened, theirs: Connection, pool: runtime.Pool) -> list[RowDifference]:
        """Return the rows in which the target differs from the source's snapshot."""
        found: list[RowDifference] = []

        def take(difference: RowDifference) -> None:
            found.append(difference)
            if len(found) > MOST_ROWS:
                problem = f"{'.'.join(compared.name)}: more than {MOST_ROWS} rows differ from the source as it is now"
                raise self._to_load_again(problem, ".".join(compared.name))

        there = Side(theirs, compared, opened.servers, is_source=False)
        ours = opened.side(compared, is_source=True)
        told = CompareTold(take, lambda _table: None)
        both = Both(compared, ours, there, told, Pace(0, self._stopped), pool)
        if compared.ordered:
            for _ in compare_ranges(both, None, 0, ""):
                pass
        else:
            compare_as_set(both)
        return found


def _stands_alone(compared: Compared, target: Connection) -> str:
    """Return why a table cannot be ahead of others, "" if it can."""
    there = qualified(compared.target.schema, compared.target.name)
    made = str(query(target, f"SHOW CREATE TABLE {there}")[0][1])
    if (
        compared.source.mapped
        or compared.source.condition
        or _definition(made) != _definition(compared.source.create_sql)
    ):
        return "its definition on the target is not the source's of now"
    acts = ", ".join(f"'{each}'" for each in _ACTS)
    sql = (
        "SELECT CONSTRAINT_NAME FROM information_schema.REFERENTIAL_CONSTRAINTS WHERE CONSTRAINT_SCHEMA = %s"
        f" AND %s IN (TABLE_NAME, REFERENCED_TABLE_NAME) AND (DELETE_RULE IN ({acts}) OR UPDATE_RULE IN ({acts}))"
    )
    found = query(target, sql, compared.target.schema, compared.target.name)
    return f"its foreign key {found[0][0]} changes rows of other tables, or those of others its own" if found else ""


def _definition(create_sql: str) -> str:
    """Return what a table is, whatever its name and its next number are."""
    return _NAME.sub(r"\1", _NUMBER.sub("", create_sql))


def _refused(problem: str, remedy: str) -> Refused:
    return Refused([Fault("Repair", problem, remedy)])
