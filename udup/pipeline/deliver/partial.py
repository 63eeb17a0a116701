"""Transactions that are in the sink in part: what may not change before they come again.

Which of their rows the sink has is known by the rows' numbers, and these depend on what the job leaves out and on the
names of its tables. A document with other rules for that would lose rows or tell them twice, so it is refused until
these transactions are through. That the source's log still has them, its driver sees to (`ports.InPart`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection

from udup.base.errors import Fault, Refused, Unsupported
from udup.pipeline.checks import DEST
from udup.pipeline.deliver.place import OpenTransaction
from udup.pipeline.records import TransactionId
from udup.pipeline.selection.selection import Selection
from udup.pipeline.selection.sqlfilter import SqlFilter

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


def _named(gtids: Collection[str]) -> str:
    names = sorted(gtids)
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return f"transaction {', '.join(names[:_NAMED])}{more}"
