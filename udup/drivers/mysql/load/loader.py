"""Loads the text of a chunk into a target table, one transaction a chunk, and lets nothing pass silently.

The first choice is LOAD DATA LOCAL INFILE fed from memory (1.3 times as fast as multi-row INSERT). The server's
request for the "file" is answered with packets straight from the pieces' iterator, and only when we have just sent
our own statement (`Wire.load_local`). LOCAL turns every error into a warning: it drops duplicate keys and rows that a
CHECK refuses, and clips values. So the answer must say Records = the rows that the source counted, Skipped 0 and
Warnings 0, or the chunk is rolled back and the warnings become the error. One warning is right: the error value '' of
an ENUM is stored as it was, with code 1265.

A table that computes something from its rows is loaded in the source's own context (`contexts.py`), since most rows
were made in it; a chunk with dates that this would refuse, in one that takes every date. What was computed is compared
afterwards (`computed.py`), and all else of such a table with it: so warnings, which may be about either, are no error.

Where the target forbids local files (`local_infile = OFF`), the same text is cut at its rows and sent as INSERT
statements, each below the target's max_allowed_packet.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from udup.base.causes import Cause, reason
from udup.base.endpoint import Endpoint
from udup.base.errors import Divergence, UdupError
from udup.drivers.mysql.client import sessions
from udup.drivers.mysql.client.connection import (
    Connection,
    MySQLError,
    connect,
    describe,
    error_code,
    failure,
    query,
    scalar,
)
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.session_setup import enter
from udup.drivers.mysql.dictionary.catalog import Table
from udup.drivers.mysql.dictionary.digests import has_sums
from udup.drivers.mysql.load.copy_fence import CopyFence
from udup.drivers.mysql.load.row_statements import insert_head, insert_statements, load_statement

#: Warnings that an error message shows.
SHOWN_WARNINGS = 5

#: Statement size of the INSERT method: large enough that parsing dominates, small enough for any server.
INSERT_BYTES = 1 << 20

_NONE: Mapping[str, str] = {}

_DATA_TRUNCATED = 1265
_CHECK_VIOLATED = 3819

_CHECK_REMEDY = (
    ". The source took these rows in sessions with another time zone or sql_mode than its global ones, by which a copy"
    " computes: set those to what the sessions had, or run on the source, for as long as the copy lasts, ALTER TABLE …"
    " ALTER CHECK … NOT ENFORCED"
)
_INFO = re.compile(rb"Records: (\d+)  Deleted: (\d+)  Skipped: (\d+)  Warnings: (\d+)")


class Loader:
    """One connection to the target that loads chunk after chunk.

    `method` is `load` or `insert`; left out, the target decides. After an error that left the protocol in the
    middle the connection is closed; the server rolls back what was open.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        method: str | None = None,
        fence: CopyFence | None = None,
        place: str = "",
        contexts: tuple[bytes, bytes] = (b"", b""),
        *,
        fills: bool = False,
    ) -> None:
        """`fence` and the connection's `place` keep the rows of a copy that is another run's by now off the target.

        `contexts`: SETs for tables that compute something: the source's own context, and one for every date. `fills`:
        the tables are the user's own, with their keys.
        """
        self._session = sessions.FILLER if fills else sessions.LOADER
        self._endpoint = endpoint
        self._contexts = contexts
        self._context = b""
        self._fence = fence
        self._connection = connect(endpoint, self._session, local_infile=True)
        try:
            self.method = method or ("load" if scalar(self._connection, "SELECT @@local_infile") else "insert")
            packet = int(scalar(self._connection, "SELECT @@max_allowed_packet"))
            self._insert_bytes = min(INSERT_BYTES, packet // 2)
            self._packet_limit = packet
            if fence is not None:
                fence.enter(self._connection, place)
                self._connection.rollback()  # what comes must not be seen as of this moment
        except BaseException:
            self.close()  # nobody else will, and the error, which holds it, may be kept for long
            raise

    def close(self) -> None:
        if self._connection.open:
            self._connection.close()

    def abandon(self) -> None:
        """End it from another thread: what is under way is rolled back by the server."""
        shut_down(self._connection)

    def load(
        self,
        table: Table,
        pieces: Iterable[bytes],
        expected: Callable[[], int],
        *,
        values: bool = False,
        odd_dates: bool = False,
        charsets: Mapping[str, str] = _NONE,
        note: Callable[[Connection, int], None] = lambda _connection, _rows: None,
    ) -> int:
        """Load one chunk and commit it; returns its rows. `values`: its text holds expressions, for INSERT alone;
        `odd_dates`: it holds dates that the source's own context may refuse. `charsets`: those of columns whose text
        the target has in another one. `note` is called with the rows that were loaded, before they are committed.

        `expected` is asked for the source's count when `pieces` is exhausted. Raises `Divergence` if the target
        took anything but exactly these rows, `Transient` if the connection is lost or a lock not granted; then
        nothing of the chunk is in the target. An error raised by `pieces` passes through, with the same effect.
        """
        try:
            if self._fence is not None:
                self._fence.look(self._connection)
            self._enter(self._contexts[odd_dates] if table.computes else b"")
            # LOAD DATA finds no rows in lines without fields, as those of a table whose columns are all generated.
            local = self.method == "load" and not values and bool(table.stored_columns)
            rows = self._load_local(table, pieces, charsets) if local else self._insert(table, pieces, values, charsets)
            if rows != expected():
                raise Divergence(
                    f"{self._place(table)} took {rows} rows of a chunk of {expected()}: was it empty before? "
                    "See that nobody else writes to it, then resume the job: it is copied again",
                    table=f"{table.schema}.{table.name}",
                ).because(reason(Cause.COPY_DIFFERS, {"table": f"{table.schema}.{table.name}"}))
            note(self._connection, rows)
            if self._fence is not None:
                self._fence.check(self._connection)
            self._connection.commit()
            return rows
        except MySQLError as error:
            self.close()
            doing = f"loading {self._place(table)}"
            if error_code(error) == _CHECK_VIOLATED:
                params = {"table": f"{table.schema}.{table.name}", "error": describe(error)}
                refused = UdupError(f"{doing}: {describe(error)}{_CHECK_REMEDY}")
                raise refused.because(reason(Cause.COPY_DIFFERS, params)) from error
            raise failure(error, doing) from error
        except BaseException:
            self.close()
            raise

    def _enter(self, context: bytes) -> None:
        if context != self._context:
            if context:
                query(self._connection, context.decode())
            else:
                enter(self._connection, self._session)
            self._context = context

    def _load_local(self, table: Table, pieces: Iterable[bytes], charsets: Mapping[str, str]) -> int:
        answer = self._connection.load_local(load_statement(table, charsets).encode(), pieces)
        counts = _INFO.search(answer)
        if counts is None:
            raise UdupError(f"{self._place(table)}: LOAD DATA answered without its counts: {answer!r}")
        records, _, skipped, warnings = map(int, counts.groups())
        if skipped or warnings:
            self._judge_warnings(table, skipped, warnings)
        return records

    def _insert(self, table: Table, pieces: Iterable[bytes], values: bool, charsets: Mapping[str, str]) -> int:
        rows = 0
        head = insert_head(table)
        for statement in insert_statements(table, head, pieces, self._insert_bytes, values=values, charsets=charsets):
            if len(statement) > self._packet_limit:
                raise UdupError(
                    f"{self._place(table)}: a row of {len(statement)} bytes exceeds the target's"
                    f" max_allowed_packet ({self._packet_limit}): raise it, or set local_infile = ON there"
                ).because(reason(Cause.LIMIT, {"table": f"{table.schema}.{table.name}"}))
            with self._connection.cursor() as cursor:
                rows += cursor.execute(statement)  # type: ignore[call-overload]
                if cursor.warning_count:
                    self._judge_warnings(table, 0, cursor.warning_count)
        return rows

    def _judge_warnings(self, table: Table, skipped: int, warnings: int) -> None:
        """Raise unless every warning is an ENUM's error value, stored as it was; or all values are compared later."""
        if has_sums(table) and not skipped:
            return
        shown = query(self._connection, "SHOW WARNINGS")
        found = [(int(code), _text(message)) for _, code, message in shown]
        enums = [column.name for column in table.columns if column.kind == "enum"]
        if not skipped and len(found) == warnings and all(_is_enum_error(*each, enums) for each in found):
            return
        lines = "; ".join(f"{code}: {message}" for code, message in found[:SHOWN_WARNINGS])
        raise Divergence(
            f"{self._place(table)} did not take the source's rows as they are"
            f" ({skipped} skipped, {warnings} warnings): {lines}"
            f"{_CHECK_REMEDY if any(code == _CHECK_VIOLATED for code, _ in found) else ''}",
            table=f"{table.schema}.{table.name}",
        ).because(reason(Cause.COPY_DIFFERS, {"table": f"{table.schema}.{table.name}", "error": lines}))

    def _place(self, table: Table) -> str:
        return f"{qualified(table.schema, table.name)} on {self._endpoint}"


def _is_enum_error(code: int, message: str, enums: list[str]) -> bool:
    """The target has the source's members and gets a member's number, so only 0 can be "truncated"."""
    return code == _DATA_TRUNCATED and any(f"'{name}'" in message for name in enums)


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
