"""SQL_REDO is read exactly, or refused."""

from __future__ import annotations

import pytest

from udup.drivers.oracle.logminer.redo import RowChange, Verb, parse_redo
from udup.drivers.oracle.logminer.values import UNSUPPORTED, BadRedo, Call


def test_an_insert_has_its_values_by_column() -> None:
    sql = """insert into "SHOP"."ORDERS"("ID","WHEN","NOTE","TOTAL") values ('7',TO_DATE('2024-02-29 13:14:15', """
    sql += """'YYYY-MM-DD HH24:MI:SS'),NULL,'-12.50');"""
    when = Call("TO_DATE", "2024-02-29 13:14:15", "YYYY-MM-DD HH24:MI:SS")
    new = {"ID": "7", "WHEN": when, "NOTE": None, "TOTAL": "-12.50"}
    assert parse_redo(sql) == RowChange(Verb.INSERT, "SHOP", "ORDERS", new)


def test_an_update_has_what_it_sets_and_what_stood_there() -> None:
    sql = """update "SHOP"."ORDERS" set "NOTE" = 'it''s, and (so) on' where "ID" = '7' and "NOTE" IS NULL"""
    sql += """ and ROWID = 'AAASeXAAEAAAACXAAA'"""
    expected = RowChange(Verb.UPDATE, "SHOP", "ORDERS", {"NOTE": "it's, and (so) on"}, {"ID": "7", "NOTE": None})
    assert parse_redo(sql) == expected


def test_a_delete_has_what_stood_there() -> None:
    sql = """delete from "SHOP"."a ""quoted"" one" where "ID" = '7' and "RAW" = HEXTORAW('00ff')"""
    expected = RowChange(Verb.DELETE, "SHOP", 'a "quoted" one', {}, {"ID": "7", "RAW": b"\0\xff"})
    assert parse_redo(sql) == expected


@pytest.mark.parametrize(
    ("written", "value"),
    [
        (r"UNISTR('\4E2D\6587')", "中文"),
        (r"UNISTR('\D83D\DE00')", "😀"),
        (r"UNISTR('a\\b''c')", "a\\b'c"),
        (r"UNISTR('\4E2D') || 'x' || UNISTR('\6587')", "中x文"),
        ("HEXTORAW('01') || HEXTORAW('02')", b"\1\2"),
        ("HEXTORAW('')", b""),
        ("''", ""),
        ("EMPTY_CLOB()", Call("EMPTY_CLOB")),
        ("TO_TIMESTAMP(' 2003-05-03 00:00:00.123456')", Call("TO_TIMESTAMP", " 2003-05-03 00:00:00.123456")),
        ("TO_DSINTERVAL('+02 10:20:30.000000')", Call("TO_DSINTERVAL", "+02 10:20:30.000000")),
        ("Unsupported Type", UNSUPPORTED),
        ("NULL", None),
        ("1.5E+10", "1.5E+10"),
        ("'a\nb'", "a\nb"),
        ("'; drop table x; --'", "; drop table x; --"),
    ],
)
def test_values_are_what_oracle_means_by_them(written: str, value: object) -> None:
    assert parse_redo(f'insert into "A"."T"("V") values ({written});').new == {"V": value}


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "select 1 from dual",
        """insert into "A"."T"("V") values ('o'clock');""",
        """insert into "A"."T"("V") values ('x'); 'y');""",
        """insert into "A"."T"("V") values ('x') returning 1""",
        """insert into "A"."T"("V","W") values ('x');""",
        """insert into "A"."T"("V","V") values ('x','y');""",
        """insert into "A"."T"("V") values (SYSDATE);""",
        """insert into "A"."T"("V") values (TO_CHAR('x'));""",
        """insert into "A"."T"("V") values (UNISTR('\\4E'));""",
        """insert into "A"."T"("V") values (UNISTR('\\D83D'));""",
        """insert into "A"."T"("V") values (HEXTORAW('0g'));""",
        """insert into "A"."T"("V") values ('x' || HEXTORAW('00'));""",
        """insert into "A"."T"("V") values ('x""",
        """insert into T("V") values ('x');""",
        """update "A"."T" set "V" = 'x' where "ID" = '1' or "ID" = '2'""",
        """update "A"."T" set "V" = 'x' where "ID" > '1'""",
        """update "A"."T" set "V" = 'x' where "ID" = NULL""",
        """update "A"."T" set "V" = 'it's' where "ID" = '1'""",
        """update "A"."T" set "V" = 'x'""",
        """delete from "A"."T" """,
        """delete from "A"."T" where "V" = 'a'b' and "ID" = '1'""",
        """delete from "A"."T" where "COL 1" = 12abc""",
    ],
)
def test_what_is_not_understood_is_refused(sql: str) -> None:
    """Unescaped apostrophes (MAX_STRING_SIZE=EXTENDED) above all: a part of a value must never pass for the whole."""
    with pytest.raises(BadRedo):
        parse_redo(sql)
