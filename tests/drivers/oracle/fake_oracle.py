"""An Oracle database in memory, and what stands for the module `oracledb`: `connect` and `Error`, no more.

It knows the statements of `statements.py` and answers no other. What it shows in V$LOGMNR_CONTENTS is what the
documentation says LogMiner shows; nobody has compared it with a server.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from tests.drivers.oracle.fake_sessions import Error, FakeConnection
from udup.drivers.oracle import statements
from udup.drivers.oracle.logminer.rows import Code

Value = int | str | bytes | datetime | None
Row = dict[str, Value]


@dataclass
class Column:
    name: str
    kind: str
    length: int = 22
    letters: int = 0
    precision: int | None = None
    scale: int | None = None
    nullable: bool = True

    since: int = 0  # the SCN of the DDL that made it

    def row(self) -> tuple[object, ...]:
        null = "Y" if self.nullable else "N"
        return self.name, self.kind, self.length, self.letters, self.precision, self.scale, null, "NO", "NO"


@dataclass
class TableIn:
    columns: list[Column]
    key: list[str]
    number: int
    log_group: str = statements.ALL_COLUMNS_LOGGED
    temporary: bool = False


@dataclass(frozen=True)
class Shown:
    """A row of V$LOGMNR_CONTENTS."""

    scn: int
    code: int
    xid: str
    sql: str = ""
    csf: int = 0
    owner: str = ""
    table: str = ""
    row_id: str = ""
    rollback: int = 0
    status: int = 0
    info: str = ""
    data_obj: int = 0

    def values(self) -> tuple[object, ...]:
        time = datetime(2024, 2, 29, 12, 0, 0)
        before = self.scn, self.sql, self.code, time, bytes.fromhex(self.xid), self.csf, self.table, self.owner, ""
        behind = self.info, 0, 1, self.data_obj, 0, self.data_obj, None, None, 1, " 0x0001 "
        return *before, self.row_id, self.rollback, self.status, *behind


@dataclass
class Change:
    table: tuple[str, str]
    row_id: str
    before: Row | None
    after: Row | None


class FakeTransaction:
    """What one session does; `commit` or `roll_back` ends it."""

    def __init__(self, server: FakeOracle, xid: str) -> None:
        self._server, self.xid = server, xid
        self.start_scn = server.scn
        self.changes: list[Change] = []
        server.show(Shown(server.scn, Code.START, xid))

    def insert(self, table: tuple[str, str], row: Row) -> str:
        row_id = f"AAA{next(self._server.row_ids):015d}"
        self._do(Change(table, row_id, None, dict(row)))
        return row_id

    def update(self, table: tuple[str, str], row_id: str, **values: Value) -> None:
        before = self._server.present[table][row_id]
        self._do(Change(table, row_id, before, {**before, **values}))

    def delete(self, table: tuple[str, str], row_id: str) -> None:
        self._do(Change(table, row_id, self._server.present[table][row_id], None))

    def _do(self, change: Change) -> None:
        self._server.tick()
        self._server.carry_out(change)
        self._server.show_change(self.xid, change)
        self.changes.append(change)

    def undo(self, count: int) -> None:
        """Roll back to a savepoint: the last changes, the last first."""
        for _ in range(count):
            change = self.changes.pop()
            undone = Change(change.table, change.row_id, change.after, change.before)
            self._server.tick()
            self._server.carry_out(undone)
            self._server.show_change(self.xid, undone, rollback=True)

    def commit(self) -> int:
        server = self._server
        server.tick()
        server.show(Shown(server.scn, Code.COMMIT, self.xid))
        server.commit(self)
        return server.scn

    def roll_back(self) -> None:
        self.undo(len(self.changes))
        self._server.show(Shown(self._server.scn, Code.ROLLBACK, self.xid))
        self._server.open.pop(self.xid)


@dataclass
class FakeOracle:
    """The database. `visible` says up to which SCN it has come, for who looks: by default all that was done."""

    dbid: int = 4711
    resetlogs: int = 1
    scn: int = 1000
    log_mode: str = "ARCHIVELOG"
    minimal: str = "YES"
    all_logged: str = "NO"
    forced: str = "YES"
    threads: int = 1
    string_size: str = "STANDARD"
    pdb: str = ""
    incarnation: int = 1
    sql: Any = None  # what carries out statements of users (`fake_sql.py`)
    role: str = "PRIMARY"
    open_mode: str = "READ WRITE"
    tables: dict[tuple[str, str], TableIn] = field(default_factory=dict)
    present: dict[tuple[str, str], dict[str, Row]] = field(default_factory=dict)
    shown: list[Shown] = field(default_factory=list)
    open: dict[str, FakeTransaction] = field(default_factory=dict)
    opened: list[tuple[int, int]] = field(default_factory=list)  # when transactions began and ended
    history: list[tuple[int, dict[tuple[str, str], dict[str, Row]]]] = field(default_factory=list)
    ran: list[str] = field(default_factory=list)
    oldest_log: int = 0
    scns_per_log: int = 40
    visible: Callable[[], int] | None = None
    has_flush_table: bool = False
    flush_rows: int = 0
    denied: dict[str, str] = field(default_factory=dict)  # statements and the errors that they end with
    row_ids: Iterator[int] = field(default_factory=lambda: iter(range(1, 1 << 40)))
    lock: threading.RLock = field(default_factory=threading.RLock)
    Error: type[Exception] = Error
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 1 << 40)))
    _connections: list[FakeConnection] = field(default_factory=list)

    # ---- What is done on it ----

    def create(self, owner: str, name: str, columns: Sequence[Column], key: Sequence[str]) -> tuple[str, str]:
        self.tables[owner, name] = TableIn(list(columns), list(key), next(self._numbers))
        self.present[owner, name] = {}
        self._note()
        return owner, name

    def begin(self) -> FakeTransaction:
        self.tick()
        number = next(self._numbers)
        transaction = FakeTransaction(self, f"{number % 9 + 1:04x}{number % 97:04x}{number:08x}")
        self.open[transaction.xid] = transaction
        return transaction

    @contextmanager
    def transaction(self) -> Iterator[FakeTransaction]:
        transaction = self.begin()
        yield transaction
        transaction.commit()

    def define(self, table: tuple[str, str], sql: str, change: Callable[[], None] = lambda: None) -> None:
        """Run DDL, which `change` carries out in the dictionary and the rows."""
        transaction = self.begin()
        self.tick()
        owner, name = table
        self.show(Shown(self.scn, Code.DDL, transaction.xid, sql, owner=owner, table=name, info="USER DDL (PlSql=0)"))
        change()
        transaction.commit()

    def tick(self, scns: int = 1) -> None:
        self.scn += scns

    # ---- Inside ----

    def _note(self) -> None:
        state = {name: {key: dict(row) for key, row in rows.items()} for name, rows in self._committed().items()}
        self.history.append((self.scn, state))

    def _committed(self) -> dict[tuple[str, str], dict[str, Row]]:
        """The rows without what is not committed."""
        state = {name: dict(rows) for name, rows in self.present.items()}
        for transaction in self.open.values():
            for change in reversed(transaction.changes):
                rows = state[change.table]
                if change.before is None:
                    rows.pop(change.row_id, None)
                else:
                    rows[change.row_id] = change.before
        return state

    def commit(self, transaction: FakeTransaction) -> None:
        self.open.pop(transaction.xid)
        self.opened.append((transaction.start_scn, self.scn))
        self._note()

    def carry_out(self, change: Change) -> None:
        rows = self.present[change.table]
        if change.after is None:
            del rows[change.row_id]
        else:
            rows[change.row_id] = change.after

    def show(self, row: Shown) -> None:
        with self.lock:
            self.shown.append(row)

    def show_change(self, xid: str, change: Change, *, rollback: bool = False) -> None:
        owner, name = change.table
        code = Code.INSERT if change.before is None else Code.DELETE if change.after is None else Code.UPDATE
        sql = self._redo(change, code)
        if rollback and code == Code.DELETE:
            sql = f'delete from "{owner}"."{name}" where ROWID = \'{change.row_id}\';'
        number = self.tables[change.table].number
        whole = Shown(self.scn, code, xid, sql, 0, owner, name, change.row_id, int(rollback), data_obj=number)
        for start in range(0, len(sql), 120):  # 4000 bytes on a real one
            self.show(replace(whole, sql=sql[start : start + 120], csf=int(start + 120 < len(sql))))

    def _redo(self, change: Change, code: Code) -> str:
        owner, name = change.table
        there = f'"{owner}"."{name}"'
        if change.before is None:
            assert change.after is not None
            names = ",".join(f'"{each}"' for each in change.after)
            return f"insert into {there}({names}) values ({','.join(map(literal, change.after.values()))});"
        where = " and ".join(
            f'"{each}" IS NULL' if value is None else f'"{each}" = {literal(value)}'
            for each, value in change.before.items()
        )
        if change.after is None:
            return f"delete from {there} where {where};"
        changed = {each: value for each, value in change.after.items() if value != change.before[each]}
        sets = ", ".join(f'"{each}" = {literal(value)}' for each, value in (changed or change.after).items())
        return f"update {there} set {sets} where {where};"

    def rows_at(self, table: tuple[str, str], scn: int) -> list[Row]:
        found: dict[str, Row] = {}
        for at, state in self.history:
            if at <= scn:
                found = state.get(table, {})
        return list(found.values())

    def now(self) -> int:
        """The present SCN as who asks sees it."""
        with self.lock:
            if self.visible is None:
                self.scn += 1
                return self.scn
            return self.visible()

    def open_at(self, scn: int) -> list[int]:
        """Where the transactions began that are open at an SCN."""
        begun = [start for start, end in self.opened if start <= scn < end]
        return begun + [each.start_scn for each in self.open.values() if each.start_scn <= scn]

    # ---- The module ----

    def connect(self, **settings: Any) -> FakeConnection:
        if set(settings) != {"user", "password", "host", "port", "service_name", "tcp_connect_timeout"}:
            raise TypeError(f"connect({', '.join(settings)})")
        if settings["password"] != "secret":
            raise Error("ORA-01017: invalid username/password; logon denied")
        connection = FakeConnection(self)
        self._connections.append(connection)
        return connection

    def end_all_sessions(self) -> None:
        for connection in self._connections:
            connection.close()


def literal(value: Value) -> str:
    """A value as SQL_REDO prints it."""
    match value:
        case None:
            return "NULL"
        case bytes():
            return f"HEXTORAW('{value.hex()}')"
        case datetime():
            return f"TO_DATE('{value:%Y-%m-%d %H:%M:%S}', 'YYYY-MM-DD HH24:MI:SS')"
        case str() if not value.isascii():
            units = value.encode("utf-16-be").hex().upper()
            return "UNISTR('" + "".join(f"\\{units[at : at + 4]}" for at in range(0, len(units), 4)) + "')"
        case _:
            return "'" + str(value).replace("'", "''") + "'"
