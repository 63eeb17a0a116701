"""Runs the definitions of the log on the target: claims, tablespaces, the statement itself, views that wait for it.

All of it on the control's thread, with its connection; each statement has a connection of its own beside that, whose
session becomes the statement's.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.base.errors import Transient, UdupError
from udup.drivers.mysql.apply import begun, intents
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.ddl_state import State, has_run, state_of, why_unknown
from udup.drivers.mysql.apply.fitted_ddl import fitted_ddl
from udup.drivers.mysql.apply.later_keys import LaterKeys
from udup.drivers.mysql.apply.ownership import DDL_PLACE, hold, same_server, see_version
from udup.drivers.mysql.apply.run_ddl import MYSQL, Attempt, finish_ddl, run_ddl, shown_of
from udup.drivers.mysql.apply.tablespaces import housed
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, query, scalar
from udup.drivers.mysql.client.errors import failure
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import DDL, DEFINITION, Session, making_keys_session
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.sqltokens import UntokenizableError, codec_of, decode, tokenize
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.load.stale_views import StaleView, retry_stale_views, stale_views
from udup.drivers.mysql.mariadb import once
from udup.drivers.mysql.mariadb.collations import server_of
from udup.drivers.mysql.mariadb.history_ddl import left_out
from udup.drivers.mysql.mariadb.not_there import of_sequences
from udup.drivers.mysql.mariadb.own_words import without_own_words
from udup.drivers.mysql.statements.plan import left_out_by
from udup.pipeline.records import Definition

#: Seconds for which a foreign key that is made waits for its tables; all that changes them waits behind it.
_KEYS_WAIT_SECONDS = 2


class DdlRunner:
    """`told`: what is to be known of what was done. `stale_views`: views that are broken as they are on the source.

    `notes_intents`: definitions cannot be run under a GTID, since the account may not, or the server has no gtid_next:
    so each is noted before (`intents.py`). `has_intents`: it was so in a run before. `by_statements`: how
    rows get there.

    What runs a definition holds its place on the target and has then seen the checkpoint's version (`ownership.py`): so
    nothing comes from a run that was frozen. No server skips a definition without a GTID that comes a second time; and
    one with a GTID of a checkpoint that is gone by now, as its job was deleted, or whose transaction was passed over on
    purpose since, is none that the server has run.
    """

    def __init__(self, endpoint: Endpoint, job: str, claims: Claims, keys: LaterKeys | None = None) -> None:
        self.notes_intents = self.has_intents = self.by_statements = False
        self.ran: list[begun.Begun] = []  # what of the log has run by what a take-over has found
        self.source = MYSQL  # as its log's FORMAT_DESCRIPTION says
        self._endpoint = endpoint
        self._job = job
        self._claims = claims
        self._keys = keys or LaterKeys(job, makes=False)
        self._connection: Connection | None = None
        self._aborted = False
        self.told: list[str] = []
        self.stale_views: tuple[StaleView, ...] = ()

    def abort(self) -> None:
        """End the statement that is under way, from any thread; no other begins."""
        self._aborted = True
        if (connection := self._connection) is not None:
            shut_down(connection)

    def run(
        self, control: Connection, record: Definition, gtid: str, version: int, computing: bytes, unlogged: bytes
    ) -> None:
        """Run DDL under a GTID of Udup's, or once by what is noted of it.

        `version` is that of the checkpoint's base row; `computing` and `unlogged` as in `run_ddl`.
        """
        try:
            event = parse_query(record.query, has_crc=False)
            statement = classify_query(event)
            if (
                self.by_statements
                and statement.kind is Kind.TRIGGER_DDL
                and self._leaves_out(control, statement, event)
            ):
                return
            self._claims.before(control, statement)
            if self._keys.concerns(statement):
                self.make_keys(control, version, now=True)
            to_run = self._fitted(control, statement, self._housed(control, event))
            if to_run is None:
                return
            has_run = self._begin(control, record, gtid, version, has_end=statement.kind is Kind.EVENT_DDL)
            with self._opened(DDL, control, version) as connection:
                before = None if has_run else self._before(control, connection, record, statement, event, gtid)
                if before is None:
                    finish_ddl(connection, event, self.source)
                elif not self.notes_intents:
                    run_ddl(connection, to_run, gtid, computing, unlogged, source=self.source)
                else:
                    attempt = Attempt()
                    if connection.is_mariadb:
                        once.enter(connection, _mark(gtid))
                        attempt.sign = once.sign(gtid)
                    try:
                        run_ddl(connection, to_run, None, computing, unlogged, attempt, self.source)
                    except UdupError:
                        self._conclude(control, statement, event, gtid, before, attempt)
                        raise
        except UdupError as error:
            raise error.about(record.id.gtid) from error
        self._claims.after(control, statement)
        self._keys.follow(control, statement, f"{_mark(gtid)} {record.id.gtid}")
        if self.stale_views:
            self.retry_stale_views(control, version)

    def _begin(self, control: Connection, record: Definition, own: str, version: int, *, has_end: bool) -> bool:
        """Note which definition a number is for; return whether it has run, in a run before that could not note it."""
        of, others = record.id.gtid, [each for each in self.ran if each.gtid != record.id.gtid]
        has_run = len(others) < len(self.ran)
        self.ran = others
        if not has_run and not self.notes_intents:
            begun.note(control, self._job, version, [*others, begun.Begun(int(own.rpartition(":")[2]), of, has_end)])
        return has_run

    def _before(
        self,
        control: Connection,
        connection: Connection,
        record: Definition,
        statement: Statement,
        event: QueryEvent,
        own: str,
    ) -> State | None:
        """Return what the objects are before the statement runs, noted on its `connection`; None if it has run.

        That is as far as the server does not look after it itself. Raise `Divergence` if it cannot be known.
        """
        unknown = State({})
        if not self.notes_intents and not self.has_intents:
            return unknown
        is_numbered = self.notes_intents and not control.is_mariadb
        if is_numbered and scalar(control, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", own):
            return None  # by a run whose account might set it
        intent = intents.read(control, self._job)
        if intent is not None and (intent.own, intent.gtid) != (own, record.id.gtid):
            intent = None
        if intent is None and not self.notes_intents:
            return unknown
        now = state_of(control, statement, _named(statement, event), _mark(own))
        if intent is not None and self._has_run(control, statement, intent, now):
            return None
        if self.notes_intents:
            intents.note(connection, self._job, own, record.id.gtid, shown_of(event, statement), now.text())
        return now

    def _has_run(self, control: Connection, statement: Statement, intent: intents.Intent, now: State) -> bool:
        match intent.answer:
            case intents.APPLIED:
                return True
            case intents.NOT_APPLIED:
                return False
        asked = intent.answer == intents.IN_DOUBT or not (now.objects or now.log)
        ran = None if asked else has_run(statement, intent.objects, now)
        if ran is None and not asked and control.is_mariadb and once.is_recovered(control, intent.own):
            return True
        if ran is None:
            raise intents.ask(control, self._job, intent, why_unknown(intent.objects, now))
        return ran

    def _conclude(
        self,
        control: Connection,
        statement: Statement,
        event: QueryEvent,
        own: str,
        before: State,
        attempt: Attempt,
    ) -> None:
        """Note what is certain about a statement that has failed; nothing if its end was not heard."""
        if attempt.sent and not attempt.refused and not attempt.ran:
            return
        known = intents.APPLIED if attempt.ran else intents.NOT_APPLIED
        try:
            now = state_of(control, statement, _named(statement, event), _mark(own)) if attempt.refused else before
            if now != before:
                known = intents.IN_DOUBT  # of several tables without transactions a part may be gone
            intents.conclude(control, self._job, own, known)
        except MySQLError as error:
            raise failure(error, "noting that the target has refused it") from error

    def _leaves_out(self, control: Connection, statement: Statement, event: QueryEvent) -> bool:
        """Return whether a trigger is left out, which statements would set off; one that is there is dropped."""
        if statement.verb.startswith("DROP"):
            schema, name = statement.objects[0]
            sql = "SELECT 1 FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s AND TRIGGER_NAME = %s"
            return not query(control, sql, schema, name)
        told = left_out_by(shown_of(event, statement))
        if told not in self.told:
            self.told.append(told)
        return True

    def claim_created(self, control: Connection, gtid: str, create: bytes) -> None:
        """Claim the table of a CREATE TABLE … SELECT, before it is made."""
        try:
            self._claims.before(control, classify_query(parse_query(create, has_crc=False)))
        except UdupError as error:
            raise error.about(gtid) from error

    def make_keys(self, control: Connection, version: int, *, now: bool = False) -> None:
        """Make the foreign keys that are due; none waits for its tables longer than a moment."""
        self._keys.make(
            control, lambda: self._opened(making_keys_session(_KEYS_WAIT_SECONDS), control, version), now=now
        )

    def retry_stale_views(self, control: Connection, version: int) -> None:
        """Look for the job's views that are broken as on the source, and make what can be made by now."""
        found: tuple[StaleView, ...] = ()
        if stale_views(control, self._job):
            with self._opened(DEFINITION, control, version) as connection:
                found = tuple(retry_stale_views(connection, self._job))
        self.stale_views = found  # read by the event loop meanwhile, so never empty for a moment

    @contextmanager
    def _opened(self, session: Session, control: Connection, version: int) -> Iterator[Connection]:
        """Connect what may run definitions of the job's owner, which has the checkpoint's version."""
        self._connection = connection = connect(self._endpoint, session)
        try:
            if self._aborted:
                raise Transient("the run has ended")
            same_server(control, connection)
            hold(connection, self._job, DDL_PLACE)
            see_version(connection, self._job, version)
            yield connection
        finally:
            self._connection = None
            connection.close()

    def _fitted(self, control: Connection, statement: Statement, event: QueryEvent) -> QueryEvent | None:
        """Return the statement in the target's words; None if nothing of it is left. `Unsupported` if there is none."""
        target = server_of(control)
        why = left_out(control, event, statement, self.source, target)
        kept: QueryEvent | None = event
        if self.source.is_mariadb and not target.is_mariadb:
            why = why or of_sequences(control, statement)
            kept = without_own_words(control, event, statement)
        if why or kept is None:
            self.told += [why] if why and why not in self.told else []
            return None
        fitted, told = fitted_ddl(kept, statement, self.source, target)
        self.told += [each for each in told if each not in self.told]
        return fitted

    def _housed(self, control: Connection, event: QueryEvent) -> QueryEvent:
        """Return the statement with a tablespace that the target has."""
        variables = event.variables()
        codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
        sql, told = housed(control, event.sql, codec, variables.sql_mode or 0)
        if told and told not in self.told:
            self.told.append(told)
        return replace(event, sql=sql)


def _mark(own: str) -> str:
    """Return the checkpoint's mark, of a definition's own number."""
    return own.partition(":")[0]


def _named(statement: Statement, event: QueryEvent) -> list[str]:
    """Return the words of a statement about accounts, among which are their names; none if it cannot be read."""
    if statement.kind is not Kind.ACCOUNT:
        return []
    variables = event.variables()
    codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
    try:
        return [word.text for word in tokenize(decode(event.sql, codec), variables.sql_mode or 0)]
    except UntokenizableError:
        return []
