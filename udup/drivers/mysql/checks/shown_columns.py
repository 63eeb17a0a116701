"""Whether the options about columns fit a subscription's tables: a mask that fits no column hides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass

from udup.base.errors import Refused, UdupError, Unsupported
from udup.base.secrets import shown_name
from udup.drivers.mysql.client.connection import MySQLError, connect
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.rows.table import KeyPart, Table
from udup.drivers.mysql.rowtext.options import ValueOptions
from udup.drivers.mysql.rowtext.patterns import parse_patterns
from udup.drivers.mysql.rowtext.program import Program, program_of
from udup.drivers.mysql.rowtext.reader import check_options
from udup.drivers.mysql.snapshot.names import read_base_tables
from udup.drivers.mysql.telling.definitions import TableDefinition, read_definitions
from udup.pipeline.checks import SRC, Check, Finding, Outcome, Rule, apply, failed, warned
from udup.pipeline.ports import DeliveryPlan, JobPlan
from udup.pipeline.selection.selection import Selection

_NAME = "columns"

#: Findings that are told; there may be one for each table.
_SHOWN = 20


@dataclass(frozen=True)
class _Chosen:
    """The job's tables under its names, and what is said of their columns."""

    tables: tuple[Table, ...]
    options: ValueOptions
    said: dict[str, str]


def column_checks(plan: JobPlan, facts: ServerFacts) -> list[Check]:
    """Return whether the tables that are there now fit what is said of columns; nothing where nothing is said."""
    delivery = plan.target.delivery or DeliveryPlan("")
    said = {name: value for name, value in delivery.options.items() if name.startswith("column.")}
    if not said and "message.key.columns" not in delivery.options:
        return []
    try:
        options = check_options(delivery)
        tables = _read(plan, plan.scope.selection.folding(facts.lower_case_table_names != 0))
    except Refused:
        return []  # told as wrong options
    except (UdupError, MySQLError, OSError) as error:
        return [Check(SRC, _NAME, Outcome.WARN, f"were not looked at: {error}", "see that the account may read them")]
    return list(apply(_RULES, SRC, _Chosen(tables, options, said)))[:_SHOWN]


def _read(plan: JobPlan, selection: Selection) -> tuple[Table, ...]:
    found = []
    with closing(connect(plan.source.endpoint)) as connection:
        names = read_base_tables(connection, selection)
        for schema in sorted({schema for schema, _ in names}):
            definitions = read_definitions(connection, schema)
            wanted = [name for of, name in names if of == schema and name in definitions]
            found += [_named(definitions[name], *selection.renamed_table(schema, name)) for name in wanted]
    return tuple(found)


def _named(definition: TableDefinition, schema: str, name: str) -> Table:
    return Table(schema, name, definition.columns, tuple(KeyPart(*part) for part in definition.key))


def _findings(chosen: _Chosen) -> Iterator[Finding]:
    for table in chosen.tables:
        try:
            program = program_of(table, chosen.options)
        except Unsupported as error:
            yield failed(str(error), "change it before the job begins: it would stop at the table's first row")
            continue
        yield from _shown(table, program, chosen.options)
    names = [f"{table}.{column.name}" for table in chosen.tables for column in table.columns]
    for option, text in chosen.said.items():
        for expression in parse_patterns(text).expressions:
            if not any(map(expression.fullmatch, names)):
                yield warned(
                    f"Options.{shown_name(option)}: {expression.pattern!r} fits no column of the tables that there are",
                    "write schema.table.column as the job names them, each dot as \\.",
                )


def _shown(table: Table, program: Program, options: ValueOptions) -> Iterator[Finding]:
    """Yield what is told as it is, though an option seems to say that it is not."""
    for key in program.key:
        column = program.columns[key.index]
        if not column.kept or column.mask is not None:
            name = f"{table}.{table.column_name(key.index)}"
            yield warned(f"{name} stands in keys as it is", "name other columns in message.key.columns")
    for column in program.columns:
        name = f"{table}.{table.column_name(column.index)}"
        if column.kept and column.mask is None and options.mask_of(name):
            yield warned(f"{name} is no text, and is shown whole", "column.mask.with.null hides values of all types")


_RULES: tuple[Rule[_Chosen], ...] = (Rule(_NAME, lambda chosen: f"fit {len(chosen.tables)} tables", _findings),)
