"""A full copy's source side: the rows of every table AS OF one SCN (`ports.SourceCopy`).

The log is followed from before the oldest transaction that was open at that SCN. Which those are is known exactly: an
SCN is read, then the open transactions and where the first began, then the SCN of the snapshot. Whatever was not
committed by the latter was open at the question, or began behind the first SCN.

A row's text is what MySQL's own source sends: fields by commas, strings as QUOTE() writes them, NULL as the bare word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from decimal import Decimal
from typing import Any

from udup.base import runtime
from udup.base.errors import Fault, Refused, Side, Transient, UdupError, Unsupported
from udup.drivers.mysql.dictionary.catalog import Catalog, Schema
from udup.drivers.mysql.dictionary.details import CopyDetails, SourceLog
from udup.drivers.mysql.rows.temporal import DateTime
from udup.drivers.mysql.rows.values import Value
from udup.drivers.oracle import statements
from udup.drivers.oracle.dictionary import read_facts, read_tables
from udup.drivers.oracle.literals import NoFit
from udup.drivers.oracle.mining import prepare_flush, write_out
from udup.drivers.oracle.position import position_at
from udup.drivers.oracle.session import FETCH_ROWS, OpenClient, Place, Session, connect
from udup.drivers.oracle.tables import MappedTable, OracleTable, RowProblem
from udup.pipeline.checks import SRC
from udup.pipeline.ports import Piece, Scope
from udup.pipeline.records import PIECE_BYTES, CopyPlan, CopyTable, CopyTotals, StartRows
from udup.pipeline.selection.renames import Name
from udup.pipeline.waits import WaitKind, Waits

#: Rows of a chunk, which is one transaction on the target.
CHUNK_ROWS = 20_000

#: Tries to see where the oldest open transaction began: of one that begins now that may not be known for a moment.
_TRIES, _TRY_SECONDS = 20, 0.2

#: Rows with LOBs that are fetched at once: all of them are in memory.
LOB_ROWS = 8

#: Times and texts of them are quoted; numbers are not.
_ESCAPES = ((b"\\", b"\\\\"), (b"'", b"\\'"), (b"\0", b"\\0"), (b"\x1a", b"\\Z"))


class OracleCopy:
    """Made by `open_copy`; `start` once, then `read` on one thread for each reader."""

    def __init__(
        self,
        open_client: OpenClient,
        place: Place,
        tables: list[MappedTable],
        plan: CopyPlan,
        scn: int,
        server_uuid: str,
        chunk_rows: int | None,
    ) -> None:
        self._open_client, self._place = open_client, place
        self._tables = tables
        self._plan = plan
        self._scn = scn
        self.server_uuid = server_uuid
        self._chunk_rows = chunk_rows or CHUNK_ROWS
        self._lock = runtime.Lock()
        self._next = iter(range(len(tables)))
        self._stopped = runtime.Event()
        self._sessions: list[Session] = []
        self._on_table: Callable[[CopyTotals], None] = lambda totals: None

    @property
    def plan(self) -> CopyPlan:
        return self._plan

    @property
    def tables(self) -> list[Name]:
        """Return the tables' names on the source."""
        return [(each.table.owner, each.table.name) for each in self._tables]

    def start(self, start: StartRows, on_table: Callable[[CopyTotals], None]) -> None:
        self._on_table = on_table

    def ahead(self) -> str:
        return self._plan.ahead

    def read(self, reader: int, emit: Callable[[Piece], None]) -> None:
        """Read tables on this thread until none is left."""
        session: Session | None = None
        try:
            while (number := self._next_table()) is not None:
                if session is None:
                    session = self._connected()
                self._on_table(self._read_table(session, number, emit))
        except UdupError:
            if not self._stopped.is_set():
                self.stop()
                raise
        finally:
            if session is not None:
                session.close()

    def _connected(self) -> Session:
        session = connect(self._open_client, self._place, container=True)
        with self._lock:
            self._sessions.append(session)
        if self._stopped.is_set():
            session.abandon()
        return session

    def _next_table(self) -> int | None:
        with self._lock:
            return None if self._stopped.is_set() else next(self._next, None)

    def _read_table(self, session: Session, number: int, emit: Callable[[Piece], None]) -> CopyTotals:
        table = self._tables[number]
        chunks = _Chunks(number, emit, self._chunk_rows, self._stopped)
        try:
            for values in rows_of(session, table, self._scn):
                chunks.add(_text(table, values))
            chunks.end()
        except (RowProblem, NoFit) as error:
            raise unreadable(table, error) from error
        return CopyTotals(number, chunks.number, chunks.rows)

    def stop(self) -> None:
        """Have all readers end, from any thread."""
        self._stopped.set()
        with self._lock:
            sessions = list(self._sessions)
        for session in sessions:
            session.abandon()

    def close(self) -> None:
        """Do nothing more: what stands at an SCN is held by no session."""
        self._stopped.set()


class _Chunks:
    """Cuts rows into chunks, and a chunk's text into pieces, of which the last is marked."""

    def __init__(self, table: int, emit: Callable[[Piece], None], most: int, stopped: runtime.Event) -> None:
        self._table, self._emit, self._most, self._stopped = table, emit, most, stopped
        self._lines: list[bytes] = []
        self._size = self._in_chunk = 0
        self.number = self.rows = 0

    def add(self, line: bytes) -> None:
        if self._in_chunk == self._most:
            self._finish()
        elif self._size >= PIECE_BYTES:
            self._send(last=False)
        self._lines.append(line)
        self._size += len(line)
        self._in_chunk += 1
        self.rows += 1

    def end(self) -> None:
        if self._in_chunk:
            self._finish()

    def _finish(self) -> None:
        self._send(last=True)
        self.number += 1
        self._in_chunk = 0

    def _send(self, *, last: bool) -> None:
        if self._stopped.is_set():
            raise Transient("the run has ended")
        data = b"".join(self._lines)
        self._lines, self._size = [], 0
        pieces = [data[start : start + PIECE_BYTES] for start in range(0, len(data), PIECE_BYTES)] or [b""]
        for piece in pieces[:-1]:
            self._emit(Piece(self._table, self.number, False, 0, piece))
        self._emit(Piece(self._table, self.number, last, self._in_chunk if last else 0, pieces[-1]))


def _text(table: MappedTable, values: tuple[Any, ...]) -> bytes:
    row = table.row(dict(zip(table.mapped, values, strict=True)))
    digits = (each.definition.metadata for each in table.mapped.values())
    return b",".join(map(_field, row, digits)) + b"\n"


def _field(value: Value, metadata: bytes) -> bytes:
    if value is None:
        return b"NULL"
    if isinstance(value, DateTime):
        return b"'" + value.text(metadata[0]).encode() + b"'"
    if isinstance(value, bytes):
        for plain, escaped in _ESCAPES:
            value = value.replace(plain, escaped)
        return b"'" + value + b"'"
    return format(value, "f").encode() if isinstance(value, Decimal) else repr(value).encode()


def rows_of(session: Session, table: MappedTable, scn: int) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a table as of an SCN, each as the values that its columns' expressions give."""
    names = table.mapped.items()
    expressions = [each.read.format(c=statements.quoted(name)) for name, each in names]
    select = statements.snapshot_select(table.table.owner, table.table.name, expressions)
    return session.rows(select, fetched=LOB_ROWS if table.lobs else FETCH_ROWS, scn=scn)


def unreadable(table: MappedTable, error: Exception) -> Unsupported:
    """Return what is told of a row that cannot be carried."""
    return Unsupported(
        f"a row of {table.table} cannot be copied: {error}; change it, or leave the table out", table=str(table.table)
    )


def open_copy(
    open_client: OpenClient, place: Place, scope: Scope, *, chunk_rows: int | None, waits: Waits | None = None
) -> OracleCopy:
    """Return a copy of everything in the scope as of an SCN; `Refused` names all that cannot be carried."""
    waits = waits or Waits(Side.SOURCE)
    with closing(connect(open_client, place, container=True)) as session:
        with waits.on(WaitKind.STATEMENT, statement="looking at open transactions"):
            resume, scn = written_moment(session, open_client)
        facts = read_facts(session)
        found, faults = mapped_tables(session, scope, f"Src {place}")
        if faults:
            raise Refused(faults)
    tables = [each.in_catalog(scope.selection.renamed_table(each.table.owner, each.table.name)) for each in found]
    schemas = dict.fromkeys(table.schema for table in tables)
    made = tuple(Schema(name, f"CREATE DATABASE {_quote(name)}") for name in schemas)
    details = CopyDetails(Catalog(made, tuple(tables), ()), {}, SourceLog(names_columns=True))
    listed = [
        CopyTable(each.schema, each.name, each.source, each.rows_estimate, each.rows_estimate * each.row_bytes)
        for each in tables
    ]
    plan = CopyPlan(listed, details.encoded(), position_at(facts.uuid, scn, resume))
    return OracleCopy(open_client, place, found, plan, scn, facts.uuid, chunk_rows)


def moment(session: Session) -> tuple[int, int]:
    """Return behind which SCN the log is to be read, and at which the snapshot stands.

    The session is of the job's container: what is open in a container, V$TRANSACTION does not show in the root to an
    account whose CONTAINER_DATA is as it is by default.
    """
    for _ in range(_TRIES):
        before = int(session.one(statements.CURRENT_SCN)[0])
        count, first = session.one(statements.OPEN_TRANSACTIONS)
        if not count or (first and int(first) > 0):
            scn = int(session.one(statements.CURRENT_SCN)[0])
            return min([before, int(first)] if count else [before]) - 1, scn
        runtime.sleep(_TRY_SECONDS)
    raise Transient(f"the source {session.place} does not say where its open transactions began (V$TRANSACTION)")


def written_moment(session: Session, open_client: OpenClient) -> tuple[int, int]:
    """Return the same, where the log was written up to it: an SCN that only a server's memory has may come again."""
    with closing(connect(open_client, session.place)) as root:
        prepare_flush(root)
        found = moment(session)
        write_out(root, found[1])
    return found


def ended_by(session: Session, scn: int) -> int:
    """Return an SCN by which all has ended that was open at another; 0 if something of it is open, or may be."""
    count, first = session.one(statements.OPEN_TRANSACTIONS)
    if count and not (first and int(first) > scn):
        return 0
    return int(session.one(statements.CURRENT_SCN)[0])


def mapped_tables(session: Session, scope: Scope, where: str) -> tuple[list[MappedTable], list[Fault]]:
    """Return the job's tables as the target gets them, and a fault for each that it cannot get."""
    found, faults = _mapped(read_tables(session, scope.selection), where)
    for mapped in found:
        for key in mapped.long_keys():
            problem = f"table {mapped.table}: its key {key} is too long: MySQL's have 3072"
            faults.append(Fault(where, problem, _leave_out(mapped.table), SRC))
    return found, faults


def mapped_or_refused(tables: Iterable[OracleTable], place: Place) -> list[MappedTable]:
    """Return these tables with their types; `Refused` with a fault for each that cannot be carried."""
    found, faults = _mapped(tables, f"Src {place}")
    if faults:
        raise Refused(faults)
    return found


def _mapped(tables: Iterable[OracleTable], where: str) -> tuple[list[MappedTable], list[Fault]]:
    found, faults = [], []
    for table in tables:
        try:
            found.append(MappedTable(table))
        except NoFit as error:
            faults.append(Fault(where, f"table {table}: {error}", _leave_out(table), SRC))
    return found, faults


def _leave_out(table: OracleTable) -> str:
    entry = f'{{"TableSchema": "{table.owner}", "Tables": [{{"TableName": "{table.name}"}}]}}'
    return f"leave it out: ReplicateIgnoreDb with {entry}"


def _quote(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"
