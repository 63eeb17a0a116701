"""A table's rows as a checksum that the server computes itself.

A row's canonical form is, for each column, `N` for NULL or `<length>:<bytes>`, and the row's digest is SHA-256 of
that. A table is its number of rows, the XOR of a half of all digests, and the sum of another part: without a primary
key two equal rows too many vanish from an XOR, not from the sum and the count. Numbers of 64 bits are what every server
can take an XOR of. CHECKSUM TABLE is no use: it gives a NULL
column no byte, and combines CRC32 values of rows only.

What a column's bytes are, so that nothing hides behind a conversion:

* texts are their bytes in the column's own character set (SHOW CREATE TABLE says which one that is);
* UUID and addresses are their bytes, as they are kept where there is no such type;
* FLOAT and DOUBLE are the eight bytes of a DOUBLE, which a point has: as text FLOAT has six digits, MySQL's DOUBLE 16
  of its 17, DOUBLE(M,D) has D behind the point, all of which hide differences, and families write the same number
  differently;
* ENUM, SET and BIT are their numbers; TIMESTAMP is read in UTC; JSON is the server's normal text form, in which a
  DATETIME within a document cannot be told from its text;
* generated columns count as well: they are computed by each server on its own.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from queue import SimpleQueue
from typing import Any

from udup.base.endpoint import Endpoint
from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.dictionary_columns import with_known_columns
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.sessions import SUMS
from udup.drivers.mysql.mariadb.history import ENDS_OF_TODAY, read_periods

#: Tables compared at once on each side.
TABLES_AT_ONCE = 2

#: Types of MariaDB that are so many bytes.
_BYTES = {"uuid": 16, "inet6": 16, "inet4": 4}

_NUMBERED = frozenset({"enum", "set", "bit"})
_LONG = frozenset({"mediumtext", "longtext", "mediumblob", "longblob", "json"})


@dataclass(frozen=True)
class TableSum:
    """A table's rows: how many, the XOR of half their digests, the sum of another part of each."""

    rows: int
    xor: str
    total: int


class TableSums:
    """One server's tables, summed by some threads that have a session each.

    Without `signed_zeros` -0 is 0: MariaDB keeps no -0 since 11.
    """

    def __init__(self, endpoint: Endpoint, *, signed_zeros: bool = True) -> None:
        self._endpoint = endpoint
        self._signed_zeros = signed_zeros
        self._pool = ThreadPoolExecutor(TABLES_AT_ONCE)
        self._sessions: SimpleQueue[Connection] = SimpleQueue()

    def __enter__(self) -> TableSums:
        return self

    def __exit__(self, *_error: object) -> None:
        self._pool.shutdown(cancel_futures=True)
        while not self._sessions.empty():
            self._sessions.get().close()

    def submit(self, table: tuple[str, str], condition: str = "", *, history: bool = False) -> Future[TableSum]:
        """Have a table summed; `condition` is SQL of the rows that count, "" for all of them.

        `history`: with what its rows were, each with from when and until when.
        """
        return self._pool.submit(self._sum, table, condition, history)

    def _sum(self, table: tuple[str, str], condition: str, history: bool) -> TableSum:
        session = connect(self._endpoint, SUMS) if self._sessions.empty() else self._sessions.get()
        try:
            digest = _digest(session, table, signed_zeros=self._signed_zeros, history=history)
            rows = f"{qualified(*table)} FOR SYSTEM_TIME ALL" if history else qualified(*table)
            return _table_sum(session, self._endpoint, table, f"{rows}{_where(condition)}", digest)
        finally:
            self._sessions.put(session)


def _table_sum(
    connection: Connection, endpoint: Endpoint, table: tuple[str, str], chosen: str, digest: str
) -> TableSum:
    rows, digested, xor, total = query(
        connection,
        f"SELECT COUNT(*), COUNT(d), CONCAT(HEX(BIT_XOR({_part(17)})), ' ', HEX(BIT_XOR({_part(33)}))),"
        f" COALESCE(SUM({_part(1)}), 0)"
        f" FROM (SELECT {digest} AS d FROM {chosen}) AS digests",
    )[0]
    if rows != digested:
        raise UdupError(
            f"cannot compare {'.'.join(table)} on {endpoint}: {rows - digested} of its rows are too long for a"
            f" checksum -- raise max_allowed_packet on that server"
        )
    return TableSum(int(rows), str(xor), int(total))


def _part(start: int) -> str:
    """The SQL expression of 64 bits of a digest, from a digit on."""
    return f"CAST(CONV(SUBSTRING(d, {start}, 16), 16, 10) AS UNSIGNED)"


def _rows(table: tuple[str, str], condition: str) -> str:
    return f"{qualified(*table)}{_where(condition)}"


def _where(condition: str) -> str:
    return f" WHERE {condition}" if condition else ""


def samples(
    source: Endpoint, target: Endpoint, table: tuple[str, str], limit: int = 10, condition: str = ""
) -> list[tuple[str, ...]]:
    """Up to `limit` rows that are not the same on both sides, as (side, key or whole row …), for a diagnosis.

    `condition` is SQL of the source's rows that count. Every row's digest is fetched from both servers, so this is for
    small tables.
    """
    sides = {"source": _digests(source, table, condition), "target": _digests(target, table)}
    found: list[tuple[str, ...]] = []
    for side, other in (("source", "target"), ("target", "source")):
        for (digest, label), count in sides[side].items():
            extra = count - sides[other].get((digest, label), 0)
            if extra > 0 and len(found) < limit:
                found.append((side, *label))
    return found


def _digests(endpoint: Endpoint, table: tuple[str, str], condition: str = "") -> dict[tuple[str, tuple[str, ...]], int]:
    """How often each (digest, key) is there; without a primary key the row's columns stand for it."""
    with connect(endpoint, SUMS) as connection:
        label = _key(connection, table) or [name for name, _ in _columns(connection, table)]
        shown = ", ".join(quote(name) for name in label)
        rows = query(connection, f"SELECT {_digest(connection, table)}, {shown} FROM {_rows(table, condition)}")
    counts: dict[tuple[str, tuple[str, ...]], int] = {}
    for digest, *values in rows:
        entry = (digest, tuple(str(value) for value in values))
        counts[entry] = counts.get(entry, 0) + 1
    return counts


def _digest(connection: Connection, table: tuple[str, str], *, signed_zeros: bool = True, history: bool = False) -> str:
    """The SQL expression of one row's digest."""
    parts = ", ".join(_canonical(name, kind, signed_zeros=signed_zeros) for name, kind in _columns(connection, table))
    if history:
        start, end = map(quote, read_periods(connection, table[0])[table[1]])
        ends = ", ".join(f"'{each}'" for each in ENDS_OF_TODAY)
        parts += f", '|', CAST({start} AS CHAR), '|', IF({end} IN ({ends}), 'today', CAST({end} AS CHAR))"
    return f"SHA2(CONCAT({parts}), 256)"


def _canonical(name: str, kind: str, *, signed_zeros: bool = True) -> str:
    """The SQL expression of one column's canonical bytes."""
    value = quote(name)
    if kind in _NUMBERED:
        text = f"CAST(CAST({value} AS UNSIGNED) AS CHAR)"  # + 0 makes a DOUBLE of a SET
    elif kind in ("float", "double"):
        text = f"HEX(POINT({value if signed_zeros else f'IF({value} = 0, 0, {value})'}, 0))"
    elif kind in _BYTES:
        text = f"CAST({value} AS BINARY({_BYTES[kind]}))"
    elif kind in _LONG:
        # The digest stands for a long value, so that CONCAT stays below max_allowed_packet.
        text = f"SHA2({value}, 256)"
    else:
        text = f"CAST({value} AS BINARY)"
    return f"IF({value} IS NULL, 'N', CONCAT(LENGTH({text}), ':', {text}))"


def _columns(connection: Connection, table: tuple[str, str]) -> list[tuple[str, str]]:
    rows: list[Any] = query(
        connection,
        with_known_columns(
            connection,
            "SELECT COLUMN_NAME, DATA_TYPE, GENERATION_EXPRESSION FROM information_schema.COLUMNS"
            " WHERE TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION",
        ),
        *table,
    )
    return [(str(name), str(kind).lower()) for name, kind, made in rows if made not in ("ROW START", "ROW END")]


def _key(connection: Connection, table: tuple[str, str]) -> list[str]:
    rows: list[Any] = query(
        connection,
        "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE INDEX_NAME = 'PRIMARY'"
        " AND TABLE_SCHEMA = %s AND TABLE_NAME = %s ORDER BY SEQ_IN_INDEX",
        *table,
    )
    return [str(name) for (name,) in rows]
