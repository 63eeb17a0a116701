"""Foreign keys that change rows keep tables of a job together; those that only check do not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from udup.drivers.mysql.checks.parts import part_faults, with_tied
from udup.drivers.mysql.client.connection import Connection, connect, query
from udup.drivers.mysql.client.facts import read_facts
from udup.pipeline.ports import Apart, Scope
from udup.pipeline.selection.selection import Selection
from udup.sandbox.server import MysqlServer


@pytest.fixture
def connection(source: MysqlServer, schema: str) -> Iterator[Connection]:
    """A chain of tables: `b` changes with `a`, `c` with `b`; `d` looks at `a`."""
    with closing(connect(source.endpoint)) as connection:
        query(connection, f"CREATE DATABASE {schema}")
        query(connection, f"CREATE TABLE {schema}.a (id INT PRIMARY KEY)")
        for child, parent, rule in (("b", "a", "DELETE CASCADE"), ("c", "b", "UPDATE SET NULL"), ("d", "a", "")):
            foreign = f"FOREIGN KEY (p) REFERENCES {schema}.{parent} (id) {f'ON {rule}' if rule else ''}"
            query(connection, f"CREATE TABLE {schema}.{child} (id INT PRIMARY KEY, p INT, {foreign})")
        yield connection


@pytest.mark.parametrize("parent_is_new", [False, True])
@pytest.mark.parametrize(("child", "parent", "refused"), [("b", "a", True), ("c", "b", True), ("d", "a", False)])
def test_what_changes_rows_between_two_parts_is_refused_whichever_is_new(
    connection: Connection, schema: str, child: str, parent: str, refused: bool, parent_is_new: bool
) -> None:
    new, other = (Selection.of([(schema, [each])]) for each in ((parent, child) if parent_is_new else (child, parent)))
    whole = Selection.of([(schema, [])])
    facts = read_facts(connection)
    found = part_faults(connection, facts, Scope(new, apart=Apart(other, whole, is_new=True)))
    assert [f"reload ID {schema}.{child} {schema}.{parent}" in each.remedy for each in found] == [True] * refused
    assert part_faults(connection, facts, Scope(other, apart=Apart(new, whole, is_new=False))) == []


def test_tables_that_change_with_each_other_are_loaded_again_together(
    connection: Connection, source: MysqlServer, schema: str
) -> None:
    def tied(*tables: str, job: tuple[str, ...] = ()) -> set[str]:
        names = [f"{schema}.{each}" for each in tables]
        found = with_tied(source.endpoint, Selection.of([(schema, list(job))]), names)
        return {each.removeprefix(f"{schema}.") for each in found}

    assert tied("a") == tied("c") == {"a", "b", "c"} and tied("d") == {"d"} and tied() == set()
    assert tied("c", job=("a", "c", "d")) == {"c"}, "what is not in the job is not loaded"
