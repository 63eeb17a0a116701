"""What one action of an ALTER TABLE does to the table's columns."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum


class AlterAction(StrEnum):
    ADD_COLUMN = "ADD COLUMN"
    DROP_COLUMN = "DROP COLUMN"
    MODIFY_COLUMN = "MODIFY COLUMN"
    CHANGE_COLUMN = "CHANGE COLUMN"
    ALTER_COLUMN = "ALTER COLUMN"
    DROP_INDEX = "DROP INDEX"
    NONE = ""  # says how, not what: ALGORITHM, LOCK, VALIDATION
    OTHER = "other actions"


_HOW = frozenset({"ALGORITHM", "LOCK", "WITH", "WITHOUT"})

#: What may follow the verb where it is not about a column.
_ADDED = frozenset(
    {"INDEX", "KEY", "UNIQUE", "FULLTEXT", "SPATIAL", "PRIMARY", "CONSTRAINT", "FOREIGN", "CHECK", "PARTITION"}
)
_DROPPED = frozenset({"PRIMARY", "FOREIGN", "CHECK", "CONSTRAINT", "PARTITION"})
_ALTERED = frozenset({"INDEX", "CHECK", "CONSTRAINT"})


def action_of(peek: Callable[[int], str]) -> AlterAction:
    """Return the action that starts here; `peek(n)` is the keyword n words ahead."""
    verb, noun = peek(0), peek(1)
    match verb:
        case "ADD" if noun not in _ADDED:
            return AlterAction.ADD_COLUMN
        case "DROP" if noun in ("INDEX", "KEY"):
            return AlterAction.DROP_INDEX
        case "DROP" if noun not in _DROPPED:
            return AlterAction.DROP_COLUMN
        case "ALTER" if noun not in _ALTERED:
            return AlterAction.ALTER_COLUMN
        case "MODIFY":
            return AlterAction.MODIFY_COLUMN
        case "CHANGE":
            return AlterAction.CHANGE_COLUMN
    return AlterAction.NONE if verb in _HOW else AlterAction.OTHER
