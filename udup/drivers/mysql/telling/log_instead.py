"""A snapshot that was cut, of tables whose definitions have changed since: the log brings its rest.

What a later try reads shows the new definitions, and would stand in front of the statements that have made them: in
the stream a column would be there before it is added, a table before it is renamed into that name. So there is no
later try. The log is followed from where the first try stood, and what that has not told joins as tables do that come
into a job (`joining.py`): part by part, each in the place of the log whose definitions it shows.

Which tables have changed is seen by a sign of their columns and keys, which is kept with what was sent.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import Any

from udup.base import runtime
from udup.drivers.mysql.dictionary.catalog import Table
from udup.pipeline.records import Record, SnapshotEnd
from udup.pipeline.selection.kept import selection_of
from udup.pipeline.selection.renames import Name


def sign_of(tables: Sequence[Table]) -> str:
    """Return a sign of the names, columns and keys of tables."""
    shown = sorted(
        [each.schema, each.name, [[c.name, c.column_type, c.charset, c.nullable] for c in each.columns], each.key]
        for each in tables
    )
    return hashlib.sha256(json.dumps(shown).encode()).hexdigest()[:16]


def is_changed(state: str, tables: Sequence[Table], *, folds: bool) -> bool:
    """Return whether these are others than those of which a snapshot has sent what its state says.

    Tables that have come into the job since do not count. A state without a sign is of an earlier version.
    """
    kept = json.loads(state)
    before = selection_of(kept["selection"], folds=folds) if kept.get("tables") else None
    return before is not None and kept["tables"] != sign_of(
        [each for each in tables if before.wants(each.schema, each.name)]
    )


def has_sent(state: str) -> bool:
    """Return whether a snapshot has sent any rows, or ended any table."""
    kept = json.loads(state)
    return bool(kept["until"] or kept["done"] or kept["open"])


def followed(state: str) -> str:
    """Return the state with which the log is followed instead of reading on."""
    kept = json.loads(state)
    kept["joins"] = [_joining(each) for each in kept["open"]]
    kept["rest"] = True
    return json.dumps(kept, separators=(",", ":"), ensure_ascii=False)


def _joining(kept: Any) -> dict[str, object]:
    """Return how far a table has come; of one whose key is not of whole numbers all comes again."""
    ranges = kept.get("ranges", [[None, None]])
    return {
        "table": kept["table"],
        "key": kept.get("key", ()),
        "ranges": ranges,
        "all": "ranges" not in kept,
        "chunk": kept["number"],
        "again": False,
    }


class LogInstead:
    """The reading (`ports.SnapshotReading`) without rows: it ends the snapshot where its first try stood."""

    def __init__(self, number: int, state: str, readers: int) -> None:
        self._number, self.state, self.readers = number, followed(state), readers
        self.position: str = json.loads(state)["positions"][0]
        self.tables: list[Name] = []
        self._left, self._lock = readers, runtime.Lock()

    def read(self, reader: int, emit: Callable[[Record], None]) -> None:
        """Send with the last reader that the snapshot is complete."""
        with self._lock:
            self._left -= 1
            if not self._left:
                emit(SnapshotEnd(self._number, self.position, self.state))

    def stop(self) -> None:
        self.close()

    def close(self) -> None: ...
