"""What of a column is compared: an SQL expression on each side that yields the same bytes for the same value alone.

The servers compute digests of these bytes themselves, so that no value travels. Nothing may hide behind a conversion:

* texts are their bytes in the column's own character set; where the two sides have another one, in utf8mb4;
* UUID and addresses are their bytes, as they are kept where there is no such type;
* FLOAT and DOUBLE are the eight bytes of a DOUBLE, which a point has: as text FLOAT has six digits, MySQL's DOUBLE 16
  of its 17, DOUBLE(M,D) has D behind the point, all of which hide differences, and families write the same number
  differently;
* ENUM, SET and BIT are their numbers; TIMESTAMP is read in UTC, which the session says;
* JSON is the server's normal text form, and beside it the types of all its values, where both servers tell them: a
  DATETIME within a document has the text of a string. Two numbers of another type have other texts, or other types.

A value that may be long is its own digest, so that CONCAT stays below max_allowed_packet.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.snapshot.json_values import ELEMENTS, MEMBERS

#: Most bytes of a text that stands for itself. A table has 4,096 columns at most, a packet 4 MB at least by default.
PLAIN_OCTETS = 1000

#: Types of MariaDB that are so many bytes.
_BYTES = {"uuid": 16, "inet6": 16, "inet4": 4}

_INTEGERS = frozenset({"tinyint", "smallint", "mediumint", "int", "bigint"})
_NUMBERED = frozenset({"enum", "set", "bit"})
_REAL = frozenset({"float", "double"})
_MOMENTS = frozenset({"date", "datetime", "timestamp"})

#: Texts of the same bytes for the same letters.
_UTF8 = frozenset({"utf8", "utf8mb3", "utf8mb4"})


@dataclass(frozen=True)
class Servers:
    """What of the two servers decides how values are compared.

    `signed_zeros`: both keep -0, or neither does. `json_types`: both tell of which types the values of a document are.
    """

    signed_zeros: bool = True
    json_types: bool = True


@dataclass(frozen=True)
class Pair:
    """A column of the source and that of the target which has its values."""

    source: Column
    target: Column

    @property
    def alike(self) -> bool:
        """Return whether the two have the same type, and order their values alike."""
        one, other = self.source, self.target
        if one.kind in _INTEGERS and other.kind in _INTEGERS:
            return True
        return (one.kind, one.column_type, one.charset, one.collation) == (
            *(other.kind, other.column_type),
            *(other.charset, other.collation),
        )

    @property
    def computed(self) -> bool:
        """Return whether the target computes it by itself."""
        return self.target.generated

    def of_source(self, servers: Servers) -> str:
        return _canonical(self.source, self.target, servers)

    def of_target(self, servers: Servers) -> str:
        return _canonical(self.target, self.source, servers)


def digest(values: Sequence[str]) -> str:
    """Return the SQL of a digest of values in their canonical form."""
    return f"SHA2(CONCAT({', '.join(values)}), 256)" if values else "SHA2('', 256)"


def _canonical(column: Column, other: Column, servers: Servers) -> str:
    """Return the SQL of one value: `N` for NULL, or `<length>:<bytes>`."""
    text = _bytes(column, other, servers)
    if text.startswith("SHA2("):  # computed once
        return f"IF({quote(column.name)} IS NULL, 'N', CONCAT('64:', {text}))"
    return f"IF({quote(column.name)} IS NULL, 'N', CONCAT(LENGTH({text}), ':', {text}))"


def _bytes(column: Column, other: Column, servers: Servers) -> str:
    name, kind = quote(column.name), column.kind
    if kind in _NUMBERED:
        return f"CAST(CAST({name} AS UNSIGNED) AS CHAR)"  # + 0 makes a DOUBLE of a SET
    if kind in _REAL:
        return f"HEX(POINT({name if servers.signed_zeros else f'IF({name} = 0, 0, {name})'}, 0))"
    if kind in _BYTES:
        return f"CAST({name} AS BINARY({_BYTES[kind]}))"
    if kind in _INTEGERS:
        return f"CAST({name} + 0 AS CHAR)"  # without the zeros of ZEROFILL, which only show
    if column.column_type != other.column_type:
        if kind == "decimal" and "," in column.column_type and not column.column_type.endswith(",0)"):
            return f"TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST({name} AS CHAR)))"
        if kind in _MOMENTS:
            return f"CAST(CAST({name} AS DATETIME(6)) AS CHAR)"
        if kind == "time":
            return f"CAST(CAST({name} AS TIME(6)) AS CHAR)"
    return _text(column, other, servers)


def _text(column: Column, other: Column, servers: Servers) -> str:
    name = quote(column.name)
    if column.kind == "json" and other.kind == "json" and servers.json_types:
        return f"SHA2(CONCAT(SHA2({name}, 256), {_json_types(name)}), 256)"
    unlike = column.charset and other.charset and column.charset != other.charset
    if unlike and not {column.charset, other.charset} <= _UTF8:
        name = f"CONVERT({name} USING utf8mb4)"
    if column.octets > PLAIN_OCTETS or other.octets > PLAIN_OCTETS or "json" in (column.kind, other.kind):
        return f"SHA2({name}, 256)"
    if not column.octets and column.charset is None and column.kind not in _MOMENTS | {"decimal", "time", "year"}:
        return f"SHA2(CAST({name} AS BINARY), 256)"  # of a kind whose length nobody tells
    return f"CAST({name} AS BINARY)"


def _json_types(name: str) -> str:
    """Return the SQL of what the types of a document's values come to, by the order in which they stand.

    Paths have introducers, as a session that reads rows has binary literals.
    """
    inside = [
        f"(SELECT COALESCE(BIT_XOR(CRC32(CONCAT(j.n, IFNULL(JSON_TYPE(j.v), 'NULL')))), 0) FROM JSON_TABLE({name},"
        f" _utf8mb4'{path}' COLUMNS (n FOR ORDINALITY, v JSON PATH _utf8mb4'$')) AS j)"
        for path in (MEMBERS, ELEMENTS)
    ]
    return ", ' ', ".join([f"JSON_TYPE({name})", *inside])
