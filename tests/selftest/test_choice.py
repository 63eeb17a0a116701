"""Which cases keep to schemas of the self-test's own, and what becomes of the names of others."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from udup.selftest import CASES
from udup.selftest.case import Case, read_case, read_cases
from udup.selftest.choice import NOT_BY_STATEMENTS, PREFIX, choose, reaches_further, renamed

#: Cases that do not run on somebody's servers, for each reason there is.
LEFT_OUT = {
    "contexts/prepared_and_large",
    "contexts/zones",
    "ddl_database/accounts",
    "ddl_database/odd_names",
    "ddl_index/histogram",
    "ddl_table/read_only_and_locks",
    "ddl_table/tablespaces",
    "engines/beside_transactions",
    "engines/tablespace_copied",
    "engines/tablespace_made",
    "transactions/gtids",
    "transactions/no_binlog",
    "transactions/xa",
}


def _case(folder: Path, text: str) -> Case:
    path = folder / "topic" / "case.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, "utf-8")
    return read_case(path, folder)


def test_some_cases_are_left_out_and_most_are_not() -> None:
    """Whatever the servers are; which of them a case is meant for, it says itself."""
    cases = [replace(case, unfit=()) for case in read_cases(CASES)]
    left_out = choose(cases).left_out.keys()
    assert left_out >= LEFT_OUT
    assert len(left_out) < len(cases) / 12


def test_all_others_make_schemas_under_the_prefix_alone() -> None:
    cases = choose(read_cases(CASES)).cases
    assert len(cases) > 300
    assert any(case.schemas for case in cases)
    for case in cases:
        assert all(name.startswith(PREFIX) and len(name) <= 64 for name in case.schemas), case
        for step in case.steps:
            for name in re.findall(r"(?:DATABASE|SCHEMA|USE)\s+(?:IF\s+(?:NOT\s+)?EXISTS\s+)?(\w+_\w+)", step.sql):
                assert name.startswith(PREFIX) or step.sql.startswith("SET"), (case.name, step.sql)


def test_a_report_shows_no_path_of_this_machine() -> None:
    assert not [case for case in choose(read_cases(CASES)).cases if case.path.is_absolute()]


def test_what_statements_do_not_carry_is_left_out_where_rows_go_by_them() -> None:
    cases = read_cases(CASES)
    left_out = choose(cases, by_statements=True).left_out
    assert set(NOT_BY_STATEMENTS) <= left_out.keys()
    assert {case.name for case in cases if case.refusal} <= left_out.keys()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE USER x@y",
        "GRANT SELECT ON *.* TO x",
        "SET GLOBAL sql_mode = ''",
        "SET @@GLOBAL.sql_mode = ''",
        "SET PERSIST sql_mode = ''",
        "/* it */ FLUSH TABLES",
        "/*!80000 RESET PERSIST */",
        "-- so\n RESET MASTER",
        "SET gtid_next = 'aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa:7'",
        "SET sql_log_bin = 0",
        "XA START 'a'",
        "CREATE TABLESPACE s ADD DATAFILE 's.ibd'",
        "CREATE TABLE t (id INT) TABLESPACE innodb_system",
        "CREATE TABLE t (id INT) DATA DIRECTORY = '/tmp'",
        "SELECT * FROM t INTO OUTFILE '/tmp/x'",
        "LOAD DATA INFILE 'x' INTO TABLE t",
        "INSERT INTO t SELECT user FROM mysql.user",
        "CREATE SPATIAL REFERENCE SYSTEM 4120 NAME 'x'",
        "CREATE FUNCTION f RETURNS STRING SONAME 'x.so'",
        "PREPARE s FROM 'DROP USER x'",
        "DROP DATABASE somebodys",
        "ALTER SCHEMA somebodys COLLATE utf8mb4_bin",
        "USE somebodys",
        "HANDLER t OPEN",
    ],
)
def test_what_reaches_further_is_left_out(tmp_path: Path, statement: str) -> None:
    assert reaches_further(_case(tmp_path, f"{statement};\n"))


@pytest.mark.parametrize(
    "statement",
    [
        "SET sql_mode = ''",
        "CREATE TABLE t (grants INT, global_id INT)",
        "ALTER DATABASE DEFAULT COLLATE utf8mb4_bin",
        "CREATE DATABASE other_one;\nUSE other_one;\nDROP DATABASE IF EXISTS `other_one`",
        "/* FLUSH TABLES */ INSERT INTO t VALUES (1)",
    ],
)
def test_what_keeps_to_its_schemas_is_not(tmp_path: Path, statement: str) -> None:
    assert not reaches_further(_case(tmp_path, f"{statement};\n"))


def test_further_schemas_are_renamed_wherever_they_are_named(tmp_path: Path) -> None:
    case = renamed(
        _case(
            tmp_path,
            "-- expect: refused my_other.t\n-- where: my_other_t my_other.t.a > 1\nCREATE DATABASE my_other;\n"
            "CREATE VIEW v AS SELECT 'my_other', `my_other`.t.a FROM my_other.t;\n".replace("my_other_t", "t"),
        )
    )
    assert case is not None
    assert case.schemas == ("udup_selftest_my_other",)
    assert case.refusal == "udup_selftest_my_other.t"
    assert case.filters == (("t", "udup_selftest_my_other.t.a > 1"),)
    assert [step.sql for step in case.steps] == [
        "CREATE DATABASE udup_selftest_my_other",
        "CREATE VIEW v AS SELECT 'udup_selftest_my_other', `udup_selftest_my_other`.t.a FROM udup_selftest_my_other.t",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "CREATE DATABASE my_other;\nCREATE TABLE my_other_too (id INT);\n",  # a part of a longer word
        "CREATE DATABASE my_other;\nCREATE TABLE MY_OTHER.t (id INT);\n",  # spelt otherwise
        "CREATE DATABASE other;\nCREATE TABLE other.t (other INT);\n",  # a word that may mean anything
        "CREATE DATABASE `my other_one`;\n",
        f"CREATE DATABASE {'long_name_' * 6};\n",
    ],
)
def test_where_it_is_not_certain_what_names_a_schema_the_case_is_left_out(tmp_path: Path, text: str) -> None:
    case = _case(tmp_path, text)
    assert renamed(case) is None
    assert case.name in choose([case]).left_out


def test_a_case_ends_between_two_kinds_of_servers_as_it_says(tmp_path: Path) -> None:
    text = "-- unfit: from mariadb: it has no such type\n-- refused: to mariadb: has no place there\nDO 1;\n"
    case = _case(tmp_path, text.replace("DO 1", "SELECT 1"))
    assert choose([case], source="mariadb-10.11", target="mysql-8.4").left_out == {case.name: "it has no such type"}
    assert choose([case], source="mysql-8.4", target="mariadb-10.11").cases[0].refusal == "has no place there"
    assert not choose([case], source="mysql-8.4", target="mysql-8.4").cases[0].refusal
