"""Rows of V$LOGMNR_CONTENTS in the order of the redo, put together to transactions in the order of their commits.

Without COMMITTED_DATA_ONLY the view shows changes as they were made, of all transactions mixed. A change is kept until
its transaction's COMMIT comes, and forgotten at its ROLLBACK. A rollback to a savepoint shows as rows with
ROLLBACK = 1: each undoes the *last* change of its row (DATA_OBJ#, ROW_ID) in the transaction that is not undone yet.

What is wrong with a transaction (a statement that LogMiner could not rebuild, an undo that finds nothing to undo) is
told when it is committed and is to be applied, not before: after a restart rows come again of transactions that are on
the target already, some of them without their beginning or by a dictionary that does not fit them any more.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain

from udup.base.errors import Unsupported
from udup.base.remedies import NEW_COPY
from udup.drivers.oracle.logminer.kept import OPPOSITE, Kept
from udup.drivers.oracle.logminer.rows import NOT_REBUILT, Code, LogRow
from udup.drivers.oracle.remedies import REPORT

#: Bytes that changes may take in memory, where they wait for their COMMIT, and for the end of their window; and in
#: files, where large transactions do.
OPEN_BYTES, FILE_BYTES = 512 << 20, 64 << 30

#: The end of an XID of which only the undo segment and slot are known: its transaction began before what is read.
_UNKNOWN_SEQUENCE = "ffffffff"

#: A table that the dictionary does not know (any more), by its object number.
_OBJECT = re.compile(r"OBJ#\s*(\d+)")

#: The other table of ALTER TABLE … EXCHANGE PARTITION … WITH TABLE: its rows change as well.
_EXCHANGED = re.compile(
    r'\bEXCHANGE\s+(?:SUB)?PARTITION\b.*\bWITH\s+TABLE\s+(?:("[^"]+"|[\w$#]+)\s*\.\s*)?("[^"]+"|[\w$#]+)',
    re.IGNORECASE | re.DOTALL,
)

#: What drops tables that it does not name.
_DROPS_MANY = re.compile(r'\s*DROP\s+(USER|TABLESPACE)\s+(?:IF\s+EXISTS\s+)?("[^"]+"|[\w$#]+)', re.IGNORECASE)

#: What begins the name of a table that was dropped and may come back.
_RECYCLED = "BIN$"

_CREATES = re.compile(r"\bCREATE\s+TABLE\b", re.IGNORECASE)

_HALF = (
    "its beginning has not come: it was open at SCN {scn}, where the job begins, and what it changed before is not"
    " known; begin the job with a full copy, or at an SCN at which no transaction was open"
)

#: A ROWID that says no row.
_NO_ROW = frozenset({"", "A" * 18})

_ROWS = frozenset({Code.INSERT, Code.UPDATE, Code.DELETE})
_LOBS = frozenset({Code.SELECT_LOB_LOCATOR, Code.LOB_WRITE, Code.LOB_TRIM, Code.LOB_ERASE})
_XML = frozenset({Code.XML_DOC_BEGIN, Code.XML_DOC_WRITE, Code.XML_DOC_END})
_EXTENDED = frozenset({Code.EXTENDED_STRING_BEGIN, Code.EXTENDED_STRING_WRITE, Code.EXTENDED_STRING_END})
_SILENT = frozenset({Code.REPLICATION_MARKER})


@dataclass(slots=True)
class OpenTransaction:
    """What a transaction has done so far. `problems` are why it cannot be applied, each with its SCN.

    `first_scn` is that of its first change, also where that is undone by now: a reader that begins between a change
    and its undo would find nothing to undo.
    """

    first_scn: int
    items: Kept = field(default_factory=Kept)
    problems: list[tuple[int, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Committed:
    """A transaction, or all that were committed at one SCN. `parts` have its changes and definitions in their order."""

    scn: int
    xids: tuple[str, ...]
    parts: tuple[Kept, ...]
    problems: tuple[tuple[int, str], ...]
    microseconds: int

    @property
    def items(self) -> Iterator[LogRow]:
        """Yield its changes; raise `BadRedo` for an undo that finds nothing to undo."""
        return chain.from_iterable(self.parts)

    @property
    def is_large(self) -> bool:
        """Return whether it is not to be in memory as a whole."""
        return any(each.is_large for each in self.parts)

    def close(self) -> None:
        """Give up what is in files."""
        for each in self.parts:
            each.close()


class Assembly:
    """`feed` the rows of a window of SCNs, whole; then `take` what was committed in it.

    `wants` says whether a table is the job's, `knows` whether an object of this number is one of its tables.
    `left_out`: tables that would be the job's, and are temporary. `schemas`: those that the job has tables of.
    `begun_at`: reading begins at this SCN, where transactions were open of which nobody knows; 0 if that is not so.
    `unknown` is the SCN of the last change of a table that the dictionary has no more, and that is none of those known.
    """

    def __init__(
        self,
        wants: Callable[[str, str], bool],
        knows: Callable[[int], bool] = lambda number: False,
        *,
        left_out: Collection[tuple[str, str]] = (),
        schemas: Collection[str] = (),
        begun_at: int = 0,
        open_bytes: int = OPEN_BYTES,
        file_bytes: int = FILE_BYTES,
    ) -> None:
        self._wants = wants
        self._knows = knows
        self._left_out = left_out
        self._schemas = schemas
        self._open: dict[str, OpenTransaction] = {}
        self._committed: list[Committed] = []
        self._begun_at = begun_at
        self.unknown = 0
        self.horizon = 0  # an SCN by which all that was open at `begun_at` has ended; 0 as long as none is known
        self._defining: dict[tuple[str, str], str] = {}  # tables of definitions that are not committed, and by whom
        self._started: set[str] = set()  # whose beginning was seen, as long as that matters
        self._open_bytes, self._file_bytes = open_bytes, file_bytes
        self._size = self._committed_size = 0  # of what is open; of what is committed and not taken

    def resume_scn(self, read_to: int) -> int:
        """Return behind which SCN a later reader must begin, where all up to `read_to` was read and taken.

        Changes of transactions that are not committed hold it back; one that has changed nothing does not. What was
        open at an SCN of the user's does until all of it has ended: a later reader must know it again.
        """
        if self._begun_at and not 0 < self.horizon <= read_to:
            return self._begun_at
        return min([each.first_scn for each in self._open.values()] + [read_to + 1]) - 1

    def feed(self, rows: Iterable[LogRow]) -> None:
        """Take rows; raise `Unsupported` for what no reader may pass over."""
        for row in rows:
            self._take_row(row)

    def take(self) -> list[Committed]:
        """Return what was committed, in the order of commits, those of one SCN as one; it is forgotten here."""
        merged: dict[int, list[Committed]] = {}
        for each in self._committed:
            merged.setdefault(each.scn, []).append(each)
        self._committed, self._committed_size = [], 0
        return [_merged(merged[scn]) for scn in sorted(merged)]

    def _take_row(self, row: LogRow) -> None:
        code = row.code
        if code == Code.MISSING_SCN:
            raise Unsupported(
                f"redo is missing in front of SCN {row.scn} (LogMiner shows MISSING_SCN): what was changed there is"
                f" lost for this job. {NEW_COPY}"
            )
        if row.xid.endswith(_UNKNOWN_SEQUENCE):
            self._take_row_of_slot(row)
        elif code == Code.COMMIT:
            self._commit(row)
        elif code == Code.ROLLBACK:
            if (gone := self._forget(row.xid)) is not None:
                gone.items.close()
        elif code == Code.DDL:
            if self._wants(row.owner, row.table) or self._drops_ours(row):
                self._keep(row)
            elif (other := _exchanged(row)) and self._wants(*other):
                self._keep(replace(row, owner=other[0], table=other[1]))
            elif (row.owner, row.table) in self._left_out and _CREATES.search(row.sql):
                raise Unsupported(
                    f"{row.owner}.{row.table}, a temporary table when this run began, is made anew at SCN {row.scn} as"
                    " one that is none: start the job again, so that it looks at the dictionary again"
                )
        elif code == Code.START:
            self._start(row)
        elif code not in _SILENT:
            self._change(row)

    def _drops_ours(self, row: LogRow) -> bool:
        """Return whether a definition may drop tables of the job that it does not name."""
        if (found := _DROPS_MANY.match(row.sql)) is None:
            return False
        name = found[2][1:-1] if found[2].startswith('"') else found[2].upper()
        return found[1].upper() == "TABLESPACE" or name in self._schemas

    def _take_row_of_slot(self, row: LogRow) -> None:
        """Take a row that tells undo segment and slot alone of its transaction (the first 8 digits).

        A slot has one transaction at a time. Undo of one that is not known began before what is read, and is no matter
        here; for nothing else is a slot enough.
        """
        known = self._in_slot(row.xid)
        if row.rollback and row.code in OPPOSITE:
            if known:
                self._change(replace(row, xid=known[-1]))
        elif known if row.code in (Code.COMMIT, Code.ROLLBACK) else row.code not in _SILENT and self._is_ours(row):
            raise Unsupported(
                f"LogMiner does not say which transaction did what it shows at SCN {row.scn} (operation {row.code}):"
                f" {row.xid}; {REPORT}"
            )

    def _in_slot(self, xid: str) -> list[str]:
        return [each for each in self._open if each[:8] == xid[:8]]

    def _start(self, row: LogRow) -> None:
        """Note a beginning. Whatever had its slot has ended: the server may have undone it all after a crash."""
        for xid in self._in_slot(row.xid):
            if xid != row.xid:
                lost = self._forget(xid)
                if lost is not None and (lost.items or lost.problems):
                    raise Unsupported(
                        f"transaction {row.xid} begins at SCN {row.scn} in the slot of {xid}, whose end has not come:"
                        f" what it changed from SCN {lost.first_scn} on may be committed; {REPORT}"
                    )
        if self._begun_at:
            self._started.add(row.xid)

    def _change(self, row: LogRow) -> None:
        if not self._is_ours(row):
            return
        if self._begun_at and row.xid not in self._started and row.xid not in self._open:
            self._spoil(replace(row, scn=self._begun_at + 1), _HALF.format(scn=self._begun_at))
        if problem := _problem(row):
            self._spoil(row, problem)
        elif row.rollback:
            self._undo(row)
        else:
            self._keep(row)

    def _is_ours(self, row: LogRow) -> bool:
        found = _OBJECT.fullmatch(row.table)
        is_ours = (
            self._knows(int(found[1])) if found else self._knows(row.data_obj) or self._wants(row.owner, row.table)
        )
        if not is_ours and (found or row.table.startswith(_RECYCLED)):
            self.unknown = row.scn
        return is_ours

    def _opened(self, row: LogRow) -> OpenTransaction:
        current = self._open.get(row.xid)
        if current is None:
            current = self._open[row.xid] = OpenTransaction(row.scn)
        return current

    def _keep(self, row: LogRow) -> None:
        current = self._opened(row)
        if row.code == Code.DDL:
            self._defining[row.owner, row.table] = row.xid
        elif self._defining.get((row.owner, row.table), row.xid) != row.xid:
            self._spoil(row, f"{row.owner}.{row.table} was altered before, and whether that was committed has not come")
        before = current.items.size
        current.items.append(row)
        self._size += current.items.size - before
        was_stored = current.items.size < before
        if self._size + self._committed_size > self._open_bytes or (was_stored and self._stored > self._file_bytes):
            raise self._too_much(row)

    @property
    def _stored(self) -> int:
        return sum(each.items.stored for each in self._open.values() if each.items.is_large)

    def _too_much(self, row: LogRow) -> Unsupported:
        xid, largest = max(self._open.items(), key=lambda each: each[1].items.size + each[1].items.stored)
        size = largest.items.size + largest.items.stored
        return Unsupported(
            "changes that wait for their COMMIT, or were committed within one window of SCNs, take more than"
            f" {self._open_bytes >> 20} MiB of memory, or {self._file_bytes >> 30} GiB of files, by SCN {row.scn}; the"
            f" largest transaction that is open is {xid}, from SCN {largest.first_scn} on, with {size >> 20} MiB;"
            " commit in smaller transactions on the source, then give the job another ID, so that it is copied"
        )

    def _spoil(self, row: LogRow, problem: str) -> None:
        self._opened(row).problems.append((row.scn, problem))

    def _undo(self, row: LogRow) -> None:
        """Take away the last change of this row that is not undone yet."""
        if row.row_id in _NO_ROW:
            self._spoil(row, f"it undoes a change of a row of {row.owner}.{row.table}, and does not say of which")
            return
        current = self._opened(row)
        before = current.items.size
        if not current.items.undo(row):
            self._spoil(row, f"it undoes a change of row {row.row_id} of {row.owner}.{row.table}, which has not come")
        self._size += current.items.size - before

    def _commit(self, row: LogRow) -> None:
        if self._begun_at and row.xid not in self._started and row.xid not in self._open:
            self._spoil(replace(row, scn=self._begun_at + 1), _HALF.format(scn=self._begun_at))
        current = self._forget(row.xid)
        if current is not None and (current.items or current.problems):
            self._committed_size += current.items.size
            problems = tuple(current.problems)
            self._committed.append(Committed(row.scn, (row.xid,), (current.items,), problems, row.microseconds))

    def _forget(self, xid: str) -> OpenTransaction | None:
        self._started.discard(xid)
        current = self._open.pop(xid, None)
        if current is not None:
            self._size -= current.items.size
            self._defining = {name: by for name, by in self._defining.items() if by != xid}
        return current


def _merged(parts: list[Committed]) -> Committed:
    if len(parts) == 1:
        return parts[0]
    return Committed(
        parts[0].scn,
        tuple(xid for each in parts for xid in each.xids),
        tuple(part for each in parts for part in each.parts),
        tuple(problem for each in parts for problem in each.problems),
        max(each.microseconds for each in parts),
    )


def _exchanged(row: LogRow) -> tuple[str, str] | None:
    """Return the table that a definition exchanges with a partition of its own one."""
    if (found := _EXCHANGED.search(row.sql)) is None:
        return None
    owner, name = (part[1:-1] if part.startswith('"') else part.upper() for part in (found[1] or "", found[2]))
    return owner or row.owner, name


def _problem(row: LogRow) -> str:
    """Return why a change cannot be carried; "" if it can, as far as the row's kind shows it."""
    what = f"of {row.owner}.{row.table}"
    if row.status == NOT_REBUILT or (row.status and not row.rollback) or _OBJECT.fullmatch(row.table):
        return (
            f"LogMiner could not rebuild a statement {what} (STATUS {row.status}: {row.info or 'no reason given'}): the"
            " dictionary does not fit the redo, as after DDL that came in between"
        )
    if row.code in _LOBS:
        return f"it changes a LOB {what} piece by piece ({Code(row.code).name}), which is not carried"
    if row.code in _XML:
        return f"it changes a document {what} ({Code(row.code).name}), which is not carried"
    if row.code in _EXTENDED:
        return f"it changes an extended string {what} ({Code(row.code).name}), which is not carried"
    if row.code not in _ROWS:
        return f"it holds an operation {what} that LogMiner calls {row.code} ({row.info or 'no reason given'})"
    return ""
