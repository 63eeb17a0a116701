"""Rows for tables that no transaction undoes (MyISAM, MEMORY, CSV, ARCHIVE, MERGE), applied once all the same.

The checkpoint cannot commit together with such rows, so a note in `udup.unsure` stands around them:

1. the note (which transaction, which tables) is committed, in a transaction that reads the checkpoint's version;
2. the rows are applied, under a GTID of Udup's own, `mark:number`, which the note holds;
3. the checkpoint is written and the note is cleared, in one transaction.

2 and 3 are one packet, so the server ends them even when the sender has died. From 1 to 3 the session holds a named
lock, which every take-over takes too: a note that a take-over finds is of a session that is over.

What a note that was left means is then looked up. The server notes a statement's GTID with its rows, also when only a
part of the rows was applied, so a GTID that was never executed says that nothing was. That holds while the server is
the same process: a crash may keep rows and lose their GTID, or lose rows. What is not known, somebody has to look at
and say: `settle`.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from hashlib import sha256

from udup.binlog.gtid import GtidSet
from udup.errors import Divergence, Fault, Refused, Transient, UdupError
from udup.mysql.connection import Connection, Endpoint, MySQLError, connect, describe, is_transient, query, scalar
from udup.mysql.names import UDUP_SCHEMA

TABLE = "unsure"

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        mark CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        number BIGINT NOT NULL DEFAULT 0,
        gtid VARCHAR(128) CHARACTER SET ascii COLLATE ascii_bin NOT NULL DEFAULT '',
        whole BOOLEAN NOT NULL DEFAULT 0,
        tables_changed TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        noted_at BIGINT NOT NULL DEFAULT 0,
        session BIGINT UNSIGNED NOT NULL DEFAULT 0,
        problem TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        PRIMARY KEY (job)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Rows without transactions that are being applied. Do not change.'"""

#: Seconds that a take-over waits for a session that applies such rows; then the run begins again.
LOCK_SECONDS = 10

#: Seconds by which the server must have been up before a note, so that it is certainly the note's own process.
_BOOT_MARGIN = 2

#: Versions of the checkpoint's rows move on by this much, as in a take-over.
_VERSIONS_OF_A_RUN = 1 << 40

#: Longest text kept of an error.
_PROBLEM = 2000


@dataclass(frozen=True)
class Note:
    """What `udup.unsure` says of a transaction between the two marks."""

    job: str
    gtid: str
    tables: str
    own_gtid: str  # under which the rows are applied; empty for a transaction of several statements
    noted_at: int
    session: int
    problem: str

    def told(self, why: str) -> str:
        """For people: what is not known, and how to say what is."""
        cause = f" ({self.problem})" if self.problem else ""
        return (
            f"{self.gtid}: it is not known whether its rows are in {self.tables} on the target, a table that undoes "
            f"nothing: {why}{cause}. Look there, take a part of its rows out or put the rest in, and say which: "
            f"udup job settle {self.job} --gtid {self.gtid} --applied if they are there, --not-applied if none is; "
            "then the job goes on"
        )


# ---- The lock ----


def lock_name(job: str) -> str:
    """One for each job; the server takes 64 characters."""
    return f"udup.unsure.{sha256(job.encode()).hexdigest()[:48]}"


@contextmanager
def locked(connection: Connection, job: str, seconds: int = LOCK_SECONDS) -> Iterator[None]:
    """Hold the job's lock: no other session is between its marks. `Transient` if one stays there."""
    _lock(connection, job, seconds)
    try:
        yield
    finally:
        if connection.open:
            _unlock(connection, job)


def _lock(connection: Connection, job: str, seconds: int) -> None:
    if scalar(connection, f"SELECT GET_LOCK('{lock_name(job)}', {seconds})") != 1:
        raise Transient(
            f"a session of an earlier run of job {job} is still applying rows to a table without transactions on the "
            f"target; it holds the lock {lock_name(job)}, and may itself wait for a lock on that table"
        )


def _unlock(connection: Connection, job: str) -> None:
    query(connection, f"SELECT RELEASE_LOCK('{lock_name(job)}')")


# ---- The session that applies ----


def begin(connection: Connection, job: str, slot: int, version: int, note: tuple[str, str], *, whole: bool) -> str:
    """Take the lock and commit the note of a transaction (`note`: its GTID, its tables); the GTID for its rows.

    `whole`: they are one statement. Raises `Transient` if another run has taken over: then nothing was noted.
    """
    gtid, tables = note
    _lock(connection, job, LOCK_SECONDS)
    sql = f"SELECT 1 FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = %s AND version = %s FOR SHARE"
    if not query(connection, sql, job, slot, version):
        connection.rollback()
        raise Transient(f"{gtid}: another run has taken the job over")
    query(
        connection,
        f"UPDATE {UDUP_SCHEMA}.{TABLE} SET number = number + 1, gtid = %s, tables_changed = %s, whole = %s,"
        " noted_at = UNIX_TIMESTAMP(), session = CONNECTION_ID(), problem = '' WHERE job = %s",
        gtid,
        tables,
        int(whole),
        job,
    )
    [(mark, number)] = query(connection, f"SELECT mark, number FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
    connection.commit()
    return f"{mark}:{number}"


#: Rows that a session changes in `udup.unsure` for one transaction: the note and its end.
CHANGES = 2


def end_statement(job: str) -> bytes:
    """Clears the note; goes into the transaction of the checkpoint."""
    name = f"CONVERT(X'{job.encode().hex()}' USING utf8mb4)"
    return f"UPDATE {UDUP_SCHEMA}.{TABLE} SET gtid = '' WHERE job = {name}".encode()


def end(connection: Connection, job: str) -> None:
    """The transaction is over: others may take the lock."""
    _unlock(connection, job)


def failed(connection: Connection, job: str, error: MySQLError) -> UdupError:
    """The target refused the rows: what of them is there must be looked at."""
    if is_transient(error):
        return Transient(f"while rows were applied to a table without transactions: {describe(error)}")
    problem = describe(error)[:_PROBLEM]
    try:
        connection.rollback()
        query(connection, "SET SESSION gtid_next = 'AUTOMATIC'")
        query(connection, f"UPDATE {UDUP_SCHEMA}.{TABLE} SET problem = %s WHERE job = %s", problem, job)
        connection.commit()
        note = _read(connection, job)
    except MySQLError as lost:
        return Transient(f"while rows were applied to a table without transactions: {problem}; {describe(lost)}")
    return Divergence(note.told("the target refused them")) if note else UdupError(problem)


# ---- The next run ----


def prepare(connection: Connection, job: str) -> None:
    """The job's row, on a connection with autocommit on."""
    sql = f"INSERT IGNORE INTO {UDUP_SCHEMA}.{TABLE} (job, mark, tables_changed, problem) VALUES (%s, %s, '', '')"
    query(connection, sql, job, str(uuid.uuid4()))


def look(connection: Connection, job: str) -> None:
    """Decide about a note that was left, holding the lock, with autocommit on.

    Forgets it if nothing of it was applied; raises `Divergence` if that cannot be known.
    """
    note = _read(connection, job)
    if note is None:
        return
    if note.problem:
        raise Divergence(note.told("the target refused them"))
    if not _is_same_process(connection, note):
        raise Divergence(note.told("the target's server ended while they were applied"))
    if not note.own_gtid:
        raise Divergence(note.told("the job was ended while they were applied, in several statements"))
    if scalar(connection, "SELECT GTID_SUBSET(%s, @@global.gtid_executed)", note.own_gtid):
        raise Divergence(note.told("the session was ended while they were applied"))
    query(connection, f"UPDATE {UDUP_SCHEMA}.{TABLE} SET gtid = '' WHERE job = %s", job)


def forget_all(connection: Connection, job: str) -> None:
    """What a job of the same ID has left that began elsewhere in the log."""
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)


def _read(connection: Connection, job: str, lock: str = "") -> Note | None:
    rows = query(
        connection,
        "SELECT gtid, tables_changed, mark, number, whole, noted_at, session, problem"
        f" FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND gtid <> ''{lock}",
        job,
    )
    for gtid, tables, mark, number, whole, noted_at, session, problem in rows:
        own_gtid = f"{mark}:{number}" if whole else ""
        return Note(job, str(gtid), str(tables), own_gtid, int(noted_at), int(session), str(problem or ""))
    return None


def _is_same_process(connection: Connection, note: Note) -> bool:
    """Whether the server has run since before the note. Two signs, as a clock may be set back: connections are
    numbered from the server's start on.
    """
    uptime = query(connection, "SHOW GLOBAL STATUS LIKE 'Uptime'")[0][1]
    [(now, session)] = query(connection, "SELECT UNIX_TIMESTAMP(), CONNECTION_ID()")
    return int(now) - int(uptime) <= note.noted_at - _BOOT_MARGIN and int(session) > note.session


# ---- Whoever has looked ----


def settle(endpoint: Endpoint, job: str, gtid: str, *, applied: bool) -> None:
    """Note what somebody has found: the transaction's rows are all there, or none is. The next run goes by it.

    Raises `Refused` if this is not the transaction in question, `Transient` if the target cannot be asked now.
    """
    try:
        with closing(connect(endpoint, autocommit=False)) as connection, locked(connection, job):
            _settle(connection, job, gtid, applied=applied)
    except MySQLError as error:
        text = f"cannot settle {gtid} of job {job} on the target {endpoint}: {describe(error)}"
        raise (Transient if is_transient(error) else UdupError)(text) from error


def _settle(connection: Connection, job: str, gtid: str, *, applied: bool) -> None:
    note = _read(connection, job, " FOR UPDATE") if _is_there(connection) else None
    if note is None:
        raise Refused([Fault("Gtid", f"nothing of job {job} is in question", "resume the job, if it is not running")])
    if GtidSet.parse(gtid) != GtidSet.parse(note.gtid):
        raise Refused([Fault("Gtid", f"{gtid} is not in question, but {note.gtid} is", "look at that one")])
    base = query(connection, f"SELECT gtids FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = 0 FOR UPDATE", job)
    if not base:
        raise Refused([Fault("Gtid", f"job {job} has no checkpoint on the target", "start it, for a full copy")])
    if applied:
        executed = GtidSet.parse(str(base[0][0]))
        executed.update(GtidSet.parse(note.gtid))
        sql = f"UPDATE {UDUP_SCHEMA}.checkpoint SET gtids = %s WHERE job = %s AND slot = 0"
        query(connection, sql, str(executed), job)
    # Whatever a run that still lives might send finds its row gone.
    sql = f"UPDATE {UDUP_SCHEMA}.checkpoint SET version = version + {_VERSIONS_OF_A_RUN} WHERE job = %s"
    query(connection, sql, job)
    query(connection, f"UPDATE {UDUP_SCHEMA}.{TABLE} SET gtid = '', problem = '' WHERE job = %s", job)
    connection.commit()


def _is_there(connection: Connection) -> bool:
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(query(connection, sql, UDUP_SCHEMA, TABLE))
