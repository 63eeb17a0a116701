"""A snapshot for a comparison, which is opened again and again, so it must not keep writers waiting for long.

It is tried without a lock (`snapshot.py`). Where commits leave no gap, or cannot be seen, the job's tables are locked
for reading, which lasts for the milliseconds that opening takes. The lock waits for transactions that have written to
them, and whoever wants to write waits behind it; so it waits for `LOCK_SECONDS`, once, and is not asked for while
somebody is known to hold one of the tables for long. A long SELECT is not in its way.

FLUSH TABLES WITH READ LOCK is not used. Where a SELECT that began a moment before runs for an hour, that lock is given
up in time, but whoever touches one of its tables then waits for the end of the SELECT ("Waiting for table flush",
seen with MySQL 8.4 and 9): the flush has begun, and nothing takes it back.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Fault, Refused
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, error_code
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.sessions import LOCKER, OBSERVER, SNAPSHOT
from udup.drivers.mysql.snapshot.in_the_way import read_holders
from udup.drivers.mysql.snapshot.job_locks import Opening, lock_briefly
from udup.drivers.mysql.snapshot.moment import ACCESS_DENIED, Moment
from udup.drivers.mysql.snapshot.snapshot import QUIET_TRIES, Snapshot, close_all, open_quietly
from udup.pipeline.selection.renames import Name

#: Seconds that the lock waits, and those for which a session holds a table that it is not asked for.
LOCK_SECONDS, HELD_SECONDS = 0.3, 1

#: Seconds to look for a moment in which no XA transaction is prepared, and between two looks.
PREPARED_SECONDS, PREPARED_PAUSE = 1.0, 0.05


def open_briefly(
    endpoint: Endpoint, connections: int, job_tables: Sequence[Name], quiet_tries: int = QUIET_TRIES
) -> Snapshot:
    """Open so many transactions on one snapshot, which is exact for these tables.

    Raise `Contended` where that would keep writers waiting, `Refused` where the account may not lock the tables.
    """
    readers: list[Connection] = []
    observer = connect(endpoint, OBSERVER)
    try:
        for _ in range(connections):
            readers.append(connect(endpoint, SNAPSHOT))
        end = runtime.now() + PREPARED_SECONDS
        while True:
            moment = open_quietly(observer, readers, quiet_tries)
            moment = moment or _open_locked(endpoint, observer, readers, job_tables)
            if not moment.prepared:
                return Snapshot(moment.gtid_set, tuple(readers))
            if runtime.now() > end:
                xids = ", ".join(moment.prepared[:3])
                raise Contended(
                    f"XA transactions are prepared on {endpoint}, whose rows a snapshot lacks: {xids}; they end by"
                    " XA COMMIT or XA ROLLBACK"
                )
            runtime.sleep(PREPARED_PAUSE)
    except BaseException as error:
        close_all(readers)
        if isinstance(error, MySQLError):
            raise failure(error, f"cannot open a consistent snapshot on {endpoint}") from error
        raise
    finally:
        close_all([observer])


def _open_locked(
    endpoint: Endpoint, observer: Connection, readers: Sequence[Connection], tables: Sequence[Name]
) -> Moment:
    holders = read_holders(observer, tables)
    if not any(each.seconds >= HELD_SECONDS for each in holders.sessions):
        with closing(connect(endpoint, LOCKER)) as locker:
            try:
                moment = lock_briefly(Opening(endpoint, locker, observer, readers, tables), LOCK_SECONDS)
            except MySQLError as error:
                if error_code(error) not in ACCESS_DENIED:
                    raise
                raise Refused([_denied(endpoint, tables, error)]) from error
        if moment is not None:
            return moment
        holders = read_holders(observer, tables)
    raise Contended(
        f"commits on {endpoint} leave no gap for a snapshot, and the job's tables cannot be locked for a moment:"
        f" {holders}"
    )


def _denied(endpoint: Endpoint, tables: Sequence[Name], error: MySQLError) -> Fault:
    schemas = sorted({schema for schema, _ in tables})
    return Fault(
        f"Src {endpoint}",
        "commits leave no gap for a consistent snapshot, and LOCK TABLES … READ of the job's tables, for a moment,"
        f" is denied ({describe(error)})",
        "; ".join(
            f"GRANT SELECT, LOCK TABLES ON {quote(schema)}.* TO the account {endpoint.user}" for schema in schemas
        )
        + "; or GRANT SELECT ON performance_schema.* to it, so that gaps are seen",
    )
