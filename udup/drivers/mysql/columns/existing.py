"""Tables that are on the target already, held against those of a copy that is to fill them.

Without `ApproveHeterogeneous` the columns must be the source's, in its order, since the log's events go by places; the
target may have more behind them. With it they go by their names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from udup.drivers.mysql.apply.column_check import TargetColumn, column_of, difference
from udup.drivers.mysql.client.connection import Connection, query
from udup.drivers.mysql.client.dictionary_columns import with_collations
from udup.drivers.mysql.columns.conversions import Conversion, NoConversion, conversion
from udup.drivers.mysql.dictionary.catalog import Column, Table
from udup.drivers.mysql.dictionary.defaults import depends_on_zone

_SIZES = re.compile(r"\((\d+)(?:,(\d+))?\)")

APPROVE = 'set "ApproveHeterogeneous": true in the Dest\'s Config, which carries rows by value'

#: Collations by number and by name.
_COLLATIONS = "SELECT ID, COLLATION_NAME, CHARACTER_SET_NAME FROM information_schema.COLLATIONS"


@dataclass(frozen=True)
class Collations:
    """The target's: character sets by a collation's number, and numbers by its name."""

    charsets: dict[int, str]
    numbers: dict[str, int]


def read_collations(connection: Connection) -> Collations:
    """Ask the target."""
    listed = query(connection, with_collations(connection, _COLLATIONS))
    rows = [(int(number), str(name), str(charset)) for number, name, charset in listed]
    return Collations({number: charset for number, _, charset in rows}, {name: number for number, name, _ in rows})


def described(column: Column, collations: Collations) -> TargetColumn:
    """Return a column of the source's dictionary in the form of the target's."""
    text = column.column_type
    sizes = _SIZES.search(text)
    first, second = (int(sizes[1]), int(sizes[2] or 0)) if sizes and column.kind not in ("enum", "set") else (0, 0)
    collation = collations.numbers.get(column.collation or "")
    nullable = "YES" if column.nullable else "NO"
    made = column_of(
        (column.name, column.kind, text, column.octets, first, second, first, nullable, column.charset, collation)
    )
    return replace(made, generated=column.generated, default=column.default)


def compared(
    table: Table, theirs: Sequence[TargetColumn], collations: Collations, *, converts: bool
) -> tuple[list[str], tuple[Conversion, ...]]:
    """Return what keeps a table from being filled, and how the values of each stored column get into it."""
    ours = [described(column, collations) for column in table.columns]
    if not converts:
        return list(_by_place(table, ours, theirs, collations)), (Conversion(),) * len(table.stored_columns)
    by_name = {column.name.lower(): column for column in theirs}
    problems = list(_missing(ours, by_name, theirs))
    found = []
    for mine in ours:
        other = by_name.get(mine.name.lower())
        if mine.generated or other is None or other.generated:
            continue
        members = mine.members or None
        how = conversion(mine.definition, members, other, collations.charsets)
        if isinstance(how, NoConversion):
            problems.append(not_carried(other, how))
        else:
            found.append(how)
    problems += _digits([by_name[mine.name.lower()] for mine in ours if mine.name.lower() in by_name])
    problems += _beside_generated(ours, by_name, collations)
    return problems, tuple(found) if not problems else ()


def not_carried(column: TargetColumn, how: NoConversion) -> str:
    """Return what is told of a column whose values do not become those of the target's type."""
    return (
        f"column {column.name} is {column.column_type}{f' in {column.charset}' if column.charset else ''} on the "
        f"target; on the source {how.source}, and such values are not carried into it: ALTER TABLE … MODIFY it there"
    )


def _by_place(
    table: Table, ours: Sequence[TargetColumn], theirs: Sequence[TargetColumn], collations: Collations
) -> Iterator[str]:
    if len(theirs) < len(ours):
        yield f"it has {len(theirs)} columns, and {len(ours)} on the source"
    for place, (mine, other) in enumerate(zip(ours, theirs, strict=False), start=1):
        members = mine.members or None
        unlike = difference(mine.definition, members, other, collations.charsets)
        if not unlike and mine.generated != other.generated:
            unlike = "it is generated" if mine.generated else "it is not generated"
        if unlike:
            charset = f" in {other.charset}" if other.charset else ""
            yield f"column {place} ({other.name}) is {other.column_type}{charset}, and on the source {unlike}"
        elif not mine.generated:
            yield from _other_default(mine, other)
    yield from (_lacking(column) for column in theirs[len(ours) :] if column.lacks_default and not column.generated)
    yield from _digits(theirs[: len(ours)])


def _other_default(mine: TargetColumn, other: TargetColumn) -> Iterator[str]:
    """Yield it where a row that is logged without the column would get another value than on the source."""
    if mine.default is None or other.default is None:
        return
    if mine.default != other.default:
        yield (
            f"column {other.name} has the default {other.default}, and on the source {mine.default}, which a row may "
            "be logged without (binlog_row_image = MINIMAL, of one session too): ALTER COLUMN … SET DEFAULT, or DROP "
            "DEFAULT, to make it the same"
        )
    elif depends_on_zone(other.column_type.partition("(")[0].lower(), other.default):
        yield (
            f"column {other.name} has the default {other.default}, which is another moment in each time zone, and a "
            "row may be logged without it: ALTER COLUMN … DROP DEFAULT, on both sides"
        )


def _missing(
    ours: Sequence[TargetColumn], by_name: dict[str, TargetColumn], theirs: Sequence[TargetColumn]
) -> Iterator[str]:
    names = {column.name.lower(): column for column in ours}
    for mine in ours:
        other = by_name.get(mine.name.lower())
        if other is None:
            yield f"it has no column {mine.name}: ADD it there, or leave it out by ColumnMapFrom"
        elif mine.generated != other.generated:
            yield f"column {mine.name} is generated on one side alone: make it the same on both, or leave it out"
        elif mine.generated and mine.column_type != other.column_type:
            yield f"column {mine.name} is generated, and {mine.column_type} on the source"
    for other in theirs:
        if other.name.lower() not in names and other.lacks_default and not other.generated:
            yield _lacking(other)


def _beside_generated(
    ours: Sequence[TargetColumn], by_name: dict[str, TargetColumn], collations: Collations
) -> Iterator[str]:
    """Yield columns of other types in a table of which a copy compares what is computed, by sums over all values."""
    if not any(mine.generated for mine in ours):
        return
    for mine in ours:
        other = by_name.get(mine.name.lower())
        if other is None or mine.generated:
            continue
        if difference(mine.definition, mine.members or None, other, collations.charsets, by_name=True):
            yield (
                f"column {mine.name} is {other.column_type}, and {mine.column_type} on the source: beside generated "
                "columns, whose values are compared, types must be equal; leave the generated ones out by ColumnMapFrom"
            )


def _lacking(column: TargetColumn) -> str:
    return f"column {column.name}, which the source does not have, has no default: give it one"


def _digits(theirs: Sequence[TargetColumn]) -> Iterator[str]:
    """Yield columns that round what they are assigned; a table that the copy makes gets its digits after the rows."""
    for column in theirs:
        if column.column_type.lower().startswith(("float(", "double(")):
            yield f"column {column.name} is {column.column_type}, which rounds: MODIFY it to one without digits"
