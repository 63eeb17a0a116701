"""What must hold in whole lives, looked at with each commit and each statement on the target.

Every table that a checkpoint speaks for is exactly as on the source at its position: what its job has executed, with
the notes that speak of it, and with the statements that have run on it. Rows hold the numbers of what wrote them, so
what is lost, doubled or out of order shows. No table is two jobs'; a statement runs once on a table.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.sim.checks import Checks, shown
from tests.sim.life import ALL, ROWS_OF_TABLE, STAYING, Tab, names_in, number_of
from tests.sim.life_source import LifeSource
from tests.sim.mysql import ROWS, Connection, Key, Server
from tests.sim.node import JOB, SimStore
from tests.sim.scenario import Scenario
from tests.sim.source import UUID
from tests.sim.tables import table_of
from tests.sim.world import World
from udup.drivers.mysql.apply.ahead import has_notes
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.jobs.growth import parts_of
from udup.pipeline.positions import AheadNote, RowsBehind
from udup.pipeline.selection.selection import Selection

#: Where a note says that a table is, and which of its rows are not.
Note = tuple[GtidSet, RowsBehind | None]

_TABLES = (*ALL, "x")

#: Events that say what a history had, and as what they are counted.
_COUNTED = {
    "tables_joined": "joined",
    "tables_not_joined": "not joined",
    "statement_held": "held",
    "tables_reload": "reloaded",
}

#: What a failure says that its user can follow.
HINT = "load again what is as it was before it (udup job reload "

#: What a job says that stops for good since a table of two goes was changed: it is copied again then.
TWO_GOES = "some rows as they were before it and others as they were after it"


class LifeChecks(Checks):
    """`fails` says what a job that has failed is to load again, where its message does."""

    def __init__(self, world: World, scenario: Scenario, source: LifeSource, target: Server) -> None:
        super().__init__(world, scenario, source, target)
        self._life = source
        self._ran: dict[str, set[int]] = {name: set() for name in _TABLES}
        self._selections: dict[str, Selection] = {}
        self.to_follow: list[str] = []
        self.counts: Counter[str] = Counter()

    # ---- Who stands where ----

    def executed(self) -> GtidSet:
        return self._executed(JOB)

    def _executed(self, job: str) -> GtidSet:
        found = GtidSet()
        for key in self._target.find("checkpoint", job):
            found.update(GtidSet.parse(self._target.rows[key][0]))
        return found

    def _selection(self, digest: str) -> Selection | None:
        """Return the selection that a base row means by its digest."""
        if digest not in self._selections:
            for disk in SimStore.disks.values():
                for record in disk.values():
                    self._learn(record)
        return self._selections.get(digest)

    def _learn(self, record: Any) -> None:
        whole = record.spec().selection()
        found: list[Selection | None] = [whole]
        if record.growth is not None:
            parts = parts_of(record.growth, whole)
            found += [parts.before, parts.staying, parts.new, parts.after]
        for each in found:
            if each is not None:
                self._selections[each.digest] = each
                self._selections[_with_notes(each.digest)] = each

    def _standings(self) -> dict[str, tuple[str, GtidSet, list[Note]]]:
        """Return of each table that a checkpoint speaks for: its job, what that has executed, the notes of it."""
        found: dict[str, tuple[str, GtidSet, list[Note]]] = {}
        for job in sorted({key[1] for key in self._target.find("checkpoint")}):
            base = [self._target.rows[key] for key in self._target.find("checkpoint", job, 0)]
            if not base or base[0][3] == "copying":
                continue
            selection = self._selection(base[0][3])
            if selection is None:
                self.fail(f"selection: nobody knows what the base row of {job!r} means")
                continue
            executed = self._executed(job)
            notes = [
                AheadNote.of_kept(self._target.rows[key], GtidSet.parse) for key in self._target.find("ahead", job)
            ]
            for table in _TABLES:
                if not selection.wants("s", table):
                    continue
                if table in found:
                    self.fail(f"owners: {table} is of {found[table][0]!r} and of {job!r}")
                of_it = [(note.position, note.rows_behind) for note in notes if note.group.wants("s", table)]
                found[table] = job, executed, of_it
        return found

    def _wanted(self, table: str, executed: GtidSet, notes: list[Note]) -> Tab | None:
        """Return what a table is to be: each row at its own position, where single rows of it are behind others."""
        ran = self._ran[table]

        def at(row: int | None) -> Tab | None:
            has = executed.copy()
            for position, behind in notes:
                if behind is None or (row is not None and not behind.has((row,))):
                    has.update(position)
            return self._life.truth.table_at(table, lambda number: number in ran or has.contains(UUID, number))

        found = at(None)
        if found is None or all(behind is None for _, behind in notes):
            return found
        by_row = {row: at(row) for row in range(1, ROWS_OF_TABLE + 1)}
        rows = {row: tab.rows[row] for row, tab in by_row.items() if tab is not None and row in tab.rows}
        return Tab(found.version, rows)

    # ---- What is looked at ----

    def _compare(self, after: str) -> None:
        target = self._target
        for job in {key[1] for key in target.find("checkpoint")}:
            if len(runs := {key[3] >> 40 for key in target.find("checkpoint", job)}) > 1:
                self.fail(f"owners: checkpoint rows of {job!r} of {len(runs)} take-overs, after {after}")
        for table, (job, executed, notes) in self._standings().items():
            wanted = self._wanted(table, executed, notes)
            rows = {int(key[1][1:]): target.rows[key] for key in target.find(ROWS) if table_of(key[1]) == table}
            have = Tab(target.tables[table], rows) if table in target.tables else None
            if wanted != have:
                told = f"{job!r} at {shown(executed)} with {[(shown(at), rows) for at, rows in notes]}"
                self.fail(f"rows: after {after}: {table} is {have}, and of {told} it was {wanted}")

    def _committed(self, connection: Connection, changed: dict[Key, Any]) -> None:
        super()._committed(connection, changed)
        if any(key[0] == "ahead" for key in changed):
            self._compare(f"{connection.process.name}: {connection.what}")

    def _ran_ddl(self, connection: Connection, sql: bytes) -> None:
        text = sql.decode()
        self._world.note(connection.process.name, text[:90].replace("\n", " "))
        number = number_of(text)
        if number is None:
            for table in names_in(text)[:1]:
                self._ran[table] = set()
            self._compare(f"{connection.process.name}: {text[:6]}")
            return
        if number not in self.ddl_done:
            self.ddl_done.append(number)
        for table in self._life.truth.touched[number]:
            if table in names_in(text):
                if number in self._ran[table]:
                    self.fail(f"ddl: {text} has run twice on {table}")
                self._ran[table].add(number)
        self._compare(f"{connection.process.name}: {text}")

    def _check_counts(self) -> None:
        """Of several jobs, and of tables that are copied anew, the log alone does not say what is to be counted."""

    def _credited(self, run: str, number: int) -> None:
        """Of which job it is no subject tells, so what is credited is not looked for in a checkpoint."""
        under_way = self._sent.get(run, {})
        for message in [each for each in under_way if each <= number]:
            del under_way[message]

    def heard(self, process: str, event: str, values: dict[str, Any]) -> None:
        text = str(values.get("error"))
        self.counts[_COUNTED.get(event, "")] += 1
        if event == "job_failed" and HINT in text:
            self._world.note("client", f"is told: {text}")
            self.to_follow = text.split(HINT, 1)[1].split(")", 1)[0].split()[1:]
            self.counts["followed"] += 1
            return
        if event == "job_failed" and TWO_GOES in text:
            self.counts["stopped at a table of two goes"] += 1
            self.is_over = True
            return
        super().heard(process, event, values)

    def run_ended(self, kind: str, text: str) -> None:
        """Runs end for reasons of the client's as well, and begin again in joins: they are not counted."""
        self.ended[kind] = self.ended.get(kind, 0) + 1
        if kind == "Conflict":
            self.fail(f"conflict: source and target agree, and yet: {text}")

    def at_the_end(self) -> None:
        target, disk = self._target, SimStore.disks["A"]
        for kind in ("ahead", "prepared", "part of copy", "chunk of copy"):
            if left := target.find(kind):
                self.fail(f"left: {left}")
        for kind in ("checkpoint", "claim", "copied", "object", "unsure"):
            if left := [key for key in target.find(kind) if key[1] != JOB]:
                self.fail(f"left: {left}")
        if others := sorted(set(disk) - {JOB}):
            self.fail(f"left: records of {others}")
        standing = self._standings()
        if missing := [table for table in STAYING if table not in standing]:
            self.fail(f"rows: at the end the job has not {missing}")
        self._compare("the end")


def _with_notes(digest: str) -> str:
    import hashlib

    made = hashlib.sha256(f"ahead{digest}".encode()).hexdigest()
    assert has_notes(made, digest)
    return made
