"""The program of a table: which texts its rows become under the options of a subscription."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from json.encoder import encode_basestring as quoted

from udup.base.errors import Unsupported
from udup.drivers.mysql.rows.table import Table
from udup.drivers.mysql.rowtext.facts import NOTHING, ColumnFacts
from udup.drivers.mysql.rowtext.masks import Mask, MaskKind
from udup.drivers.mysql.rowtext.operations import operation_of
from udup.drivers.mysql.rowtext.ops import GENERATED_ONLY, ColumnProgram, Program, TextOp
from udup.drivers.mysql.rowtext.options import ValueOptions

__all__ = ["GENERATED_ONLY", "ColumnProgram", "Program", "TextOp", "program_of"]

#: What Debezium's masks are for: columns whose values are texts. Debezium shows all others as they are.
_TEXTS = frozenset({TextOp.TEXT_UTF8, TextOp.TEXT_BYTES, TextOp.TEXT_OTHER, TextOp.ENUM, TextOp.SET})


def program_of(table: Table, options: ValueOptions, facts: Mapping[str, ColumnFacts] | None = None) -> Program:
    """Return a table's program; `Unsupported` if the log does not say enough about it, or the options do not fit it.

    `facts` are those of the table's columns by name, where they are known.
    """
    columns = []
    plain = []
    for index, column in enumerate(table.columns):
        if column.name is None:
            raise Unsupported(
                f"the log does not say how the columns of {table} are called; run SET PERSIST binlog_row_metadata=FULL"
                " on the source, and give the job another ID, so that it begins behind what was logged before"
            )
        found = operation_of(index, column, options, (facts or {}).get(column.name, NOTHING))
        plain.append(found)
        columns.append(_shaped(found, options, f"{table}.{column.name}"))
    key = _key_places(table, options)
    if not options.quirks:
        _refuse_masked_key(table, [columns[index] for index in key], options)
    return Program(tuple(columns), tuple(plain[index] for index in key))


def _key_places(table: Table, options: ValueOptions) -> tuple[int, ...]:
    named = options.key_of(str(table))
    if named is None:
        return table.key_columns
    places = []
    for name in named:
        place = table.index_of(name)
        if place is None:
            raise Unsupported(
                f"message.key.columns makes the key of {table} of a column {name}, which the table does not have;"
                " name columns that it has"
            )
        places.append(place)
    return tuple(dict.fromkeys(places))


def _shaped(column: ColumnProgram, options: ValueOptions, name: str) -> ColumnProgram:
    """Return the column as the lists and masks have it."""
    if not options.keeps(name):
        return replace(column, kept=False)
    mask = options.mask_of(name)
    if mask is None:
        return column
    if mask.kind is MaskKind.NULL:
        hidden = replace(column, op=TextOp.NULL, null="null", under=column.op, mask=mask)
        return _always(hidden, "null")
    if column.op not in _TEXTS:
        if mask.kind is not MaskKind.TRUNCATE and not options.quirks:
            raise Unsupported(
                f"{name} is masked, and this mask is of texts, so that its values would be shown as they are; give the"
                " column to column.mask.with.null or column.exclude.list, or name the columns that the mask is for"
            )
        return column
    if mask.kind is MaskKind.STARS:
        stars = quoted("*" * mask.length)
        hidden = replace(column, op=TextOp.CONSTANT, texts=(stars,), null=stars, under=column.op, mask=mask)
        return _always(hidden, stars)
    unset = quoted(mask.of("", column.characters)) if column.unset == '""' else column.unset
    return replace(column, op=TextOp.MASKED, under=column.op, mask=mask, unset=unset)


def _always(column: ColumnProgram, text: str) -> ColumnProgram:
    """Return the column with what stands for a value that is not in the image."""
    return replace(column, unavailable=text if column.unavailable else "", unset=text if column.unset else "")


def _refuse_masked_key(table: Table, key: list[ColumnProgram], options: ValueOptions) -> None:
    """Raise `Unsupported` if what is masked in rows would stand in keys as it is."""
    for column in key:
        mask: Mask | None = column.mask
        if mask is not None and mask.kind is not MaskKind.TRUNCATE:
            raise Unsupported(
                f"{table}.{table.columns[column.index].name} is masked, and would stand in the messages' keys as it is;"
                " name other columns in message.key.columns, or take DebeziumQuirks, which has Debezium's keys"
            )
