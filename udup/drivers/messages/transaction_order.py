"""Counts the changes of a transaction, for those who want to know each one's place (`provide.transaction.metadata`).

The counts stand beside those of the rows in the transaction's own `counts`, under names that no table has. They count
messages, not rows: a change of the key is two, and what is left out is none.
"""

from __future__ import annotations

from collections.abc import Mapping

from udup.drivers.messages.formats import Block

#: In front of a table's name; no identifier of MySQL has this character.
_FRONT = "\0"


class TransactionOrder:
    """Numbers the changes of one table in a transaction."""

    def __init__(self, gtid: str, table: str, counts: dict[str, int]) -> None:
        self._gtid, self._table, self._counts = gtid, _FRONT + table, counts

    def next(self) -> Block:
        """Return the place of the next change, and count it."""
        counts = self._counts
        counts[_FRONT] = total = counts.get(_FRONT, 0) + 1
        counts[self._table] = of_table = counts.get(self._table, 0) + 1
        return Block(self._gtid, total, of_table)


def total(counts: Mapping[str, int]) -> int:
    return counts.get(_FRONT, 0)


def by_table(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Return the changes of each table, in the order in which the tables came."""
    return [(name[1:], count) for name, count in counts.items() if name.startswith(_FRONT) and len(name) > 1]
