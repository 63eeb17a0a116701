"""Random histories of an Oracle database, as its redo would show them in V$LOGMNR_CONTENTS by the documentation.

Sessions insert, update and delete rows of one table, roll back to savepoints or wholly, and commit, mixed with each
other; SCNs repeat; statements are cut (CSF); some transactions change other tables only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from udup.drivers.oracle.logminer.rows import Code, LogRow

_INVERSE = {Code.INSERT: Code.DELETE, Code.DELETE: Code.INSERT, Code.UPDATE: Code.UPDATE}
_VALUES = (None, "plain", "o'clock", "a;b,c) and", 'x" = 1', "", "long " * 9)


@dataclass(frozen=True)
class Change:
    code: Code
    key: str
    new: str | None
    old: str | None
    row_id: str


@dataclass
class History:
    """`rows` are the redo, `committed` the transactions' changes by their commit SCN, `state` the table at the end."""

    rows: list[LogRow] = field(default_factory=list)
    committed: dict[int, list[Change]] = field(default_factory=dict)
    state: dict[str, str | None] = field(default_factory=dict)
    scn: int = 1000


def literal(value: str | None) -> str:
    return "NULL" if value is None else "'" + value.replace("'", "''") + "'"


def redo_of(change: Change, table: str = "T") -> str:
    condition = f'"ID" = {literal(change.key)} and "V" '
    condition += "IS NULL" if change.old is None else f"= {literal(change.old)}"
    match change.code:
        case Code.INSERT:
            return f'insert into "A"."{table}"("ID","V") values ({literal(change.key)},{literal(change.new)});'
        case Code.UPDATE:
            return f'update "A"."{table}" set "V" = {literal(change.new)} where {condition};'
        case _:
            return f'delete from "A"."{table}" where {condition};'


class Writer:
    """Makes a history step by step."""

    def __init__(self, random: Random) -> None:
        self.history = History()
        self._random = random
        self._open: dict[str, list[Change]] = {}
        self._rows: dict[str, tuple[str | None, str]] = {}  # value and ROWID, of what sessions see
        self._count = 0

    def step(self) -> None:
        random, history = self._random, self.history
        history.scn += random.choice([0, 1, 1, 3])
        if len(self._open) < 4 and random.random() < 0.3:
            self._begin()
        if not self._open:
            return
        xid = random.choice(sorted(self._open))
        done, what = self._open[xid], random.random()
        if what < 0.6:
            self._change(xid)
        elif what < 0.75 and done:
            self._undo(xid, random.randint(1, len(done)))
        elif what < 0.93:
            self._commit(xid)
        else:
            self._undo(xid, len(done))
            self._emit(xid, Code.ROLLBACK)
            del self._open[xid]

    def finish(self) -> History:
        """Roll back what is open, so that the state is that of what was committed."""
        for xid in sorted(self._open):
            self._undo(xid, len(self._open[xid]))
        self.history.state = {key: value for key, (value, _) in self._rows.items()}
        return self.history

    def _begin(self) -> None:
        self._count += 1
        xid = f"{self._random.randint(1, 9):04x}{self._count:04x}{self._count:08x}"
        self._open[xid] = []
        if self._random.random() < 0.9:  # it is not always shown
            self._emit(xid, Code.START)

    def _change(self, xid: str) -> None:
        random = self._random
        locked = {change.key for other, done in self._open.items() if other != xid for change in done}
        free = [key for key in self._rows if key not in locked]
        if not free or random.random() < 0.4:
            self._count += 1
            made = Change(Code.INSERT, f"k{self._count}", random.choice(_VALUES), None, f"R{self._count:06d}")
        else:
            key = random.choice(free)
            old, row_id = self._rows[key]
            code = Code.DELETE if random.random() < 0.3 else Code.UPDATE
            made = Change(code, key, random.choice(_VALUES) if code == Code.UPDATE else None, old, row_id)
        self._do(made)
        self._open[xid].append(made)
        self._show(xid, made)
        if random.random() < 0.2:
            self._show(xid, made, table="OTHER")

    def _do(self, change: Change) -> None:
        if change.code == Code.DELETE:
            del self._rows[change.key]
        else:
            self._rows[change.key] = (change.new, change.row_id)

    def _undo(self, xid: str, count: int) -> None:
        done = self._open[xid]
        for change in reversed(done[len(done) - count :]):
            undone = Change(_INVERSE[change.code], change.key, change.old, change.new, change.row_id)
            self._do(undone)
            self._show(xid, undone, rollback=True)
        del done[len(done) - count :]

    def _commit(self, xid: str) -> None:
        done = self._open.pop(xid)
        if done:
            self.history.committed.setdefault(self.history.scn, []).extend(done)
        self._emit(xid, Code.COMMIT)

    def _show(self, xid: str, change: Change, *, rollback: bool = False, table: str = "T") -> None:
        sql = redo_of(change, table)
        if rollback and change.code == Code.DELETE:
            sql = f'delete from "A"."{table}" where ROWID = \'{change.row_id}\';'
        elif self._random.random() < 0.3:
            cut = self._random.randint(1, len(sql) - 1)
            self._emit(xid, change.code, sql[:cut], change, csf=True, rollback=rollback, table=table)
            sql = sql[cut:]
        self._emit(xid, change.code, sql, change, rollback=rollback, table=table)

    def _emit(
        self,
        xid: str,
        code: Code,
        sql: str = "",
        change: Change | None = None,
        *,
        csf: bool = False,
        rollback: bool = False,
        table: str = "",
    ) -> None:
        of = {} if change is None else {"owner": "A", "table": table, "row_id": change.row_id, "data_obj": len(table)}
        self.history.rows.append(LogRow(self.history.scn, sql, code, xid, csf=csf, rollback=rollback, **of))  # type: ignore[arg-type]


def history_of(random: Random, steps: int) -> History:
    writer = Writer(random)
    for _ in range(steps):
        writer.step()
    return writer.finish()
