"""An Oracle database in memory, and what stands for the module `oracledb`: `connect` and `Error`, no more.

It knows the statements of `statements.py` and answers no other. What it shows in V$LOGMNR_CONTENTS is what the
documentation says LogMiner shows; nobody has compared it with a server.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from udup.drivers.oracle import statements
from udup.drivers.oracle.logminer.rows import COLUMNS, Code

Value = int | str | bytes | datetime | None
Row = dict[str, Value]

_CONTENTS = re.compile(
    re.escape(f"SELECT {COLUMNS} FROM V$LOGMNR_CONTENTS WHERE SCN > :first AND SCN <= :last")
    + r"(?P<pdb> AND \(SRC_CON_NAME = :pdb OR OPERATION_CODE = 34\))?"
    + re.escape(
        " AND (OPERATION_CODE IN (6, 7, 34, 36) OR (OPERATION_CODE IN"
        " (1, 2, 3, 9, 10, 11, 27, 29, 68, 70, 71, 91, 92, 93, 255)"
    )
    + r"(?: AND SEG_OWNER IN \((?P<owners>:owner\d+(?:, :owner\d+)*)\))?"
    + re.escape(") OR (OPERATION_CODE = 5 AND INFO NOT LIKE 'INTERNAL DDL%'))")
)
_SNAPSHOT = re.compile(r'SELECT (.+) FROM "([^"]+)"\."([^"]+)" AS OF SCN :scn')
_READS = {
    r"TO_CHAR\(\"(.+)\", 'TM9'\)": str,
    r"TO_CHAR\(\"(.+)\", 'SYYYY-MM-DD HH24:MI:SS'\)": lambda value: f" {value:%Y-%m-%d %H:%M:%S}",
    r"\"(.+)\"": lambda value: value,
}


class Error(Exception):
    """As `oracledb.Error`: the text begins with a number."""


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
    threads: int = 1
    string_size: str = "STANDARD"
    pdb: str = ""
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


class FakeConnection:
    def __init__(self, server: FakeOracle) -> None:
        self.server = server
        self.is_open = True
        self.container = ""
        self.logs: list[str] = []
        self.mined: tuple[int, int] | None = None

    def cursor(self) -> FakeCursor:
        self.check()
        return FakeCursor(self)

    def check(self) -> None:
        if not self.is_open:
            raise Error("DPY-4011: the database or network closed the connection")

    def commit(self) -> None:
        self.check()

    def cancel(self) -> None:
        self.is_open = False

    def close(self) -> None:
        self.is_open = False


class FakeCursor:
    arraysize = 100

    def __init__(self, connection: FakeConnection) -> None:
        self._connection = connection
        self._rows: Iterator[tuple[Any, ...]] = iter(())

    def execute(self, sql: str, binds: dict[str, Any]) -> None:
        server = self._connection.server
        self._connection.check()
        with server.lock:
            server.ran.append(sql)
            for text, error in server.denied.items():
                if text in sql:
                    raise Error(error)
            self._rows = iter(_answer(self._connection, sql, binds))

    def fetchmany(self, size: int) -> list[tuple[Any, ...]]:
        self._connection.check()
        return list(islice(self._rows, size))

    def close(self) -> None:
        self._rows = iter(())


def _answer(connection: FakeConnection, sql: str, binds: dict[str, Any]) -> list[tuple[Any, ...]]:
    server = connection.server
    if sql in statements.SESSION:
        return []
    if server.pdb and sql == f'ALTER SESSION SET CONTAINER = "{server.pdb}"':
        connection.container = server.pdb
        return []
    if sql in _DATABASE:
        return _DATABASE[sql](server)
    if sql in _DICTIONARY:
        return _DICTIONARY[sql](server, binds.get("owner", ""), binds.get("name", ""))
    if sql in _LOGMINER:
        return _LOGMINER[sql](connection, binds) or []
    if found := _CONTENTS.fullmatch(sql):
        return _contents(connection, found, binds)
    if found := _SNAPSHOT.fullmatch(sql):
        return _snapshot(server, found, binds["scn"])
    raise AssertionError(f"a statement that Oracle was never documented to be asked: {sql}")


def _clock(server: FakeOracle) -> list[tuple[Any, ...]]:
    now = datetime.now(UTC)
    return [(server.now(), f"{now:%Y-%m-%d %H:%M:%S.%f}", f"{now:%Y-%m-%d %H:%M:%S}")]


def _open_transactions(server: FakeOracle) -> list[tuple[Any, ...]]:
    begun = server.open_at(server.now())
    return [(len(begun), min(begun, default=None))]


def _make_flush_table(server: FakeOracle) -> list[tuple[Any, ...]]:
    server.has_flush_table = True
    return []


_DATABASE: dict[str, Callable[[FakeOracle], list[tuple[Any, ...]]]] = {
    statements.DATABASE: lambda server: [
        (server.dbid, server.resetlogs, server.log_mode, server.minimal, server.all_logged)
    ],
    statements.VERSION: lambda server: [("Oracle Database in Memory",)],
    statements.THREADS: lambda server: [(number, "OPEN", "PUBLIC") for number in range(server.threads)],
    statements.STRING_SIZE: lambda server: [(server.string_size,)],
    statements.CURRENT_SCN: lambda server: [(server.now(),)],
    statements.CLOCK: _clock,
    statements.OPEN_TRANSACTIONS: _open_transactions,
    statements.ARCHIVE_DESTINATION: lambda server: [("LOG_ARCHIVE_DEST_1",)],
    statements.FLUSH_TABLES: lambda server: [(int(server.has_flush_table),)],
    statements.MAKE_FLUSH_TABLE: _make_flush_table,
    statements.FILL_FLUSH_TABLE: lambda server: [],
    statements.FLUSH: lambda server: [],
}

_DICTIONARY: dict[str, Callable[[FakeOracle, str, str], list[tuple[Any, ...]]]] = {
    statements.TABLES: lambda server, owner, name: [
        (*each, 10, 100, "N", "NO", None, None) for each in sorted(server.tables)
    ],
    statements.TAB_COLUMNS: lambda server, owner, name: [
        each.row() for each in server.tables[owner, name].columns if each.since <= server.now()
    ],
    statements.KEYS: lambda server, owner, name: [("P", f"PK_{name}", each) for each in server.tables[owner, name].key],
    statements.OBJECT_NUMBERS: lambda server, owner, name: [(server.tables[owner, name].number,)],
    statements.LOG_GROUPS: lambda server, owner, name: [("KEY", server.tables[owner, name].log_group)],
}


def _logs(connection: FakeConnection, binds: dict[str, Any]) -> list[tuple[Any, ...]]:
    """A log every so many SCNs; those below `oldest_log` are gone."""
    server = connection.server
    present = (server.scn if server.visible is None else server.visible()) // server.scns_per_log
    found: list[tuple[Any, ...]] = []
    for number in range(server.oldest_log, present + 1):
        first, after = number * server.scns_per_log, (number + 1) * server.scns_per_log
        if number == present:
            found.append((f"/redo{number % 3}", first, 0, "NO", "CURRENT", "ONLINE", number, "NO", "NO", 1, 1, None))
        elif after > binds["scn"]:
            name = f"/archive/{number}"
            found.append((name, first, after, "YES", None, "ARCHIVED", number, "NO", "NO", 1, 1, binds["dest"]))
    return found


def _add(connection: FakeConnection, binds: dict[str, Any]) -> None:
    connection.logs.append(binds["name"])


def _start(connection: FakeConnection, binds: dict[str, Any]) -> None:
    if not connection.logs:
        raise Error("ORA-01292: no log file has been specified for the current LogMiner session")
    connection.mined = (binds["first"], binds["last"])


def _end(connection: FakeConnection, binds: dict[str, Any]) -> None:
    if connection.mined is None:
        raise Error("ORA-01307: no LogMiner session is currently active")
    connection.logs, connection.mined = [], None


_LOGMINER: dict[str, Callable[[FakeConnection, dict[str, Any]], Any]] = {
    statements.LOGS: _logs,
    statements.ADD_LOGFILE: _add,
    statements.START_LOGMNR: _start,
    statements.END_LOGMNR: _end,
}


def _contents(connection: FakeConnection, sql: re.Match[str], binds: dict[str, Any]) -> list[tuple[Any, ...]]:
    server = connection.server
    if connection.container or connection.mined != (binds["first"], binds["last"]):
        raise Error("ORA-01306: dbms_logmnr.start_logmnr() must be invoked before selecting from v$logmnr_contents")
    if bool(sql["pdb"]) != bool(server.pdb) or (server.pdb and binds["pdb"] != server.pdb):
        raise Error("ORA-65011: Pluggable database does not exist.")
    owners = {binds[name.strip(" :")] for name in sql["owners"].split(",")} if sql["owners"] else None
    return [
        row.values()
        for row in server.shown
        if binds["first"] < row.scn <= binds["last"]
        and (row.code in (5, 6, 7, 34, 36) or owners is None or row.owner in owners)
    ]


def _snapshot(server: FakeOracle, sql: re.Match[str], scn: int) -> list[tuple[Any, ...]]:
    reads = []
    for expression in re.findall(r"TO_CHAR\([^)]*\)|\"[^\"]+\"", sql[1]):
        pattern = next(each for each in _READS if re.fullmatch(each, expression))
        found = re.fullmatch(pattern, expression)
        assert found is not None
        reads.append((found[1], _READS[pattern]))
    return [
        tuple(None if row[name] is None else read(row[name]) for name, read in reads)
        for row in server.rows_at((sql[2], sql[3]), scn)
    ]
