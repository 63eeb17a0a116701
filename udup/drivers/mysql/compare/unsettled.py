"""Tables whose rows take part in no transaction (MyISAM, MEMORY, …): no snapshot has them.

They are read as they are, the source's a little behind the snapshot, the target's at it or behind. So a row that is
being written may differ and is right. What differs in the same way when both are read again behind another mark is
told: the target has had all of what the source had the first time since then.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from udup.drivers.mysql.compare.both import Both
from udup.pipeline.ports.compare import RowDifference
from udup.pipeline.selection.renames import Name

#: Readings of a table, and rows that may differ in one, beyond which nothing is told of them.
READINGS, MOST_ROWS = 4, 10_000


@dataclass
class Unsettled:
    """What differed in such tables when they were read last, and how often they have been."""

    _before: dict[Name, list[RowDifference]] = field(default_factory=dict)
    _readings: dict[Name, int] = field(default_factory=dict)

    def compare(self, both: Both, read: Callable[[], object]) -> str | None:
        """Read a table, tell what differs for certain; return why not all was compared, None to read it again."""
        found, told = list[RowDifference](), both.told

        def take(difference: RowDifference) -> None:
            if len(found) < MOST_ROWS:
                found.append(difference)

        both.told = replace(told, difference=take, kept=lambda: None)
        try:
            read()
        finally:
            both.told = told
        name = both.compared.name
        before, readings = self._before.get(name), self._readings.get(name, 0) + 1
        self._before[name], self._readings[name] = found, readings
        lasting = [each for each in found if before is not None and each in before]
        in_motion = both.differences + both.unsearched - sum(each.count for each in lasting)
        if in_motion and readings < READINGS:
            return None
        self.forget(name)
        both.differences, both.unsearched = 0, 0
        for each in lasting:
            both.found(each)
        if not in_motion:
            return ""
        return f"{in_motion} of its rows were written while it was read: they take part in no transaction"

    def forget(self, name: Name) -> None:
        """Begin again with a table."""
        self._before.pop(name, None)
        self._readings.pop(name, None)
