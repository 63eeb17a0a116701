"""What of a copy that has not ended stays when another one begins, decided by the source's snapshot of now.

A table stays that was made by the same definition, when the snapshot of before is a part of this one and the source's
log is whole since. Tables that foreign keys tie together stay together, all from one snapshot, or none does: while one
is ahead of the other, what the log does to the parent's rows would change or refuse rows of a child that is elsewhere.
Of a table in two goes rows are told by an integer; what its server computes from all rows, or refers to others, is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.copied_before import CopiedTable, Resumable, Segment
from udup.drivers.mysql.load.create_table import foreign_key_statements, is_converted, is_merge
from udup.drivers.mysql.snapshot.schema import same_definition
from udup.pipeline.positions import AheadNote, AheadNotes, RowsUpTo, both
from udup.pipeline.selection.selection import Selection

#: A copy of fewer bytes, by the source's estimate, is not worth notes: it is made again as a whole.
WORTH_BYTES = 8 << 20

#: What a foreign key names, as SHOW CREATE TABLE prints it.
_REFERENCES = re.compile(r" REFERENCES (?:`((?:[^`]|``)+)`\.)?`((?:[^`]|``)+)`")

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def is_worth_it(catalog: Catalog) -> bool:
    return sum(each.rows_estimate * each.row_bytes for each in catalog.tables) >= WORTH_BYTES


def resumables(source: Catalog, there: Catalog) -> tuple[Resumable, ...]:
    """Return what is to be noted of each table; `there` is the same under the target's names."""
    tied = {name for group in tied_tables(source.tables) for name in group if len(group) > 1}
    tied |= {(each.schema, each.name) for each in source.tables if foreign_key_statements(each)}
    return tuple(
        _resumable(own, other, is_tied=(own.schema, own.name) in tied)
        for own, other in zip(source.tables, there.tables, strict=True)
    )


def _resumable(own: Table, there: Table, *, is_tied: bool) -> Resumable:
    if is_merge(own) or is_converted(there) or own.engine.lower() != "innodb" or there.problem or own.period:
        return Resumable()
    said = repr([same_definition(each) for each in (own, there)])
    definition = hashlib.sha256(said.encode()).hexdigest()
    names = [column.name for column in own.columns]
    if not own.key or own.key_index != "PRIMARY" or is_tied or own.computes or own.virtual_keys or own.condition:
        return Resumable(definition)
    place = names.index(own.key[0])
    column = own.columns[place]
    if column.kind not in _BITS or own.mapped or any(each.generated for each in own.columns):
        return Resumable(definition)
    bits = _BITS[column.kind] if "unsigned" in column.column_type else 0
    return Resumable(definition, True, column.name, len(own.key), place, bits)


def tied_tables(tables: Sequence[Table]) -> list[set[tuple[str, str]]]:
    """Return the groups of tables that foreign keys tie together, by the names of their schemas and tables."""
    names = {(each.schema, each.name) for each in tables}
    groups: dict[tuple[str, str], set[tuple[str, str]]] = {name: {name} for name in names}
    for table in tables:
        for parent in names & set(_parents(table)):
            smaller, larger = sorted((groups[table.schema, table.name], groups[parent]), key=len)
            if smaller is not larger:
                larger |= smaller
                groups.update(dict.fromkeys(smaller, larger))
    return list({id(each): each for each in groups.values()}.values())


def _parents(table: Table) -> Iterator[tuple[str, str]]:
    """Yield the tables that foreign keys of a table name."""
    for statement in foreign_key_statements(table):
        for schema, name in _REFERENCES.findall(statement):
            plain = name.replace("``", "`")
            yield (schema.replace("``", "`"), plain) if schema else (table.schema, plain)


def decided(
    source: Catalog,
    found: Sequence[Resumable],
    before: Iterable[CopiedTable],
    there: Catalog,
    position: str,
    purged: str,
) -> tuple[Resumable, ...]:
    """Return the same with what of each table stays."""
    noted = {(each.schema, each.name): each for each in before}
    now, gone = GtidSet.parse(position), GtidSet.parse(purged)
    kept: dict[tuple[str, str], CopiedTable] = {}
    for own, other, one in zip(source.tables, there.tables, found, strict=True):
        copied = noted.get((other.schema, other.name))
        if copied is not None and _stays(one, copied, now, gone):
            kept[own.schema, own.name] = copied
    for group in tied_tables(source.tables):
        places = {kept[name].segments if name in kept else () for name in group}
        if len(group) > 1 and len(places) > 1:
            for name in group:
                kept.pop(name, None)
    names = [(each.schema, each.name) for each in source.tables]
    return tuple(
        Resumable(one.definition, one.by_key, one.key, one.keys, one.column, one.bits, kept.get(name))
        for name, one in zip(names, found, strict=True)
    )


def _stays(one: Resumable, copied: CopiedTable, now: GtidSet, purged: GtidSet) -> bool:
    if not one.definition or one.definition != copied.definition or not copied.segments:
        return False
    if not copied.whole and (not one.by_key or copied.segments[-1].up_to is None):
        return False
    places = [GtidSet.parse(each.position) for each in copied.segments]
    return all(place <= now and purged <= place for place in places)


def log_after(
    source: Catalog, found: Sequence[Resumable], position: str, selection: Selection
) -> tuple[str, AheadNotes]:
    """Return from where the log is to be read behind a copy of which this stays, and what of it is left out."""
    stays = [(each, one) for each, one in zip(source.tables, found, strict=True) if one.kept is not None]
    if not stays:
        return position, AheadNotes()
    goes = [(table, one, _segments(one, position)) for table, one in stays]
    places = [GtidSet.parse(each.position) for _, _, segments in goes for each in segments]
    begin = reduce(both, places, GtidSet.parse(position))
    notes = [*_notes_of_whole(goes), *(note for go in goes if len(go[2]) > 1 for note in _notes(*go))]
    others = selection.without(_names([table for table, _ in stays]))
    rest = AheadNote(others, GtidSet.parse(position), objects=True)
    return str(begin), AheadNotes([*notes, rest]).merged(begin)


def _segments(one: Resumable, position: str) -> tuple[Segment, ...]:
    assert one.kept is not None
    return one.kept.segments if one.kept.whole else (*one.kept.segments, Segment(position))


def _notes_of_whole(goes: Iterable[tuple[Table, Resumable, tuple[Segment, ...]]]) -> Iterator[AheadNote]:
    """Yield one note for all tables that were read at one position: each transaction of the log is held against it."""
    tables: dict[str, list[Table]] = {}
    for table, _, segments in goes:
        if len(segments) == 1:
            tables.setdefault(segments[0].position, []).append(table)
    for position, some in tables.items():
        yield AheadNote(_names(some), GtidSet.parse(position))


def _notes(table: Table, one: Resumable, segments: Sequence[Segment]) -> Iterator[AheadNote]:
    group, rows = _names([table]), None
    for each in segments:
        yield AheadNote(group, GtidSet.parse(each.position), rows)
        rows = None if each.up_to is None else RowsUpTo(each.up_to, one.column, one.bits)


def _names(tables: Iterable[Table]) -> Selection:
    by_schema: dict[str, list[str]] = {}
    for each in tables:
        by_schema.setdefault(each.schema, []).append(each.name)
    return Selection.of(by_schema.items())
