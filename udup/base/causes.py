"""What exactly is the matter, as a word and the values that a sentence about it needs, whatever language that is in.

An error's text is for people. Its `Reason` travels beside it (`errors.Failure`), is kept with the job that stopped by
it, and says what can be done: `jobs/failing/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum


class Cause(StrEnum):
    """The values are words of the API's: clients translate them, and take one that they do not know as `FAILED`."""

    ROW_MISSING = "row_missing"  # the target lacks a row that the source changes
    ROW_EXISTS = "row_exists"  # the target has a row that the source inserts
    ROW_DIFFERS = "row_differs"  # the target refuses a row of the source's by its data
    DIVERGENCE = "divergence"  # the target is otherwise not what the checkpoint says
    COPY_DIFFERS = "copy_differs"  # what was copied is not what has come
    TABLE_MISSING = "table_missing"  # the target lacks a table
    MEMORY_LOST = "memory_lost"  # the target was restarted and has lost rows of MEMORY tables
    DEFINITION = "definition"  # a table is defined otherwise on both sides
    STATEMENT_REFUSED = "statement_refused"  # the target refuses a DDL statement
    UNSETTLED = "unsettled"  # it cannot be known whether a transaction's rows, or a statement, are on the target
    STALE_TABLE = "stale_table"  # tables are as before a statement that others have already
    UNSUPPORTED = "unsupported"  # something that this version does not carry
    LOG_DAMAGED = "log_damaged"
    LIMIT = "limit"  # a limit or a privilege of the target stands against a transaction
    START_REFUSED = "start_refused"
    SOURCE_PURGED = "source_purged"  # the log does not reach back to the job's position any more
    SOURCE_RESET = "source_reset"  # the source's log is another one than was read
    SINK = "sink"  # a subscription's sink is not what the job has left
    TOO_MANY_RESTARTS = "too_many_restarts"
    SUPERSEDED = "superseded"
    NOT_UNDERSTOOD = "not_understood"  # this version does not understand the job's document or record
    TABLES_FAILED = "tables_failed"  # tables that are under way cannot be copied or joined
    INTERNAL = "internal"
    FAILED = "failed"


@dataclass(frozen=True)
class Reason:
    """`params` are what a sentence about the cause needs, by name; `key` the row's, `statement` whose it is.

    `cause` is a `Cause`, or a word of a newer version's.
    """

    cause: str
    params: tuple[tuple[str, str], ...] = ()
    key: str = ""
    statement: str = ""

    def with_(self, **params: str) -> Reason:
        """Return it with more values."""
        return replace(self, params=tuple((dict(self.params) | params).items()))


def reason(cause: Cause, params: Mapping[str, object] | None = None, *, key: str = "", statement: str = "") -> Reason:
    """Return a reason; values that are empty are left out."""
    told = tuple((name, str(value)) for name, value in (params or {}).items() if value not in ("", None))
    return Reason(cause.value, told, key, statement)
