"""Transactions that are in the sink in part: what may not change before they come again, and that they do come.

Which of their rows the sink has is known by the rows' numbers, and these depend on what the job leaves out and on the
names of its tables. A document with other rules for that would lose rows or tell them twice, so it is refused until
these transactions are through. And their rest is in the source's log alone: a source that was replaced by a server
without them never tells it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection

from udup.base import runtime
from udup.base.errors import Fault, Refused, Unsupported
from udup.pipeline.checks import DEST
from udup.pipeline.deliver.place import OpenTransaction
from udup.pipeline.ports import Position
from udup.pipeline.records import TransactionId
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

#: Seconds that a source may lack them. One that has them and waits for a semi-synchronous replica counts them late
#: (10 s by default), and a new one may still have to execute what it got from the one before.
PATIENCE_SECONDS = 60.0

#: Transactions that an error names.
_NAMED = 3


def row_rules(selection: Selection, sql_filter: SqlFilter) -> str:
    """Return the same for documents that number the rows of each table in the same way; "" where nothing is left out.

    Tables that come into a job or leave it change nothing for others, unless some have a condition or another name:
    then it depends on all rules which one is a table's.
    """
    kinds = [sql_filter.inserts, sql_filter.updates, sql_filter.deletes]
    rules = []
    if selection.filters_rows or selection.renames:
        for rule in selection.rules:
            tables = [[each.name, each.regex, each.rename, each.where] for each in rule.tables]
            rules.append([rule.name, rule.regex, rule.rename, tables])
    if not rules and not any(kinds):
        return ""
    return hashlib.sha256(json.dumps([kinds, rules]).encode()).hexdigest()[:24]


def check_rules(job: str, partial: Collection[str]) -> None:
    """Raise `Refused` if transactions are in the sink in part: the document has other rules than the one before."""
    if not partial:
        return
    problem = (
        f"the document of job {job} has another Where, SqlFilter or another name for a table than the one by which "
        f"{_named(partial)} was delivered in part: it could not be told which of its rows are missing"
    )
    remedy = (
        "post the former document, wait until this transaction is through (udup job wait), and post this one then; or "
        f"begin with a snapshot: udup job delete --purge {job}, and post this one"
    )
    raise Refused([Fault("Dest", problem, remedy, DEST)])


def check_same(begun: OpenTransaction, comes: TransactionId) -> None:
    """Raise `Unsupported` if what comes is another transaction of the GTID than the one that is there in part."""
    before, now = begun.committed_us, comes.order.original_us
    if before and now and before != now:
        raise Unsupported(
            f"{comes.gtid} was delivered in part, and what the source sends under this GTID was committed at another "
            f"time ({now} µs since 1970, not {before}): the source was reset, or has lost its last transactions in a "
            "crash. Begin with a snapshot, which says what is true now: delete the job with its position (udup job "
            "delete --purge), and post it again",
            gtid=comes.gtid,
        )


class AwaitedTransactions:
    """Looks whether the source has what is in the sink in part; `position` parses a position of the source."""

    def __init__(self, job: str, position: Callable[[str], Position]) -> None:
        self._job = job
        self._parse = position
        self._lacking_since: float | None = None

    def look(self, partial: Collection[str], executed: str) -> None:
        """Raise `Unsupported` if the source, which has executed this, has lacked some of them for too long."""
        lacking = self._lacking(partial, executed) if partial else []
        if not lacking:
            self._lacking_since = None
        elif self._lacking_since is None:
            self._lacking_since = runtime.now()
        elif runtime.now() - self._lacking_since >= PATIENCE_SECONDS:
            raise Unsupported(
                f"{_named(lacking)} was delivered in part, and the source that is followed now has not executed it: "
                "its last rows are nowhere. Have the job follow a server that has it; or begin with a snapshot, which "
                f"says what is true now: udup job delete --purge {self._job}, and post the job again",
                gtid=lacking[0],
            )

    def _lacking(self, partial: Collection[str], executed: str) -> list[str]:
        there = self._parse(executed)
        return [each for each in sorted(partial) if not self._parse(each) <= there]


def _named(gtids: Collection[str]) -> str:
    names = sorted(gtids)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"transaction {', '.join(names[:_NAMED])}{more}"
