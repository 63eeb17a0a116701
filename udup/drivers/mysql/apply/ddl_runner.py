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
from udup.drivers.mysql.apply import intents
from udup.drivers.mysql.apply.claims import Claims
from udup.drivers.mysql.apply.ddl_state import has_run, state_of
from udup.drivers.mysql.apply.ownership import DDL_PLACE, hold
from udup.drivers.mysql.apply.run_ddl import finish_ddl, run_ddl, shown_of
from udup.drivers.mysql.apply.tablespaces import housed
from udup.drivers.mysql.binlog.query import QueryEvent, parse_query
from udup.drivers.mysql.client.connection import Connection, connect, query, scalar
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import DDL, DEFINITION, Session
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.sqltokens import codec_of
from udup.drivers.mysql.ddl.statement import Kind, Statement
from udup.drivers.mysql.load.stale_views import StaleView, retry_stale_views, stale_views
from udup.drivers.mysql.statements.plan import left_out_by
from udup.pipeline.records import Definition


class DdlRunner:
    """`told`: what is to be known of what was done. `stale_views`: views that are broken as they are on the source.

    `notes_intents`: the account may not run definitions under a GTID, so each is noted before (`intents.py`).
    `has_intents`: it was so in a run before.
    """

    def __init__(self, endpoint: Endpoint, job: str, claims: Claims) -> None:
        self.notes_intents = self.has_intents = False
        self._endpoint = endpoint
        self._job = job
        self._claims = claims
        self._connection: Connection | None = None
        self._aborted = False
        self.told: list[str] = []
        self.stale_views: tuple[StaleView, ...] = ()

    def abort(self) -> None:
        """End the statement that is under way, from any thread; no other begins."""
        self._aborted = True
        if (connection := self._connection) is not None:
            shut_down(connection)

    def run(self, control: Connection, record: Definition, gtid: str, computing: bytes, unlogged: bytes) -> None:
        """Run DDL under a GTID of Udup's. `computing` and `unlogged` as in `run_ddl`."""
        try:
            event = parse_query(record.query, has_crc=False)
            statement = classify_query(event)
            if (
                self.notes_intents
                and statement.kind is Kind.TRIGGER_DDL
                and self._leaves_out(control, statement, event)
            ):
                return
            self._claims.before(control, statement)
            to_run = self._housed(control, event)
            once = "" if self.notes_intents else gtid
            ran = self._has_run(control, record, statement, event, gtid)
            with self._opened(DDL) as connection:
                if ran:
                    finish_ddl(connection, event)
                else:
                    run_ddl(connection, to_run, once or None, computing, unlogged)
        except UdupError as error:
            raise error.about(record.id.gtid) from error
        self._claims.after(control, statement)
        if self.stale_views:
            self.retry_stale_views(control)

    def _has_run(
        self, control: Connection, record: Definition, statement: Statement, event: QueryEvent, own: str
    ) -> bool:
        """Return whether an earlier run has run the statement, as far as the server does not look after it itself.

        If not, note that it is about to run. Raise `Divergence` if it cannot be known.
        """
        if not self.notes_intents and not self.has_intents:
            return False
        if self.notes_intents and scalar(control, "SELECT GTID_SUBSET(%s, @@GLOBAL.gtid_executed)", own):
            return True  # by a run whose account might set it
        intent = intents.read(control, self._job)
        now = state_of(control, statement)
        if intent is not None and (intent.own, intent.gtid) == (own, record.id.gtid):
            ran = has_run(statement, intent.objects, now) if now.objects else None
            if intent.answer:
                ran = intent.answer == intents.APPLIED
            if ran is None:
                raise intents.ask(control, self._job, intent, now.why or "a part of it has")
            if ran:
                return True
        if self.notes_intents:
            intents.note(control, self._job, own, record.id.gtid, shown_of(event, statement), now.text())
        return False

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

    def retry_stale_views(self, control: Connection) -> None:
        """Look for the job's views that are broken as on the source, and make what can be made by now."""
        found: tuple[StaleView, ...] = ()
        if stale_views(control, self._job):
            with self._opened(DEFINITION) as connection:
                found = tuple(retry_stale_views(connection, self._job))
        self.stale_views = found  # read by the event loop meanwhile, so never empty for a moment

    @contextmanager
    def _opened(self, session: Session) -> Iterator[Connection]:
        self._connection = connection = connect(self._endpoint, session)
        try:
            if self._aborted:
                raise Transient("the run has ended")
            hold(connection, self._job, DDL_PLACE)
            yield connection
        finally:
            self._connection = None
            connection.close()

    def _housed(self, control: Connection, event: QueryEvent) -> QueryEvent:
        """Return the statement with a tablespace that the target has."""
        variables = event.variables()
        codec = codec_of(variables.charset.client) if variables.charset else "utf-8"
        sql, told = housed(control, event.sql, codec, variables.sql_mode or 0)
        if told and told not in self.told:
            self.told.append(told)
        return replace(event, sql=sql)
