"""DDL is translated where it is certain, and stops the job where it is not."""

from __future__ import annotations

import pytest

from udup.drivers.oracle.ddl import Action, Ddl, UnknownDdl, parse_ddl
from udup.drivers.oracle.types import OracleColumn, mapped


@pytest.mark.parametrize(
    ("sql", "action", "names"),
    [
        ("TRUNCATE TABLE orders;", Action.TRUNCATE, ()),
        ('truncate table "SHOP"."ORDERS" reuse storage', Action.TRUNCATE, ()),
        ("drop table shop.orders cascade constraints purge", Action.DROP_TABLE, ()),
        ('drop table orders AS "BIN$x5Kx==$0" ;', Action.DROP_TABLE, ()),
        ("alter table orders drop column note", Action.DROP, ("NOTE",)),
        ('ALTER TABLE "SHOP"."ORDERS" DROP ("note", total)\0', Action.DROP, ("note", "TOTAL")),
        ("alter table orders rename column note to remark", Action.RENAME_COLUMN, ("NOTE", "REMARK")),
        ("alter table orders rename to old_orders", Action.RENAME, ("OLD_ORDERS",)),
        ("rename orders to old_orders", Action.RENAME, ("OLD_ORDERS",)),
        ('ALTER TABLE "SHOP"."ORDERS" RENAME TO "BIN$x5Kx==$0"', Action.NOTHING, ("BIN$x5Kx==$0",)),
        ("create table shop.orders (id number primary key, note varchar2(20) as ('x'))", Action.CREATE, ()),
        ("create unique index i on orders (note)", Action.NOTHING, ()),
        ("create global temporary table orders (id number)", Action.CREATE_TEMPORARY, ()),
        ("create or replace force editionable view orders as select 1 from dual", Action.NOTHING, ()),
        ("CREATE OR REPLACE TRIGGER t BEFORE INSERT ON orders BEGIN NULL; END;", Action.NOTHING, ()),
        ("drop sequence s", Action.NOTHING, ()),
        ("alter package p compile body", Action.NOTHING, ()),
        ("comment on column orders.note is 'it''s'", Action.NOTHING, ()),
        ("alter table orders add supplemental log data (all) columns", Action.NOTHING, ()),
        ("alter table orders add constraint c check (id > 0)", Action.NOTHING, ()),
        ("/* a tool */ truncate table orders -- now", Action.TRUNCATE, ()),
    ],
)
def test_a_statement_does_what_it_says(sql: str, action: Action, names: tuple[str, ...]) -> None:
    assert parse_ddl(sql, "SHOP", "ORDERS") == Ddl(action, "SHOP", "ORDERS", names=names)


@pytest.mark.parametrize(
    ("written", "there"),
    [
        ("number", "decimal(65,30)"),
        ("number(9)", "int"),
        ("number(10,2)", "decimal(10,2)"),
        ("number(*,2)", "decimal(38,2)"),
        ("number(3,-2)", "mediumint"),
        ("integer", "decimal(38,0)"),
        ("decimal(5)", "mediumint"),
        ("varchar2(20 char)", "varchar(20)"),
        ("varchar(20 byte)", "varchar(20)"),
        ("char", "varchar(1)"),
        ("nvarchar2(7)", "varchar(7)"),
        ("raw(16)", "varbinary(16)"),
        ("date", "datetime"),
        ("timestamp", "datetime(6)"),
        ("timestamp(3)", "datetime(3)"),
        ("timestamp(6) with time zone", "varchar(40)"),
        ("timestamp with local time zone", "datetime(6)"),
        ("binary_double", "double"),
    ],
)
def test_an_added_column_has_its_type(written: str, there: str) -> None:
    [column] = parse_ddl(f"alter table orders add (c {written})", "SHOP", "ORDERS").columns
    assert (column.name, mapped(column).column_type, column.nullable) == ("C", there, True)


def test_several_columns_are_added_at_once() -> None:
    ddl = parse_ddl('alter table orders add ("a" number(9) not null, b date null)', "SHOP", "ORDERS")
    assert ddl.columns == (
        OracleColumn("a", "NUMBER", 22, 22, 9, 0, nullable=False),
        OracleColumn("B", "DATE"),
    )


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "create materialized view orders as select 1 from dual",
        "drop user shop cascade",
        "alter table orders modify (note varchar2(40))",
        "alter table orders add (note varchar2(20) default 'x')",
        "alter table orders add note varchar2(20) invisible",
        "alter table orders add note as (id + 1)",
        "alter table orders add note mdsys.sdo_geometry",
        "alter table orders add note clob",
        "alter table orders add note interval day to second",
        "alter table orders drop column note cascade constraints",
        "alter table orders set unused (note)",
        "alter table orders drop constraint c",
        "alter table orders move tablespace x",
        "alter table orders truncate partition p1",
        "alter table orders exchange partition p1 with table x",
        "alter table others drop column note",
        "truncate table other.orders",
        "rename others to orders",
        "drop table orders and more",
        "create table orders as select * from others",
        "create table orders (id) as select 1 from dual",
        "flashback table orders to before drop",
        "alter table orders add note varchar2",
        "alter table orders rename to x.y",
        "alter table orders add 'x' number",
    ],
)
def test_all_else_is_not_translated(sql: str) -> None:
    with pytest.raises(UnknownDdl):
        parse_ddl(sql, "SHOP", "ORDERS")


@pytest.mark.parametrize(
    "sql",
    [
        "alter table orders add constraint u unique (note) add (c number)",
        "alter table orders add check (id > 0) drop column note",
        "alter table orders nologging modify note varchar2(400)",
        "alter table orders pctfree 5 add c number",
        "alter table orders enable row movement drop (note)",
    ],
)
def test_a_harmless_clause_hides_no_other(sql: str) -> None:
    with pytest.raises(UnknownDdl):
        parse_ddl(sql, "SHOP", "ORDERS")


@pytest.mark.parametrize(
    "sql",
    [
        "alter table orders add constraint f foreign key (a) references t (b) on delete set null enable novalidate",
        "alter table orders add constraint p primary key (id) using index (create index i on orders (id))",
        "alter table orders pctfree 5 parallel 4",
        "alter table orders add supplemental log data (primary key, unique) columns",
    ],
)
def test_what_belongs_to_a_harmless_clause_is_harmless(sql: str) -> None:
    assert parse_ddl(sql, "SHOP", "ORDERS").action is Action.NOTHING
