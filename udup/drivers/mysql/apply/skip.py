"""Passing over one transaction on purpose: its GTID goes into the job's checkpoint, and none of its rows anywhere.

Done in one transaction, while no connection of the job lives on the target: all places are held, as in a take-over, and
the rows of all slots get versions of another generation, so that whatever an earlier run has sent matches nothing. A
run that lives is not disturbed: it has the job, and nothing is passed over.

What else the target keeps about a transaction goes its way with it:

* The note of rows that no transaction undoes: those before the one in question count as applied, and the note goes.
* The kept rows of a prepared transaction that it ends: nothing will ask for them again.
* What was noted of a definition, or of the table of a CREATE TABLE … SELECT, which then stays as it is there.
* The statement of a definition that has run, under a GTID of Udup's own, and was not noted: it is counted, or else
  the server would take the next definition for the same one, and not run it.
"""

from __future__ import annotations

from contextlib import closing

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, Superseded, Unavailable
from udup.drivers.mysql.apply import intents, unsure, xa
from udup.drivers.mysql.apply.checkpoint import COPYING, TABLE, version_after
from udup.drivers.mysql.apply.ownership import taking_over
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.client.errors import NOTHING_THERE, failure
from udup.drivers.mysql.client.sessions import PURGE
from udup.pipeline.ownership import Owner
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: Who passes over a transaction has no run of the job, and ends none.
_NOBODY = Owner("", by_force=False)

#: Seconds that the connections of the run that failed may still need to end, and between two tries.
_PATIENCE_SECONDS, _PAUSE_SECONDS = 5.0, 0.2


def skip(endpoint: Endpoint, job: str, gtid: str, kept: str) -> bool:
    """Put the transaction into the checkpoint; return False if it is there already. See `Target.skip`."""
    doing = f"cannot pass over {gtid} of job {job} on the target {endpoint}"
    end = runtime.now() + _PATIENCE_SECONDS
    while True:
        try:
            with closing(connect(endpoint, PURGE)) as connection, taking_over(connection, job, _NOBODY):
                return _skip(connection, job, gtid, kept)
        except Superseded as error:
            if runtime.now() > end:
                raise Unavailable(f"{doing}: {error}") from error
        except MySQLError as error:
            if error_code(error) in NOTHING_THERE:
                raise Refused([_no_checkpoint(job)]) from error
            raise failure(error, doing) from error
        runtime.sleep(_PAUSE_SECONDS)


def _skip(connection: Connection, job: str, gtid: str, kept: str) -> bool:
    """In one transaction, on a connection without autocommit."""
    skipped = GtidSet.of_transactions([gtid])
    connection.rollback()  # what was asked until now began a transaction, which sees what was
    sql = (
        f"SELECT slot, version, gtids, mark, definitions, selection FROM {UDUP_SCHEMA}.{TABLE}"
        " WHERE job = %s ORDER BY slot FOR UPDATE"
    )
    rows = query(connection, sql, job)
    if not rows or rows[0][0] != 0 or rows[0][5] == COPYING:
        raise Refused([_no_checkpoint(job)])
    executed = GtidSet()
    for row in rows:
        executed.update(GtidSet.parse(str(row[2])))
    executed.update(unsure.pass_over(connection, job, skipped))
    if skipped <= executed:
        connection.rollback()
        return False
    executed.update(skipped)
    definitions = int(rows[0][4]) + _has_run(connection, kept, f"{rows[0][3]}:{int(rows[0][4]) + 1}")
    if kept:
        xa.forget(connection, job, kept)
    _forget_intents(connection, job, gtid, skipped)
    version = version_after(rows)
    sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET version = %s, gtids = '' WHERE job = %s AND slot > 0"
    query(connection, sql, version, job)
    sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET version = %s, gtids = %s, definitions = %s WHERE job = %s AND slot = 0"
    query(connection, sql, version, str(executed), definitions, job)
    connection.commit()
    return True


def _has_run(connection: Connection, kept: str, next_own: str) -> bool:
    """Whether the transaction is the definition that runs next, and the server has executed it."""
    if kept != next_own or connection.is_mariadb:  # which runs nothing under a GTID: its number is free again
        return False
    return bool(scalar(connection, "SELECT GTID_SUBSET(%s, @@global.gtid_executed)", kept))


def _forget_intents(connection: Connection, job: str, gtid: str, skipped: GtidSet) -> None:
    if not intents.is_there(connection):
        return
    intents.forget_definition(connection, job, gtid.lower())
    if any(skipped <= GtidSet.parse(made.gtids) for made in intents.made_tables(connection, job)):
        intents.forget_made(connection, job)


def _no_checkpoint(job: str) -> Fault:
    problem = (
        f"job {job} has no checkpoint on the target yet: its full copy has not ended, or it has not begun without one"
    )
    remedy = "repair what the job's failure names, and run udup job resume: it copies again, or begins where it is to"
    return Fault("gtid", problem, remedy)
