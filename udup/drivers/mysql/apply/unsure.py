"""Rows for tables that no transaction undoes (MyISAM, MEMORY, CSV, ARCHIVE, MERGE), applied once all the same.

The checkpoint cannot commit together with such rows, so a note in `udup.unsure` stands around them:

1. the note (which transactions, which tables) is committed, in a transaction that reads the checkpoint's version;
2. the rows are applied, each transaction's under a GTID of Udup's own, `mark:number`, which the note holds;
3. the checkpoint is written and the note is cleared, in one transaction.

2 and 3 are one packet, so the server ends them even when the sender has died. From 1 to 3 the session holds a named
lock, which every take-over takes too: a note that a take-over finds is of a session that is over.

What a note that was left means is then looked up. The server notes a statement's GTID with its rows, also when only a
part of the rows was applied, so a GTID that was never executed says that nothing was. That holds while the server is
the same process: a crash may keep rows and lose their GTID, or lose rows. What is not known, somebody has to look at
and say: `settle`.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from udup.base import runtime
from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Contended, Divergence, Fault, Refused, Transient, UdupError, Unavailable
from udup.drivers.mysql.apply import intents, unsure_lock
from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, is_transient, query, scalar
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.sessions import PURGE
from udup.pipeline.selection.schemas import UDUP_SCHEMA

TABLE = "unsure"

CREATE = f"""CREATE TABLE IF NOT EXISTS {UDUP_SCHEMA}.{TABLE} (
        job VARCHAR(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
        mark CHAR(36) CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        number BIGINT NOT NULL DEFAULT 0,
        gtids MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
        whole BOOLEAN NOT NULL DEFAULT 0,
        applied INT NOT NULL DEFAULT 0,
        tables_changed TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        noted_at BIGINT NOT NULL DEFAULT 0,
        session BIGINT UNSIGNED NOT NULL DEFAULT 0,
        problem TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        memory_tables MEDIUMTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin,
        PRIMARY KEY (job)
    ) ENGINE=InnoDB ROW_FORMAT=DYNAMIC COMMENT='Rows without transactions that are being applied. Do not change.'"""

#: Seconds by which the server must have been up before a note, so that it is certainly the note's own process.
_BOOT_MARGIN = 2

#: Versions of the checkpoint's rows move on by this much, as in a take-over.
_VERSIONS_OF_A_RUN = 1 << 40

#: Longest text kept of an error.
_PROBLEM = 2000


@dataclass(frozen=True)
class Note:
    """What `udup.unsure` says of transactions between the two marks; `number` is that of the last one's own GTID."""

    job: str
    gtids: tuple[str, ...]
    tables: str
    mark: str
    number: int
    whole: bool  # each is one statement, under a GTID of its own; else `applied` alone tells
    applied: int  # known to be: told by the session after each, or when one failed
    noted_at: int
    session: int
    problem: str

    def own_gtid(self, place: int) -> str:
        return f"{self.mark}:{self.number - len(self.gtids) + 1 + place}"


@dataclass(frozen=True)
class Found:
    """What is known of a note: the transactions that are applied, and the one in question, if any, with the reason."""

    applied: tuple[str, ...]
    unsure: str = ""
    why: str = ""


def _told(note: Note, found: Found) -> str:
    """For people: what is not known, and how to say what is."""
    return (
        f"{found.unsure}: it is not known whether its rows are in {note.tables} on the target, which undoes nothing: "
        f"{found.why}. Look there, take a part of its rows out or put the rest in, and say which: "
        f"udup job settle {note.job} --gtid {found.unsure} --applied if they are there, --not-applied if none is; "
        "then the job goes on"
    )


def _unsettled(note: Note, found: Found) -> Divergence:
    told = Divergence(_told(note, found), gtid=found.unsure, table=note.tables)
    return told.because(reason(Cause.UNSETTLED, {"table": note.tables, "why": found.why}))


# ---- The session that applies ----


def begin(
    connection: Connection, job: str, slot: int, version: int, gtids: Sequence[str], tables: str, *, whole: bool = True
) -> list[str]:
    """Take the lock and commit the note of some transactions; the GTIDs for their rows.

    `whole`: each is one statement. Raises `Transient` if another run has taken over: then nothing was noted.
    """
    unsure_lock.take(connection, job)
    sql = f"SELECT 1 FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = %s AND version = %s LOCK IN SHARE MODE"
    if not query(connection, sql, job, slot, version):
        connection.rollback()
        raise Transient(f"{gtids[0]}: another run has taken the job over")
    query(
        connection,
        f"UPDATE {UDUP_SCHEMA}.{TABLE} SET number = number + %s, gtids = %s, tables_changed = %s, whole = %s,"
        " applied = 0, noted_at = UNIX_TIMESTAMP(), session = CONNECTION_ID(), problem = '' WHERE job = %s",
        len(gtids),
        ",".join(gtids),
        tables,
        int(whole),
        job,
    )
    [(mark, number)] = query(connection, f"SELECT mark, number FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)
    connection.commit()
    return [f"{mark}:{int(number) - len(gtids) + 1 + place}" for place in range(len(gtids))]


#: Rows that a session changes in `udup.unsure` for one transaction: the note and its end.
CHANGES = 2


def end_statement(job: str) -> bytes:
    """Clears the note; goes into the transaction of the checkpoint."""
    name = f"CONVERT(X'{job.encode().hex()}' USING utf8mb4)"
    return f"UPDATE {UDUP_SCHEMA}.{TABLE} SET gtids = '' WHERE job = {name}".encode()


def applied_statement(job: str, applied: int) -> bytes:
    """Return what notes how many of the transactions are applied, where no GTID of the server's tells it."""
    name = f"CONVERT(X'{job.encode().hex()}' USING utf8mb4)"
    return f"UPDATE {UDUP_SCHEMA}.{TABLE} SET applied = {applied} WHERE job = {name}".encode()


def end(connection: Connection, job: str) -> None:
    """The transaction is over: others may take the lock."""
    unsure_lock.release(connection, job)


def failed(
    connection: Connection, job: str, error: MySQLError, applied: int = 0, *, own_gtids: bool = True
) -> UdupError:
    """The target refused the rows of the transaction after those `applied`: what of it is there must be looked at.

    `own_gtids`: they were applied under GTIDs of Udup's own.
    """
    problem = "" if is_transient(error) else describe(error)[:_PROBLEM]
    try:
        connection.rollback()
        if own_gtids:
            query(connection, "SET SESSION gtid_next = 'AUTOMATIC'")
        sql = f"UPDATE {UDUP_SCHEMA}.{TABLE} SET problem = %s, applied = %s WHERE job = %s"
        query(connection, sql, problem, applied, job)
        connection.commit()
        note = _read(connection, job) if problem else None
        found = _judged(connection, note) if note else Found(())
    except MySQLError as lost:
        return _passing(lost, describe(error))
    if not problem:
        return _passing(error)
    return _unsettled(note, found) if note and found.unsure else Transient(problem)


def _passing(error: MySQLError, before: str = "") -> UdupError:
    """Return an error that passes; never `Contended`: what is applied stays, so the same order must not come again."""
    doing = "while rows were applied to a table without transactions"
    told = failure(error, f"{doing}: {before}" if before else doing, Transient)
    return Unavailable(str(told)) if isinstance(told, Contended) else told


# ---- The next run ----


def prepare(connection: Connection, job: str) -> None:
    """The job's row, on a connection with autocommit on."""
    sql = f"INSERT IGNORE INTO {UDUP_SCHEMA}.{TABLE} (job, mark, gtids) VALUES (%s, %s, '')"
    query(connection, sql, job, runtime.new_id())


def look(connection: Connection, job: str) -> GtidSet:
    """Decide about a note that was left, holding the lock, with autocommit on: what of it is applied.

    The note goes, and what is applied is in the checkpoint's base row. Raises `Divergence` if that cannot be known.
    """
    note = _read(connection, job)
    if note is None:
        return GtidSet()
    found = _judged(connection, note)
    if found.unsure:
        raise _unsettled(note, found)
    connection.begin()
    applied = _conclude(connection, job, found.applied)
    connection.commit()
    return applied


def _judged(connection: Connection, note: Note) -> Found:
    if note.problem:
        # What failed has a place; it may be behind all of them: then the checkpoint was refused.
        return _question(note, note.applied, f"the target refused them ({note.problem})")
    if not _is_same_process(connection, note):
        # The next after those that its log has, or that were noted one by one, may be there all the same: rows come
        # before either.
        place = min(_executed(connection, note) if note.whole else note.applied, len(note.gtids) - 1)
        return _question(note, place, "the target's server ended while they were applied")
    if not note.whole:
        return _question(note, note.applied, "the job was ended while they were applied, in several statements")
    executed = _executed(connection, note)
    if executed <= note.applied:  # as the session itself has said, or none at all
        return Found(note.gtids[:executed])
    return _question(note, executed - 1, "the session was ended while they were applied")


def _question(note: Note, place: int, why: str) -> Found:
    """Those before this place are applied; the one at it is in question."""
    place = max(place, 0)
    unsure = note.gtids[place] if place < len(note.gtids) else ""
    return Found(note.gtids[:place], unsure, why)


def _executed(connection: Connection, note: Note) -> int:
    """How many of the transactions the server has noted, from the first one on."""
    count = 0
    if note.whole:
        own = ",".join(note.own_gtid(place) for place in range(len(note.gtids)))
        left = GtidSet.parse(str(scalar(connection, "SELECT GTID_SUBTRACT(%s, @@global.gtid_executed)", own)))
        count = len(note.gtids) - len(left)
    return count


def _conclude(connection: Connection, job: str, applied: Sequence[str]) -> GtidSet:
    """In the open transaction: the base row has these, and the note goes."""
    found = GtidSet.of_transactions(applied)
    if applied:
        sql = f"SELECT gtids FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = 0 FOR UPDATE"
        executed = GtidSet.parse(str(scalar(connection, sql, job)))
        executed.update(found)
        sql = f"UPDATE {UDUP_SCHEMA}.checkpoint SET gtids = %s WHERE job = %s AND slot = 0"
        query(connection, sql, str(executed), job)
    query(connection, f"UPDATE {UDUP_SCHEMA}.{TABLE} SET gtids = '', problem = '' WHERE job = %s", job)
    return found


def forget_all(connection: Connection, job: str) -> None:
    """What a job of the same ID has left that began elsewhere in the log."""
    query(connection, f"DELETE FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s", job)


def _read(connection: Connection, job: str, lock: str = "") -> Note | None:
    rows = query(
        connection,
        "SELECT gtids, tables_changed, mark, number, whole, applied, noted_at, session, problem"
        f" FROM {UDUP_SCHEMA}.{TABLE} WHERE job = %s AND gtids <> ''{lock}",
        job,
    )
    for gtids, tables, mark, number, whole, applied, noted_at, session, problem in rows:
        noted = tuple(str(gtids).split(","))
        numbers = (int(number), bool(whole), int(applied), int(noted_at), int(session))
        return Note(job, noted, str(tables), str(mark), *numbers, str(problem or ""))
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

    Raises `Refused` if this is not the transaction in question, `Unavailable` if the target cannot be asked now, or a
    session is still applying such rows.
    """
    try:
        with closing(connect(endpoint, PURGE)) as connection, unsure_lock.locked(connection, job):
            _settle(connection, job, gtid, applied=applied)
    except MySQLError as error:
        raise failure(error, f"cannot settle {gtid} of job {job} on the target {endpoint}") from error


def _settle(connection: Connection, job: str, gtid: str, *, applied: bool) -> None:
    note = _read(connection, job, " FOR UPDATE") if _is_there(connection) else None
    if note is None and _is_there(connection, intents.TABLE) and intents.answer(connection, job, gtid, applied=applied):
        connection.commit()
        return
    if note is None:
        raise Refused([Fault("Gtid", f"nothing of job {job} is in question", "resume the job, if it is not running")])
    found = _judged(connection, note)
    if not found.unsure or gtid.lower() != found.unsure.lower():
        problem = f"{gtid} is not in question" + (f", but {found.unsure} is" if found.unsure else "")
        raise Refused([Fault("Gtid", problem, "look at that one" if found.unsure else "resume the job")])
    sql = f"SELECT 1 FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = 0 FOR UPDATE"
    if not query(connection, sql, job):
        raise Refused([Fault("Gtid", f"job {job} has no checkpoint on the target", "start it, for a full copy")])
    _conclude(connection, job, [*found.applied, found.unsure] if applied else found.applied)
    # Whatever a run that still lives might send finds its row gone.
    sql = f"UPDATE {UDUP_SCHEMA}.checkpoint SET version = version + {_VERSIONS_OF_A_RUN} WHERE job = %s"
    query(connection, sql, job)
    connection.commit()


def pass_over(connection: Connection, job: str, skipped: GtidSet) -> GtidSet:
    """In the open transaction: take the note away, if there is one; return what of it is applied.

    Raises `Refused` if another transaction than the skipped one is in question: that has to be answered first.
    """
    note = _read(connection, job, " FOR UPDATE") if _is_there(connection) else None
    if note is None:
        return GtidSet()
    found = _judged(connection, note)
    if found.unsure and GtidSet.of_transactions([found.unsure]) != skipped:
        raise Refused([Fault("gtid", f"job {job} stands at another transaction: {found.unsure}", "look at that one")])
    return _conclude(connection, job, found.applied)


def _is_there(connection: Connection, table: str = TABLE) -> bool:
    sql = "SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s"
    return bool(query(connection, sql, UDUP_SCHEMA, table))
