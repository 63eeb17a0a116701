"""Rows as INSERT, UPDATE and DELETE, for targets whose account may not run BINLOG.

A group is a packet (or several) of statements, the checkpoint's row first, and a COMMIT when all of them have changed
what they had to: `statements/batch.py` counts. A row that is not found is the error that BINLOG has for it, 1032.

What a table does by itself must come out as it did on the source:

* Values are literals that every session reads alike, in UTC and in an sql_mode that takes every value or refuses it.
  What a strict session refuses and a row may hold all the same (the error value of an ENUM, a column without a default
  that the log leaves out) goes by itself in a lenient one, and is looked at afterwards.
* Rows of which the target computes something are written in the context of the session that wrote them. The rows of
  all other tables are not: their literals are of UTC.
* Foreign keys are looked at, or not, as each event says.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from udup.base.errors import Contended, Transient, UdupError, Unavailable, Unsupported
from udup.drivers.mysql.apply import intents, unsure
from udup.drivers.mysql.apply import xa as prepared
from udup.drivers.mysql.apply.created_table import make_for_rows
from udup.drivers.mysql.apply.rows_path import Mark
from udup.drivers.mysql.binlog.event import NO_FOREIGN_KEY_CHECKS, ROWS_EVENTS, EventType, has_checksums
from udup.drivers.mysql.binlog.remedies import damaged
from udup.drivers.mysql.binlog.split import EventSplitter, split
from udup.drivers.mysql.binlog.table_map import TableName, definition_bytes, table_id, table_name
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.drivers.mysql.client.errors import Meaning, MySQLError, describe, meaning
from udup.drivers.mysql.client.raw import execute_raw
from udup.drivers.mysql.client.session_setup import enter, reset
from udup.drivers.mysql.client.sessions import STATEMENT_MODE, Session
from udup.drivers.mysql.columns.plans import ConvertedPlan, read_converted_plan
from udup.drivers.mysql.rows.codec import CODECS_MAX, RowCodec, RowCodecs, completed, make_room
from udup.drivers.mysql.rows.errors import Unfit
from udup.drivers.mysql.rows.events import DELETES, WRITES, RowsEvent
from udup.drivers.mysql.rows.values import ABSENT, JsonPatch, Row, Value
from udup.drivers.mysql.statements.batch import Batch, WarnedError
from udup.drivers.mysql.statements.plan import TablePlan, read_plan
from udup.drivers.mysql.statements.texts import TableTexts
from udup.pipeline.ports import RowCounts
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Keys of one DELETE.
_DELETED_TOGETHER = 500

#: A savepoint's name.
_PIECE = "udup_piece"

_STRICT = f"SET SESSION sql_mode = '{STATEMENT_MODE}', time_zone = '+00:00'"
_LENIENT = f"SET SESSION sql_mode = '{STATEMENT_MODE.replace(',STRICT_ALL_TABLES', '')}', time_zone = '+00:00'"

#: Behind a context's own SET: 0 in an AUTO_INCREMENT column is a value, and what a row computes may warn, as it may
#: where the row comes as an event, in whatever mode.
_AS_OF_ROWS = (
    "SET SESSION sql_mode = CONCAT('NO_AUTO_VALUE_ON_ZERO,', REPLACE(REPLACE(REPLACE(@@sql_mode,"
    " 'STRICT_TRANS_TABLES', ''), 'STRICT_ALL_TABLES', ''), 'TRADITIONAL', ''))"
)


class StatementRows:
    """`RowsPath` by statements."""

    applies_apart_whole = False

    def __init__(self, connection: Connection, session: Session, *, converts: bool = False) -> None:
        """`converts`: the target's tables may be others than the source's; rows go by names and values."""
        self._converts = converts
        self._converted: dict[bytes, ConvertedPlan] = {}
        self._connection = connection
        self._session = session
        self._format = b""
        self._with_crc = True
        self._batch = Batch(connection, int(scalar(connection, "SELECT @@global.max_allowed_packet")))
        self._codecs = RowCodecs()
        self._plans: dict[bytes, TablePlan] = {}
        self._texts: dict[tuple[bytes, bool], TableTexts] = {}
        self._maps: dict[bytes, bytes] = {}  # TABLE_MAPs of the transaction by their numbers
        self._state: str | None = _STRICT  # the SET in force, None: not known
        self._keys_checked: bool | None = True
        self._created = False
        self._looks = True  # at each row that is written in a session that is not strict
        self._counts = RowCounts()

    @property
    def format(self) -> bytes:
        return self._format

    @property
    def has_crc(self) -> bool:
        return self._with_crc

    def write_by(self, format_description: bytes) -> None:
        self._format = format_description
        self._with_crc = has_checksums(format_description)
        self._maps.clear()

    # ---- Rows ----

    def apply(self, mark: Mark, events: Sequence[bytes], context: bytes) -> None:
        """Apply the group. If a statement warns that nobody looks at, do it once more, and look at each."""
        try:
            self._apply(mark, events, context, looks=self._created)
        except WarnedError:
            self._connection.rollback()
            self.undo()
            self._apply(mark, events, context, looks=True)
        except MySQLError as error:
            if self._created and meaning(error) is Meaning.CONTENDED:
                # A rollback does not undo the table: the next take-over drops it, and then the order may come again.
                raise Unavailable(f"behind CREATE TABLE … SELECT: {describe(error)}") from error
            raise

    def _apply(self, mark: Mark, events: Sequence[bytes], context: bytes, *, looks: bool) -> None:
        self._begin(mark)
        self._take_all((event for transaction in events for event in split(transaction)), context, looks=looks)
        self._end_created(mark)
        self.commit()

    def begin(self, mark: Mark) -> None:
        self._begin(mark)
        self._batch.send()
        self._end_created(mark)

    def _begin(self, mark: Mark) -> None:
        self._batch.clear()
        self._maps.clear()
        self._batch.add(_update_of(mark), 1, lambda: f"this job's row in '{UDUP_SCHEMA}.checkpoint'")

    def stream(self, *, commits: bool = False) -> StatementStream:
        return StatementStream(self, commits=commits)

    def take_piece(self, events: Sequence[bytes], context: bytes) -> None:
        """Send what events of the open transaction do; once more if a statement warns, and look at each row then."""
        self._batch.add(f"SAVEPOINT {_PIECE}")
        try:
            self._take_all(events, context, looks=False)
        except WarnedError:
            self.undo()
            execute_raw(self._connection, f"ROLLBACK TO SAVEPOINT {_PIECE}".encode(), 1)
            self._take_all(events, context, looks=True)

    def take_for_good(self, events: Sequence[bytes], context: bytes) -> None:
        """Send what events do, and commit it: nothing of it can be undone, so each row is looked at."""
        self._take_all(events, context, looks=True)
        self.commit()

    def _take_all(self, events: Iterable[bytes], context: bytes, *, looks: bool) -> None:
        self._looks = looks
        try:
            for event in events:
                self.take(event, context)
            self._batch.send()
        finally:
            self._looks = True

    def commit(self) -> None:
        execute_raw(self._connection, b"COMMIT", 1)

    def apply_apart(
        self, gtids: Sequence[str], transactions: Sequence[bytes], mark: Mark, ending: bytes, context: bytes
    ) -> Iterator[int]:
        """Apply one after the other, and note each as it is done: no GTID of the server's tells it."""
        self._batch.clear()
        self._maps.clear()
        for done, events in enumerate(transactions, start=1):
            for event in split(events):
                self.take(event, context)
            self._batch.send()
            self.commit()
            yield done
            execute_raw(self._connection, unsure.applied_statement(mark.job.decode(), done) + b";COMMIT", 2)
        self.finish(mark, ending)

    def finish(self, mark: Mark, ending: bytes) -> None:
        self._begin(mark)
        self._batch.add(ending.decode())
        self._batch.send()
        self.commit()

    def take(self, event: bytes, context: bytes) -> None:
        """Add what an event does to what is gathered; what is large is sent meanwhile."""
        kind = event[4]
        if kind == EventType.TABLE_MAP:
            self._maps[table_id(event)] = event
        elif kind in ROWS_EVENTS:
            table_map = self._maps.get(table_id(event))
            if table_map is None:
                raise damaged("rows came without their TABLE_MAP")
            if table_name(table_map).schema == UDUP_SCHEMA:
                self._keep(event)
            else:
                try:
                    self._rows(table_map, event, context)
                except UdupError as error:
                    raise error.beginning(f"{table_name(table_map)}: ") from error

    def _keep(self, event: bytes) -> None:
        """Add rows of a prepared transaction, which Udup has made itself."""
        self._enter(_STRICT)
        self._batch.add(prepared.insert_statement(event, has_crc=self._with_crc), 1)

    def _rows(self, table_map: bytes, event: bytes, context: bytes) -> None:
        key = table_id(table_map) + definition_bytes(table_map, has_crc=self._with_crc)
        codec = self._codecs.of(table_map, has_crc=self._with_crc)
        plan = self._plans.get(key)
        if plan is None:
            self.leave()
            make_room(self._plans, CODECS_MAX)
            plan = self._plans[key] = self._read_plan(key, table_name(table_map), codec)
        needed = context.decode() if plan.computes else ""
        texts = self._texts.get((key, bool(needed)))
        if texts is None:
            make_room(self._texts, CODECS_MAX)
            texts = self._texts[key, bool(needed)] = TableTexts(plan, zoned=bool(needed))
        rows = _whole(codec.read(event, has_crc=self._with_crc))
        if self._converts:
            self._converted[key].check(rows.changes)
        self._check_keys(on=not rows.front.flags & NO_FOREIGN_KEY_CHECKS)
        state = needed or (_LENIENT if plan.computes else _STRICT)
        self._enter(state)
        if rows.kind in WRITES:
            self._insert(texts, rows, state)
        elif rows.kind in DELETES:
            self._delete(texts, rows)
        else:
            self._update(texts, rows, state)

    def _read_plan(self, key: bytes, table: TableName, codec: RowCodec) -> TablePlan:
        if not self._converts:
            return read_plan(self._connection, table, codec.table.columns)
        make_room(self._converted, CODECS_MAX)
        self._converted[key] = converted = read_converted_plan(self._connection, table, codec)
        return converted.plan

    def _insert(self, texts: TableTexts, rows: RowsEvent, state: str) -> None:
        self._counts = self._counts.plus(RowCounts(inserted=len(rows.changes)))
        places = texts.inserted(_image(rows.changes[0][1]))
        head = texts.head(places)
        told = partial(texts.told, rows.changes[0][1])
        for (text, odd), (_, after) in zip(texts.rows(places, rows.changes), rows.changes, strict=True):
            if odd or (self._looks and _is_lenient(state)):
                self._alone(texts, head + text, state, odd=odd, row=after)
            else:
                self._batch.insert(head, text, told, quietly=_is_lenient(state))

    def _update(self, texts: TableTexts, rows: RowsEvent, state: str) -> None:
        self._counts = self._counts.plus(RowCounts(updated=len(rows.changes)))
        for before, after in rows.changes:
            assigned = texts.assigned(_image(before), _image(after))
            sql = f"UPDATE {texts.plan.name} SET {assigned.words} WHERE {texts.where(_image(before))}"
            if assigned.odd or (self._looks and _is_lenient(state)):
                self._alone(texts, sql, state, odd=assigned.odd, row=after)
            else:
                self._batch.add(sql, 1, partial(texts.told, before), quietly=_is_lenient(state))

    def _delete(self, texts: TableTexts, rows: RowsEvent) -> None:
        self._counts = self._counts.plus(RowCounts(deleted=len(rows.changes)))
        plan, first = texts.plan, _image(rows.changes[0][0])
        key = texts.looked_up_by(first)
        if len(key) == 1 and plan.columns[key[0]].is_integer and self._keys_checked is False:
            # The order of rows is one of no matter where no foreign key is looked at.
            for start in range(0, len(rows.changes), _DELETED_TOGETHER):
                some = rows.changes[start : start + _DELETED_TOGETHER]
                listed = ", ".join(str(_image(before)[key[0]]) for before, _ in some)
                sql = f"DELETE FROM {plan.name} WHERE {plan.columns[key[0]].name} IN ({listed})"
                self._batch.add(sql, len(some), partial(texts.told_of_several, some))
            return
        for before, _ in rows.changes:
            sql = f"DELETE FROM {plan.name} WHERE {texts.where(_image(before))}"
            self._batch.add(sql, 1, partial(texts.told, before))

    def _alone(self, texts: TableTexts, sql: str, state: str, *, odd: bool, row: Row | None) -> None:
        """Run a statement in a session that is not strict; if it warns, look whether its values were taken exactly."""
        self._batch.send()
        if odd and state == _STRICT:
            self._enter(_LENIENT)
        self._batch.add(sql, 1, partial(texts.told, row))
        if self._batch.send():
            self._look(texts, _image(row))
        self._enter(state)

    def _look(self, texts: TableTexts, row: Row) -> None:
        """Raise `Unsupported` if the target does not hold a row as it was written."""
        columns = texts.plan.columns
        places = [i for i, value in enumerate(row) if _is_value(value) and not columns[i].generated]
        wanted = " AND ".join(texts.condition(place, row[place]) for place in places) or "TRUE"
        if not scalar(self._connection, f"SELECT 1 FROM {texts.plan.name} WHERE {wanted} LIMIT 1"):
            raise Unsupported(
                f"the target does not take a row as it is on the source: {texts.told(row)}; look there which of its"
                " values the session's sql_mode changes, correct the row on the source, then resume the job"
            )

    # ---- The session ----

    def _enter(self, state: str) -> None:
        if state != self._state:
            self._state = None
            self._batch.add(state)
            if state not in (_STRICT, _LENIENT):
                self._batch.add(_AS_OF_ROWS)
            self._state = state

    def _check_keys(self, *, on: bool) -> None:
        if on is not self._keys_checked:
            self._batch.add(f"SET SESSION foreign_key_checks = {int(on)}")
            self._keys_checked = on

    def leave(self) -> None:
        """Send what is gathered, and go back to our own session."""
        self._batch.send()
        if self._state != _STRICT:
            reset(self._connection, self._session, "sql_mode", "time_zone")
            self._state = _STRICT

    def undo(self) -> None:
        """Forget what has not been sent. Which SETs have run is not known."""
        self._batch.clear()
        self._state = self._keys_checked = None

    def run_create(self, mark: Mark, create: bytes, context: bytes) -> None:
        """Make the table, which nothing but BINLOG can fill in the same transaction; see `created_table.py`."""
        try:
            make_for_rows(self._connection, mark, create, context)
            enter(self._connection, self._session)
            query(self._connection, "SET SESSION timestamp = DEFAULT")
        except Contended as error:
            # The session is in the statement's context now: not worth another try at once.
            raise Unavailable(str(error)) from error
        self._created = True
        self._state, self._keys_checked = _STRICT, True

    def _end_created(self, mark: Mark) -> None:
        """In the transaction of the rows, the table is an ordinary one."""
        if self._created:
            intents.forget_made(self._connection, mark.job.decode())
            self._created = False

    # ---- Counts ----

    def note_own(self, changes: int) -> None:
        """Nothing: what is counted are the rows of the log."""

    def rows_written(self) -> RowCounts:
        """Return the rows that were gathered, those of what was undone and tried again as well."""
        return self._counts


class StatementStream:
    """`RowStream` by statements."""

    def __init__(self, rows: StatementRows, *, commits: bool) -> None:
        self._rows = rows
        self._splitter = EventSplitter("a large transaction")
        self._commits = commits
        self.parts = 0

    def feed(self, data: bytes, context: bytes, *, last: bool) -> None:
        self.parts += 1
        take = self._rows.take_for_good if self._commits else self._rows.take_piece
        take(list(self._splitter.feed(data)), context)
        if last and not self._splitter.is_empty:
            raise Transient("a large transaction arrived with a piece missing")


def _update_of(mark: Mark) -> str:
    return (
        f"UPDATE {UDUP_SCHEMA}.checkpoint SET version = {mark.after}, gtids = '{mark.gtids}'"
        f" WHERE job = _utf8mb4 x'{mark.job.hex()}' AND slot = {mark.slot} AND version = {mark.version}"
    )


def _whole(rows: RowsEvent) -> RowsEvent:
    """Return a partial update with whole documents, where the log has what stood there before."""
    if rows.kind != EventType.PARTIAL_UPDATE_ROWS:
        return rows
    try:
        return completed(rows)
    except Unfit:
        return rows


def _image(row: Row | None) -> Row:
    if row is None:
        raise damaged("a rows event lacks an image")
    return row


def _is_value(value: Value) -> bool:
    return value is not ABSENT and not isinstance(value, JsonPatch)


def _is_lenient(state: str) -> bool:
    return state != _STRICT
