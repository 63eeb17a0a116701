"""What a server's dictionary says about schemas, tables and stored objects, in a form that travels."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column as information_schema.COLUMNS describes it; `kind` is DATA_TYPE (`int`, `varchar`, …).

    `octets` is the most bytes that a value of a string type may have, 0 for other types. `loose` is a FLOAT(M,D) or
    DOUBLE(M,D) that a copy loads without these digits, which it is given back after the rows. `materialized`: generated
    and STORED. `offset`: a TIMESTAMP whose text is to say +00:00, so that it means the same in every time zone.
    `default` is what a row gets that does not say a value (`defaults.py`), None where that was not asked. `ends`: what
    stands in the place of its largest value, which rows of today have in a table with its history.
    """

    name: str
    kind: str
    column_type: str
    charset: str | None
    collation: str | None
    nullable: bool
    generated: bool
    octets: int = 0
    loose: bool = False
    materialized: bool = False
    offset: bool = False
    default: str | None = None
    ends: str = ""


@dataclass(frozen=True)
class Table:
    """A base table.

    `key` holds the columns by which it is cut into chunks (primary key, or a unique key without NULLs), empty if
    it has none that serves; `key_index` is that index's name. `create_sql` is the server's SHOW CREATE TABLE.
    `source` is schema.table on the source where the target has it under another name. `computes`: a server computes
    something from its rows, by the session that writes them. `virtual_keys`: virtual columns, each with the name of an
    index that holds its values. `engine` is the source's. `condition` is SQL, on the source, of the rows that are in
    the job; "" for all of them, and on the target. `mapped`: `columns` are those of the table's column map, each with
    its new name; () for all of them. `left_out`: what the target's table does not have of the
    source's, `problem`: why it cannot be made, both for people. `period`: the two columns that say from when and until
    when a row was so (WITH SYSTEM VERSIONING), which are none of `columns` unless it is read `with_history`.
    """

    schema: str
    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    rows_estimate: int
    row_bytes: int
    create_sql: str
    key_index: str = ""
    source: str = ""
    computes: bool = False
    virtual_keys: tuple[tuple[str, str], ...] = ()
    engine: str = "InnoDB"
    condition: str = ""
    mapped: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()
    problem: str = ""
    period: tuple[str, ...] = ()
    with_history: bool = False

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """Return the columns that hold values of their own; generated ones are computed again by any server."""
        return tuple(column for column in self.columns if not column.generated)

    def chosen(self, where: str = "") -> str:
        """Return the WHERE of these rows that are in the job; "" if all are meant."""
        parts = [f"({each})" if self.condition else each for each in (where, self.condition) if each]
        return f" WHERE {' AND '.join(parts)}" if parts else ""


@dataclass(frozen=True)
class StoredObject:
    """A view, routine, library, trigger or event, with the session context that its definition was made in.

    `table` is a trigger's table. A view's `sql` names its tables with their schemas; that of the others is to be
    run with `schema` as the default one. `stamp` tells two definitions of the same text apart: when it was made and
    last altered, as the server says it. `made` is an event's moment of creation, in seconds since 1970. `stale` is a
    view that refers to something that is gone.
    """

    kind: str  # LIBRARY, VIEW, PROCEDURE, FUNCTION, TRIGGER, EVENT
    schema: str
    name: str
    sql: str
    sql_mode: str
    charset_client: str
    collation_connection: str
    collation_database: str
    time_zone: str = ""
    table: str = ""
    stamp: str = ""
    made: float = 0.0
    stale: bool = False


@dataclass(frozen=True)
class Schema:
    """A database and the statement that makes it."""

    name: str
    create_sql: str


@dataclass(frozen=True)
class NumberSequence:
    """A MariaDB's SEQUENCE: what stands behind CREATE SEQUENCE and its name, and the next number that it may give.

    `cycle`: how often it began again. `source` is schema.name on the source where the target has it under another name.
    """

    schema: str
    name: str
    options: str
    number: int = 0
    cycle: int = 0
    source: str = ""


#: From here on a server of MySQL shows an account as a statement (SHOW CREATE USER).
SHOWS_ACCOUNTS = (5, 7, 6)


@dataclass(frozen=True)
class Account:
    """A user or role: `name` in quotes, SHOW CREATE USER less its default roles, these, and SHOW GRANTS."""

    name: str
    create_sql: str
    default_roles: str
    grants: tuple[str, ...]


#: In what SHOW CREATE USER prints.
_DEFAULT_ROLES = re.compile(r" DEFAULT ROLE (`.*?`@`.*?`(?:,`.*?`@`.*?`)*)(?= REQUIRE )")


def without_default_roles(create_sql: str) -> tuple[str, str]:
    """CREATE USER without its default roles, which must be granted first, and these."""
    roles = _DEFAULT_ROLES.search(create_sql)
    return _DEFAULT_ROLES.sub("", create_sql, count=1), roles[1] if roles else ""


@dataclass(frozen=True)
class Catalog:
    """Everything that a full copy brings over, in the order of creation."""

    schemas: tuple[Schema, ...]
    tables: tuple[Table, ...]
    objects: tuple[StoredObject, ...]
    accounts: tuple[Account, ...] = ()
    sequences: tuple[NumberSequence, ...] = ()
