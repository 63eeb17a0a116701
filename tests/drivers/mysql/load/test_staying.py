"""What stays of an earlier try is found out once, however many tables a copy has."""

from __future__ import annotations

import pytest

from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.copied_before import CopiedTable, Resumable, Segment
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.staying import Staying

TABLES = 1000


def test_the_tables_that_are_made_are_those_that_do_not_stay_and_each_is_looked_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    tables = tuple(Table("s", f"t{number}", (), ("id",), 1, 1, "", "PRIMARY") for number in range(TABLES))
    kept = CopiedTable("s", "t7", "d", (Segment("u:1"),), True, 5)
    resumables = tuple(Resumable("d", kept=kept if table.name == "t7" else None) for table in tables)
    details = CopyDetails(Catalog((), tables, ()), resumables=resumables)
    staying = Staying(CopyFence("job", 1), details, "u:2", had_parts=False, fills=False)
    asked: list[int] = []
    real = Staying._of
    monkeypatch.setattr(Staying, "_of", lambda self, number: asked.append(number) or real(self, number))
    assert [each.name for each in staying.others(tables)] == [f"t{number}" for number in range(TABLES) if number != 7]
    assert len(asked) <= 2 * TABLES
