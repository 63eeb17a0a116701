"""What a self-test has made on one server, noted there before it is made: whatever ends the run, it can be removed.

The notes are a schema of their own, `udup_selftest`, with one table. Schemas that are not noted were made by somebody
else: the self-test refuses to begin where one has a name of its own kind, and never drops it. A named lock shows that a
self-test is at work, so that no other one takes what it is using for what was left behind.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, error_code, query, scalar
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.sessions import PLAIN
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.selftest.choice import PREFIX

#: The schema of the notes, and its table.
NOTES, _TABLE = "udup_selftest", "made"

_COMMENT = "What udup selftest has made here, until it removes it"

#: The lock of whoever is at work.
_LOCK = "udup_selftest"

#: What is noted: a schema, the job that carries schemas, the run itself, and the schema in which Udup keeps its
#: checkpoints, where the self-test was the first to need it.
SCHEMA, JOB, RUN, CHECKPOINTS = "schema", "job", "run", "checkpoints"

#: Seconds that a DROP waits for somebody who uses the schema.
_LOCK_SECONDS = 30

#: Schemas and tables are removed whatever points to them.
_REMOVING = PLAIN.with_(
    "removing what a self-test made", foreign_key_checks="OFF", lock_wait_timeout=str(_LOCK_SECONDS), autocommit="ON"
)

#: Errors of an account that may not make a schema: 1044, 1142, 1227, 1410.
_DENIED = frozenset({1044, 1142, 1227, 1410})

#: Errors of a connection that was idle for longer than something on the way allows; 0: it was found closed.
_CUT = frozenset({0, 2006, 2013, 2055})


@dataclass(frozen=True)
class Left:
    """What an earlier run has left on a server."""

    schemas: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    checkpoints: bool = False


@dataclass
class Journal:
    """The notes on one server. `side` is source or target."""

    endpoint: Endpoint
    side: str
    _connection: Connection | None = field(default=None, repr=False)
    _noted: set[tuple[str, str]] = field(default_factory=set)
    _held: bool = False

    def close(self) -> None:
        if self._connection is not None:
            with suppress(MySQLError, OSError):
                self._connection.close()
            self._connection = None

    def look(self) -> Left | None:
        """Return what is noted; None without any notes. `UdupError` if the schema of the notes is somebody's."""
        rows = self._ask("SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s", NOTES)
        tables = [str(name) for (name,) in rows]
        if not tables and not self._existing([NOTES]):
            return None
        if tables and tables != [_TABLE]:
            raise UdupError(
                f"the {self.side} has a schema {NOTES} that no self-test made: rename it, or name another server"
            )
        made = self._ask(f"SELECT kind, name FROM {qualified(NOTES, _TABLE)}") if tables else []
        found: dict[str, list[str]] = {}
        for kind, name in made:
            found.setdefault(str(kind), []).append(str(name))
        return Left(
            tuple(found.get(SCHEMA, ())), tuple(found.get(JOB, ())), tuple(found.get(RUN, ())), CHECKPOINTS in found
        )

    def hold(self) -> None:
        """Take the lock for as long as this object is open; `UdupError` while another self-test is at work."""
        self._held = self._ask("SELECT GET_LOCK(%s, 0)", _LOCK)[0][0] == 1
        if not self._held:
            raise UdupError(f"another self-test is at work on the {self.side}: wait for its end")

    def refuse_strange(self) -> None:
        """Raise `UdupError` for schemas of the self-test's names that it did not make."""
        present = self._ask("SELECT SCHEMA_NAME FROM information_schema.SCHEMATA")
        strange = sorted(str(name) for (name,) in present if str(name).lower().startswith(PREFIX))
        if strange:
            raise UdupError(
                f"the {self.side} has {', '.join(strange)}, which no self-test made: rename or drop them yourself"
            )

    def begin(self, run: str) -> None:
        """Make the notes; `UdupError` if the account may not."""
        try:
            self._ask(f"CREATE DATABASE IF NOT EXISTS {quote(NOTES)} CHARACTER SET utf8mb4")
            self._ask(
                f"CREATE TABLE IF NOT EXISTS {qualified(NOTES, _TABLE)} (kind VARCHAR(16) CHARACTER SET ascii NOT NULL,"
                " name VARCHAR(120) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, PRIMARY KEY (kind, name))"
                f" ENGINE=InnoDB COMMENT='{_COMMENT}'"
            )
            self.note(RUN, [run])
        except MySQLError as error:
            raise UdupError(self._not_made(error)) from error

    def note(self, kind: str, names: Iterable[str]) -> None:
        """Note what is about to be made; once it is noted, this object may also remove it."""
        new = [(kind, name) for name in dict.fromkeys(names) if (kind, name) not in self._noted]
        if new:
            marks = ", ".join(["(%s, %s)"] * len(new))
            values = [text for pair in new for text in pair]
            self._ask(f"INSERT IGNORE INTO {qualified(NOTES, _TABLE)} (kind, name) VALUES {marks}", *values)
            self._noted.update(new)

    def note_schemas(self, names: Iterable[str]) -> None:
        """Note schemas; `UdupError` if one of them is there, which then is somebody's. One that this object has noted
        before, and could not drop, is dropped now.
        """
        wanted = list(names)
        self.drop(name for name in wanted if (SCHEMA, name) in self._noted)
        there = self._existing(wanted)
        if there:
            raise UdupError(f"the {self.side} has got {', '.join(there)} meanwhile, which this self-test did not make")
        self.note(SCHEMA, wanted)

    def note_checkpoints(self) -> None:
        """Note that Udup's own schema is not there yet: a job of the self-test is about to make it."""
        if not self._existing([UDUP_SCHEMA]):
            self.note(CHECKPOINTS, [UDUP_SCHEMA])

    def drop(self, names: Iterable[str]) -> None:
        """Drop schemas that were noted, and their notes. Whoever wrote the notes: none with another kind of name."""
        for name in list(names):
            if not name.lower().startswith(PREFIX):
                raise UdupError(
                    f"the {self.side} notes in {NOTES} a schema {name}, which no self-test makes: look at it"
                )
            self._ask(f"DROP DATABASE IF EXISTS {quote(name)}")
            self._ask(f"DELETE FROM {qualified(NOTES, _TABLE)} WHERE kind = %s AND name = %s", SCHEMA, name)
            self._noted.discard((SCHEMA, name))

    def clean(self) -> Left:
        """Remove all that is noted, at last the notes; return what it was. A server without notes is left alone."""
        left = self.look()
        if left is None:
            return Left()
        self.drop(left.schemas)
        if left.jobs:
            self._forget_jobs(made_here=left.checkpoints)
        self._ask(f"DROP DATABASE IF EXISTS {quote(NOTES)}")
        self._noted.clear()
        return left

    def _forget_jobs(self, *, made_here: bool) -> None:
        """Remove the rows of the self-test's jobs from Udup's own schema; all of it if it was made for them."""
        rows = self._ask(
            "SELECT c.TABLE_NAME FROM information_schema.COLUMNS c JOIN information_schema.TABLES t"
            " USING (TABLE_SCHEMA, TABLE_NAME)"
            " WHERE TABLE_SCHEMA = %s AND c.COLUMN_NAME = 'job' AND t.TABLE_TYPE = 'BASE TABLE'",
            UDUP_SCHEMA,
        )
        tables = [qualified(UDUP_SCHEMA, str(name)) for (name,) in rows]
        own = PREFIX.replace("_", r"\_") + "%"
        others = [each for each in tables if self._ask(f"SELECT 1 FROM {each} WHERE job NOT LIKE %s LIMIT 1", own)]
        if made_here and not others:
            self._ask(f"DROP DATABASE IF EXISTS {quote(UDUP_SCHEMA)}")
            return
        for each in tables:
            self._ask(f"DELETE FROM {each} WHERE job LIKE %s", own)

    def _existing(self, names: list[str]) -> list[str]:
        if not names:
            return []
        marks = ", ".join(["%s"] * len(names))
        sql = f"SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME IN ({marks}) ORDER BY 1"
        return [str(name) for (name,) in self._ask(sql, *names)]

    def _ask(self, sql: str, *args: object) -> list[tuple[object, ...]]:
        """One statement, on one connection for all: it holds the lock. MySQL's own errors pass.

        All of them may be sent twice, so a connection that was cut meanwhile is opened again.
        """
        try:
            return query(self._open(), sql, *args)
        except MySQLError as error:
            if error_code(error) not in _CUT:
                raise
        held, self._held = self._held, False
        self.close()
        if held:
            self.hold()
        return query(self._open(), sql, *args)

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self.endpoint, _REMOVING)
        return self._connection

    def _not_made(self, error: MySQLError) -> str:
        text = f"cannot make the schema {NOTES} on the {self.side}, in which the self-test notes what it makes: "
        if error_code(error) not in _DENIED or self._connection is None:
            return text + describe(error)
        user, _, host = str(scalar(self._connection, "SELECT CURRENT_USER()")).rpartition("@")
        pattern = NOTES.replace("_", r"\_") + "%"
        return f"{text}{describe(error)}. Run there: GRANT ALL ON `{pattern}`.* TO '{user}'@'{host}'"
