"""Statements of the self-test, carried out on the database in memory: one table, plain literals."""

from __future__ import annotations

import re
from typing import Any

from tests.drivers.oracle.fake_oracle import Column, FakeOracle, FakeTransaction
from tests.drivers.oracle.fake_sessions import Error

_KINDS = {
    r"NUMBER\((\d+)\)": lambda found: {"kind": "NUMBER", "precision": int(found[1]), "scale": 0},
    r"VARCHAR2\((\d+)\)": lambda found: {"kind": "VARCHAR2", "length": int(found[1]), "letters": int(found[1])},
}


class FakeSql:
    """`run` answers a statement, None for one that is none of these. One session writes."""

    def __init__(self, server: FakeOracle) -> None:
        self.server = server
        self._open: FakeTransaction | None = None
        self._saved: dict[str, int] = {}

    def run(self, sql: str) -> list[tuple[Any, ...]] | None:
        for pattern, act in _ACTS.items():
            if found := re.fullmatch(pattern, sql, re.DOTALL):
                return act(self, found) or []
        return None

    def commit(self) -> None:
        if self._open is not None:
            self._open.commit()
        self._open = None

    @property
    def _transaction(self) -> FakeTransaction:
        self._open = self._open or self.server.begin()
        return self._open

    def _create(self, found: re.Match[str]) -> None:
        columns = []
        for part in found[3].split(", "):
            name, kind = part.removesuffix(" PRIMARY KEY").split(" ", 1)
            how = next(make(match) for each, make in _KINDS.items() if (match := re.fullmatch(each, kind)))
            columns.append(Column(name, nullable="PRIMARY KEY" not in part, **how))
        self.server.create(found[1], found[2], columns, ["ID"])

    def _insert(self, found: re.Match[str]) -> None:
        table = found[1], found[2]
        names = [column.name for column in self.server.tables[table].columns]
        values = [_value(each.strip()) for each in found[3].split(", ", len(names) - 1)]
        self._transaction.insert(table, dict(zip(names, values, strict=True)))

    def _update(self, found: re.Match[str]) -> None:
        table = found[1], found[2]
        for row_id, row in list(self.server.present[table].items()):
            if row["ID"] == int(found[5]):
                self._transaction.update(table, row_id, **{found[3]: _value(found[4])})

    def _delete(self, found: re.Match[str]) -> None:
        table = found[1], found[2]
        for row_id, row in list(self.server.present[table].items()):
            if row["ID"] == int(found[3]):
                self._transaction.delete(table, row_id)

    def _roll_back_to(self, found: re.Match[str]) -> None:
        self._transaction.undo(len(self._transaction.changes) - self._saved[found[1]])

    def _roll_back(self, found: re.Match[str]) -> None:
        self._transaction.roll_back()
        self._open = None

    def _save(self, found: re.Match[str]) -> None:
        self._saved[found[1]] = len(self._transaction.changes)

    def _drop(self, found: re.Match[str]) -> None:
        self.commit()
        self.server.define((found[1], found[2]), found[0], lambda: self._gone((found[1], found[2])))

    def _gone(self, table: tuple[str, str]) -> None:
        del self.server.tables[table], self.server.present[table]

    def _define(self, found: re.Match[str]) -> None:
        self.commit()
        table = found[2], found[3]
        self.server.define(table, found[0], self.server.present[table].clear if found[1] == "TRUNCATE" else _nothing)

    def _fail(self, found: re.Match[str]) -> None:
        raise Error("ORA-00001: unique constraint violated")


def _nothing() -> None: ...


def _value(text: str) -> Any:
    if text == "NULL" or text == "''":
        return None
    return text[1:-1].replace("''", "'") if text.startswith("'") else int(text)


_T = r'"(\w+)"\."(\w+)"'
_ACTS: dict[str, Any] = {
    rf"CREATE TABLE {_T} \((.+)\)": FakeSql._create,
    rf"ALTER TABLE {_T} ADD SUPPLEMENTAL LOG DATA \(ALL\) COLUMNS": lambda sql, found: None,
    rf"INSERT INTO {_T} VALUES \(?(\d.*?)\)?": FakeSql._insert,
    rf"INSERT INTO {_T} SELECT .+": FakeSql._fail,
    rf"UPDATE {_T} SET (\w+) = ('[^']*'|NULL|\d+) WHERE ID = (\d+)": FakeSql._update,
    rf"DELETE FROM {_T} WHERE ID = (\d+)": FakeSql._delete,
    r"SAVEPOINT (\w+)": FakeSql._save,
    r"ROLLBACK TO (\w+)": FakeSql._roll_back_to,
    r"ROLLBACK": FakeSql._roll_back,
    rf"DROP TABLE {_T} PURGE": FakeSql._drop,
    rf"(TRUNCATE|ALTER) TABLE {_T}.*": FakeSql._define,
    r"SELECT SYS_CONTEXT\('USERENV', 'SESSION_USER'\) FROM DUAL": lambda sql, found: [("REPL",)],
    r"SELECT TABLE_NAME FROM USER_TABLES WHERE SUBSTR.+": lambda sql, found: [
        (name,) for _, name in sql.server.tables if name.startswith("UDUP_SELFTEST_")
    ],
}
