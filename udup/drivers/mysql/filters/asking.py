"""Has the source's server decide about values of the log, in batches.

The values travel without their table, which may be another one by now: as a derived table of one row for each set of
values, whose first arm has no row and gives the columns their types, character sets and collations, as the event's
TABLE_MAP says them. Such columns are compared as a table's own (measured by `tests/drivers/mysql/filters`): NULLs,
padding, accents, the place of an explicit COLLATE. No privilege is needed for it beyond a connection.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

from udup.base.endpoint import Endpoint
from udup.base.errors import Unsupported
from udup.drivers.mysql.client.connection import Connection, MySQLError, connect, describe, is_transient, query, scalar
from udup.drivers.mysql.client.dictionary_columns import with_collations
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.client.raw import shut_down
from udup.drivers.mysql.client.sessions import FILTER
from udup.drivers.mysql.filters.columns import Collations, FilterColumn
from udup.drivers.mysql.filters.questions import Key, Question

#: Sets of values in one statement, and the bytes of its text, at most; one set may be larger.
BATCH_ROWS, BATCH_BYTES = 200, 1 << 20

#: The generated columns of a table that was not altered since a second: MariaDB dates a table by its file.
_COMPUTED = (
    "SELECT c.COLUMN_NAME FROM information_schema.COLUMNS c JOIN information_schema.TABLES t"
    " ON t.TABLE_SCHEMA = c.TABLE_SCHEMA AND t.TABLE_NAME = c.TABLE_NAME"
    " WHERE c.TABLE_SCHEMA = %s AND c.TABLE_NAME = %s AND COALESCE(c.GENERATION_EXPRESSION, '') <> ''"
    " AND UNIX_TIMESTAMP(t.CREATE_TIME) <= %s"
)

_NUMBER, _ROWS, _TYPES = "`udup number`", "`udup rows`", "`udup types`"


class FilterServer:
    """A connection to the source, opened when something is asked for the first time. `close` from any thread."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        self._connection: Connection | None = None
        self._collations: Collations = {}
        self._computed: tuple[tuple[str, str, int], frozenset[str]] = ("", "", 0), frozenset()
        self._packet = 0
        self.asked = 0
        """Statements sent so far."""

    def collations(self) -> Collations:
        """Return the names of the source's collations by their numbers."""
        if not self._collations:
            self._opened()
        return self._collations

    def answer(self, questions: Iterable[Question]) -> None:
        """Have everything answered that is wanted. `Unsupported` with the server's words where it refuses."""
        for question in questions:
            for keys in _batches(question):
                self._ask(question, keys)

    def computed(self, schema: str, table: str, when: int) -> frozenset[str]:
        """Return the columns that the source computed and did not log in rows of this second, as MariaDB 11.8 does."""
        asked = schema, table, when
        if self._computed[0] != asked:
            connection = self._opened()
            rows = query(connection, _COMPUTED, *asked) if connection.is_mariadb else []
            self._computed = asked, frozenset(_text(name) for (name,) in rows)
        return self._computed[1]

    def close(self) -> None:
        """End the connection, and with it a question that is under way."""
        if self._connection is not None:
            shut_down(self._connection)
            with suppress(MySQLError, OSError):
                self._connection.close()

    def _ask(self, question: Question, keys: Sequence[Key]) -> None:
        values = arms(question.columns, keys, mixed=is_mixed(question.sql, question.columns))
        sql = f"SELECT {_NUMBER}, {question.sql} FROM ({values}) AS {_ROWS}"
        connection = self._opened()
        if len(sql) >= self._packet:
            raise Unsupported(
                f"a row filter looks at values of {len(sql)} bytes, more than the source's max_allowed_packet; "
                "SET GLOBAL max_allowed_packet on the source to more than that"
            )
        try:
            rows = query(connection, sql)
        except MySQLError as error:
            if is_transient(error):
                raise
            raise Unsupported(
                f"the source cannot say whether rows are in the job, by {question.sql}: {describe(error)}; write the "
                "filter so that it has an answer for every row, in a job with another ID"
            ) from error
        self.asked += 1
        for number, verdict in rows:
            question.answer(keys[int(number)], None if verdict is None else bool(verdict))

    def _opened(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._endpoint, FILTER)
            self._packet = int(scalar(self._connection, "SELECT @@max_allowed_packet"))
            sql = with_collations(self._connection, "SELECT ID, COLLATION_NAME FROM information_schema.COLLATIONS")
            rows = query(self._connection, sql)
            self._collations = {int(number): _text(name) for number, name in rows}
        return self._connection


def arms(columns: Sequence[FilterColumn], keys: Sequence[Key], *, mixed: bool) -> str:
    """Return the derived table of these values, numbered from 0.

    `mixed`: a text is compared with another one that has a collation too. A COLLATE in the first arm would outrank that
    one, as no column's does; a column of a JSON_TABLE has its collation as a table's column has it.
    """
    typed = [column for column in columns if column.charset] if mixed else []
    made = {column.name: f"{_TYPES}.{quote(column.name)}" for column in typed}
    empty = [f"{made.get(column.name, column.empty)} AS {quote(column.name)}" for column in columns]
    written = [f"SELECT {', '.join([f'0 AS {_NUMBER}', *empty])} FROM {_typed_place(typed)} WHERE FALSE"]
    for number, key in enumerate(keys):
        values = [_value(column, value) for column, value in zip(columns, key, strict=True)]
        written.append(f"SELECT {', '.join([str(number), *values])}")
    return " UNION ALL ".join(written)


def _typed_place(columns: Sequence[FilterColumn]) -> str:
    """Return a table without rows that has these texts with their collations."""
    if not columns:
        return "DUAL"
    parts = [
        f"{quote(each.name)} LONGTEXT CHARACTER SET {each.charset} COLLATE {each.collation} PATH _utf8mb4'$'"
        for each in columns
    ]
    return f"JSON_TABLE(_utf8mb4'[]', _utf8mb4'$[*]' COLUMNS ({', '.join(parts)})) AS {_TYPES}"


def is_mixed(sql: str, columns: Sequence[FilterColumn]) -> bool:
    """Return whether collations meet in a condition."""
    return " COLLATE " in sql or sum(bool(column.charset) for column in columns) > 1


def probe(sql: str, columns: Sequence[FilterColumn]) -> str:
    """Return the question about no values at all, which a server can be tried with."""
    return f"SELECT {_NUMBER}, {sql} FROM ({arms(columns, [], mixed=is_mixed(sql, columns))}) AS {_ROWS}"


def _value(column: FilterColumn, value: object) -> str:
    if isinstance(value, str):  # a number with its sign, as `Question` keeps it
        return column.value(float(value))
    return column.value(value)  # type: ignore[arg-type]


def _batches(question: Question) -> Iterator[list[Key]]:
    batch: list[Key] = []
    size = 0
    for key in list(question.wanted):
        own = sum(2 * len(value) for value in key if isinstance(value, bytes))
        if batch and (len(batch) == BATCH_ROWS or size + own > BATCH_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(key)
        size += own
    if batch:
        yield batch


def _text(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
