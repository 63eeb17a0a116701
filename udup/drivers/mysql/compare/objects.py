"""Which views, routines, triggers and events of a job the target lacks, has otherwise, or has alone; which tables too.

Their texts are compared where both servers print them alike and nothing has another name. An event is to be disabled
on the target while the job replicates.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.names import qualified
from udup.drivers.mysql.compare.shapes import Pairing
from udup.drivers.mysql.compare.unlike import SHOWN
from udup.drivers.mysql.dictionary.catalog import Catalog, StoredObject
from udup.drivers.mysql.snapshot.stored import read_objects
from udup.pipeline.ports.compare import DefinitionDifference, Kind
from udup.pipeline.selection.renames import Name
from udup.pipeline.selection.selection import Selection

_EVENT_STATE = re.compile(r"(ON COMPLETION (?:NOT )?PRESERVE) (?:ENABLE|DISABLE(?: ON (?:SLAVE|REPLICA))?)")
_DEFINER = re.compile(r" DEFINER=\S+(?: |(?=\n))")

_TABLES = (
    "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s"
    " AND TABLE_TYPE IN ('BASE TABLE', 'SYSTEM VERSIONED')"
)
_ENABLED = "SELECT EVENT_NAME FROM information_schema.EVENTS WHERE EVENT_SCHEMA = %s AND STATUS = 'ENABLED'"

_Key = tuple[str, str, str]


@dataclass(frozen=True)
class Others:
    """What of a job is beside its tables. `catalog` has the source's, `there` the same as the job means it.

    `tables` are those that the target is to have.
    """

    catalog: Catalog
    there: Catalog
    selection: Selection
    pairing: Pairing
    tables: frozenset[Name]

    def found(self, target: Connection) -> list[DefinitionDifference]:
        """Return what the target lacks, has otherwise, or has alone."""
        ours = {_key(each): each for each in self.there.objects}
        found: list[DefinitionDifference] = []
        for source, there in zip(self.catalog.schemas, self.there.schemas, strict=True):
            theirs = {_key(each): each for each in self._stored(target, there.name)}
            enabled = {str(name) for (name,) in query(target, _ENABLED, there.name)}
            own = {key: each for key, each in ours.items() if each.schema == there.name}
            found += [_missing(each) for key, each in own.items() if key not in theirs]
            for key in own.keys() & theirs.keys():
                found += self._unlike(own[key], theirs[key], enabled)
            alone = (each for key, each in theirs.items() if key not in ours)
            found += [_extra(each) for each in alone if self._is_the_jobs(source.name, each)]
            found += self._alone(target, source.name, there.name)
        return sorted(found, key=lambda each: (each.table, each.what))

    def _stored(self, target: Connection, schema: str) -> list[StoredObject]:
        """Return what of a schema can be read."""
        return read_objects(target, schema, Selection.of([(schema, [])]), [])

    def _unlike(self, ours: StoredObject, theirs: StoredObject, enabled: set[str]) -> Iterator[DefinitionDifference]:
        if ours.kind == "EVENT" and theirs.name in enabled:
            remedy = f"ALTER EVENT {qualified(theirs.schema, theirs.name)} DISABLE"
            shown = "disabled on the target while the job replicates", "enabled"
            yield DefinitionDifference(_title(ours), "", Kind.DIFFERS, *shown, remedy=remedy)
        if not self.pairing.alike or self.selection.renames or ours.stale or theirs.stale:
            return
        one, other = _text(ours), _text(theirs)
        if one != other:
            yield DefinitionDifference(_title(ours), "", Kind.DIFFERS, *_cut(one, other), remedy=_make(ours))
        elif ours.sql_mode != theirs.sql_mode:
            shown = f"sql_mode {ours.sql_mode!r}", f"sql_mode {theirs.sql_mode!r}"
            yield DefinitionDifference(_title(ours), "", Kind.DIFFERS, *shown, remedy=_make(ours))

    def _is_the_jobs(self, schema: str, theirs: StoredObject) -> bool:
        """Return whether the job would have the source's of this name."""
        if theirs.kind == "TRIGGER":
            return (theirs.schema, theirs.table) in self.tables
        if theirs.kind == "VIEW":
            return self._would_have(schema, theirs.schema, theirs.name)
        return self.selection.wants_stored(schema)

    def _would_have(self, schema: str, there: str, name: str) -> bool:
        wants = self.selection.wants(schema, name)
        return wants and self.selection.renamed_table(schema, name) == (there, name)

    def _alone(self, target: Connection, schema: str, there: str) -> Iterator[DefinitionDifference]:
        for (name,) in query(target, _TABLES, there):
            if (there, name) not in self.tables and self._would_have(schema, there, str(name)):
                yield DefinitionDifference(f"{there}.{name}", "", Kind.EXTRA, counts=False)


def _key(stored: StoredObject) -> _Key:
    return stored.kind, stored.schema, stored.name.lower() if stored.kind != "VIEW" else stored.name


def _title(stored: StoredObject) -> str:
    return f"{stored.kind.lower()} {stored.schema}.{stored.name}"


def _make(stored: StoredObject) -> str:
    return f"make it there as the source shows it: SHOW CREATE {stored.kind} {qualified(stored.schema, stored.name)}"


def _missing(stored: StoredObject) -> DefinitionDifference:
    """Triggers are no fault: where rows come by statements a cut-over makes them."""
    return DefinitionDifference(_title(stored), "", Kind.MISSING, counts=stored.kind != "TRIGGER", remedy=_make(stored))


def _extra(stored: StoredObject) -> DefinitionDifference:
    """A trigger changes rows that the source's does not."""
    counts = stored.kind == "TRIGGER"
    remedy = f"DROP TRIGGER {qualified(stored.schema, stored.name)}" if counts else ""
    return DefinitionDifference(_title(stored), "", Kind.EXTRA, counts=counts, remedy=remedy)


def _text(stored: StoredObject) -> str:
    return _DEFINER.sub(" ", _EVENT_STATE.sub(r"\1", stored.sql), count=1)


def _cut(one: str, other: str) -> tuple[str, str]:
    """Return where two texts begin to differ."""
    at = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, at - 20)
    return tuple(f"{'…' if start else ''}{text[start : start + SHOWN]}" for text in (one, other))  # type: ignore[return-value]
