"""What a consumer has who reads every message in order: tables, changed only as the messages say.

It accepts nothing that does not follow on what it has: a row that is there already, an image before a change that is
not what the row was, an ID that comes twice. Definitions are followed by their statements, as the tests' own writers
put them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.subscriptions.world import Event

Row = dict[str, Any]

_NAME = r"`([^`]+)`"
_ADD = re.compile(rf"ALTER TABLE {_NAME} ADD COLUMN {_NAME} ")
_DROP_COLUMN = re.compile(rf"ALTER TABLE {_NAME} DROP COLUMN {_NAME}")
_RENAME_COLUMN = re.compile(rf"ALTER TABLE {_NAME} RENAME COLUMN {_NAME} TO {_NAME}")
_RENAME = re.compile(rf"RENAME TABLE {_NAME} TO {_NAME}")
_DROP = re.compile(rf"DROP TABLE {_NAME}")
_CREATE = re.compile(rf"CREATE TABLE {_NAME}")


class Unlikely(AssertionError):
    """A message that does not follow on the ones before it."""


@dataclass
class Rows:
    """Of one table: by the text of the key, or how often each row is there, by its text."""

    keyed: dict[str, Row] = field(default_factory=dict)
    loose: Counter[str] = field(default_factory=Counter)

    def all(self) -> list[Row]:
        return [*self.keyed.values(), *(json.loads(text) for text in self.loose.elements())]

    def change(self, one: Callable[[Row], Row]) -> None:
        self.keyed = {key: one(row) for key, row in self.keyed.items()}
        loose: Counter[str] = Counter()
        for text, count in self.loose.items():
            loose[_text(one(json.loads(text)))] += count
        self.loose = loose


@dataclass
class Consumer:
    """Of the messages of one schema."""

    tables: dict[str, Rows] = field(default_factory=dict)
    ids: set[str] = field(default_factory=set)
    operations: Counter[str] = field(default_factory=Counter)
    statements: list[str] = field(default_factory=list)

    def take(self, events: Iterable[Event]) -> None:
        for event in events:
            if not event.id or event.id in self.ids:
                raise Unlikely(f"{event.subject}: the ID {event.id!r} is none, or comes twice")
            self.ids.add(event.id)
            if event.value is None:
                continue  # a tombstone
            if "ddl" in event.value:
                self.operations["ddl"] += 1
                self.statements.append(f"{event.id}: {event.value['ddl']}")
                self._define(event.value["ddl"])
            else:
                self.operations[event.op] += 1
                self._row(event)

    def _row(self, event: Event) -> None:
        rows = self.tables.setdefault(event.value["source"]["table"], Rows())
        if event.op == "t":
            self.statements.append(f"{event.id}: truncated")
            rows.keyed.clear()
            rows.loose.clear()
            return
        before, after = event.value["before"], event.value["after"]
        if (
            event.op not in ("c", "r", "u", "d")
            or (before is None) != (event.op in "cr")
            or (after is None) != (event.op == "d")
        ):
            raise Unlikely(f"{event.id}: {event.op} has {before} and {after}")
        take = self._loose if event.key is None else self._keyed
        take(rows, event, before, after)

    @staticmethod
    def _keyed(rows: Rows, event: Event, before: Row | None, after: Row | None) -> None:
        key = _text(event.key)
        is_there = rows.keyed.get(key)
        if is_there != before:
            raise Unlikely(f"{event.id} of {event.subject}: {_difference(is_there, before)}")
        if after is None:
            del rows.keyed[key]
        else:
            if any(after[name] != value for name, value in event.key.items()):
                raise Unlikely(f"{event.id}: {event.key} is no key of {after}")
            rows.keyed[key] = after

    @staticmethod
    def _loose(rows: Rows, event: Event, before: Row | None, after: Row | None) -> None:
        if before is not None:
            text = _text(before)
            if not rows.loose[text]:
                raise Unlikely(f"{event.id} of {event.subject}: there is no row {text}")
            rows.loose[text] -= 1
            if not rows.loose[text]:
                del rows.loose[text]
        if after is not None:
            rows.loose[_text(after)] += 1

    def _define(self, statement: str) -> None:
        if found := _ADD.match(statement):
            self._of(found[1]).change(lambda row: row | {found[2]: None})
        elif found := _DROP_COLUMN.match(statement):
            self._of(found[1]).change(lambda row: {name: row[name] for name in row if name != found[2]})
        elif found := _RENAME_COLUMN.match(statement):
            old, new = found[2], found[3]
            self._of(found[1]).change(lambda row: {new if name == old else name: row[name] for name in row})
        elif found := _RENAME.match(statement):
            self.tables[found[2]] = self.tables.pop(found[1], Rows())
        elif found := _DROP.match(statement):
            self.tables.pop(found[1], None)
        elif found := _CREATE.match(statement):
            if self.tables.get(found[1], Rows()).all():
                raise Unlikely(f"{statement}: the table is there")
            self.tables[found[1]] = Rows()

    def _of(self, table: str) -> Rows:
        return self.tables.setdefault(table, Rows())


def _difference(is_there: Row | None, before: Row | None) -> str:
    if is_there is None or before is None:
        return f"the row is {is_there}, and before it was {before}"
    names = [name for name in {**is_there, **before} if is_there.get(name, ...) != before.get(name, ...)]
    return "; ".join(f"{name} is {is_there.get(name, '-')!r}, and was {before.get(name, '-')!r}" for name in names)


def _text(value: Any) -> str:
    return json.dumps(value, sort_keys=True)
