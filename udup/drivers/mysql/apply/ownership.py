"""Who may write to the target for a job: named locks, one for each connection of a run, and the owner's name.

Every connection that a run opens on the target takes a lock of the server's (GET_LOCK) that is named after the job and
the connection's place in it, and holds it while it lives. That serves three ends:

* A successor finds the connections of a run that hangs, ends them (KILL of one's own account needs no privilege), and
  with them goes what they have locked. A frozen client would hold its rows and tables for hours.
* The version in the job's base row changes only while its new owner holds **every** place (`taking_over`). So a
  connection that holds its place and has then seen the version may run statements that no transaction can fence:
  DDL, and rows of tables without transactions. The model in tests/models shows that nothing less is enough.
* Whoever has been superseded sees by the place of the control connection whether the other owner still lives.

A run that froze before its first connection comes late: nothing may be ended for it. So each run notes its number
first (`numbers.py`), and whoever ends connections reads whose they are before it reads the newest number.

Names of locks are at most 64 characters, so the job's ID is told by its digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from udup.base import runtime
from udup.base.errors import Contended, Superseded, Transient
from udup.drivers.mysql.apply import numbers, unsure_lock
from udup.drivers.mysql.client.connection import Connection, MySQLError, query, scalar
from udup.drivers.mysql.client.processes import end_session, read_processes
from udup.pipeline.ownership import Owner
from udup.pipeline.selection.schemas import UDUP_SCHEMA

#: The place of the connection that owns the checkpoint's base row. Held for the whole run.
CONTROL = "control"

#: Held by who takes a job over by force, from before it ends other connections until the base row names it.
SUCCESSOR = "successor"

#: The place of the connection that runs a statement of the log.
DDL_PLACE = "ddl"

#: Held, where it is free, while a connection makes Udup's own tables: so what it waits for is found and told.
TABLES_PLACE = "tables"

#: Most connections of one kind: 64 workers, and the express session, whose slot is one more.
_MOST = 65

#: Seconds to wait for a place whose last connection was closed or killed: a rollback may take that long.
PATIENCE_SECONDS = 10

_KILL_REMEDY = "if nobody needs it, run on the target: KILL {}"


def session_place(slot: int) -> str:
    """The connection that commits groups of one slot."""
    return f"session{slot}"


def loader_place(slot: int) -> str:
    """The connection by which a worker loads copied rows."""
    return f"loader{slot}"


def builder_place(number: int) -> str:
    """A connection that makes tables, indexes and objects of a full copy."""
    return f"builder{number}"


def lock_name(job: str, place: str) -> str:
    return f"udup:{hashlib.sha256(job.encode()).hexdigest()[:40]}:{place}"


def all_places() -> list[str]:
    """The control connection's first: who has that one has the right to the others."""
    kinds = (session_place, loader_place, builder_place)
    return [CONTROL, DDL_PLACE, TABLES_PLACE, *(kind(number) for kind in kinds for number in range(1, _MOST + 1))]


def hold(connection: Connection, job: str, place: str, patience: float = PATIENCE_SECONDS) -> None:
    """Take a place of the job for as long as the connection lives; `Contended` if another connection keeps it."""
    name = lock_name(job, place)
    if scalar(connection, "SELECT GET_LOCK(%s, %s)", name, patience) != 1:
        raise Contended(
            f"job {job}: another connection has the place {place!r} on the target: {_holder(connection, name)}"
        )


def see_version(connection: Connection, job: str, version: int) -> None:
    """Raise `Superseded` if the base row has not this version, on a connection that holds its place.

    From then on what the connection does is the owner's: who takes the job over ends it before.
    """
    sql = f"SELECT 1 FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = 0 AND version = %s"
    if not query(connection, sql, job, version):
        raise Superseded(f"job {job}: another run has taken the job over on the target")


def same_server(one: Connection, other: Connection) -> None:
    """Raise `Transient` if two connections lead to two servers: behind one address there may be several.

    What one of them says fences nothing on the other.
    """
    first, second = one.server_uuid, other.server_uuid  # as the opening of each session was told
    if first != second:
        raise Transient(f"the target's address leads to two servers, {first} and {second}; have it lead to one of them")


@contextmanager
def making_tables(connection: Connection, job: str) -> Iterator[None]:
    """Name the connection as the job's own while it makes Udup's tables, before the job has any place by right.

    It keeps nobody out: whoever takes the job over ends it, and nothing that it makes is one job's alone.
    """
    names = [lock_name(job, TABLES_PLACE)]
    _not_got(connection, names)
    try:
        yield
    finally:
        _release(connection, names)


@contextmanager
def succeeding(connection: Connection, job: str, owner: Owner, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Say that the job is being taken over by force, until the base row names the owner.

    Whoever had it finds its connections ended and its own name in the base row still. By this lock it sees that it is
    superseded all the same, and does not end its successor's connections in turn.
    """
    if not owner.by_force:
        give_way(connection, job, owner)
        yield
        return
    lock = lock_name(job, SUCCESSOR)
    _take(connection, job, owner, [lock], patience)
    try:
        yield
    finally:
        _release(connection, [lock])


@contextmanager
def taking_over(connection: Connection, job: str, owner: Owner, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Inside of it no other connection of the job lives on the target; afterwards `connection` keeps CONTROL.

    By force it ends the connections of whoever has the job. Otherwise it ends only those that its own run before has
    left. Where they are another's, or the account may not end them, it raises `Superseded` that says whose they are.
    One that applies rows which nothing undoes is left to end before (`unsure_lock.py`). Nothing is ended for a run
    that is older than another which has noted its number.
    """
    control, *others = [lock_name(job, place) for place in all_places()]
    numbers.enter(connection, job, owner.number)
    is_newest = partial(numbers.look, connection, job, owner.number)
    applying = unsure_lock.locked(connection, job, by_force=True, may_end=is_newest)
    with succeeding(connection, job, owner, patience), applying:
        _take(connection, job, owner, [control], patience)
        _take(connection, job, owner, others, patience)
        try:
            is_newest()  # a newer one that notes its number from here on finds this connection, and ends it
            yield
        finally:
            _release(connection, others)


@contextmanager
def taking_in(connection: Connection, job: str, side: str, owner: Owner) -> Iterator[None]:
    """Do as `taking_over` does with a job and a side job of it; afterwards nobody has a place of the side job.

    Who has the job has its side job too, whatever the base row of that says.
    """
    with taking_over(connection, job, owner):
        if not side:
            yield
            return
        with taking_over(connection, side, replace(owner, by_force=True)):
            try:
                yield
            finally:
                _release(connection, [lock_name(side, CONTROL)])


def give_way(connection: Connection, job: str, owner: Owner) -> None:
    """Raise `Superseded` if the owner may not use force and another one lives."""
    control, taken = lock_name(job, CONTROL), lock_name(job, SUCCESSOR)
    if owner.by_force:
        return
    if scalar(connection, "SELECT IS_USED_LOCK(%s)", taken) is not None:
        raise _superseded(connection, job, taken)
    if successor(connection, job, owner.token) and _not_got(connection, [control]):
        raise _superseded(connection, job, control)


def _superseded(connection: Connection, job: str, lock: str) -> Superseded:
    noted = _owner(connection, job) if lock == lock_name(job, CONTROL) else ""
    return Superseded(f"job {job} is carried out by another owner: {noted}{_holder(connection, lock)}")


def _take(connection: Connection, job: str, owner: Owner, names: list[str], patience: float) -> None:
    """Take all of these locks."""
    end = runtime.now() + patience
    while names := _not_got(connection, names):
        if runtime.now() > end:
            text = f"{_owner(connection, job)}{_holder(connection, names[0])}{_told_of(connection)}"
            raise Superseded(f"job {job}: a connection of the run before has not ended yet: {text}")
        _end_run_before(connection, job, owner)  # again and again: a connection may have come meanwhile
        scalar(connection, "SELECT SLEEP(0.05)")


def _told_of(connection: Connection) -> str:
    if connection.has_servers_numbers:
        return ""
    return (
        f". {connection.host}:{connection.port} is a proxy that numbers sessions by itself, so that none can be ended"
        " through it: name the server's own address in the job"
    )


def _release(connection: Connection, names: list[str]) -> None:
    with suppress(MySQLError, OSError):
        query(connection, "DO " + ", ".join(["RELEASE_LOCK(%s)"] * len(names)), *names)


def _end_run_before(connection: Connection, job: str, owner: Owner) -> None:
    """End the other connections that have a place of the job; without force only while the job is the owner's own.

    The order matters. A successor takes SUCCESSOR first, and gives it back after the base row names it. Here its
    places are read first, then SUCCESSOR, then the base row: so no connection of a successor's is taken for one's own.
    """
    holders = _holders(connection, job)
    if not owner.by_force:
        give_way(connection, job, owner)
    numbers.look(connection, job, owner.number)  # behind the holders: each has noted its number before
    _end(connection, holders)


def _not_got(connection: Connection, names: list[str]) -> list[str]:
    """Take these locks as far as they are free; which are not. They are one value: 200 columns cost the client more."""
    each = ["COALESCE(GET_LOCK(%s, 0), 0)"] * len(names)
    got = str(scalar(connection, f"SELECT CONCAT('', {', '.join(each)})", *names))
    return [name for name, one in zip(names, got, strict=True) if one != "1"]


def _end(connection: Connection, numbers: set[int]) -> None:
    """KILL these connections, as far as the account may."""
    for number in sorted(numbers):
        end_session(connection, number)  # another account's stays, which is told when its place is wanted


def _holders(connection: Connection, job: str) -> set[int]:
    """Return the other connections that have a place of the job, or take it over."""
    names = [lock_name(job, place) for place in (*all_places(), SUCCESSOR)]
    row = query(connection, "SELECT " + ", ".join(["IS_USED_LOCK(%s)"] * len(names)), *names)[0]
    return {int(number) for number in row if number is not None} - {scalar(connection, "SELECT CONNECTION_ID()")}


def noted_owner(connection: Connection, job: str) -> Owner | None:
    """Whom the job's base row names; None without a base row."""
    rows = query(connection, f"SELECT owner FROM {UDUP_SCHEMA}.checkpoint WHERE job = %s AND slot = 0", job)
    if not rows:
        return None
    token, _, text = str(rows[0][0]).partition(" ")
    return Owner(token, text)


def successor(connection: Connection, job: str, token: str) -> str:
    """Who has taken the job over from the owner with this token, for people; empty if nobody has."""
    noted = noted_owner(connection, job)
    if noted is None or noted.token in ("", token):
        return ""
    return f"{noted.text}{_holder(connection, lock_name(job, CONTROL), ', ')}"


def _owner(connection: Connection, job: str) -> str:
    try:
        noted = noted_owner(connection, job)
    except MySQLError:
        return ""
    return f"{noted.text}, " if noted is not None and noted.text else ""


def _holder(connection: Connection, name: str, before: str = "") -> str:
    """The connection that has a lock, for people."""
    number = scalar(connection, "SELECT IS_USED_LOCK(%s)", name)
    if number is None:
        return "" if before else "it has just ended"
    found = next((each for each in read_processes(connection) if each.number == number), None)
    who = f" of {found.user} from {found.host}" if found is not None else ""
    return f"{before}connection {number}{who}; {_KILL_REMEDY.format(number)}"
