"""Two servers that hold the same, and what a comparison of them tells."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field

from udup.base.endpoint import Endpoint
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.sessions import SUMS, Session
from udup.drivers.mysql.compare.comparer import MySQLComparer
from udup.pipeline.ports.compare import ComparePlan, CompareTold, DefinitionsCompared, RowDifference, TableCompared
from udup.pipeline.selection.selection import Selection

#: Takes every value, whatever the session's mode would say.
LOOSE = Session("changing rows", {**SUMS.own, "sql_mode": "ALLOW_INVALID_DATES"})


@dataclass
class Found:
    """What was told, in its order."""

    rows: list[RowDifference] = field(default_factory=list)
    tables: list[TableCompared] = field(default_factory=list)
    defined: list[DefinitionsCompared] = field(default_factory=list)
    snapshots: int = 0

    @property
    def definitions(self) -> list[str]:
        """Return what is told of definitions; what does not count in parentheses."""
        [told] = self.defined
        return [str(each) if each.counts else f"({each})" for each in told.found]

    def brief(self) -> set[tuple[str, str, str, int]]:
        """Return table, key, kind and count of each difference."""
        return {(each.table, each.key, str(each.kind), each.count) for each in self.rows}

    @property
    def told(self) -> CompareTold:
        return CompareTold(self.rows.append, self.tables.append, definitions=self.defined.append)


class Two:
    """Statements on both servers or one, in one schema."""

    def __init__(self, source: Endpoint, target: Endpoint, schema: str) -> None:
        self.source, self.target, self.schema = source, target, schema
        for endpoint in (source, target):
            with closing(connect(endpoint)) as connection:
                query(connection, f"CREATE DATABASE IF NOT EXISTS {schema}")

    def run(self, *statements: str, on: Endpoint | None = None) -> None:
        for endpoint in [on] if on else [self.source, self.target]:
            with closing(connect(endpoint, LOOSE, database=self.schema)) as connection:
                for statement in statements:
                    query(connection, statement)

    def behind(self, *statements: str) -> None:
        """Change the target alone."""
        self.run(*statements, on=self.target)

    def compared(
        self,
        selection: Selection | None = None,
        plan: ComparePlan | None = None,
        opened: Callable[[], None] = lambda: None,
    ) -> Found:
        """Compare all once; `opened` is called when the first two snapshots are open."""
        chosen = selection or Selection.of([(self.schema, [])])
        found = Found()
        with closing(MySQLComparer(self.source, self.target, chosen, plan or ComparePlan())) as comparer:
            ended = False
            while not ended:
                found.snapshots += 1
                assert found.snapshots < 10
                comparer.prepare()
                comparer.open_source()
                comparer.open_target()
                if found.snapshots == 1:
                    opened()
                ended = comparer.compare(found.told, 60)
        return found
