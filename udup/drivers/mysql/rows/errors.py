"""What the codec cannot read, and what it cannot write."""

from __future__ import annotations

import struct

from udup.base.causes import Cause, reason
from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.remedies import DAMAGED

#: What reading bytes that are not what they say may fail with.
DAMAGE = (ArithmeticError, LookupError, RecursionError, ValueError, struct.error)

#: What writing values that are not their column's may fail with.
MISFIT = (*DAMAGE, AttributeError, TypeError)


class DamagedRows(Unsupported):
    """Bytes of a log that are no rows of their table."""


class Unfit(Unsupported):
    """A value that its column cannot hold. `column` is the column's place, `value` the value as people read it."""

    column: int = -1
    value: str = ""

    def of_column(self, column: int, value: str) -> Unfit:
        """Note what it is about, and return it."""
        self.column, self.value = column, value
        return self


def damaged(what: str) -> DamagedRows:
    """Return the error that says so, with what to do."""
    return DamagedRows(f"{what}; {DAMAGED}").because(reason(Cause.LOG_DAMAGED))
