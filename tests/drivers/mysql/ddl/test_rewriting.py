"""The target's names are put into statements where names stand, and where that is not certain it is refused."""

from __future__ import annotations

import struct

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.binlog.build import build
from udup.drivers.mysql.binlog.event import EventType, checksum_is_right, resized
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.ddl.classify import classify, classify_query
from udup.drivers.mysql.ddl.query_classifier import QueryClassifier
from udup.drivers.mysql.ddl.rewriting import rewritten_query, rewritten_text
from udup.drivers.mysql.ddl.sqlreader import ObjectName
from udup.drivers.mysql.ddl.sqltokens import MODE_ANSI_QUOTES
from udup.drivers.mysql.ddl.statement import Kind
from udup.drivers.mysql.dictionary.catalog import Catalog, Schema, StoredObject, Table
from udup.drivers.mysql.snapshot.renamed_catalog import renamed_catalog
from udup.pipeline.selection.renames import Renaming
from udup.pipeline.selection.selection import NameRule, SchemaRule, Selection

#: d becomes D2 with t as T2; in e every table gets a prefix; f is in the job under its own name.
SELECTION = Selection(
    (
        SchemaRule("d", rename="D2", tables=(NameRule("t", rename="T2"), NameRule("u"), NameRule("p`q", rename="r`s"))),
        SchemaRule("d", rename="D2"),
        SchemaRule("e", rename="E2", tables=(NameRule(regex="^(.*)$", rename="n_${1}"),)),
        SchemaRule("f"),
    )
)
STANDING = [("d", ""), ("d", "t"), ("d", "u"), ("d", "v"), ("e", ""), ("e", "a"), ("f", ""), ("f", "x")]

#: Statement in default schema d, what becomes of it.
DEFINITIONS = [
    ("CREATE TABLE t (id INT)", "CREATE TABLE `T2` (id INT)"),
    ("CREATE TABLE u (t INT, d INT)", "CREATE TABLE u (t INT, d INT)"),
    ("create table if not exists d . t/*c*/(x INT)", "create table if not exists `D2` . `T2`/*c*/(x INT)"),
    ("CREATE TABLE `d`.`p``q` (x INT COMMENT 'd.t')", "CREATE TABLE `D2`.`r``s` (x INT COMMENT 'd.t')"),
    ("/* d.t */ DROP TABLE d.u -- d.t", "/* d.t */ DROP TABLE `D2`.u -- d.t"),
    ("CREATE TABLE u LIKE t", "CREATE TABLE u LIKE `T2`"),
    ("CREATE TABLE u (a INT REFERENCES t (id), FOREIGN KEY (b) REFERENCES e.a (d))",
     "CREATE TABLE u (a INT REFERENCES `T2` (id), FOREIGN KEY (b) REFERENCES `E2`.`n_a` (d))"),
    ("CREATE TABLE e.a (x INT REFERENCES b (id))", "CREATE TABLE `E2`.`n_a` (x INT REFERENCES `n_b` (id))"),
    ("CREATE TABLE u (x INT) ENGINE=MERGE UNION=(t, e.a)",
     "CREATE TABLE u (x INT) ENGINE=MERGE UNION=(`T2`, `E2`.`n_a`)"),
    ("ALTER TABLE t ADD x INT, RENAME TO d.u", "ALTER TABLE `T2` ADD x INT, RENAME TO `D2`.u"),
    ("ALTER TABLE u ADD FOREIGN KEY (x) REFERENCES t (t), RENAME COLUMN t TO d",
     "ALTER TABLE u ADD FOREIGN KEY (x) REFERENCES `T2` (t), RENAME COLUMN t TO d"),
    ("ALTER TABLE t EXCHANGE PARTITION t WITH TABLE e.a",
     "ALTER TABLE `T2` EXCHANGE PARTITION t WITH TABLE `E2`.`n_a`"),
    ("RENAME TABLE t TO e.t, u TO t", "RENAME TABLE `T2` TO `E2`.`n_t`, u TO `T2`"),
    ("RENAME TABLE g.t TO g.u, t TO u, g.a TO g.b, e.a TO e.b", "RENAME TABLE `T2` TO u, `E2`.`n_a` TO `E2`.`n_b`"),
    ("DROP TABLE IF EXISTS g.a, t, g.b , u, e.a,g.c /* made */", "DROP TABLE IF EXISTS `T2`, u, `E2`.`n_a` /* made */"),
    ("DROP TABLE t,mysql.x", "DROP TABLE `T2`"),
    ("TRUNCATE t", "TRUNCATE `T2`"),
    ("CREATE FUNCTION d.f() RETURNS INT LANGUAGE JAVASCRIPT USING (d.l AS m) AS $$ it's d.t $$",
     "CREATE FUNCTION `D2`.f() RETURNS INT LANGUAGE JAVASCRIPT USING (`D2`.l AS m) AS $$ it's d.t $$"),
    ("CREATE LIBRARY d.l LANGUAGE JAVASCRIPT AS $$ it's d.t $$",
     "CREATE LIBRARY `D2`.l LANGUAGE JAVASCRIPT AS $$ it's d.t $$"),
    ("CREATE UNIQUE INDEX t ON d.t (t)", "CREATE UNIQUE INDEX t ON `D2`.`T2` (t)"),
    ("DROP INDEX t ON t", "DROP INDEX t ON `T2`"),
    ("CREATE DATABASE d CHARACTER SET latin1", "CREATE DATABASE `D2` CHARACTER SET latin1"),
    ("ALTER DATABASE COLLATE latin1_bin", "ALTER DATABASE COLLATE latin1_bin"),
    ("DROP SCHEMA IF EXISTS `d`", "DROP SCHEMA IF EXISTS `D2`"),
    ("DROP VIEW t, e.a", "DROP VIEW `T2`, `E2`.`n_a`"),
    ("DROP PROCEDURE d.t", "DROP PROCEDURE `D2`.t"),
    ("DROP TRIGGER d.t", "DROP TRIGGER `D2`.t"),
    ("ALTER EVENT d.t RENAME TO d.u", "ALTER EVENT `D2`.t RENAME TO `D2`.u"),
    ("CREATE DEFINER=d@t TRIGGER d.t AFTER INSERT ON t FOR EACH ROW FOLLOWS t INSERT INTO u VALUES (NEW.t)", None),
    ("CREATE TRIGGER d.g AFTER INSERT ON t FOR EACH ROW BEGIN INSERT INTO t (a) SELECT x FROM e.a;"
     " UPDATE d.u SET a=1; END",
     "CREATE TRIGGER `D2`.g AFTER INSERT ON `T2` FOR EACH ROW BEGIN INSERT INTO `T2` (a) SELECT x FROM `E2`.`n_a`;"
     " UPDATE `D2`.u SET a=1; END"),
    ("CREATE VIEW v AS SELECT t.a, d.t.b, u.c FROM t JOIN d.u ON t.id = u.id",
     "CREATE VIEW v AS SELECT `T2`.a, `D2`.`T2`.b, u.c FROM `T2` JOIN `D2`.u ON `T2`.id = u.id"),
    ("CREATE VIEW d.v AS SELECT x.* FROM d.t AS x", "CREATE VIEW `D2`.v AS SELECT x.* FROM `D2`.`T2` AS x"),
    ("CREATE VIEW v AS SELECT d.f(1) FROM u x, d.u y", "CREATE VIEW v AS SELECT `D2`.f(1) FROM u x, `D2`.u y"),
    ("CREATE VIEW v AS SELECT * FROM t x, e.a y", "CREATE VIEW v AS SELECT * FROM `T2` x, `E2`.`n_a` y"),
    ("CREATE VIEW v AS SELECT EXTRACT(YEAR FROM x.a) FROM (SELECT 1 AS a FROM dual) x",
     "CREATE VIEW v AS SELECT EXTRACT(YEAR FROM x.a) FROM (SELECT 1 AS a FROM dual) x"),
    ("CREATE VIEW e.v AS WITH c AS (SELECT 1) SELECT * FROM c JOIN e.a",
     "CREATE VIEW `E2`.`n_v` AS WITH c AS (SELECT 1) SELECT * FROM c JOIN `E2`.`n_a`"),
    ("CREATE VIEW v AS SELECT 'd.t', `x`.`d` FROM f.x", "CREATE VIEW v AS SELECT 'd.t', `x`.`d` FROM f.x"),
    ("CREATE VIEW v AS SELECT * FROM (d.u JOIN (e.a JOIN f.x))",
     "CREATE VIEW v AS SELECT * FROM (`D2`.u JOIN (`E2`.`n_a` JOIN f.x))"),
    ("CREATE PROCEDURE d.q(n INT) BEGIN CALL d.other(n); DELETE FROM d.t WHERE id = n;"
     " SELECT @t, @@d.x FROM u FOR UPDATE; END",
     "CREATE PROCEDURE `D2`.q(n INT) BEGIN CALL `D2`.other(n); DELETE FROM `D2`.`T2` WHERE id = n;"
     " SELECT @t, @@d.x FROM u FOR UPDATE; END"),
    ("CREATE PROCEDURE q() INSERT INTO u VALUES (1) ON DUPLICATE KEY UPDATE a = 1",
     "CREATE PROCEDURE q() INSERT INTO u VALUES (1) ON DUPLICATE KEY UPDATE a = 1"),
    ("CREATE EVENT d.ev ON SCHEDULE EVERY 1 DAY DO TRUNCATE TABLE t", "CREATE EVENT `D2`.ev ON SCHEDULE EVERY 1 DAY DO"
     " TRUNCATE TABLE `T2`"),
    ("CREATE PROCEDURE q() BEGIN PREPARE s FROM 'SELECT 1 FROM other'; EXECUTE s; END",
     "CREATE PROCEDURE q() BEGIN PREPARE s FROM 'SELECT 1 FROM other'; EXECUTE s; END"),
    ("CREATE TABLE t (a INT, b INT AS (t.a + 1))", None),
    ("ALTER TABLE d.t ADD CHECK (d.t.a > 0)", None),
    ("CREATE VIEW v AS SELECT t.a FROM u AS t", None),
    ("CREATE VIEW v AS SELECT * FROM t, u AS t", None),
    ("CREATE VIEW v AS SELECT 1 FROM u, t", None),
    ("CREATE VIEW v AS SELECT d.a FROM u AS d, d.u AS x", None),
    ("CREATE VIEW v AS SELECT t.a, n_a.x FROM e.t JOIN d.t", None),
    ("CREATE PROCEDURE q() BEGIN DECLARE t INT; SELECT 1 INTO t FROM t; END", None),
    ("CREATE PROCEDURE q() BEGIN CREATE TEMPORARY TABLE t (a INT); DELETE FROM t; END", None),
    ("CREATE PROCEDURE q() BEGIN PREPARE s FROM 'DELETE FROM t'; EXECUTE s; END", None),
    ("CREATE PROCEDURE q() BEGIN DELETE t FROM t JOIN u; END", None),
]  # fmt: skip


def _query_event(sql: bytes, schema: str = "d", status: bytes = b"", *, with_crc: bool = True) -> bytes:
    name = schema.encode()
    body = struct.pack("<IIBHH", 7, 0, len(name), 0, len(status)) + status + name + b"\0" + sql
    return resized(build(EventType.QUERY, body, with_crc=with_crc), has_crc=with_crc)


def _decided(sql: bytes, selection: Selection = SELECTION, schema: str = "d", status: bytes = b"") -> tuple[str, bytes]:
    """Default schema and statement as they go out."""
    event = _query_event(sql, schema, status)
    decision = QueryClassifier(selection, selection.folds, Renaming(selection, STANDING)).decide(event, True)
    assert checksum_is_right(decision.query) and struct.unpack_from("<I", decision.query, 9)[0] == len(decision.query)
    made = parse_query(decision.query, has_crc=True)
    assert made.status == status
    return made.schema.decode(), made.sql


@pytest.mark.parametrize(("sql", "expected"), DEFINITIONS, ids=[sql[:60] for sql, _ in DEFINITIONS])
def test_names_are_changed_where_names_stand(sql: str, expected: str | None) -> None:
    if expected is None:
        with pytest.raises(Unsupported, match="another name on the target"):
            _decided(sql.encode())
    else:
        assert _decided(sql.encode()) == ("D2", expected.encode())


def test_a_statement_in_which_nothing_changes_stays_the_same_bytes() -> None:
    event = _query_event(b"ALTER TABLE f.x ADD y INT", "f", with_crc=False)
    query = parse_query(event, has_crc=False)
    statement = classify_query(query)
    assert rewritten_query(event, query, statement, Renaming(SELECTION), has_crc=False) is event


def test_names_are_written_in_the_clients_character_set_or_refused() -> None:
    selection = Selection((SchemaRule("d", tables=(NameRule("旧", rename="新"), NameRule("a", rename="ş"))),))
    gbk, latin1 = (b"\x04" + struct.pack("<HHH", number, number, 255) for number in (28, 8))
    assert _decided("ALTER TABLE 旧 COMMENT '誠功'".encode("gbk"), selection, status=gbk) == (
        "d", "ALTER TABLE `新` COMMENT '誠功'".encode("gbk")
    )  # fmt: skip
    with pytest.raises(Unsupported, match=r"cannot be written in cp1252"):
        _decided(b"TRUNCATE a", selection, status=latin1)


def test_quotes_are_names_under_ansi_quotes_and_folding_finds_any_case() -> None:
    ansi = b"\x01" + struct.pack("<Q", MODE_ANSI_QUOTES)
    assert _decided(b'DROP TABLE "d"."t"', status=ansi) == ("D2", b"DROP TABLE `D2`.`T2`")
    folding = SELECTION.folding(True)
    assert _decided(b"DROP TABLE D.T", folding) == ("d2", b"DROP TABLE `d2`.`t2`")
    view = b"CREATE VIEW V AS SELECT T.a FROM U JOIN D.T"
    assert _decided(view, folding)[1].lower() == b"create view v as select `t2`.a from `u` join `d2`.`t2`"


def test_two_tables_that_would_become_one_stop_at_the_statement() -> None:
    selection = Selection(
        (SchemaRule("d", tables=(NameRule(regex="^(.)_v.$", rename="${1}"), NameRule("z", rename="y"))),)
    )
    decide = QueryClassifier(selection, False, Renaming(selection)).decide
    decide(_query_event(b"CREATE TABLE a_v1 (x INT)"), True)
    with pytest.raises(Unsupported, match=r"d\.a_v1 and d\.a_v2 would both be d\.a .*CREATE TABLE IF NOT EXISTS a_v2"):
        decide(_query_event(b"CREATE TABLE IF NOT EXISTS a_v2 (x INT)"), True)
    decide(_query_event(b"DROP TABLE a_v1"), True)
    decide(_query_event(b"CREATE TABLE a_v2 (x INT)"), True)
    decide(_query_event(b"RENAME TABLE a_v2 TO b_v2"), True)
    decide(_query_event(b"CREATE TABLE a_v1 (x INT)"), True)


def test_a_catalog_is_renamed_whole_or_refused_with_everything_that_is_unclear() -> None:
    def stored(kind: str, name: str, sql: str, mode: str = "", table: str = "") -> StoredObject:
        return StoredObject(kind, "d", name, sql, mode, "utf8mb4", "utf8mb4_bin", "utf8mb4_bin", table=table)

    table = Table("d", "t", (), (), 0, 0, "CREATE TABLE `t` (\n  `a` int,\n  CONSTRAINT `t` FOREIGN KEY (`a`)"
                  " REFERENCES `u` (`a`)\n) COMMENT='t'")  # fmt: skip
    objects = (
        stored("VIEW", "t2", "CREATE VIEW `d`.`t2` AS select `d`.`t`.`a` AS `a` from (`d`.`t` join `d`.`u`)"),
        stored("TRIGGER", "g", 'CREATE TRIGGER g BEFORE INSERT ON "t" FOR EACH ROW SET @a = 1', "ANSI_QUOTES", "t"),
        stored("EVENT", "v", "CREATE EVENT `v` ON SCHEDULE EVERY 1 DAY ON COMPLETION PRESERVE ENABLE DO DELETE FROM t"),
    )
    made = renamed_catalog(Catalog((Schema("d", "CREATE DATABASE `d` COLLATE x"),), (table,), objects), SELECTION)
    assert made.schemas == (Schema("D2", "CREATE DATABASE `D2` COLLATE x"),)
    assert (made.tables[0].schema, made.tables[0].name, made.tables[0].source) == ("D2", "T2", "d.t")
    assert (
        made.tables[0].create_sql.startswith("CREATE TABLE `T2` (") and "REFERENCES `u` " in made.tables[0].create_sql
    )
    view, trigger, event = made.objects
    assert view.sql == "CREATE VIEW `D2`.`t2` AS select `D2`.`T2`.`a` AS `a` from (`D2`.`T2` join `D2`.`u`)"
    assert (trigger.table, trigger.schema) == ("T2", "D2") and "ON `T2` FOR" in trigger.sql
    assert event.sql.startswith("CREATE EVENT `v` ON") and event.sql.endswith("DELETE FROM `T2`")
    unclear = (
        stored("VIEW", "x", "CREATE VIEW d.x AS SELECT 1 AS t FROM t"),
        stored("PROCEDURE", "y", "CREATE PROCEDURE y() DELETE t FROM t"),
    )
    with pytest.raises(Unsupported, match=r"view d\.x: .*; procedure d\.y: "):
        renamed_catalog(Catalog((), (table,), unclear), SELECTION)
    everything = Selection()
    assert renamed_catalog(Catalog((), (table,), unclear), everything).objects == unclear


def test_names_stand_where_the_statement_says() -> None:
    sql = "DROP TABLE d.`a``b` , c"
    statement = classify(sql.encode(), "s")
    assert statement.kind is Kind.TABLE_DDL and [each.object for each in statement.names] == [
        ObjectName("d", "a`b"), ObjectName("s", "c")
    ]  # fmt: skip
    assert [sql[slice(*each.name_at)] for each in statement.names] == ["`a``b`", "c"]
    assert rewritten_text("CREATE TABLE `t` (`x` int)", "f", Renaming(SELECTION)) == "CREATE TABLE `t` (`x` int)"
