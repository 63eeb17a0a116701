"""The failure at which a job stopped for good, as its record keeps it: what a person and a program need to know of it.

Records of versions that knew a part of it are read, and keep what is written here: what is not known is empty.
"""

from __future__ import annotations

import operator
from typing import Annotated, TypeVar

from pydantic import Field

from udup.base.causes import Cause, Reason
from udup.base.errors import UNFORESEEN, Contradicted, Failure, FailureKind
from udup.base.kept import Kept

#: Characters of a text, and of each part of what is told beside it.
TEXT_MAX, PART_MAX = 2000, 600

#: Faults, tables and values that are kept.
_FAULTS, _TABLES, _PARAMS = 20, 100, 20

_T = TypeVar("_T")

#: What is not written where it is empty: records of versions that do not know it stay as they were.
_Known = Annotated[_T, Field(exclude_if=operator.not_)]


class StoppedFault(Kept):
    """One thing that was wrong, as `base.errors.Fault`."""

    where: str
    problem: str
    remedy: str = ""
    task: str = ""


class Stopped(Kept):
    """When a job stopped, in nanoseconds since the epoch, by what, and about what.

    `gtid` is the transaction at which it stands, `table` the table; "" where it is about none. `kept`: see `UdupError`.
    `cause`, `params`, `key` and `statement` are its `Reason`, `faults` what was wrong one by one. `against` are the
    tables of the target that stand against the transaction, by their rows alone if `by_rows`; `reloads` the tables of
    the source that are to be loaded again. `tries` are the failures in a row that ended with this one.
    """

    time_ns: int
    kind: FailureKind
    text: str
    gtid: str = ""
    table: str = ""
    kept: str = ""
    cause: _Known[str] = ""
    params: _Known[dict[str, str]] = {}
    key: _Known[str] = ""
    statement: _Known[str] = ""
    faults: _Known[tuple[StoppedFault, ...]] = ()
    against: _Known[tuple[tuple[str, str], ...]] = ()
    by_rows: _Known[bool] = False
    reloads: _Known[tuple[str, ...]] = ()
    tries: _Known[int] = 0

    @classmethod
    def by(cls, failure: Failure, now: int) -> Stopped:
        """Return what is kept of a failure."""
        told, against = failure.reason or _of_faults(failure), failure.contradicted
        params = {name: value[:PART_MAX] for name, value in told.params[:_PARAMS]}
        tries = params.get("failures", "")
        return cls(
            time_ns=now,
            kind=failure.kind,
            text=failure.text[:TEXT_MAX],
            gtid=failure.gtid,
            table=failure.table,
            kept=failure.kept,
            cause=told.cause,
            params=params,
            key=told.key[:PART_MAX],
            statement=told.statement[:PART_MAX],
            faults=tuple(
                StoppedFault(
                    where=each.where[:PART_MAX],
                    problem=each.problem[:PART_MAX],
                    remedy=each.remedy[:PART_MAX],
                    task=each.task,
                )
                for each in failure.faults[:_FAULTS]
            ),
            against=() if against is None else against.tables[:_TABLES],
            by_rows=against is not None and against.rows,
            reloads=failure.reloads[:_TABLES],
            tries=int(tries) if tries.isdecimal() else 1,
        )

    @property
    def contradicted(self) -> Contradicted | None:
        """Return which tables of the target stand against the transaction, None where that is not known."""
        return Contradicted(self.against, self.by_rows) if self.against else None

    @property
    def what(self) -> str:
        """Return the word of what exactly is the matter; of an older version's record what its kind says."""
        found = next((word for text, word in _BY_TEXT.items() if text in self.text), None)
        return self.cause or (found or _BY_KIND.get(self.kind, Cause.FAILED)).value


def _of_faults(failure: Failure) -> Reason:
    """Return the reason of a start that was refused: what one of its faults says, if one says more than the others."""
    found = next((each for each in failure.faults if each.cause), None)
    return Reason("") if found is None else Reason(found.cause, (("server", found.where),))


#: What stands in the texts that versions before kept, which knew no cause: where somebody is to say what is on the
#: target, and what nobody foresaw.
_BY_TEXT = {"udup job settle ": Cause.UNSETTLED, UNFORESEEN: Cause.INTERNAL}

_BY_KIND = {
    FailureKind.TRANSIENT: Cause.TOO_MANY_RESTARTS,
    FailureKind.UNAVAILABLE: Cause.TOO_MANY_RESTARTS,
    FailureKind.CONTENDED: Cause.TOO_MANY_RESTARTS,
    FailureKind.SUPERSEDED: Cause.SUPERSEDED,
    FailureKind.REFUSED: Cause.START_REFUSED,
    FailureKind.UNSUPPORTED: Cause.UNSUPPORTED,
    FailureKind.CONFLICT: Cause.DIVERGENCE,
    FailureKind.DIVERGENCE: Cause.DIVERGENCE,
    FailureKind.INTERNAL: Cause.FAILED,
}
