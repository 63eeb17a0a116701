"""What of a copy that has not ended stays when another one begins, decided by the source's snapshot of now.

A table stays that was made by the same definition, when the snapshot of before is a part of this one and the source's
log is whole since. Tables that foreign keys with actions tie together stay together, all from one snapshot, or none
does, if the log does not say what they changed: while one is ahead of the other, what the log does to the parent's rows
would change rows of a child that is elsewhere. Other foreign keys only check; rows that are behind are applied without.
Of a table in two goes rows are told by integers; what its server computes from all rows, or refers to others, is not.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from functools import reduce
from itertools import takewhile

import msgspec

from udup.drivers.mysql.binlog.gtid import GtidSet
from udup.drivers.mysql.dictionary.catalog import Catalog, Table
from udup.drivers.mysql.dictionary.copied_before import CopiedTable, Resumable, Segment
from udup.drivers.mysql.dictionary.digests import has_sums
from udup.drivers.mysql.load.create_table import foreign_key_statements, is_converted, is_merge
from udup.drivers.mysql.load.foreign_keys import keys_of
from udup.drivers.mysql.snapshot.schema import same_definition
from udup.pipeline.positions import AheadNote, AheadNotes, RowsBehind, both
from udup.pipeline.selection.selection import Selection

#: A copy of fewer bytes, by the source's estimate, is not worth notes: it is made again as a whole.
WORTH_BYTES = 8 << 20

#: What a foreign key names, as SHOW CREATE TABLE prints it.
_REFERENCES = re.compile(r" REFERENCES (?:`((?:[^`]|``)+)`\.)?`((?:[^`]|``)+)`")

_BITS = {"tinyint": 8, "smallint": 16, "mediumint": 24, "int": 32, "bigint": 64}


def is_worth_it(catalog: Catalog) -> bool:
    return sum(each.rows_estimate * each.row_bytes for each in catalog.tables) >= WORTH_BYTES


def resumables(source: Catalog, there: Catalog, *, logs_cascades: bool) -> tuple[Resumable, ...]:
    """Return what is to be noted of each table; `there` is the same under the target's names.

    `logs_cascades`: the source's log says which rows foreign keys have changed.
    """
    keyed = {(each.schema, each.name) for each in source.tables if foreign_key_statements(each)}
    acting = {(each.schema, each.name) for each in source.tables if not logs_cascades and any(keys_of(each))}
    groups = tied_tables(source.tables)
    tied = {name for group in groups if group & acting for name in group}
    keyed |= {name for group in groups if len(group) > 1 for name in group}
    names = [(each.schema, each.name) for each in source.tables]
    return tuple(
        _resumable(own, other, is_tied=name in tied, has_keys=name in keyed - tied, logs_cascades=logs_cascades)
        for name, own, other in zip(names, source.tables, there.tables, strict=True)
    )


def _resumable(own: Table, there: Table, *, is_tied: bool, has_keys: bool, logs_cascades: bool) -> Resumable:
    if is_merge(own) or is_converted(there) or own.engine.lower() != "innodb" or there.problem or own.period:
        return Resumable()
    # A log that begins to say what foreign keys have changed is another one to the tables that have such.
    said = repr([*(same_definition(each) for each in (own, there)), is_tied, has_keys and logs_cascades])
    found = Resumable(hashlib.sha256(said.encode()).hexdigest(), is_tied=is_tied, has_keys=has_keys)
    if has_sums(own) or own.virtual_keys:
        return msgspec.structs.replace(found, is_summed=True)
    if own.key_index != "PRIMARY" or is_tied or own.computes or own.condition or own.mapped:
        return found
    places = [[column.name for column in own.columns].index(each) for each in own.key]
    places = list(takewhile(lambda place: own.columns[place].kind in _BITS, places))
    columns = [own.columns[place] for place in places]
    bits = [_BITS[each.kind] if "unsigned" in each.column_type else 0 for each in columns]
    key = tuple(each.name for each in columns)
    changes = {"key": key, "columns": tuple(places), "bits": tuple(bits), "has_more": len(key) < len(own.key)}
    return msgspec.structs.replace(found, **changes)


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
    tied = {(own.schema, own.name) for own, one in zip(source.tables, found, strict=True) if one.is_tied}
    for group in tied_tables(source.tables):
        places = {kept[name].segments if name in kept else () for name in group}
        if group & tied and len(places) > 1:
            for name in group:
                kept.pop(name, None)
    names = [(each.schema, each.name) for each in source.tables]
    return tuple(msgspec.structs.replace(one, kept=kept.get(name)) for name, one in zip(names, found, strict=True))


def _stays(one: Resumable, copied: CopiedTable, now: GtidSet, purged: GtidSet) -> bool:
    if not one.definition or one.definition != copied.definition or not copied.segments:
        return False
    if not copied.whole and (one.is_summed if copied.is_read else not one.key):
        return False
    places = [GtidSet.parse(each.position) for each in copied.segments if each.read]
    return bool(places) and all(place <= now and purged <= place for place in places)


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
    notes = [*_notes_of_whole(goes), *(note for go in goes if len(_places(go[2])) > 1 for note in _notes(*go))]
    others = selection.without(_names([table for table, _ in stays]))
    keyed = [table for table, one in stays if one.has_keys]
    rest = AheadNote(others, GtidSet.parse(position), objects=True, unchecked=_names(keyed) if keyed else None)
    return str(begin), AheadNotes([*notes, rest]).merged(begin)


def _segments(one: Resumable, position: str) -> tuple[Segment, ...]:
    assert one.kept is not None
    return tuple(each if each.read else Segment(position, each.up_to) for each in one.kept.segments)


def _notes_of_whole(goes: Iterable[tuple[Table, Resumable, tuple[Segment, ...]]]) -> Iterator[AheadNote]:
    """Yield one note for all tables that were read at one position: each transaction of the log is held against it."""
    tables: dict[str, list[Table]] = {}
    for table, _, segments in goes:
        if len(_places(segments)) == 1:
            tables.setdefault(segments[0].position, []).append(table)
    for position, some in tables.items():
        yield AheadNote(_names(some), GtidSet.parse(position))


def _places(segments: Iterable[Segment]) -> set[str]:
    return {each.position for each in segments}


def _notes(table: Table, one: Resumable, segments: Sequence[Segment]) -> Iterator[AheadNote]:
    group, places = _names([table]), [GtidSet.parse(each.position) for each in segments]
    begins = [None, *(each.up_to for each in segments)]
    ranges = list(zip(begins, (each.up_to for each in segments), strict=False))
    for text in dict.fromkeys(map(str, places)):
        position = GtidSet.parse(text)
        behind = tuple(each for each, place in zip(ranges, places, strict=True) if not position <= place)
        yield AheadNote(group, position, RowsBehind(behind, one.columns, one.bits) if behind else None)


def _names(tables: Iterable[Table]) -> Selection:
    by_schema: dict[str, list[str]] = {}
    for each in tables:
        by_schema.setdefault(each.schema, []).append(each.name)
    return Selection.of(by_schema.items())
