"""SqlFilter: kinds of changes that a job leaves out on purpose, so that the target differs from the source."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from udup.base.errors import Unsupported


class FilterWord(StrEnum):
    NO_DML = "NoDML"
    NO_INSERT = "NoDMLInsert"
    NO_DELETE = "NoDMLDelete"
    NO_UPDATE = "NoDMLUpdate"
    NO_DDL = "NoDDL"
    NO_CREATE_SCHEMA = "NoDDLCreateSchema"
    NO_CREATE_TABLE = "NoDDLCreateTable"
    NO_DROP_SCHEMA = "NoDDLDropSchema"
    NO_DROP_TABLE = "NoDDLDropTable"
    NO_DROP_INDEX = "NoDDLDropIndex"
    NO_TRUNCATE = "NoDDLTruncate"
    NO_ALTER_TABLE = "NoDDLAlterTable"
    NO_ADD_COLUMN = "NoDDLAlterTableAddColumn"
    NO_DROP_COLUMN = "NoDDLAlterTableDropColumn"
    NO_MODIFY_COLUMN = "NoDDLAlterTableModifyColumn"
    NO_CHANGE_COLUMN = "NoDDLAlterTableChangeColumn"
    NO_ALTER_COLUMN = "NoDDLAlterTableAlterColumn"


#: What a statement is, as its verb names it, to the word that leaves it out.
_STATEMENTS = {
    "CREATE DATABASE": FilterWord.NO_CREATE_SCHEMA,
    "DROP DATABASE": FilterWord.NO_DROP_SCHEMA,
    "CREATE TABLE": FilterWord.NO_CREATE_TABLE,
    "DROP TABLE": FilterWord.NO_DROP_TABLE,
    "DROP INDEX": FilterWord.NO_DROP_INDEX,
    "TRUNCATE TABLE": FilterWord.NO_TRUNCATE,
    "ALTER TABLE": FilterWord.NO_ALTER_TABLE,
}

#: An action of ALTER TABLE to the word that leaves it out.
_ACTIONS = {
    "ADD COLUMN": FilterWord.NO_ADD_COLUMN,
    "DROP COLUMN": FilterWord.NO_DROP_COLUMN,
    "MODIFY COLUMN": FilterWord.NO_MODIFY_COLUMN,
    "CHANGE COLUMN": FilterWord.NO_CHANGE_COLUMN,
    "ALTER COLUMN": FilterWord.NO_ALTER_COLUMN,
    "DROP INDEX": FilterWord.NO_DROP_INDEX,
}


@dataclass(frozen=True)
class SqlFilter:
    """The words that a job gave; none leave everything in."""

    words: frozenset[FilterWord] = frozenset()

    @property
    def inserts(self) -> bool:
        return self._has(FilterWord.NO_DML, FilterWord.NO_INSERT)

    @property
    def updates(self) -> bool:
        return self._has(FilterWord.NO_DML, FilterWord.NO_UPDATE)

    @property
    def deletes(self) -> bool:
        return self._has(FilterWord.NO_DML, FilterWord.NO_DELETE)

    def drops(self, verb: str, actions: Iterable[str] = ()) -> bool:
        """Whether a definition is left out, by its verb (`CREATE TABLE`) and the actions of an ALTER TABLE.

        Raises `Unsupported` where only a part of the actions is: the rest may depend on that part.
        """
        if self._has(FilterWord.NO_DDL):
            return True
        if verb in _STATEMENTS and self._has(_STATEMENTS[verb]):
            return True
        told = [action for action in actions if action]
        out = [action for action in told if action in _ACTIONS and self._has(_ACTIONS[action])]
        if out and len(out) < len(told):
            some, rest = ", ".join(out), ", ".join(action for action in told if action not in out)
            raise Unsupported(
                f"SqlFilter leaves {some} out of a statement that does {rest} as well, and the one may need the other; "
                f"take the word out of SqlFilter, or put in {FilterWord.NO_ALTER_TABLE} to leave out all"
            )
        return bool(out)

    def _has(self, *words: FilterWord) -> bool:
        return any(word in self.words for word in words)

    def __bool__(self) -> bool:
        return bool(self.words)

    def __str__(self) -> str:
        return ", ".join(word for word in FilterWord if word in self.words)
