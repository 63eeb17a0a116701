"""What of its source a job carries, and of what whole it is a part."""

from __future__ import annotations

from dataclasses import dataclass, replace

from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter


@dataclass(frozen=True)
class Apart:
    """Of a part of a job that stands by itself for a while: the other part's tables, and all of the job.

    `is_new`: it is the part that is copied, which is joined to the other one. `job` is the ID of the whole, and `side`
    that of the new part.
    """

    other: Selection
    whole: Selection
    is_new: bool
    job: str = ""
    side: str = ""

    def folding(self, folds: bool) -> Apart:
        return replace(self, other=self.other.folding(folds), whole=self.whole.folding(folds))


@dataclass(frozen=True)
class Scope:
    """What a job carries of its source.

    `kept_users`: accounts that stay as they are, None if the job carries none. `innodb`: tables without transactions
    become InnoDB tables. `fold_names`: the source keeps names in lower case (known when it was looked at).
    `copy_first`: tables (`schema.table`) that changed under a copy before: the next one reads them first.
    `holder` names the job's sessions on the source, each run's and each node's the same, that one run ends what another
    has left there; empty: it is not named. `number` was granted to the run by a cluster, and a later run has a higher
    one, which an earlier does not end; 0 where a node is alone. `apart` says of what this is a part.
    """

    selection: Selection
    sql_filter: SqlFilter = SqlFilter()  # noqa: RUF009 - frozen
    kept_users: frozenset[str] | None = None
    innodb: bool = False
    fold_names: bool = False
    copy_first: frozenset[str] = frozenset()
    holder: str = ""
    number: int = 0
    apart: Apart | None = None
