"""The filter of one table, for the definition that its columns have in the log."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from udup.base.errors import Unsupported
from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.filters.columns import NAMES_NEEDED, Collations, of_dictionary, of_log
from udup.drivers.mysql.filters.deciding import Decide, compile_filter
from udup.drivers.mysql.filters.lexer import FilterProblem
from udup.drivers.mysql.filters.meaning import Columns, condition
from udup.drivers.mysql.filters.parser import parse
from udup.drivers.mysql.filters.questions import Answers, Question
from udup.drivers.mysql.filters.tree import column_names
from udup.drivers.mysql.rows.table import Table
from udup.pipeline.selection.selection import Selection

_ANOTHER = "as it chooses other rows, the job needs another ID and a new copy"


@dataclass(frozen=True)
class TableFilter:
    """`places` are those of the columns that it looks at."""

    where: str
    decide: Decide
    questions: tuple[Question, ...]
    places: tuple[int, ...]


def filter_of(selection: Selection, schema: str, table: str) -> str:
    """Return the condition of a table's rows, "" for all of them. `Unsupported` if there are two."""
    found = selection.filters_of(schema, table)
    if len(found) == 1:
        return found[0]
    shown = " and ".join(repr(each) if each else "all of its rows" for each in found)
    raise Unsupported(
        f"{schema}.{table} is chosen by several entries of ReplicateDoDb, for {shown}; write one entry for it, "
        "with all that is wanted of it in one Where"
    )


def compiled(where: str, table: Table, collations: Collations, answers: Answers | None = None) -> TableFilter:
    """Return the filter over the columns that a TABLE_MAP describes. `Unsupported` if they are not what it needs."""
    try:
        tree = parse(where)
        names = {name.casefold() for name in column_names(tree)}
        if any(column.name is None for column in table.columns):
            raise Unsupported(
                f"the log does not name the columns of {table}, and a row filter looks at some; {NAMES_NEEDED}, and "
                "give the job another ID"
            )
        columns = {
            place: of_log(column, collations)
            for place, column in enumerate(table.columns)
            if (column.name or "").casefold() in names
        }
        decide, questions = compile_filter(tree, columns, answers)
    except FilterProblem as error:
        raise refused(str(table), where, error) from error
    return TableFilter(where, decide, tuple(questions), tuple(columns))


def dictionary_condition(selection: Selection, schema: str, table: str, columns: Iterable[Column]) -> str:
    """Return the SQL of the rows that are in the job, for a table as the dictionary describes it; "" for all of them.

    `Unsupported` for a filter that is not carried out.
    """
    where = filter_of(selection, schema, table)
    if not where:
        return ""
    try:
        tree = parse(where)
        names = {name.casefold() for name in column_names(tree)}
        return condition(tree, Columns(of_dictionary(each) for each in columns if each.name.casefold() in names))
    except FilterProblem as error:
        raise refused(f"{schema}.{table}", where, error) from error


def refused(table: str, where: str, problem: object) -> Unsupported:
    """Return the error that a filter is not carried out."""
    return Unsupported(f"the Where of {table} ({where}) {problem}; write another one: {_ANOTHER}")
