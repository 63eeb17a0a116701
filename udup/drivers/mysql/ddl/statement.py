"""What a statement of the binary log is, as `classify.py` reads it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from udup.drivers.mysql.ddl.alter_action import AlterAction
from udup.drivers.mysql.ddl.sqlreader import NameAt, ObjectName, Span


class Kind(StrEnum):
    BEGIN = "BEGIN"
    COMMIT = "COMMIT"
    ROLLBACK = "ROLLBACK"
    SAVEPOINT = "SAVEPOINT"
    XA_START = "XA START"
    XA_END = "XA END"
    XA_PREPARE = "XA PREPARE"
    XA_COMMIT = "XA COMMIT"
    XA_ROLLBACK = "XA ROLLBACK"
    DATABASE_DDL = "DATABASE DDL"
    TABLE_DDL = "TABLE DDL"
    VIEW_DDL = "VIEW DDL"
    ROUTINE_DDL = "ROUTINE DDL"
    TRIGGER_DDL = "TRIGGER DDL"
    EVENT_DDL = "EVENT DDL"
    TEMPORARY = "TEMPORARY TABLE"
    ACCOUNT = "ACCOUNT"  # users, roles, grants
    MAINTENANCE = "MAINTENANCE"  # changes no data: ANALYZE, OPTIMIZE, FLUSH, …; also an empty statement
    DML = "DML"  # data changed by statement instead of by row
    SERVER_OBJECT = "SERVER OBJECT"  # tablespaces, federated servers, loadable functions: in no schema
    SEQUENCE = "SEQUENCE"  # MariaDB's
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True)
class Statement:
    """`objects` are those that the statement makes, changes or removes (of an index and a new trigger: the table);
    `sources` are tables it depends on (LIKE, REFERENCES); `schemas` are those that a database statement names, or
    that the server says a DML statement changed. `moves_files` marks DISCARD and IMPORT TABLESPACE, `numbers_rows`
    an AUTO_INCREMENT column added to the rows that are there, `reorders_rows` an ALTER TABLE that may also read them in
    another order, as it names an engine or an order. `actions` are those of an ALTER TABLE, `changed` the columns that
    they drop, rename or define again, `defaults` those of which they change the default alone, `rewrites` the words of
    one that may change every column or exchange rows, `moves` old and new names of renamed tables.
    `names` and `schema_at` tell where names stand in the text as `decode` gives it, `conditional` that it says IF
    EXISTS or IF NOT EXISTS.
    `merged` are those of `sources` that a MERGE table is to show.
    `drops_constraint` marks an ALTER TABLE that takes a foreign key away, or a constraint that may be one.
    `atomic_select` marks the CREATE TABLE of a CREATE … SELECT, whose rows follow in the same transaction.
    """

    kind: Kind
    verb: str
    objects: tuple[ObjectName, ...] = ()
    sources: tuple[ObjectName, ...] = ()
    schemas: tuple[str, ...] = ()
    names: tuple[NameAt, ...] = ()
    schema_at: Span | None = None
    conditional: bool = False
    actions: tuple[AlterAction, ...] = ()
    moves: tuple[tuple[ObjectName, ObjectName], ...] = ()
    atomic_select: bool = False
    moves_files: bool = False
    numbers_rows: bool = False
    reorders_rows: bool = False
    problem: str = ""
    merged: tuple[ObjectName, ...] = ()
    changed: tuple[str, ...] = ()
    defaults: tuple[str, ...] = ()
    rewrites: str = ""
    drops_constraint: bool = False

    @property
    def one_table(self) -> ObjectName | None:
        """Return the table that it makes or changes, None where it ends one, names several, or none."""
        if self.kind is not Kind.TABLE_DDL or len(self.objects) != 1 or self.moves or self.verb == "DROP TABLE":
            return None
        return self.objects[0]
