"""What was committed at an SCN as records: rows as events, definitions as statements of the target's."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from udup.base.errors import UdupError, Unsupported
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.values import Change
from udup.drivers.oracle.ddl import Action, Ddl, UnknownDdl, parse_ddl
from udup.drivers.oracle.ddl_text import statement_of
from udup.drivers.oracle.events import EventTable, events_of, query_event
from udup.drivers.oracle.literals import NoFit
from udup.drivers.oracle.logminer.assembly import Committed
from udup.drivers.oracle.logminer.kept import room_on_disk
from udup.drivers.oracle.logminer.redo import Verb, parse_redo
from udup.drivers.oracle.logminer.rows import Code, LogRow
from udup.drivers.oracle.logminer.values import BadRedo
from udup.drivers.oracle.position import Progress
from udup.drivers.oracle.remedies import PASS_OVER
from udup.drivers.oracle.tables import MappedTable, OracleTable, RowProblem
from udup.pipeline.ports import Scope
from udup.pipeline.positions import AheadNotes
from udup.pipeline.records import PIECE_BYTES, Definition, Part, Record, Transaction, TransactionId
from udup.pipeline.selection.renames import Name

LookUp = Callable[[str, str], OracleTable | None]

_VERBS = {Code.INSERT: Verb.INSERT, Code.UPDATE: Verb.UPDATE, Code.DELETE: Verb.DELETE}

#: Characters of a statement that an error shows.
_SHOWN = 300


class _Problem(ValueError):
    """Why a change cannot be carried."""


@dataclass(frozen=True)
class Surroundings:
    """What a run knows beside its log. `names` are those of the job's objects by their numbers, and grow with it.

    So do the temporary tables, `left_out`. `began_at`: the source's SCN when the run began, behind the reading of the
    names. `floor`: up to which SCN of its COMMIT a table's log is left out, for its rows came otherwise. `unknown`: the
    SCN of the last change of a table that the dictionary has no more, 0 for none. `tells`: every row is wanted, also
    those of tables that are dropped later. `notes` are of tables that the target has more of.
    """

    names: dict[int, Name]
    left_out: set[Name]
    began_at: int = 0
    floor: Callable[[str, str], int] = lambda owner, name: 0
    unknown: Callable[[], int] = lambda: 0
    tells: bool = False
    notes: AheadNotes = field(default_factory=AheadNotes)


class Carrier:
    """`records` of what was committed.

    LogMiner shows a table by the name that it has now. In the log's order it may have had another one, or another table
    had this name: so a number is known by one name until a definition says otherwise. What was renamed before this run
    began is not known so: rows of before may have been carried under the new name.
    """

    def __init__(self, progress: Progress, scope: Scope, look_up: LookUp, surroundings: Surroundings) -> None:
        self._progress = progress
        self._scope = scope
        self._look_up = look_up
        self._around = surroundings
        self._names, self._left_out = surroundings.names, surroundings.left_out
        self._tables: dict[Name, EventTable] = {}
        self._announced: set[bytes] = set()
        self._count = 0

    def records(self, committed: Committed, microseconds: int) -> Iterator[Record]:
        """Yield its records, none where nothing of it is carried; raise `Unsupported` that names what cannot be."""
        gtid = f"{self._progress.source}:{committed.scn}"
        try:
            if committed.is_large:
                yield from self._change_large(committed, microseconds)
                return
            definitions = [item for item in committed.items if item.code == Code.DDL]
            rows = [item for item in committed.items if item.code != Code.DDL]
            if definitions and (rows or len(definitions) > 1):
                raise _Problem("it has definitions and rows, or several definitions, at one SCN")
            if definitions:
                if self._is_told(definitions[0], committed.scn):
                    yield from self._define(definitions[0], committed.scn, microseconds)
            else:
                told = [row for row in rows if self._is_told(row, committed.scn)]
                yield from self._change(told, committed.scn, microseconds)
        except (_Problem, BadRedo, RowProblem, NoFit, Unfit, UnknownDdl) as error:
            xids = ", ".join(committed.xids)
            raise Unsupported(
                f"{gtid}: transaction {xids} cannot be carried: {error}; {PASS_OVER}", gtid=gtid
            ) from error
        except UdupError as error:
            raise error.about(gtid) from error

    def _is_told(self, row: LogRow, scn: int) -> bool:
        """Return whether the target has not got it already."""
        name, part = (row.owner, row.table), self._around.notes.of(self._progress.source, scn)
        if part is not None and part.cuts(*name):
            raise _Problem(f"some rows of {row.owner}.{row.table} were copied before it and others after it")
        return scn > self._around.floor(*name) and (part is None or not part.leaves_out(*name))

    # ---- Rows ----

    def _change(self, rows: list[LogRow], scn: int, microseconds: int) -> Iterator[Record]:
        changes = [change for row in rows if (change := self._read(row)) is not None]
        if not changes:
            return
        events = b"".join(events_of(changes))
        new = self._new_maps({table.table_map: None for table, _, _ in changes})
        last_change = max(row.scn for row in rows)
        keys = _keys_of(changes)
        yield from _cut(self._progress.committed(scn, last_change, microseconds, keys), events, new)

    def _change_large(self, committed: Committed, microseconds: int) -> Iterator[Record]:
        """Yield a transaction that is not in memory: its events are made into a file, and all of them before the first
        is sent. It depends on all before it, and all behind it on it: who has had which keys is not gathered.
        """
        maps: dict[bytes, None] = {}

        def changes() -> Iterator[tuple[EventTable, Verb, Change]]:
            for row in committed.items:
                if row.code == Code.DDL:
                    raise _Problem("it has definitions and rows at one SCN")
                if self._is_told(row, committed.scn) and (change := self._read(row)) is not None:
                    maps[change[0].table_map] = None
                    yield change

        with tempfile.TemporaryFile() as file:
            for events in events_of(changes()):
                with room_on_disk():
                    file.write(events)
            if not maps:
                return
            size = file.tell()
            file.seek(0)
            of, new = self._progress.defined(committed.scn, microseconds), self._new_maps(maps)
            count = (size + PIECE_BYTES - 1) // PIECE_BYTES
            for index in range(count):
                yield Part(of, index, False, file.read(PIECE_BYTES), new if index == 0 else [])
            yield Part(of, count, True, b"", [])

    def _new_maps(self, maps: Iterable[bytes]) -> list[bytes]:
        """Return the TABLE_MAPs that were not announced before; from here on they are."""
        new = [each for each in maps if each not in self._announced]
        self._announced.update(new)
        return new

    def _read(self, row: LogRow) -> tuple[EventTable, Verb, Change] | None:
        """Return a row's change; None if the job leaves its kind out."""
        verb = _VERBS[Code(row.code)]
        left_out, shown = self._scope.sql_filter, (row.owner, row.table)
        if {Verb.INSERT: left_out.inserts, Verb.UPDATE: left_out.updates, Verb.DELETE: left_out.deletes}[verb]:
            return None
        try:
            change = parse_redo(row.sql)
            if (change.verb, change.owner, change.table) != (verb, row.owner, row.table):
                raise BadRedo(f"it is {verb.value} of {row.owner}.{row.table} by its row, and not by its statement")
            known = self._names.setdefault(row.data_obj, shown) if row.data_obj else shown
            table = self._table(known, shown)
            return table, verb, table.mapped.images(change)
        except (BadRedo, RowProblem) as error:
            sql = row.sql if len(row.sql) <= _SHOWN else row.sql[:_SHOWN] + " …"
            raise _Problem(f"{error}, in the redo at SCN {row.scn}: {sql}") from error

    def _table(self, name: Name, shown: Name) -> EventTable:
        """Return a table by the name that it has in the log's order; the dictionary has it as it is shown."""
        found = self._tables.get(name)
        if found is None:
            mapped = self._mapped(*shown)
            if mapped.lobs:
                raise _Problem(f"{'.'.join(name)} has LOBs ({', '.join(mapped.lobs)}), whose redo is not carried")
            self._count += 1
            found = self._tables[name] = EventTable.of(mapped, self._scope.selection.renamed_table(*name), self._count)
        return found

    def _mapped(self, owner: str, name: str) -> MappedTable:
        table = self._look_up(owner, name)
        if table is None:
            raise _Problem(
                f"{owner}.{name} is not in the source's dictionary any more, by which its redo is understood"
            )
        for number in table.numbers:
            self._names.setdefault(number, (owner, name))
        try:
            return MappedTable(table)
        except NoFit as error:
            raise _Problem(f"{owner}.{name}: {error}") from error

    # ---- Definitions ----

    def _define(self, row: LogRow, scn: int, microseconds: int) -> Iterator[Record]:
        ddl = _definition_of(row)
        if ddl.action is Action.CREATE_TEMPORARY:
            self._left_out.add((row.owner, row.table))
        if ddl.action in (Action.NOTHING, Action.CREATE_TEMPORARY) or (row.owner, row.table) in self._left_out:
            return
        self._tables.pop((row.owner, row.table), None)
        self._announced.clear()
        verb, actions = (ddl.action.value, ()) if " TABLE" in ddl.action.value else ("ALTER TABLE", (ddl.action.value,))
        is_left_out = self._scope.sql_filter.drops(verb, actions)
        self._check_known(row, ddl.action, scn, keeps_rows=is_left_out or self._around.tells)
        if is_left_out:
            return
        selection = self._scope.selection
        renamed = selection.renamed_table(row.owner, row.table)
        new = None
        if ddl.action is Action.RENAME:
            if not selection.wants(row.owner, ddl.names[0]):
                raise _Problem(f"{row.owner}.{row.table} is renamed to {ddl.names[0]}, which is not in the job")
            if (row.owner, ddl.names[0]) in self._left_out:
                raise _Problem(f"{row.owner}.{row.table} is renamed to {ddl.names[0]}, which was a temporary table")
            new_name = row.owner, ddl.names[0]
            if self._around.notes.ahead(self._progress.source, scn, *new_name):
                raise _Problem(f"{row.owner}.{row.table} is renamed to {ddl.names[0]}, which was copied after that")
            new = selection.renamed_table(*new_name)
            self._rename((row.owner, row.table), new_name)
        created = self._mapped(row.owner, row.table) if ddl.action is Action.CREATE else None
        sql = statement_of(ddl, renamed, new, created)
        of = self._progress.defined(scn, microseconds)
        yield Definition(of, query_event(renamed[0], sql, microseconds // 1_000_000), sql[:_SHOWN])

    def _check_known(self, row: LogRow, action: Action, scn: int, *, keeps_rows: bool) -> None:
        """Raise `_Problem` where what came before a definition may not have been understood, as it was made already."""
        began_at, unknown, table = self._around.began_at, self._around.unknown(), f"{row.owner}.{row.table}"
        if scn > began_at:
            return
        if action in (Action.RENAME, Action.RENAME_COLUMN):
            raise _Problem(
                f"{table} was renamed, or a column of it, before this run began (at SCN {began_at}): rows of before may"
                " have been carried under the new name; compare them"
            )
        if action is Action.DROP_TABLE and keeps_rows and unknown:
            raise _Problem(
                f"{table} was dropped before this run began (at SCN {began_at}), and changes were passed over of a"
                f" table that the dictionary has no more, the last at SCN {unknown}: they may be of this one, whose"
                " rows are to be kept"
            )

    def _rename(self, old: Name, new: Name) -> None:
        for number in [number for number, name in self._names.items() if name == old]:
            self._names[number] = new
        self._tables.pop(new, None)


def _keys_of(changes: Iterable[tuple[EventTable, Verb, Change]]) -> set[int]:
    """Return the values of primary and unique keys in rows before and behind changes, hashed; none that has a NULL."""
    found: set[int] = set()
    for table, _, images in changes:
        places = {name: place for place, name in enumerate(table.mapped.mapped)}
        own = table.mapped.table
        for number, (_, names) in enumerate(own.keys):
            for row in images:
                values = () if row is None else tuple(row[places[name]] for name in names)
                if values and None not in values:
                    found.add(hash((own.owner, own.name, number, values)))
    return found


def _definition_of(row: LogRow) -> Ddl:
    """Return what a definition's row says; raise `_Problem` with its text."""
    try:
        return parse_ddl(row.sql, row.owner, row.table)
    except UnknownDdl as error:
        shown = " ".join(row.sql.rstrip("\0; \n").split())[:_SHOWN]
        raise _Problem(f"a definition of {row.owner}.{row.table} {error}: {shown}") from error


def _cut(of: TransactionId, events: bytes, new_maps: list[bytes]) -> Iterator[Record]:
    """Yield a transaction, in parts if it is large."""
    if len(events) <= PIECE_BYTES:
        yield Transaction(of, events, new_maps)
        return
    starts = range(0, len(events), PIECE_BYTES)
    for index, start in enumerate(starts):
        yield Part(of, index, False, events[start : start + PIECE_BYTES], new_maps if index == 0 else [])
    yield Part(of, len(starts), True, b"", [])
