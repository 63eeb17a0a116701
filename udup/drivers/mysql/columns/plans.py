"""Rows of the log for a target's table that has other columns than the source's: found by name, carried by value."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from udup.base.causes import Cause, reason
from udup.base.errors import Conflict, Divergence, Unsupported
from udup.drivers.mysql.apply.column_check import TargetColumn, members_as_shown, target_columns
from udup.drivers.mysql.binlog.table_definition import ColumnDefinition
from udup.drivers.mysql.binlog.table_map import TableName
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.columns.conversions import Conversion, NoConversion, conversion, text_of
from udup.drivers.mysql.columns.existing import not_carried, read_collations
from udup.drivers.mysql.rows.codec import RowCodec
from udup.drivers.mysql.rows.showing import text_of as shown
from udup.drivers.mysql.rows.values import ABSENT, Change, JsonPatch, Row
from udup.drivers.mysql.statements.plan import TablePlan, read_plan

NAMES_NEEDED = "binlog_row_metadata = 'FULL' on the source, and give the job another ID"
#: The value stays in the log, whatever becomes of it on the source.
WIDEN = (
    "widen the column on the target (ALTER TABLE … MODIFY); or pass over the transaction (udup job skip, as the job's "
    "reason says) and bring its other rows by hand"
)


@dataclass(frozen=True)
class ConvertedPlan:
    """`plan` has the target's columns in the order of the log's, `conversions` how values get into each."""

    plan: TablePlan
    conversions: tuple[Conversion, ...]

    def check(self, changes: Sequence[Change]) -> None:
        """Raise `Conflict` for the first value that the target's column does not hold exactly.

        A run of one transaction at a time then tells which it is of.
        """
        checked = [(place, each) for place, each in enumerate(self.conversions) if each.looks]
        for before, after in changes:
            if after is None:
                continue
            if before is None and ABSENT in after:
                self._check_whole(after)
            for place, how in checked:
                self._check_value(place, how, before if before is not None else after, after)

    def _check_value(self, place: int, how: Conversion, key: Row, after: Row) -> None:
        value = after[place]
        if value is ABSENT or isinstance(value, JsonPatch):
            return
        column = self.plan.columns[place].definition
        if how.takes_null if value is None else how.fits is None or how.fits(text_of(column, value)):
            return
        name = str(self.plan.table)
        raise Conflict(
            f"table {name}, {self._row(key)}: {column.name} is {_short(shown(column, value))}, which is no value of "
            f"the target's {how.shown}{'' if how.takes_null else ' NOT NULL'}; {WIDEN}",
            table=name,
        ).because(reason(Cause.ROW_DIFFERS, {"table": name, "column": column.name}, key=self._row(key)))

    def _check_whole(self, row: Row) -> None:
        """An INSERT without a column would get the target's default, which may be another one than the source's."""
        for column, value in zip(self.plan.columns, row, strict=True):
            if value is ABSENT and not column.generated:
                raise Unsupported(
                    f"table {self.plan.table}: a row was inserted and logged without {column.definition.name}, whose "
                    "default may be another one on the target; SET PERSIST binlog_row_image = 'FULL' on the source, "
                    "have its clients connect again, and give the job another ID"
                )

    def _row(self, row: Row) -> str:
        columns = self.plan.columns
        places = [place for place in self.plan.key if row[place] is not ABSENT]
        places = places or [place for place, value in enumerate(row) if value is not ABSENT][:3]
        return "the row " + ", ".join(
            f"{columns[each].definition.name} = {_short(shown(columns[each].definition, row[each]))}" for each in places
        )


def _short(text: str) -> str:
    return text if len(text) <= 64 else text[:64] + "…"


def check_converted(
    connection: Connection, table: TableName, columns: Sequence[ColumnDefinition], computed: Collection[str] = ()
) -> tuple[tuple[TargetColumn, Conversion], ...]:
    """Return the target's column of each of the log's, and how values get into it. `Unsupported` says why not.

    `computed`: columns, in lower case, that the target computes and the source does not.
    """
    theirs = target_columns(connection, table.schema, table.table)
    if not theirs:
        raise Divergence(
            f"table {table} has rows in the source's log and is not on the target; make it there as it was on the "
            "source at that transaction and resume the job, or give the job another ID, so that it is copied",
            table=str(table),
        ).because(reason(Cause.TABLE_MISSING, {"table": table}))
    by_name = {column.name.lower(): column for column in theirs}
    charsets = read_collations(connection).charsets
    found = []
    for ordinal, mine in enumerate(columns, start=1):
        if mine.name is None:
            raise Unsupported(
                f"table {table}: the log does not name its columns, and by ApproveHeterogeneous rows go by names; "
                f"SET PERSIST {NAMES_NEEDED}"
            )
        other = by_name.get(mine.name.lower())
        if other is None:
            raise Unsupported(
                f"table {table} has no column {mine.name} on the target (column {ordinal} of the source's); ADD it "
                "there, then resume the job"
            )
        if other.generated and mine.name.lower() in computed:
            raise Unsupported(
                f"table {table}: the target computes column {other.name}, which the source does not, so its values "
                "would be lost; make it an ordinary one there (ALTER TABLE … MODIFY), then resume the job"
            )
        how = conversion(mine, members_as_shown(connection, mine, charsets), other, charsets)
        if isinstance(how, NoConversion):
            raise Unsupported(f"table {table}: {not_carried(other, how)}, then resume the job")
        found.append((other, how))
    names = {(column.name or "").lower() for column in columns}
    for other in theirs:
        if other.name.lower() not in names and other.lacks_default and not other.generated:
            raise Unsupported(
                f"table {table}: column {other.name} of the target, which the source does not have, has no default; "
                "give it one there, then resume the job"
            )
    return tuple(found)


def read_converted_plan(connection: Connection, table: TableName, codec: RowCodec) -> ConvertedPlan:
    """Return how rows of the log get into a table of the target, asked now."""
    columns = codec.table.columns
    found = check_converted(connection, table, columns)
    plan = read_plan(connection, table, columns, names=[other.name for other, _ in found])
    texts = tuple(replace(column, texts=how.texts) for column, (_, how) in zip(plan.columns, found, strict=True))
    return ConvertedPlan(replace(plan, columns=texts), tuple(how for _, how in found))
