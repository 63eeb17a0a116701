"""Definitions in a form that MySQL and MariaDB of any version can be compared in: what both can say, said alike.

SHOW CREATE and the views of information_schema differ between the families, and between MySQL 5 and 8, in words that
mean the same: display widths, names of character sets, how a default is quoted, whether a rule is RESTRICT or NO
ACTION. Here is what a definition means: columns, keys, partitions, checks by their number, views by their columns,
routines, triggers and events by their bodies. What one family alone knows is not compared.
"""

from __future__ import annotations

import ast
import ipaddress
import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.dictionary.shown_tables import shown_table
from udup.verify.collations import charset_name, charset_of, collation
from udup.verify.dictionary import Name

#: Types of one family, and what stands for them in the other.
_TYPES: Mapping[str, str] = {
    "json": "longtext",
    "uuid": "binary(16)",
    "inet6": "binary(16)",
    "inet4": "binary(4)",
    "geomcollection": "geometrycollection",
    "year(4)": "year",
}

#: How a JSON column is told: MySQL's has no collation, MariaDB's is a text.
_JSON = {("longtext", ""), ("longtext", "utf8mb4_bin")}

#: What those that are bytes in the other family make of a text.
_OCTETS: Mapping[str, Callable[[str], bytes]] = {
    "uuid": lambda text: uuid.UUID(text).bytes,
    "inet6": lambda text: ipaddress.IPv6Address(text).packed,
    "inet4": lambda text: ipaddress.IPv4Address(text).packed,
}

#: Words of a sql_mode that one family alone has, and those that stand for others beside them.
_OWN_MODES = frozenset(
    {
        "ANSI",
        "TRADITIONAL",
        "NO_AUTO_CREATE_USER",
        "TIME_TRUNCATE_FRACTIONAL",
        "TIME_ROUND_FRACTIONAL",
        "EMPTY_STRING_IS_NULL",
    }
    | {"SIMULTANEOUS_ASSIGNMENT", "IGNORE_BAD_TABLE_OPTIONS", "NO_KEY_OPTIONS", "NO_FIELD_OPTIONS", "NO_TABLE_OPTIONS"}
)

#: A string of a statement, what is escaped in it, and what for.
_LITERAL = re.compile(r"'(.*)'", re.DOTALL)
_EXPRESSED = re.compile(r"_\w+\\?'(.*?)\\?'", re.DOTALL)
_ESCAPED = re.compile(r"''|\\.", re.DOTALL)
_ESCAPES: Mapping[str, str] = {"0": "\0", "n": "\n", "r": "\r", "t": "\t", "b": "\b", "Z": "\x1a"}

_COMPRESSED = re.compile(r" /\*m?!\d+ compressed\*/")
_WIDTH = re.compile(r"\b(tinyint|smallint|mediumint|int|bigint)\(\d+\)(?! unsigned zerofill)")
_NOW = re.compile(r"\b(?:current_timestamp|now|localtimestamp|localtime)\b(?:\((\d*)\))?")


def _name(value: object) -> str:
    return "" if value is None else str(value)


def _type(value: object) -> str:
    if vector := re.fullmatch(r"vector\((\d+)\)", str(value)):
        return f"varbinary({4 * int(vector[1])})"
    text = _WIDTH.sub(r"\1", _COMPRESSED.sub("", str(value).lower()))
    return _TYPES.get(text.split(" ")[0], text) if not text.startswith(("enum", "set")) else str(value)


def _engine(value: object) -> str:
    """InnoDB stands for MariaDB's Aria."""
    name = _name(value).upper()
    return "INNODB" if name == "ARIA" else name


def _body(value: object) -> str:
    """A stored program's text: MySQL's dictionary has its strings without what escapes a quote."""
    return _name(value).replace("''", "'").replace("\\'", "'")


def _rule(value: object) -> str:
    return "RESTRICT" if value == "NO ACTION" else _name(value)


def _mode(value: object) -> str:
    return ",".join(sorted({word for word in str(value).split(",") if word} - _OWN_MODES))


def _expression(value: object) -> str:
    return re.sub(r"[\s`()]", "", _name(value)).lower()


def _extra(value: object) -> str:
    text = str(value).lower().replace("default_generated", "").replace("persistent", "stored")
    words = _NOW.sub(_now, text).replace("without system versioning", "").replace(",", " ").split()
    return " ".join(sorted(words))


def _now(found: re.Match[str]) -> str:
    return f"now({(found[1] or '0').lstrip('0')})"


@dataclass(frozen=True)
class _Question:
    """A query of (schema, object, values …), the schema's column for its condition, and how each value is said."""

    kind: str
    columns: str
    source: str
    schema: str
    said: tuple[Callable[[object], str], ...]


_QUESTIONS = (
    _Question(
        "SCHEMA",
        "SCHEMA_NAME, SCHEMA_NAME, DEFAULT_COLLATION_NAME",
        "SCHEMATA WHERE TRUE",
        "SCHEMA_NAME",
        (collation,),
    ),
    _Question(
        "TABLE",
        "TABLE_SCHEMA, TABLE_NAME, ENGINE, TABLE_COLLATION, TABLE_COMMENT",
        "TABLES WHERE TABLE_TYPE NOT IN ('VIEW', 'SEQUENCE')",
        "TABLE_SCHEMA",
        (_engine, collation, _name),
    ),
    _Question(
        "VIEW",
        "TABLE_SCHEMA, TABLE_NAME, CHECK_OPTION, DEFINER, SECURITY_TYPE",
        "VIEWS WHERE TRUE",
        "TABLE_SCHEMA",
        (_name, _name, _name),
    ),
    _Question(
        "FOREIGN KEY COLUMNS OF",
        "TABLE_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, ORDINAL_POSITION, COLUMN_NAME, REFERENCED_TABLE_SCHEMA,"
        " REFERENCED_TABLE_NAME, REFERENCED_COLUMN_NAME",
        "KEY_COLUMN_USAGE WHERE REFERENCED_TABLE_NAME IS NOT NULL",
        "TABLE_SCHEMA",
        (_name,) * 6,
    ),
    _Question(
        "FOREIGN KEYS OF",
        "CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UPDATE_RULE, DELETE_RULE",
        "REFERENTIAL_CONSTRAINTS WHERE TRUE",
        "CONSTRAINT_SCHEMA",
        (_name, _rule, _rule),
    ),
    _Question(
        "PARTITIONS OF",
        "TABLE_SCHEMA, TABLE_NAME, PARTITION_ORDINAL_POSITION, SUBPARTITION_ORDINAL_POSITION, PARTITION_NAME,"
        " SUBPARTITION_NAME, PARTITION_METHOD, SUBPARTITION_METHOD, PARTITION_EXPRESSION, SUBPARTITION_EXPRESSION,"
        " PARTITION_DESCRIPTION",
        "PARTITIONS WHERE PARTITION_NAME IS NOT NULL AND PARTITION_METHOD <> 'SYSTEM_TIME'",
        "TABLE_SCHEMA",
        (*(_name,) * 6, *(_expression,) * 3),
    ),
    _Question(
        "ROUTINE",
        "ROUTINE_SCHEMA, ROUTINE_NAME, ROUTINE_TYPE, ROUTINE_DEFINITION, IS_DETERMINISTIC, SQL_DATA_ACCESS,"
        " SECURITY_TYPE, SQL_MODE, ROUTINE_COMMENT, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION",
        "ROUTINES WHERE TRUE",
        "ROUTINE_SCHEMA",
        (_name, _body, *(_name,) * 3, _mode, _name, _name, collation, collation),
    ),
    _Question(
        "PARAMETERS OF",
        "SPECIFIC_SCHEMA, SPECIFIC_NAME, ORDINAL_POSITION, PARAMETER_MODE, PARAMETER_NAME, DTD_IDENTIFIER,"
        " COLLATION_NAME",
        "PARAMETERS WHERE TRUE",
        "SPECIFIC_SCHEMA",
        (_name, _name, _name, _type, charset_of),
    ),
    _Question(
        "TRIGGER",
        "TRIGGER_SCHEMA, TRIGGER_NAME, EVENT_OBJECT_TABLE, ACTION_TIMING, EVENT_MANIPULATION, ACTION_STATEMENT,"
        " SQL_MODE, DEFINER, CHARACTER_SET_CLIENT, COLLATION_CONNECTION",
        "TRIGGERS WHERE TRUE",
        "TRIGGER_SCHEMA",
        (_name, _name, _name, _body, _mode, _name, collation, collation),
    ),
    _Question(
        "EVENT",
        "EVENT_SCHEMA, EVENT_NAME, TIME_ZONE, EVENT_DEFINITION, EVENT_TYPE, EXECUTE_AT, INTERVAL_VALUE,"
        " INTERVAL_FIELD, SQL_MODE, STARTS, ENDS, ON_COMPLETION, EVENT_COMMENT, DEFINER, CHARACTER_SET_CLIENT",
        "EVENTS WHERE TRUE",
        "EVENT_SCHEMA",
        (_name, _body, *(_name,) * 4, _mode, *(_name,) * 5, collation),
    ),
)

_INDEXES = (
    "SELECT TABLE_SCHEMA, TABLE_NAME, INDEX_NAME, SEQ_IN_INDEX, INDEX_TYPE, COLUMN_NAME, NON_UNIQUE, SUB_PART,"
    " INDEX_COMMENT FROM information_schema.STATISTICS WHERE TABLE_SCHEMA IN ({})"
)

#: MariaDB says HASH of every index that was made USING HASH, and of a UNIQUE over whole texts, which it alone has.
_HASH = "HASH"

_COLUMNS = (
    "SELECT c.TABLE_SCHEMA, c.TABLE_NAME, t.TABLE_TYPE, c.ORDINAL_POSITION, c.COLUMN_NAME, c.COLUMN_TYPE,"
    " c.IS_NULLABLE, c.COLUMN_DEFAULT, c.EXTRA, c.CHARACTER_SET_NAME, c.COLLATION_NAME, c.COLUMN_COMMENT"
    " FROM information_schema.COLUMNS c JOIN information_schema.TABLES t"
    " ON BINARY t.TABLE_SCHEMA = BINARY c.TABLE_SCHEMA AND BINARY t.TABLE_NAME = BINARY c.TABLE_NAME"
    " WHERE t.TABLE_TYPE <> 'SEQUENCE' AND c.TABLE_SCHEMA IN ({})"
)

#: MySQL's first version that has checks.
_CHECKS = (8, 0, 16)

#: MySQL tells a table's checks among its constraints, and has such as are not enforced; MariaDB in a view of their own,
#: and one that it makes of JSON is its own affair.
_MYSQL_CHECKS = (
    "SELECT t.TABLE_SCHEMA, t.TABLE_NAME, COUNT(*) FROM information_schema.TABLE_CONSTRAINTS t"
    " JOIN information_schema.CHECK_CONSTRAINTS c USING (CONSTRAINT_SCHEMA, CONSTRAINT_NAME)"
    " WHERE t.CONSTRAINT_TYPE = 'CHECK' AND t.ENFORCED = 'YES' AND c.CHECK_CLAUSE NOT LIKE 'json_valid(%%'"
    " AND t.TABLE_SCHEMA IN ({}) GROUP BY 1, 2"
)
_MARIADB_CHECKS = (
    "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, COUNT(*) FROM information_schema.CHECK_CONSTRAINTS"
    " WHERE CHECK_CLAUSE NOT LIKE 'json_valid(%%' AND CONSTRAINT_SCHEMA IN ({}) GROUP BY 1, 2"
)


def read_portable(connection: Connection, schemas: Sequence[str]) -> dict[str, dict[Name, str]]:
    """By kind and object, what defines it, as text that is the same on a server of another family or version."""
    if not schemas:
        return {}
    marks = ", ".join(["%s"] * len(schemas))
    found = {question.kind: _answers(connection, question, marks, schemas) for question in _QUESTIONS}
    found["INDEXES OF"] = {name: told for name, told in _indexes(connection, marks, schemas).items() if told}
    found["COLUMNS OF"] = _columns(connection, marks, schemas)
    found["NUMBER OF CHECKS OF"] = _checks(connection, marks, schemas)
    return found


def _indexes(connection: Connection, marks: str, schemas: Sequence[str]) -> dict[Name, str]:
    """Return the indexes that both families can have, table by table."""
    gathered: dict[Name, dict[str, list[str]]] = {}
    own: set[tuple[Name, str]] = set()
    for schema, table, index, place, kind, column, *values in query(connection, _INDEXES.format(marks), *schemas):
        name = (str(schema), str(table))
        is_unique = str(values[0]) == "0"
        # MySQL says what the engine makes of it, and MySQL 5 says NONE of what the engine alone knows.
        of_engine = {"NONE": "SE_SPECIFIC", _HASH: "BTREE"}.get(str(kind), kind)
        said = ", ".join(_name(_text(value)) for value in (place, of_engine, column, *values))
        gathered.setdefault(name, {}).setdefault(str(index), []).append(said)
        if column is None or kind == "VECTOR" or (kind == _HASH and is_unique):
            own.add((name, str(index)))
    return {
        name: "\n".join(
            f"{index}: {row}"
            for index, rows in sorted(indexes.items())
            if (name, index) not in own
            for row in sorted(rows)
        )
        for name, indexes in gathered.items()
    }


def _checks(connection: Connection, marks: str, schemas: Sequence[str]) -> dict[Name, str]:
    if not connection.is_mariadb and connection.version < _CHECKS:
        return {}
    sql = _MARIADB_CHECKS if connection.is_mariadb else _MYSQL_CHECKS
    rows = query(connection, sql.format(marks), *schemas)
    return {(str(schema), str(table)): str(number) for schema, table, number in rows}


def _answers(connection: Connection, question: _Question, marks: str, schemas: Sequence[str]) -> dict[Name, str]:
    sql = f"SELECT {question.columns} FROM information_schema.{question.source} AND {question.schema} IN ({marks})"
    gathered: dict[Name, list[str]] = {}
    for schema, name, *values in query(connection, sql, *schemas):
        said = (say(_text(value)) for say, value in zip(question.said, values, strict=True))
        gathered.setdefault(_of(schema, name, question.kind), []).append(", ".join(said))
    return {name: "\n".join(sorted(rows)) for name, rows in gathered.items()}


def _columns(connection: Connection, marks: str, schemas: Sequence[str]) -> dict[Name, str]:
    gathered: dict[Name, list[tuple[int, str]]] = {}
    for row in query(connection, _COLUMNS.format(marks), *schemas):
        schema, table, kind, place, *values = (_text(value) for value in row)
        if kind == "BASE TABLE" and _hides_bytes(connection, values):
            values[3] = _whole_default(connection, str(schema), str(table), str(values[0]), values[3])
        # The types of a view's columns are worked out by each family in its way.
        said = "" if kind == "VIEW" else _column(values[1:], mariadb=connection.is_mariadb)
        gathered.setdefault((str(schema), str(table)), []).append((int(str(place)), f"{values[0]}: {said}"))
    return {name: "\n".join(text for _, text in sorted(rows)) for name, rows in gathered.items()}


def _hides_bytes(connection: Connection, values: Sequence[object]) -> bool:
    """Return whether the dictionary may have question marks for a default of bytes, or end before one."""
    old = connection.version < (11,) if connection.is_mariadb else connection.version < (8,)
    is_literal = values[3] is not None and (not connection.is_mariadb or str(values[3]).startswith("'"))
    return old and is_literal and str(values[1]).startswith(("binary", "varbinary"))


def _whole_default(connection: Connection, schema: str, table: str, column: str, told: object) -> object:
    """Return a default of bytes in hexadecimal digits, or what the dictionary has told."""
    shown = shown_table(connection, schema, table)
    found = re.search(rf"^ *{re.escape(quote(column))} [^\n']* DEFAULT (0x[0-9A-F]+)", shown, re.MULTILINE)
    return found[1] if found else told


def _column(values: Sequence[object], *, mariadb: bool) -> str:
    column_type, nullable, default, extra, charset, collated, comment = values
    said = [_type(column_type), _name(nullable), _default(default, str(extra), mariadb=mariadb), _extra(extra)]
    if said[0].startswith(("binary", "varbinary")):
        said[2] = _bytes(said[2], _OCTETS.get(str(column_type).lower()))
    elif said[0].startswith("timestamp") and said[2][:1] == "'":
        said[2] = "a moment"  # told in the time zone of whoever made the column
    if (said[0], _name(collated)) not in _JSON:
        said.append(f"{charset_name(charset)} {collation(collated)}")
    return ", ".join([*said, _name(comment)])


def _bytes(default: str, octets: Callable[[str], bytes] | None = None) -> str:
    """A default of bytes: MySQL 8 prints them in hexadecimal digits; zeros fill a column up. `octets` makes them."""
    if not default.startswith(("'", '"')):
        return default
    text = str(ast.literal_eval(default))
    digits = text[2:].lower() if text.startswith("0x") else (octets or str.encode)(text).hex()
    return f"x{re.sub('(?:00)+$', '', digits)}"


def _default(value: object, extra: str, *, mariadb: bool) -> str:
    """Return how a default is said: MariaDB prints it as it is written, quotes and NULL included.

    Of an expression is told that it is one: each server prints it in its own way.
    """
    text = str(value)
    if value is None or (mariadb and (value == "NULL" or "nextval(" in text)):
        return "none"  # as on a target without sequences
    if not mariadb and (literal := _EXPRESSED.fullmatch(text)):
        text, extra = literal[1], ""  # MySQL has no other default of a TEXT
    if _NOW.fullmatch(text.lower()):
        return _NOW.sub(_now, text.lower())
    if mariadb:
        if found := _LITERAL.fullmatch(text):
            return repr(_ESCAPED.sub(_unescaped, found[1]))
        if found := re.fullmatch(r"[xX]'([0-9A-Fa-f]*)'", text):
            return repr(f"0x{found[1]}")
        return repr(text) if re.fullmatch(r"-?[\d.]+(?:e[-+]?\d+)?|b'[01]*'|0x[0-9A-Fa-f]*", text) else "an expression"
    return "an expression" if "default_generated" in extra.lower() else repr(text)


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[0][1], found[0][1])


def _text(value: object) -> object:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _of(schema: object, name: object, kind: str) -> Name:
    return (str(schema),) if kind == "SCHEMA" else (str(schema), str(name))
