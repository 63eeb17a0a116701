"""What a server's dictionary says about schemas, tables and stored objects, in a form that travels."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """One column as information_schema.COLUMNS describes it; `kind` is DATA_TYPE (`int`, `varchar`, …).

    `octets` is the most bytes that a value of a string type may have, 0 for other types.
    """

    name: str
    kind: str
    column_type: str
    charset: str | None
    collation: str | None
    nullable: bool
    generated: bool
    octets: int = 0


@dataclass(frozen=True)
class Table:
    """A base table.

    `key` holds the columns by which it is cut into chunks (primary key, or a unique key without NULLs), empty if
    it has none that serves; `key_index` is that index's name. `create_sql` is the server's SHOW CREATE TABLE.
    `source` is schema.table on the source where the target has it under another name; `engine` is the source's.
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
    engine: str = "InnoDB"

    @property
    def stored_columns(self) -> tuple[Column, ...]:
        """The columns that hold values of their own; generated ones are computed again by any server."""
        return tuple(column for column in self.columns if not column.generated)


@dataclass(frozen=True)
class StoredObject:
    """A view, routine, trigger or event, with the session context that its definition was made in.

    `table` is a trigger's table. A view's `sql` names its tables with their schemas; that of the others is to be
    run with `schema` as the default one.
    """

    kind: str  # VIEW, PROCEDURE, FUNCTION, TRIGGER, EVENT
    schema: str
    name: str
    sql: str
    sql_mode: str
    charset_client: str
    collation_connection: str
    collation_database: str
    time_zone: str = ""
    table: str = ""


@dataclass(frozen=True)
class Schema:
    """A database and the statement that makes it."""

    name: str
    create_sql: str


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
