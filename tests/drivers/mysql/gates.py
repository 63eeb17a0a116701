"""Two real servers for the contract of a cut-over's gates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Any, Self

from tests.drivers.contract.gates import GatePair
from udup.base.endpoint import Endpoint
from udup.drivers.mysql.apply.own_tables import create_tables
from udup.drivers.mysql.client.connection import MySQLError, connect, error_code, query, scalar
from udup.drivers.mysql.cutover.source_gate import MySQLSourceGate
from udup.drivers.mysql.cutover.target_gate import MySQLTargetGate
from udup.drivers.mysql.dictionary.claims import read_claims
from udup.pipeline.ownership import Claim

_READ_ONLY = 1290


class MySQLGatePair(GatePair):
    def __init__(self, old: Endpoint, new: Endpoint, schema: str) -> None:
        self.schema = schema
        self._old, self._new = old, new
        self.old, self.new = MySQLSourceGate(old), MySQLTargetGate(new)
        for endpoint, name in ((old, schema), (new, self.new_schema)):
            self._run(endpoint, f"CREATE DATABASE {name}", f"CREATE TABLE {name}.t (id INT AUTO_INCREMENT PRIMARY KEY)")
        with closing(connect(new)) as connection:
            create_tables(connection)  # a job has been there
        user = f"'{schema}'@'%'"
        self._run(old, f"CREATE USER {user} IDENTIFIED BY 'secret'", f"GRANT ALL ON {schema}.* TO {user}")

    @contextmanager
    def left_as_found(self) -> Iterator[Self]:
        """Bring both servers back to what they were, whatever a test has left."""
        found = self.old.look()
        yield self
        self.old.restore(found.found)
        self.new.release("j")
        self._run(self._old, "DROP DATABASE IF EXISTS udup")
        self.drop()

    def drop(self) -> None:
        self._run(self._old, f"DROP USER IF EXISTS '{self.schema}'@'%'", f"DROP DATABASE {self.schema}")
        self._run(self._new, f"DROP DATABASE {self.new_schema}")

    @staticmethod
    def _run(endpoint: Endpoint, *statements: str) -> None:
        with closing(connect(endpoint)) as connection:
            for statement in statements:
                query(connection, statement)

    def application_writes(self) -> bool:
        try:
            application = replace(self._old, user=self.schema, password="secret")
            self._run(application, f"CREATE TABLE {self.schema}.w (a INT)", f"DROP TABLE {self.schema}.w")
        except MySQLError as error:
            assert error_code(error) == _READ_ONLY
            return False
        return True

    def set_counters(self, old: int, new: int) -> None:
        self._run(self._old, f"ALTER TABLE {self.schema}.t AUTO_INCREMENT = {old}")
        self._run(self._new, f"ALTER TABLE {self.new_schema}.t AUTO_INCREMENT = {new}")

    def new_counter(self) -> int:
        with closing(connect(self._new)) as connection:
            query(connection, f"INSERT INTO {self.new_schema}.t VALUES ()")
            number = int(scalar(connection, "SELECT LAST_INSERT_ID()"))
            query(connection, f"DELETE FROM {self.new_schema}.t")
            query(connection, f"ALTER TABLE {self.new_schema}.t AUTO_INCREMENT = {number}")
            return number

    def create_event(self, name: str, *, enabled: bool) -> None:
        body = "ON SCHEDULE EVERY 1 HOUR {} DO SET @a = 1"
        state = "ENABLE" if enabled else "DISABLE"
        self._run(self._old, f"CREATE DEFINER=nobody@nowhere EVENT {self.schema}.{name} {body.format(state)}")
        there = f"CREATE DEFINER=nobody@nowhere EVENT {self.new_schema}.{name} {body.format('DISABLE')}"
        self._run(self._new, "SET SESSION sql_mode = 'ANSI', time_zone = '+05:00'", there)

    def enabled_events(self) -> tuple[set[str], set[str]]:
        return self._enabled(self._old, self.schema), self._enabled(self._new, self.new_schema)

    def contexts(self) -> list[Any]:
        """Return what events on the new server must keep."""
        sql = "SELECT DEFINER, SQL_MODE, TIME_ZONE FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s"
        with closing(connect(self._new)) as connection:
            return query(connection, sql, self.new_schema)

    @staticmethod
    def _enabled(endpoint: Endpoint, schema: str) -> set[str]:
        sql = "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND STATUS = 'ENABLED'"
        with closing(connect(endpoint)) as connection:
            return {str(name) for (name,) in query(connection, sql, schema)}

    def create_trigger(self, name: str) -> None:
        body = f"BEFORE INSERT ON {self.schema}.t FOR EACH ROW SET @{name} = NEW.id"
        self._run(self._old, f"CREATE DEFINER=nobody@nowhere TRIGGER {self.schema}.{name} {body}")

    def create_refused_trigger(self, name: str) -> None:
        """Make one that sets a column which the new server's table does not have."""
        self._run(self._old, f"ALTER TABLE {self.schema}.t ADD COLUMN extra INT")
        body = f"BEFORE INSERT ON {self.schema}.t FOR EACH ROW SET NEW.extra = 1"
        self._run(self._old, f"CREATE DEFINER=nobody@nowhere TRIGGER {self.schema}.{name} {body}")

    def triggers(self) -> list[str]:
        sql = "SELECT TRIGGER_NAME FROM information_schema.TRIGGERS WHERE TRIGGER_SCHEMA = %s ORDER BY ACTION_ORDER"
        with closing(connect(self._new)) as connection:
            return [str(name) for (name,) in query(connection, sql, self.new_schema)]

    def begin_xa(self, xid: str) -> Any:
        connection = connect(self._old, None)
        query(connection, f"XA START '{xid}'")
        query(connection, f"INSERT INTO {self.schema}.t VALUES ()")
        return connection

    def end_xa(self, xid: str, begun: Any) -> None:
        query(begun, f"XA END '{xid}'")
        query(begun, f"XA ROLLBACK '{xid}'")
        begun.close()

    def claim(self, job: str) -> None:
        columns = "table_schema, table_name, job, source_uuid, source_schema, source_table, source, node"
        for endpoint in (self._old, self._new):
            with closing(connect(endpoint)) as connection:
                create_tables(connection)
            self._run(endpoint, f"INSERT INTO udup.claim ({columns}) VALUES ('s', 't', '{job}', '', 's', 't', '', '')")

    def claims(self) -> list[Claim]:
        with closing(connect(self._new)) as connection:
            return read_claims(connection)
