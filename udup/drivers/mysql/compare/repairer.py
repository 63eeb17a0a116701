"""Rows of the ledger put right on the target, as a snapshot of the source has them (`ports.Comparer` that writes).

Each batch is one transaction on the target. It begins by locking what the checkpoint says of every worker, and that
must be no more than the snapshot holds: so nothing behind the snapshot is applied, and nothing can be until the commit,
whatever run or node would do it. That nothing before it lacks, the mark says at which the target stands.

Within it the rows of these keys are deleted first, so that no unique key is in the way, and what the source has of them
is inserted, as a copy would. Foreign keys are neither checked nor acted on: the source's own snapshot held them, and
a cascade would take rows away that are right. A target's own triggers would change more than these rows, so tables with
triggers are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Side as ErrorSide
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.apply.checkpoint import TABLE as CHECKPOINT
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client import patience
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, error_code, query, scalar
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.seam import behind_the_seam, seam
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.client.sessions import REPAIRING
from udup.drivers.mysql.compare.canonical import Servers
from udup.drivers.mysql.compare.comparer import count_alters, known, read_names
from udup.drivers.mysql.compare.ledger import MOST_ROWS, Kept, note_repaired, read_unrepaired
from udup.drivers.mysql.compare.side import Side
from udup.drivers.mysql.compare.tables import Compared, pair_tables, read_notes, read_servers, without_ahead
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.load.row_statements import insert_head, insert_statements, rows_of
from udup.drivers.mysql.snapshot.brief import open_briefly
from udup.drivers.mysql.snapshot.reader import CHANGED
from udup.drivers.mysql.snapshot.rows import prepare_session, stream_rows
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.drivers.mysql.snapshot.snapshot import Snapshot
from udup.pipeline.ports.compare import ComparePlan, CompareTold, TableCompared
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

#: Rows of a batch, and seconds in which batches are begun while the target stands.
BATCH_ROWS, STANDING_SECONDS = 200, 0.8

#: Bytes of an INSERT; of a batch's rows, by the source's estimate of one.
INSERT_BYTES, BATCH_BYTES = 1 << 20, 16 << 20

_DUPLICATE = 1062

#: Of each row by its place how often it is there, and its values for people.
_Texts = dict[tuple[str, ...], tuple[int, str]]


@dataclass
class _Work:
    """What is to be repaired of a table, and what has become of it."""

    name: Name
    rows: list[Kept]
    batch: int = BATCH_ROWS
    repaired: int = 0
    problem: str = ""
    told: bool = False

    @property
    def is_over(self) -> bool:
        return not self.rows or bool(self.problem)


@dataclass
class Opened:
    """What is open for one try: a snapshot with a session to compare and one to read, and the target's session."""

    snapshot: Snapshot
    writing: Connection
    pairs: dict[Name, Compared]
    servers: Servers
    triggers: set[Name] = field(default_factory=set)
    alters: int = 0

    def look_steady(self) -> None:
        """Raise `Transient` if the snapshot may have shown rows that came later: see `comparer.py`."""
        if count_alters(self.snapshot.connections[0]) != self.alters:
            raise Transient("tables were altered on the source while rows were repaired: once more")

    def side(self, compared: Compared, *, is_source: bool) -> Side:
        connection = self.snapshot.connections[0] if is_source else self.writing
        return Side(connection, compared, self.servers, is_source=is_source)


@behind_the_seam(ErrorSide.SOURCE)
class MySQLRepairer:
    """`open_target` repairs, while the target stands; `compare` tells what was done, and whether that was all."""

    def __init__(self, source: Endpoint, target: Endpoint, selection: Selection, plan: ComparePlan) -> None:
        self.endpoint = source
        self._target, self._selection, self._plan = target, selection, plan
        self._work: list[_Work] | None = None
        self._opened: Opened | None = None
        self._chosen, self._names = selection, tuple[Name, ...]()
        self._stopped = runtime.Event()

    def prepare(self) -> None:
        """Read what is to be repaired, and which tables there are."""
        if self._work is None:
            with seam(ErrorSide.TARGET, self._target), connect(self._target) as reading:
                self._work = _work(read_unrepaired(reading, self._plan.job, self._plan.tables))
        self._chosen = self._selection.within(_exactly(self._wanted()))
        with connect(self.endpoint) as asking:
            self._alters = count_alters(asking)
        self._names = read_names(self.endpoint, self._chosen) if self._wanted() else ()

    def open_source(self) -> str:
        """Open a snapshot of the source, and all that is needed to repair by it; return its GTID set."""
        self._end()
        with seam(ErrorSide.TARGET, self._target):
            writing = connect(self._target, REPAIRING)
            notes = read_notes(writing, self._plan.job)
        try:
            snapshot = open_briefly(self.endpoint, 2, self._names)
        except BaseException:
            writing.close()
            raise
        self._opened = Opened(snapshot, writing, {}, Servers(), _triggers(writing), self._alters)
        comparing, reading = snapshot.connections
        for connection in (comparing, reading):
            query(connection, patience.SESSION)
            query(connection, "SAVEPOINT udup")
        prepare_session(reading)
        with connect(self.endpoint) as asking:
            catalog = known(read_catalog(asking, self._chosen), self._names)
        found = pair_tables(catalog, self._selection, comparing, writing)
        found = without_ahead(found, notes.merged(GtidSet.parse(snapshot.gtid_set)))
        self._opened.pairs.update({pair.name: pair for pair in found})
        self._opened.servers = read_servers(comparing, writing)
        writing.rollback()  # what comes must be seen as it is then
        return snapshot.gtid_set

    def _wanted(self) -> list[str]:
        return [".".join(work.name) for work in self._work or ()]

    def open_target(self) -> None:
        """Repair for a moment: the target stands where the snapshot does."""
        assert self._opened is not None and self._work is not None, "open the source first"
        ends_at = runtime.now() + STANDING_SECONDS
        for work in self._work:
            while not work.is_over:
                if self._stopped.is_set():
                    raise Transient("the repair has been stopped")
                if runtime.now() >= ends_at:
                    return
                self._repair(work, self._opened)

    def _repair(self, work: _Work, opened: Opened) -> None:
        """Repair a batch of a table, or note why it cannot be."""
        compared = opened.pairs.get(work.name)
        work.problem = obstacle(compared, opened)
        if compared is None or work.problem:
            return
        few = min(work.batch, _rows_of(BATCH_BYTES, compared.source))
        batch = work.rows[: work.batch if work.batch == MOST_ROWS else few]
        try:
            with seam(ErrorSide.TARGET, self._target):
                Batch(self._plan.job, compared, opened, batch).repair()
        except (MySQLError, UdupError) as error:
            with suppress(MySQLError, OSError):
                opened.writing.rollback()
            code = _code(error)
            if code == _DUPLICATE and len(batch) < len(work.rows) and work.batch < MOST_ROWS:
                work.batch = MOST_ROWS  # a row of a later batch has what belongs to one of this
                return
            if isinstance(error, Transient) or (isinstance(error, MySQLError) and not code):
                raise
            if code in CHANGED:
                raise Transient(f"a table was altered since the snapshot was opened: {error}") from error
            work.problem = _told(error, code)
            return
        work.rows = work.rows[len(batch) :]
        work.repaired += len(batch)

    def compare(self, told: CompareTold, _seconds: float) -> bool:
        """Tell of what was repaired; return whether that was all."""
        work = self._work or []
        for each in work:
            if each.is_over and not each.told:
                each.told = True
                told.rows(each.repaired)
                told.table(TableCompared(*each.name, each.repaired, 0, each.problem))
        return all(each.is_over for each in work)

    def stop(self) -> None:
        """Have what is under way end, from any thread."""
        self._stopped.set()
        if self._opened is not None:
            for connection in (*self._opened.snapshot.connections, self._opened.writing):
                shut_down(connection)

    def close(self) -> None:
        self._end()

    def _end(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            opened.snapshot.close()
            with suppress(MySQLError, OSError):
                opened.writing.close()


class Batch:
    """Rows of one table, in one transaction."""

    def __init__(self, job: str, compared: Compared, opened: Opened, rows: Sequence[Kept]) -> None:
        self._job, self._compared, self._rows = job, compared, rows
        self._opened, self._writing = opened, opened.writing
        self._places = [tuple(each.place) for each in rows]
        self._ours = opened.side(compared, is_source=True)
        self._theirs = opened.side(compared, is_source=False)

    def repair(self) -> None:
        self._lock()
        self.write()
        self._opened.look_steady()
        self._writing.commit()

    def write(self) -> None:
        """Put the rows right within the transaction."""
        here, there = self._ours.placed(self._places), self._theirs.placed(self._places)
        after = self._ours.texts(here)
        query(self._writing, "SAVEPOINT udup")
        before = self._theirs.texts(there)
        name = qualified(self._compared.target.schema, self._compared.target.name)
        if self._compared.keys:
            query(self._writing, f"DELETE FROM {name} WHERE {there}")
            self._insert(self._read(here))
        else:
            self._put_right(name, before, after)
        for row, place in zip(self._rows, self._places, strict=True):
            was, is_now = (texts[place][1] if place in texts else None for texts in (before, after))
            note_repaired(self._writing, row.row_hash, was, is_now, self._opened.snapshot.gtid_set)

    def _lock(self) -> None:
        """Hold all that the checkpoint says; `Transient` if it says more than the snapshot holds."""
        sql = f"SELECT gtids FROM {UDUP_SCHEMA}.{CHECKPOINT} WHERE job = %s LOCK IN SHARE MODE"
        snapshot = GtidSet.parse(self._opened.snapshot.gtid_set)
        rows = query(self._writing, sql, self._job)
        if not rows:
            raise Transient("the job has no checkpoint on the target now")
        if not all(GtidSet.parse(str(gtids)) <= snapshot for (gtids,) in rows):
            raise Transient("the target went on before its rows were repaired")

    def _put_right(self, name: str, before: _Texts, after: _Texts) -> None:
        """Rows without a key: as many of each as the source has."""
        for place in self._places:
            less = before.get(place, (0, ""))[0] - after.get(place, (0, ""))[0]
            if less > 0:
                query(self._writing, f"DELETE FROM {name} WHERE {self._theirs.placed([place])} LIMIT {less}")
            elif less:
                self._insert(self._read(self._ours.placed([place])), -less)

    def _read(self, where: str) -> Iterator[tuple[bool, bytes]]:
        """Yield the rows' text, each with whether it has expressions."""
        reading, table = self._opened.snapshot.connections[1], _columns(self._compared, self._compared.source)
        for block in stream_rows(reading, table, where):
            yield block.values, block.text

    def _insert(self, blocks: Iterator[tuple[bool, bytes]], most: int | None = None) -> None:
        first = next(blocks, None)
        if first is None:
            query(self._opened.snapshot.connections[1], "ROLLBACK TO SAVEPOINT udup")
            return
        rows = islice(rows_of(text for _, text in chain([first], blocks)), most)
        table = _columns(self._compared, self._compared.target)
        packet = int(scalar(self._writing, "SELECT @@max_allowed_packet"))
        statements = insert_statements(
            *(table, insert_head(table), (row + b"\n" for row in rows), min(INSERT_BYTES, packet // 2)),
            values=first[0],
            charsets=_charsets(self._compared),
        )
        query(self._writing, "SET NAMES binary")
        try:
            for statement in statements:
                if len(statement) >= packet:
                    raise _too_long(len(statement), packet)
                with self._writing.cursor() as cursor:
                    cursor.execute(statement)  # type: ignore[call-overload]
        finally:
            for _ in blocks:
                """What nobody needs must be read all the same."""
            query(self._opened.snapshot.connections[1], "ROLLBACK TO SAVEPOINT udup")
            enter(self._writing, REPAIRING)


def _too_long(size: int, packet: int) -> UdupError:
    return UdupError(
        f"a row is a statement of {size} bytes, more than the target's max_allowed_packet of {packet} -- raise that on"
        " the target, and repair again"
    )


def _rows_of(size: int, table: Table) -> int:
    """Return how many rows come to so many bytes, one at least."""
    return max(1, size // (table.row_bytes or 1))


def _columns(compared: Compared, table: Table) -> Table:
    """Return a side's table with the columns that are put into the target's, of the source's types."""
    is_source = table is compared.source
    columns = [
        replace(_as_read(pair.source, pair.target), name=(pair.source if is_source else pair.target).name)
        for pair in compared.pairs
        if not pair.computed
    ]
    return replace(table, columns=tuple(columns), key_index="")


def _as_read(source: Column, target: Column) -> Column:
    """A document that the target keeps as text is read as text."""
    kind = "longtext" if source.kind == "json" and target.kind != "json" else source.kind
    return replace(source, generated=False, kind=kind)


def _charsets(compared: Compared) -> dict[str, str]:
    """Return the character sets of texts that the target has in another one, by the target's columns."""
    found = {}
    for pair in compared.pairs:
        charset = "utf8mb4" if pair.source.kind == "json" else pair.source.charset
        is_document = pair.target.kind == "json" and pair.source.kind != "json"  # which takes no bytes
        if charset and (is_document or (pair.target.charset and charset != pair.target.charset)):
            found[pair.target.name] = charset
    return found


def _exactly(tables: Sequence[str]) -> Selection:
    """Return the selection of just these tables, `schema.table`."""
    named: dict[str, list[str]] = {}
    for each in tables:
        schema, table = each.split(".", 1)
        named.setdefault(schema, []).append(table)
    return Selection.of(named.items())


def _work(rows: Sequence[Kept]) -> list[_Work]:
    found: dict[Name, _Work] = {}
    for row in rows:
        found.setdefault((row.schema, row.table), _Work((row.schema, row.table), [])).rows.append(row)
    return list(found.values())


def _triggers(target: Connection) -> set[Name]:
    rows = query(target, "SELECT DISTINCT EVENT_OBJECT_SCHEMA, EVENT_OBJECT_TABLE FROM information_schema.TRIGGERS")
    return {(str(schema).lower(), str(table).lower()) for schema, table in rows}


def obstacle(compared: Compared | None, opened: Opened) -> str:
    """Return why a table cannot be repaired, "" if it can be."""
    if compared is None:
        return "the job has no such table now"
    if compared.problem:
        return compared.problem
    if compared.unsettled:
        return "its rows take part in no transaction, which a repair is: reload it, or put its rows right by hand"
    if (compared.target.schema.lower(), compared.target.name.lower()) in opened.triggers:
        return "it has triggers on the target, which would run for each row: put its rows right by hand, or reload it"
    return ""


def _code(error: BaseException) -> int:
    """Return the server's number of an error, also of one that says it by its cause; 0 for none."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, MySQLError):
            return error_code(found)
        found = found.__cause__
    return 0


def _told(error: MySQLError | UdupError, code: int) -> str:
    text = describe(error) if isinstance(error, MySQLError) else str(error)
    if code == _DUPLICATE:
        return f"another row of the target has what belongs to one of these ({text}): compare the table again first"
    return text
