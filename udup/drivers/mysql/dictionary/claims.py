"""Which job keeps which table of a server current: the rows of `udup.claim`, as any job may read them.

A job writes its own on its target (`drivers/mysql/apply/claims.py`). On the target they tell jobs of each other that
would write the same table. On a server that is a source they tell which of its tables are another job's target, so that
a ring is seen.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from udup.base.long_text import some_of
from udup.drivers.mysql.client.connection import Connection, MySQLError, error_code, query
from udup.drivers.mysql.client.names import qualified
from udup.pipeline.ownership import Claim, Feed, Known, TableName
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

TABLE = "claim"

#: The account may not read it, or it is not there.
_NOT_TO_BE_READ = frozenset({1044, 1142, 1143, 1146, 1049})

#: Tables named in a message.
_SHOWN = 5


def read_claims(connection: Connection, schemas: Iterable[str] | None = None) -> list[Claim]:
    """All of them, or those on tables of some schemas; none where there is no such table or it may not be read."""
    sql = (
        "SELECT table_schema, table_name, job, source_uuid, source_schema, source_table, source, node"
        f" FROM {UDUP_SCHEMA}.{TABLE}"
    )
    wanted = None if schemas is None else sorted(set(schemas))
    if wanted is not None:
        sql += f" WHERE table_schema IN ({', '.join(['%s'] * len(wanted)) or 'NULL'})"
    try:
        rows = query(connection, sql, *(wanted or ()))
    except MySQLError as error:
        if error_code(error) in _NOT_TO_BE_READ:
            return []
        raise
    return [
        Claim((schema, table), job, uuid, (from_schema, from_table), source, node)
        for schema, table, job, uuid, from_schema, from_table, source, node in rows
    ]


def remedy(job: str, where: str) -> str:
    """Return what to do about a table that another job has."""
    statement = f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = {_literal(job)}"
    return (
        "leave these tables out of one of the jobs (ReplicateIgnoreDb), give them other names (TableRename), or delete "
        f"job {job!r} with its checkpoint (DELETE /v1/job/ID?purge=true); if there is no such job any more, run on "
        f"{where}: {statement}"
    )


def by_job(claims: Iterable[Claim]) -> Iterator[tuple[Claim, str]]:
    """Yield one claim of each job, and that job's tables as they are listed for people."""
    found: dict[str, list[Claim]] = {}
    for claim in claims:
        found.setdefault(claim.job, []).append(claim)
    for _, own in sorted(found.items()):
        names = sorted(qualified(*claim.table) for claim in own)
        yield own[0], some_of(names, _SHOWN)


def _literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


# ---- Rings ----


def read_feeds(connection: Connection, selection: Selection) -> list[Feed]:
    """Return the claims on tables that the selection carries, as feeds."""
    return [
        Feed(claim, selection.renamed_table(*claim.table))
        for claim in read_claims(connection)
        if selection.wants(*claim.table)
    ]


def rings(feeds: Collection[Feed], job: str, target_uuid: str, known: Known) -> list[Claim]:
    """Return the claims of other jobs that take a change of this job's target back to where it came from."""
    back = [feed for feed in feeds if feed.claim.source_uuid == target_uuid and feed.claim.job != job]
    edges: dict[TableName, set[TableName]] = {}
    for feed in back:
        if not known.is_gone(feed.claim):
            edges.setdefault(feed.claim.origin, set()).add(feed.onward)
    return [
        feed.claim
        for feed in back
        if not known.is_gone(feed.claim) and feed.claim.origin in _reached(edges, feed.onward)
    ]


def _reached(edges: dict[TableName, set[TableName]], start: TableName) -> set[TableName]:
    seen, waiting = {start}, [start]
    while waiting:
        for following in edges.get(waiting.pop(), set()) - seen:
            seen.add(following)
            waiting.append(following)
    return seen
