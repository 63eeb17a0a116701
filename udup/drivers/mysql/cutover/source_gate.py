"""The old server of a cut-over: `SourceGate` for MySQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager

from udup.base.endpoint import Endpoint
from udup.base.errors import Side
from udup.base.long_text import some_of
from udup.drivers.mysql.apply.own_tables import TABLES
from udup.drivers.mysql.checks.binlog_access import binlog_access
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.client.errors import ER, NOTHING_THERE, failure
from udup.drivers.mysql.client.facts import ROLES, ServerFacts, read_facts
from udup.drivers.mysql.client.seam import behind_the_seam
from udup.drivers.mysql.client.sessions import DICTIONARY
from udup.drivers.mysql.client.xa_recover import recover
from udup.drivers.mysql.cutover import events as event_states
from udup.drivers.mysql.cutover import read_only, source_triggers
from udup.drivers.mysql.cutover.place import CutoverPlace
from udup.drivers.mysql.mariadb.writers import READ_ONLY_ADMIN, admin_privileges, writers_on
from udup.pipeline.checks import SRC, Check, Outcome
from udup.pipeline.ports import Counter, CutoverNeeds, GateLook, ScheduledEvent, Scope, Trigger
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

#: The name of these checks.
CHECK = "cutover"

#: Errors that say that the account may not read it.
_DENIED = frozenset({1044, 1142, 1143})

#: What is left where nobody is granted SYSTEM_VARIABLES_ADMIN: Amazon RDS, Aurora and others.
_NOT_GRANTED = (
    "; where the service does not grant that, stop what writes there by its own means and cut over with"
    " --writes-stopped in place of --source-read-only, and without --reverse"
)

_STOP_WRITES = (
    "stop what writes there by its own means, and cut over with --writes-stopped in place of --source-read-only, and"
    " without --reverse"
)

#: XA transactions that have begun and are not prepared: they may still be, on a read-only server too.
_OPEN_XA = (
    "SELECT t.PROCESSLIST_ID, e.XID_GTRID FROM performance_schema.events_transactions_current e"
    " JOIN performance_schema.threads t USING (THREAD_ID)"
    " WHERE e.STATE = 'ACTIVE' AND e.XA_STATE IN ('ACTIVE', 'IDLE') ORDER BY 1"
)

_INSTRUMENT = "transaction"

#: What must be watched for that; both are by default.
_UNWATCHED = (
    "SELECT NAME FROM performance_schema.setup_consumers"
    " WHERE NAME IN ('global_instrumentation', 'thread_instrumentation', 'events_transactions_current')"
    " AND ENABLED <> 'YES'"
    " UNION ALL SELECT NAME FROM performance_schema.setup_instruments"
    f" WHERE NAME = '{_INSTRUMENT}' AND ENABLED <> 'YES'"
)

#: Triggers that are named.
_SHOWN = 5

_COUNTERS = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, AUTO_INCREMENT FROM information_schema.TABLES"
    " WHERE TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED') AND AUTO_INCREMENT IS NOT NULL ORDER BY 1, 2"
)


@behind_the_seam(Side.SOURCE)
class MySQLSourceGate:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self._place: CutoverPlace | None = None

    def fence(self, job: str, prove: Callable[[], None]) -> None:
        self._place = CutoverPlace(job, prove)

    def end_others(self) -> None:
        if self._place is not None:
            read_only.end_others(self.endpoint, self._place)

    @property
    def arranges(self) -> frozenset[str]:
        return frozenset({"read_only"})

    def checks(self, needs: CutoverNeeds, scope: Scope) -> list[Check]:
        with self._connected("looking at its account") as connection:
            facts = read_facts(connection)
            selection = scope.selection.folding(facts.folds_names)
            found = [*_privileges(facts, needs), *_sight_of_xa(connection, facts)]
            found += source_triggers.checks(connection, facts, selection, CHECK)
            return [*found, *_triggers_in_the_way(connection, facts, selection)] if needs.reverse else found

    def look(self) -> GateLook:
        with self._connected("asking who may write") as connection:
            found = read_only.read(connection)
            besides = writers_on(connection) if connection.is_mariadb else ()
        runs_events = found[read_only.EVENT_SCHEDULER] == "ON"
        return GateLook(read_only.is_closed(found), found, runs_events, besides)

    def close(self, seconds: float) -> None:
        read_only.close(self.endpoint, seconds, self._place)

    def restore(self, found: Mapping[str, str]) -> None:
        read_only.restore(self.endpoint, found, self._place)

    def how_to_restore(self, found: Mapping[str, str]) -> str:
        return "; ".join(read_only.restoring(found))

    def how_to_keep_closed(self, found: Mapping[str, str], *, for_udup: bool) -> tuple[str, str]:
        return read_only.keeping_closed(found, for_udup=for_udup)

    def who_writes_on(self, found: Mapping[str, str]) -> str:
        return read_only.who_writes_on(found)

    def unfinished(self) -> list[str]:
        with self._connected("asking for XA transactions") as connection:
            prepared = [f"prepared {each}" for each in recover(connection)]
            try:
                begun = query(connection, _OPEN_XA)
            except MySQLError as error:
                if error_code(error) not in _DENIED | {ER.NO_SUCH_TABLE}:
                    raise
                begun = []  # a failed check, unless the privilege was taken since
            return prepared + [f"{xid!r} of session {session}" for session, xid in begun]

    def counters(self, scope: Scope) -> list[Counter]:
        with self._connected("reading its counters") as connection:
            selection = _folding(connection, scope)
            return [
                Counter(selection.renamed_table(str(schema), str(name)), int(value))
                for schema, name, value in query(connection, _COUNTERS)
                if selection.wants(str(schema), str(name))
            ]

    def events(self, scope: Scope) -> list[ScheduledEvent]:
        with self._connected("reading its events") as connection:
            return event_states.read_enabled(connection, _folding(connection, scope))

    def triggers(self, scope: Scope) -> list[Trigger]:
        with self._connected("reading its triggers") as connection:
            facts = read_facts(connection)  # TRIGGER may have been taken away since it was checked
            return source_triggers.names(connection, facts, scope.selection.folding(facts.folds_names))

    def defined(self, scope: Scope, triggers: Sequence[Trigger]) -> list[Trigger]:
        with self._connected("reading its triggers") as connection:
            return source_triggers.defined(connection, _folding(connection, scope), triggers)

    def keeps(self, job: str) -> bool:
        with self._connected("looking for a checkpoint") as connection:
            return any(_has_rows(connection, table, job) for table in TABLES)

    def open_for_udup(self, found: Mapping[str, str], events: Sequence[ScheduledEvent]) -> None:
        names = [(each.schema, each.name) for each in events]
        with read_only.opened_for_admins(self.endpoint, found, self._place):
            event_states.set_state(self.endpoint, names, enabled=False)

    @contextmanager
    def _connected(self, doing: str) -> Iterator[Connection]:
        try:
            with closing(connect(self.endpoint, DICTIONARY)) as connection:
                yield connection
        except MySQLError as error:
            raise failure(error, f"{doing}, on the source {self.endpoint}") from error


def _folding(connection: Connection, scope: Scope) -> Selection:
    return scope.selection.folding(bool(scalar(connection, "SELECT @@lower_case_table_names")))


def _has_rows(connection: Connection, table: str, job: str) -> bool:
    try:
        return scalar(connection, f"SELECT 1 FROM {UDUP_SCHEMA}.{table} WHERE job = %s LIMIT 1", job) is not None
    except MySQLError as error:
        if error_code(error) in NOTHING_THERE | _DENIED:
            return False
        raise


def _privileges(facts: ServerFacts, needs: CutoverNeeds) -> Iterator[Check]:
    """`XA_RECOVER_ADMIN` always: XA transactions are what a read-only server lets commit."""
    if facts.is_mariadb:
        yield from _privileges_of_mariadb(facts, needs)
        return
    wanted: list[tuple[str, tuple[str, ...]]] = []
    if facts.version >= ROLES:  # with which the dynamic privileges came
        wanted.append(("XA_RECOVER_ADMIN", ()))
    if (needs.freeze or needs.reverse) and read_only.SUPER_READ_ONLY not in facts.variables:
        found = f"{facts.version_text} of the source {facts.address} has no super_read_only: who has SUPER would go on"
        yield Check(SRC, CHECK, Outcome.FAIL, f"{found} writing", _STOP_WRITES)
    elif needs.freeze or needs.reverse:
        wanted.append(("SYSTEM_VARIABLES_ADMIN", ("SUPER",)))
    if needs.reverse:
        wanted.append(("CONNECTION_ADMIN", ("SUPER",)))
    for privilege, instead in wanted:
        if not any(facts.privileges.has(each) for each in (privilege, *instead)):
            found = f"{facts.account} has not {privilege} on the source {facts.address}"
            remedy = f"GRANT {privilege} ON *.* TO {facts.account}"
            if privilege == "SYSTEM_VARIABLES_ADMIN":
                found += _so_it_cannot(needs)
                remedy += _NOT_GRANTED
            yield Check(SRC, CHECK, Outcome.FAIL, found, remedy)


def _so_it_cannot(needs: CutoverNeeds) -> str:
    return ", so Udup cannot make it read-only" if needs.freeze else ", so Udup cannot open it for itself"


def _privileges_of_mariadb(facts: ServerFacts, needs: CutoverNeeds) -> Iterator[Check]:
    """One privilege closes it, and writes to it when it is closed; another turns its scheduler off."""
    if not (needs.freeze or needs.reverse):
        return
    front = f"on the source {facts.address}"
    if not any(facts.privileges.has(each) for each in admin_privileges(facts.version)):
        found = f"{facts.account} has not {READ_ONLY_ADMIN} {front}{_so_it_cannot(needs)}"
        yield Check(SRC, CHECK, Outcome.FAIL, found, facts.grant(READ_ONLY_ADMIN) + _NOT_GRANTED)
    if facts.value(read_only.EVENT_SCHEDULER).upper() == "ON" and not facts.privileges.has("SUPER"):
        found = f"{facts.account} has not SUPER {front}, whose event_scheduler is ON: its events could go on writing"
        remedy = f"SET GLOBAL event_scheduler = OFF there, or {facts.grant('SUPER')}"
        yield Check(SRC, CHECK, Outcome.FAIL, found, remedy)


def _triggers_in_the_way(connection: Connection, facts: ServerFacts, selection: Selection) -> Iterator[Check]:
    """Of a way back by statements: a table with triggers would stop it."""
    access = binlog_access(facts)
    names = [] if access.is_allowed else [str(each) for each in source_triggers.listed(connection, selection)]
    if names:
        found = (
            f"{facts.account} may not apply rows by BINLOG on {facts.address}, so the way back goes by statements, and"
            f" stops at a table that has triggers: {some_of(names, _SHOWN)}"
        )
        yield Check(SRC, CHECK, Outcome.WARN, found, access.remedy)


def _sight_of_xa(connection: Connection, facts: ServerFacts) -> Iterator[Check]:
    """Whether XA transactions that have begun can be seen: they could commit on the read-only server.

    A read-only MariaDB lets them be prepared, which is seen, and not be committed (run on 10.5, 10.11 and 11.8).
    """
    if facts.is_mariadb:
        return
    if not facts.is_on("performance_schema"):
        found = f"performance_schema is OFF on the source {facts.address}: XA transactions that have begun are not seen"
        yield Check(SRC, CHECK, Outcome.WARN, found, "make sure that no application uses XA there")
        return
    try:
        query(connection, _OPEN_XA)
        unwatched = [str(name) for (name,) in query(connection, _UNWATCHED)]
    except MySQLError as error:
        if error_code(error) == ER.NO_SUCH_TABLE:  # before MySQL 5.7
            found = f"the source {facts.address} ({facts.version_text}) does not tell XA transactions that have begun"
            yield Check(SRC, CHECK, Outcome.WARN, found, "make sure that no application uses XA there")
            return
        if error_code(error) not in _DENIED:
            raise
        found = f"{facts.account} may not read performance_schema on the source {facts.address}, which tells open XA"
        yield Check(SRC, CHECK, Outcome.FAIL, found, f"GRANT SELECT ON performance_schema.* TO {facts.account}")
        return
    for name in unwatched:
        found = f"performance_schema on the source {facts.address} does not watch {name}: open XA is not seen"
        table = "setup_instruments" if name == _INSTRUMENT else "setup_consumers"
        remedy = f"UPDATE performance_schema.{table} SET ENABLED = 'YES' WHERE NAME = '{name}'"
        yield Check(SRC, CHECK, Outcome.FAIL, found, remedy)
