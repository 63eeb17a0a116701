"""Definitions that have begun on the target under a number of Udup's, and of which no checkpoint says that they ran.

A definition runs under `mark:number`, and the server itself skips a number that it has executed. That alone holds as
long as the next run comes to the same definition next. It may come to another: the job has other tables by then, or a
note leaves the definition out. So before it runs its number and its transaction are noted in the base row
(`checkpoint.py`), and a take-over asks the server which of those have run. Their numbers are used up, and they do not
run again, whichever comes first. Where a job gets other tables with the take-over they count as executed there and
then: the definition may name tables that stand apart from then on, and would be held. Where no number can be set
(`intents.py`) nothing is noted here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, query, scalar
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: A number of Udup's, and the transaction that it is for.
_TOLD = re.compile(r"(\d+)([=!])(\S+)")

COLUMN, KIND = "begun", "VARCHAR(1000) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT ''"


@dataclass(frozen=True)
class Begun:
    """`number` is that of Udup's GTID, `gtid` the source's transaction; `has_end`: more than the statement belongs to
    it, so that it is to come again to be finished.
    """

    number: int
    gtid: str
    has_end: bool = False


def parse(text: str) -> list[Begun]:
    return [Begun(int(number), gtid, sign == "!") for number, sign, gtid in _TOLD.findall(text)]


def text_of(begun: Iterable[Begun]) -> str:
    return " ".join(f"{each.number}{'!' if each.has_end else '='}{each.gtid}" for each in begun)


def split(begun: Iterable[Begun]) -> tuple[GtidSet, list[Begun]]:
    """Return what counts as executed since it has run, and what is to come again."""
    begun = list(begun)
    done = [each.gtid for each in begun if not each.has_end]
    return GtidSet.of_transactions(done) if done else GtidSet(), [each for each in begun if each.has_end]


def have_run(connection: Connection, mark: str, text: str, executed: GtidSet) -> list[Begun]:
    """Return those that the server has run and that are not executed by what the checkpoint says."""
    return list(_have_run(connection, mark, text, executed))


def _have_run(connection: Connection, mark: str, text: str, executed: GtidSet) -> Iterator[Begun]:
    for each in parse(text):
        if GtidSet.of_transactions([each.gtid]) <= executed:
            continue
        if scalar(connection, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", f"{mark}:{each.number}"):
            yield each


def note(connection: Connection, job: str, version: int, begun: Iterable[Begun]) -> None:
    """Note them in the base row, if that still has this version; on a connection with autocommit."""
    sql = f"UPDATE {UDUP_SCHEMA}.checkpoint SET {COLUMN} = %s WHERE job = %s AND slot = 0 AND version = %s"
    query(connection, sql, text_of(begun), job, version)
