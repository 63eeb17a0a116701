"""The words with which statements begin, and what they say of them."""

from __future__ import annotations

from udup.drivers.mysql.ddl.alter_action import AlterAction
from udup.drivers.mysql.ddl.statement import Kind

#: First words that say by themselves what a statement is.
FIRST_WORDS = {
    "BEGIN": Kind.BEGIN,
    "COMMIT": Kind.COMMIT,
    "SAVEPOINT": Kind.SAVEPOINT,
    "RELEASE": Kind.SAVEPOINT,
    "GRANT": Kind.ACCOUNT,
    "REVOKE": Kind.ACCOUNT,
    **dict.fromkeys(("ANALYZE", "OPTIMIZE", "REPAIR", "CHECK", "CHECKSUM", "FLUSH", "CACHE"), Kind.MAINTENANCE),
    **dict.fromkeys(("INSTALL", "UNINSTALL"), Kind.SERVER_OBJECT),
    **dict.fromkeys(
        ("INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "WITH", "SELECT", "DO", "TABLE", "VALUES", "("),
        Kind.DML,
    ),
}

#: What stands between CREATE or ALTER and the word that says what kind of object it is.
MODIFIERS = frozenset(
    {
        "OR",
        "REPLACE",
        "ONLINE",
        "AGGREGATE",
        "UNIQUE",
        "FULLTEXT",
        "SPATIAL",
        "VECTOR",
        "UNDO",
        "JSON",
        "RELATIONAL",
    }
)
MODIFIERS_WITH_VALUE = frozenset({"ALGORITHM", "SQL"})  # ALGORITHM = x, SQL SECURITY x
AFTER_DEFINER = frozenset({"SQL", "VIEW", "AGGREGATE", "PROCEDURE", "FUNCTION", "TRIGGER", "EVENT"})

#: Words that follow ALTER DATABASE when it names no schema.
DATABASE_OPTIONS = frozenset({"CHARACTER", "CHARSET", "COLLATE", "DEFAULT", "ENCRYPTION", "READ"})

#: What an ALTER TABLE does to a column that is there.
OF_ONE_COLUMN = frozenset({AlterAction.DROP_COLUMN, AlterAction.MODIFY_COLUMN, AlterAction.CHANGE_COLUMN})

SERVER_OBJECTS = frozenset({"TABLESPACE", "LOGFILE", "SERVER", "RESOURCE", "INSTANCE", "REFERENCE"})
