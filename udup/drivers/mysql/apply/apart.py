"""Tables of the target whose rows take no part in transactions, and the transactions that change them.

Such a transaction runs alone, between two marks (`unsure.py`). Which tables are of that kind is known from the look at
each table before its first rows, and forgotten with each definition, after which each is looked at again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.event import ROWS_EVENTS, EventType
from udup.drivers.mysql.binlog.split import headers
from udup.drivers.mysql.binlog.table_map import TableName, table_id, table_name

#: Bytes of a TABLE_MAP that hold its names, and more.
_MAP_BYTES = 1024


class TablesApart:
    def __init__(self) -> None:
        self._names: set[TableName] = set()

    def add(self, names: Iterable[TableName]) -> None:
        self._names.update(names)

    def forget(self) -> None:
        """A definition may have changed any of them."""
        self._names.clear()

    def touched_by(self, events: bytes) -> bool:
        """Whether a transaction changes one of them; `events` may end anywhere."""
        return bool(self._names) and any(name in self._names for name in _changed(events))

    def marked(self, gtid: str, events: bytes, *, prepared: bool = False) -> str:
        """Those of them that a transaction changes, for its mark; empty if it changes none.

        Raises `Unsupported` for one that changes others as well, or is only prepared: what is undone in the one kind
        of table would stay in the other.
        """
        if not self._names:
            return ""
        changed = dict.fromkeys(_changed(events))
        apart = [str(name) for name in changed if name in self._names]
        if not apart:
            return ""
        others = [str(name) for name in changed if name not in self._names]
        if others or prepared:
            what = f"together with {', '.join(others)}" if others else "in an XA transaction"
            raise Unsupported(
                f"{gtid}: it changes {', '.join(apart)}, whose engine on the target undoes nothing, {what}. Run on the "
                f"target: ALTER TABLE {apart[0]} ENGINE=InnoDB, for each of them, and start the job again"
            )
        return ", ".join(apart)

    def expect(self, gtid: str, names: Iterable[TableName], *, marked: bool) -> None:
        """A transaction has begun as one of either kind. `Unsupported` if one of its tables is of the other."""
        odd = [str(name) for name in names if (name in self._names) != marked]
        if odd:
            what = "undo their rows, and others that it changes do not" if marked else "undo nothing, and it is undone"
            raise Unsupported(
                f"{gtid}: it changes {', '.join(odd)}, whose engines on the target {what} as a whole. Run on the "
                "target: ALTER TABLE … ENGINE=InnoDB, for all tables of this transaction, and start the job again"
            )


def _changed(events: bytes) -> Iterator[TableName]:
    """The tables of the rows events, as far as whole events are there."""
    names: dict[bytes, TableName] = {}
    for kind, start, end in headers(events):
        head = events[start : min(end, start + _MAP_BYTES)]
        if kind == EventType.TABLE_MAP:
            if end > len(events):
                return
            names[table_id(head)] = table_name(head)
        elif kind in ROWS_EVENTS and (name := names.get(table_id(head))) is not None:
            yield name
