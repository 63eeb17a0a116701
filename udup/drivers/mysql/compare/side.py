"""One server's side of a table that is compared: digests of its ranges, its rows, a row's values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from udup.base.errors import UdupError
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified, quote
from udup.drivers.mysql.client.patience import patiently
from udup.drivers.mysql.compare.canonical import Servers, digest
from udup.drivers.mysql.compare.tables import Compared
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.snapshot.chunks import boundary_literals, boundary_values
from udup.drivers.mysql.snapshot.reader import release
from udup.drivers.mysql.snapshot.rows import from_clause

#: Letters and bytes of a value that are shown.
SHOWN_LETTERS, SHOWN_BYTES = 200, 100

#: Letters of what a row without a key is told by.
LABEL_LETTERS = 500

_BINARY = frozenset({"binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"})
_SHAPES = frozenset({"geometry", "point", "linestring", "polygon", "multipoint", "multilinestring"}) | frozenset(
    {"multipolygon", "geomcollection", "geometrycollection"}
)


@dataclass(frozen=True)
class RangeSum:
    """How many rows there are, the XOR of half their digests, the sum of another part of each.

    Two equal rows too many vanish from an XOR, not from the sum and the count. Numbers of 64 bits are what every
    server can take an XOR of.
    """

    rows: int
    xor: str = ""
    total: int = 0


@dataclass(frozen=True)
class SeenValue:
    """A value of a row: its digest, by which it is equal to another one, its text (None for NULL), and if it is cut."""

    digest: str
    text: str | None
    cut: bool


class Side:
    """`connection` is of an open snapshot with a savepoint `udup`. Used by one thread at a time."""

    def __init__(self, connection: Connection, compared: Compared, servers: Servers, *, is_source: bool) -> None:
        self._connection = connection
        self.table: Table = compared.source if is_source else compared.target
        pairs = compared.pairs
        self._columns: list[Column] = [pair.source if is_source else pair.target for pair in pairs]
        self._canonical = [pair.of_source(servers) if is_source else pair.of_target(servers) for pair in pairs]
        self._keys = [pair.source if is_source else pair.target for pair in compared.keys]
        at = {id(pair): place for place, pair in enumerate(pairs)}
        places = [at[id(pair)] for pair in compared.keys]
        self._digest = digest(self._canonical)
        self._label = _label([self._columns[place] for place in places] or self._columns)
        self._whole_label = _label(self._columns)
        self._ordered = compared.ordered
        self._identity = digest([self._canonical[place] for place in places]) if places else self._digest

    @property
    def connection(self) -> Connection:
        return self._connection

    def query(self, sql: str) -> list[Any]:
        """Ask, and hold no lock on the table behind it."""
        rows = patiently(lambda: query(self._connection, sql))
        release(self._connection)
        return rows

    def look(self) -> None:
        """Raise the server's error if the table is not what it was when the snapshot was opened."""
        self.query(f"SELECT 1 {from_clause(replace(self.table, condition='', key_index=''), '')} LIMIT 1")

    # ---- By ranges of the key ----

    def sum(self, where: str) -> RangeSum:
        """Return what the rows of a range come to."""
        sql = f"SELECT COUNT(*), COUNT(d), {_SUMS} FROM (SELECT {self._digest} AS d {self._from(where)}) AS digests"
        [(rows, digested, xor, total)] = self.query(sql)
        self._check(int(rows), int(digested))
        return RangeSum(int(rows), str(xor), int(total))

    def rows(self, where: str) -> dict[tuple[str, ...], str]:
        """Return the digest of each row of a range, by the literals of its key."""
        values = boundary_values(self._keys)
        sql = f"SELECT {self._digest}, {', '.join(values)} {self._from(where)}"
        found = self.query(sql)
        return {boundary_literals(self._keys, key): str(each) for each, *key in found}

    def values(self, key: Sequence[str]) -> list[tuple[str, str | None]]:
        """Return of each column of one row a digest and what is shown of it, None for NULL."""
        fields = [
            f"SHA2({each}, 256), {shown(column)}" for each, column in zip(self._canonical, self._columns, strict=True)
        ]
        sql = f"SELECT {', '.join(fields)} {self._from(self._at(key))}"
        [row] = self.query(sql)
        return [(str(row[at]), _as_text(row[at + 1])) for at in range(0, len(row), 2)]

    def label(self, key: Sequence[str]) -> str:
        """Return what a row is told by."""
        found = self.query(f"SELECT {self._label} {self._from(self._at(key))}")
        return str(_as_text(found[0][0])) if found else ", ".join(key)

    def _at(self, key: Sequence[str]) -> str:
        pairs = zip(self._keys, key, strict=True)
        return " AND ".join(f"{quote(column.name)} = {literal}" for column, literal in pairs)

    # ---- For somebody who looks ----

    def seen(self, place: Sequence[str], letters: int, size: int) -> list[SeenValue] | None:
        """Return the values of the row at a place of a ledger, None if there is none."""
        fields = []
        for each, column in zip(self._canonical, self._columns, strict=True):
            name = quote(column.name)
            fields += [f"SHA2({each}, 256)", shown(column, letters, size), f"OCTET_LENGTH({name}) > {size}"]
            if column.kind not in _BINARY | _SHAPES | {"vector", "bit"}:
                fields[-1] = f"CHAR_LENGTH({name}) > {letters}"
        rows = self.query(f"SELECT {', '.join(fields)} {self._from(self.placed([place]))} LIMIT 1")
        if not rows:
            return None
        [row] = rows
        return [SeenValue(str(row[at]), _as_text(row[at + 1]), bool(row[at + 2])) for at in range(0, len(row), 3)]

    # ---- As a set ----

    def buckets(self, bits: int) -> dict[int, RangeSum]:
        """Return what the rows come to by the first bits of their identity: of the key, or of all values."""
        sql = (
            f"SELECT b, COUNT(*), COUNT(d), {_SUMS} FROM"
            f" (SELECT {self._digest} AS d, {self._bucket(bits)} AS b {self._from('')}) AS digests GROUP BY b"
        )
        found: dict[int, RangeSum] = {}
        for bucket, rows, digested, xor, total in self.query(sql):
            self._check(int(rows), int(digested))
            found[int(bucket)] = RangeSum(int(rows), str(xor), int(total))
        return found

    def rows_of(self, buckets: Sequence[int], bits: int) -> dict[tuple[str, str], tuple[int, str]]:
        """Return by (identity, digest) how often each row is there, and what it is told by."""
        chosen = self._from(f"{self._bucket(bits)} IN ({', '.join(map(str, buckets))})")
        sql = (
            f"SELECT i, d, COUNT(*), MIN(l) FROM (SELECT {self._identity} AS i, {self._digest} AS d,"
            f" {self._label} AS l {chosen}) AS digests GROUP BY i, d"
        )
        return {(str(i), str(d)): (int(count), str(_as_text(label))) for i, d, count, label in self.query(sql)}

    # ---- By the places of a ledger ----

    def placed(self, places: Sequence[Sequence[str]]) -> str:
        """Return the SQL of the rows at these places: literals of a key, or what tells a row of a set."""
        if self._ordered:
            return " OR ".join(f"({self._at(place)})" for place in places)
        return f"{self._identity} IN ({', '.join(repr(identity) for (identity,) in places)})"

    def texts(self, where: str) -> dict[tuple[str, ...], tuple[int, str]]:
        """Return by its place how often a row is there, and its values for people."""
        found: dict[tuple[str, ...], tuple[int, str]] = {}
        values = boundary_values(self._keys) if self._ordered else [self._identity]
        for label, *key in self.query(f"SELECT {self._whole_label}, {', '.join(values)} {self._from(where)}"):
            place = boundary_literals(self._keys, key) if self._ordered else (str(key[0]),)
            found[place] = found.get(place, (0, ""))[0] + 1, str(_as_text(label))
        return found

    def _bucket(self, bits: int) -> str:
        return f"(CAST(CONV(SUBSTRING({self._identity}, 1, 4), 16, 10) AS UNSIGNED) >> {16 - bits})"

    def _from(self, where: str) -> str:
        return from_clause(self.table, where)

    def _check(self, rows: int, digested: int) -> None:
        if rows != digested:
            raise UdupError(
                f"cannot compare {qualified(self.table.schema, self.table.name)}: {rows - digested} of its rows are "
                "too long for a checksum -- raise max_allowed_packet on both servers"
            )


def _part(start: int) -> str:
    """Return the SQL of 64 bits of a digest, from a digit on."""
    return f"CAST(CONV(SUBSTRING(d, {start}, 16), 16, 10) AS UNSIGNED)"


_SUMS = f"CONCAT(HEX(BIT_XOR({_part(17)})), ' ', HEX(BIT_XOR({_part(33)}))), COALESCE(SUM({_part(1)}), 0)"


def shown(column: Column, letters: int = SHOWN_LETTERS, size: int = SHOWN_BYTES) -> str:
    """Return the SQL of what is shown of a value: so many letters, or the digits of so many bytes."""
    name = quote(column.name)
    if column.kind in _SHAPES:
        return f"LEFT(CONCAT(ST_SRID({name}), ' ', ST_AsText({name})), {letters})"
    if column.kind == "vector":
        return f"CONCAT('0x', LEFT(HEX({name}), {2 * size}))"  # MySQL has no LEFT of it
    if column.kind in _BINARY:
        return f"CONCAT('0x', HEX(LEFT({name}, {size})))"
    if column.kind == "bit":
        return f"CONCAT('0x', HEX({name}))"
    if column.kind == "float":
        return f"CONVERT(LEFT({name} * 1e0, {letters}) USING utf8mb4)"  # as text it has six digits
    return f"CONVERT(LEFT({name}, {letters}) USING utf8mb4)"


def _label(columns: Sequence[Column]) -> str:
    texts = ", ', ', ".join(f"IFNULL({shown(column)}, 'NULL')" for column in columns)
    return f"LEFT(CONCAT({texts}), {LABEL_LETTERS})"


def _as_text(value: object) -> str | None:
    if value is None:
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
