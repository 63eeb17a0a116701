"""Holds everything that a full copy does on the target against the version of the job's base row.

Three kinds of statements, three ways, all of them on the very connection that runs the statement:

* A chunk of rows of a transactional table: the version is read and locked (IN SHARE MODE) in the chunk's own
  transaction (`check`). A successor that changes the version has to wait for the commit, or the chunk finds another
  version and is rolled back.
* DDL, which commits by itself: the connection holds a place of the job (`enter`), then looks at the version (`look`).
  A take-over changes the version only when it has every place, so that none may come between the look and the DDL.
* Rows of a table without transactions: as for DDL. `check` would come too late for them, they cannot be undone; `look`
  before they are sent is enough, because the loading connection holds its place as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Superseded
from udup.drivers.mysql.apply.checkpoint import COPYING, TABLE
from udup.drivers.mysql.apply.ownership import hold
from udup.drivers.mysql.client.connection import Connection, query
from udup.pipeline.selection.schemas import UDUP_SCHEMA


@dataclass(frozen=True)
class CopyFence:
    """One run's full copy, by the version of its base row."""

    job: str
    version: int

    def enter(self, connection: Connection, place: str) -> None:
        """Hold a place for as long as the connection lives, and look."""
        hold(connection, self.job, place)
        self.look(connection)

    def look(self, connection: Connection) -> None:
        """Raise `Superseded` if the copy is not this run's any more."""
        self._expect(connection, "")

    def check(self, connection: Connection) -> None:
        """The same, inside of a transaction: what it has written may be committed then."""
        self._expect(connection, " LOCK IN SHARE MODE")

    def _expect(self, connection: Connection, lock: str) -> None:
        sql = (
            f"SELECT 1 FROM {UDUP_SCHEMA}.{TABLE}"
            f" WHERE job = %s AND slot = 0 AND version = %s AND selection = '{COPYING}'{lock}"
        )
        if not query(connection, sql, self.job, self.version):
            raise Superseded(
                f"job {self.job}: another run has begun its full copy again, or its checkpoint was removed"
            )
