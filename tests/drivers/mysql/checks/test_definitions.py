"""What a validation says of definitions before a copy makes them in the other family; no server."""

from __future__ import annotations

from dataclasses import replace

from udup.drivers.mysql.checks.definitions import Definitions, definition_checks
from udup.drivers.mysql.dictionary.catalog import Catalog, Schema, Table
from udup.drivers.mysql.mariadb.collations import Server
from udup.pipeline.checks import Outcome

_MYSQL, _MARIADB = Server.of("9.7.4"), Server.of("11.8.9-MariaDB")


def _table(name: str, items: str, engine: str = "InnoDB") -> Table:
    create = f"CREATE TABLE `{name}` (\n  {items}\n) ENGINE={engine}"
    return Table("s", name, (), (), 0, 0, create)


def _side(source: Server, target: Server, *tables: Table) -> Definitions:
    return Definitions(Catalog((Schema("s", "CREATE DATABASE `s`"),), tables, ()), source, target, ["InnoDB"])


def _told(side: Definitions) -> list[tuple[Outcome, str]]:
    return [(each.outcome, each.found) for each in definition_checks(side)]


def test_what_the_target_cannot_have_is_told_with_table_and_column() -> None:
    ends = "`c` timestamp(6) GENERATED ALWAYS AS ROW START"
    side = _side(_MARIADB, _MYSQL, _table("t", f"`id` int,\n  {ends}"), _table("u", "`u` uuid"))
    (failed, told) = _told(side)
    assert failed[0] is Outcome.FAIL and failed[1].startswith("s.t, column c: a column of SYSTEM VERSIONING")
    assert told == (Outcome.WARN, "s.u, column u: UUID is BINARY(16) on the target, which has no such type")


def test_engines_and_accounts_are_told_too() -> None:
    side = replace(_side(_MYSQL, _MARIADB, _table("b", "`id` int", "BLACKHOLE")), accounts=True)
    assert [each for _, each in _told(side)] == [
        "accounts are not carried between MySQL and MariaDB, which keep passwords and rights otherwise",
        "s.b: the target has not the storage engine BLACKHOLE",
    ]


def test_many_faults_are_told_by_their_number() -> None:
    tables = [_table(f"t{number}", "`c` timestamp(6) GENERATED ALWAYS AS ROW START") for number in range(25)]
    told = _told(_side(_MARIADB, _MYSQL, *tables))
    assert len(told) == 21 and told[-1] == (Outcome.FAIL, "5 more like these")


def test_nothing_is_wrong_with_what_both_know() -> None:
    assert _told(_side(_MYSQL, _MARIADB, _table("t", "`id` int NOT NULL"))) == [
        (Outcome.PASS, "all of the job's can be made there")
    ]
