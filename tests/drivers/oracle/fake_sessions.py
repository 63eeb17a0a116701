"""Sessions of the Oracle in memory: what each documented statement is answered, and that others are not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from udup.drivers.oracle import statements
from udup.drivers.oracle.logminer.rows import COLUMNS

if TYPE_CHECKING:
    from tests.drivers.oracle.fake_oracle import FakeOracle


class Error(Exception):
    """As `oracledb.Error`: the text begins with a number."""


_CONTENTS = re.compile(
    re.escape(f"SELECT {COLUMNS} FROM V$LOGMNR_CONTENTS WHERE SCN > :first AND SCN <= :last")
    + r"(?P<pdb> AND \(SRC_CON_NAME = :pdb OR OPERATION_CODE = 34\))?"
    + re.escape(" AND (OPERATION_CODE IN (6, 7, 34, 36) OR (OPERATION_CODE NOT IN (0, 5, 6, 7, 25, 34, 36)")
    + r"(?: AND SEG_OWNER IN \((?P<owners>:owner\d+(?:, :owner\d+)*)\))?"
    + re.escape(") OR (OPERATION_CODE = 5 AND (INFO IS NULL OR INFO NOT LIKE 'INTERNAL DDL%')))")
)
_SNAPSHOT = re.compile(r'SELECT (.+) FROM "([^"]+)"\."([^"]+)" AS OF SCN :scn')
_READS = {
    r"TO_CHAR\(\"(.+)\", 'TM9'\)": str,
    r"TO_CHAR\(\"(.+)\", 'SYYYY-MM-DD HH24:MI:SS'\)": lambda value: f" {value:%Y-%m-%d %H:%M:%S}",
    r"\"(.+)\"": lambda value: value,
}


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
        if self.server.sql is not None:
            self.server.sql.commit()

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
    if server.sql is not None and (found := server.sql.run(sql)) is not None:
        return found
    if sql in statements.SESSION:
        return []
    if server.pdb and sql == f'ALTER SESSION SET CONTAINER = "{server.pdb}"':
        connection.container = server.pdb
        return []
    if sql == statements.CONTAINER_NAME:
        return [(connection.container or statements.ROOT,)]
    if sql == statements.OPEN_TRANSACTIONS:
        return _open_transactions(connection)
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


def _open_transactions(connection: FakeConnection) -> list[tuple[Any, ...]]:
    """All transactions are of the container, if there is one: the root does not show them."""
    server = connection.server
    begun = server.open_at(server.now()) if connection.container == server.pdb else []
    return [(len(begun), min(begun, default=None))]


def _make_flush_table(server: FakeOracle) -> list[tuple[Any, ...]]:
    server.has_flush_table = True
    return []


def _fill_flush_table(server: FakeOracle) -> list[tuple[Any, ...]]:
    server.flush_rows = server.flush_rows or 1
    return []


_DATABASE: dict[str, Callable[[FakeOracle], list[tuple[Any, ...]]]] = {
    statements.DATABASE: lambda server: [
        (
            *(server.dbid, server.resetlogs, server.log_mode, server.minimal, server.all_logged, server.forced),
            *("YES" if server.pdb else "NO", server.role, server.open_mode),
        )
    ],
    statements.INCARNATION: lambda server: [(server.incarnation,)],
    statements.VERSION: lambda server: [("Oracle Database in Memory",)],
    statements.THREADS: lambda server: [(number, "OPEN", "PUBLIC") for number in range(server.threads)],
    statements.STRING_SIZE: lambda server: [(server.string_size,)],
    statements.CURRENT_SCN: lambda server: [(server.now(),)],
    statements.CLOCK: _clock,
    statements.ARCHIVE_DESTINATION: lambda server: [("LOG_ARCHIVE_DEST_1",)],
    statements.FLUSH_TABLES: lambda server: [(int(server.has_flush_table),)],
    statements.MAKE_FLUSH_TABLE: _make_flush_table,
    statements.FILL_FLUSH_TABLE: _fill_flush_table,
    statements.FLUSH: lambda server: [],
}

_DICTIONARY: dict[str, Callable[[FakeOracle, str, str], list[tuple[Any, ...]]]] = {
    statements.OWN_USERS: lambda server, owner, name: [("SYS",), ("SYSTEM",)],
    statements.TABLES: lambda server, owner, name: [
        (*each, 10, 100, "Y" if server.tables[each].temporary else "N", "NO", None, None)
        for each in sorted(server.tables)
        if each[0] not in ("SYS", "SYSTEM")
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
