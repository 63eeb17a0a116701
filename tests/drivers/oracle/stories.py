"""Histories with a copy, a definition and transactions before and behind it: what the tests of whole jobs follow."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from random import Random

from tests.drivers.oracle.fake_oracle import Column, FakeOracle, FakeTransaction, Value

OWNER = "ORA_SHOP"
ORDERS, ITEMS, KEYLESS = (OWNER, "ORDERS"), (OWNER, "ITEMS"), (OWNER, "KEYLESS")

ORDER_COLUMNS = [
    Column("ID", "NUMBER", precision=9, scale=0, nullable=False),
    Column("NOTE", "VARCHAR2", 800, 200),
    Column("TOTAL", "NUMBER", precision=10, scale=2),
    Column("MADE", "DATE", 7),
    Column("RAW_ONE", "RAW", 20),
]
ITEM_COLUMNS = [Column("K", "VARCHAR2", 40, 40, nullable=False), Column("N", "NUMBER")]


#: Rows of a transaction whose events have more than 256 KiB.
LARGE_ROWS = 1300


@dataclass
class Story:
    """A history: rows that are copied, transactions, a definition at `altered`, and more transactions."""

    server: FakeOracle
    copied_at: int
    altered: int
    end: int


def story(random: Random) -> Story:
    server = FakeOracle()
    server.create(*ORDERS, ORDER_COLUMNS, ["ID"])
    server.create(*ITEMS, list(ITEM_COLUMNS), ["K"])
    server.create(*KEYLESS, list(ITEM_COLUMNS), [])
    writer = _Writer(server, random)
    with server.transaction() as one:
        for _ in range(500):
            writer.insert(one)
    waiting = server.begin()
    held = waiting.insert(ORDERS, writer.order())  # open at the copy, committed behind it
    server.tick()
    copied_at = server.scn
    for _ in range(60):
        writer.transaction()
    with server.transaction() as large:  # more than travels in one piece
        for _ in range(LARGE_ROWS):
            large.insert(ORDERS, {**writer.order(), "NOTE": "a long note " * 15})
    with server.transaction() as one:  # rows of a table that was empty, some of them equal
        equal = [one.insert(KEYLESS, {"K": "x", "N": 1}) for _ in range(3)]
        one.update(KEYLESS, equal[0], N=2)
        one.delete(KEYLESS, equal[2])
    waiting.update(ORDERS, held, NOTE="committed late")
    waiting.commit()
    altered = server.scn
    server.tick()
    server.define(ITEMS, "alter table items add (extra number(4));", lambda: _alter(server))
    for _ in range(60):
        writer.transaction()
    return Story(server, copied_at, altered, server.scn)


def _alter(server: FakeOracle) -> None:
    server.tables[ITEMS].columns.append(Column("EXTRA", "NUMBER", precision=4, scale=0, since=server.scn))
    for row in server.present[ITEMS].values():
        row["EXTRA"] = None


class _Writer:
    def __init__(self, server: FakeOracle, random: Random) -> None:
        self._server, self._random = server, random
        self._count = 0

    def order(self) -> dict[str, Value]:
        self._count += 1
        note = self._random.choice([None, "it's", "a long note " * 9, "中文 😀", "plain", "\\", "a\nb"])
        total = f"{self._random.randint(-99999, 99999) / 100:.2f}"
        raw = self._random.choice([None, b"\0\xff", b"x" * 20])
        made = datetime(2024, 2, 29, self._count % 24, 14, 15)
        return {"ID": self._count, "NOTE": note, "TOTAL": total, "MADE": made, "RAW_ONE": raw}

    def insert(self, one: FakeTransaction) -> None:
        if self._random.random() < 0.5:
            one.insert(ORDERS, self.order())
            return
        self._count += 1
        row: dict[str, Value] = {"K": f"k{self._count}", "N": self._count}
        if len(self._server.tables[ITEMS].columns) > 2:
            row["EXTRA"] = self._count % 100
        one.insert(ITEMS, row)

    def transaction(self) -> None:
        """One of some changes, of which some are rolled back, or all."""
        random, server = self._random, self._server
        one = server.begin()
        locked = {change.row_id for other in server.open.values() for change in other.changes}
        for _ in range(random.randint(1, 8)):
            table = random.choice([ORDERS, ITEMS])
            free = [row_id for row_id in server.present[table] if row_id not in locked]
            what = random.random()
            if what < 0.4 or not free:
                self.insert(one)
            elif what < 0.8:
                column = "NOTE" if table == ORDERS else "N"
                one.update(table, random.choice(free), **{column: str(random.randint(0, 999))})
            elif what < 0.95:
                one.delete(table, random.choice(free))
            elif one.changes:
                one.undo(random.randint(1, len(one.changes)))
        if random.random() < 0.1:
            one.roll_back()
        else:
            one.commit()


def on_source(server: FakeOracle, table: tuple[str, str]) -> list[tuple[object, ...]]:
    names = [column.name for column in server.tables[table].columns]
    return sorted((tuple(row[name] for name in names) for row in server.present[table].values()), key=repr)


def as_texts(rows: list[tuple[object, ...]]) -> list[tuple[object, ...]]:
    """Numbers by their value, whatever class they have."""
    return sorted(
        (
            tuple(float(value) if str(value).replace(".", "").lstrip("-").isdigit() else value for value in row)
            for row in rows
        ),
        key=repr,
    )
