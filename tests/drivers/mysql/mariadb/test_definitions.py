"""Definitions of one family as the other's, by their words; no server."""

# ruff: noqa: E501 (a table is read by its lines)

from __future__ import annotations

import pytest

from udup.drivers.mysql.mariadb.collations import fit_collation
from udup.drivers.mysql.mariadb.definitions import Server, fit_statement, fit_table

MYSQL, OLD_MYSQL = Server.of("9.7.4"), Server.of("5.7.44-log")
M118, M1011, M105 = (Server.of(f"{each}-MariaDB-log") for each in ("11.8.9", "10.11.18", "10.5.23"))

#: Items of a CREATE TABLE, from where to where, and what becomes of them.
ITEMS = [
    ("`a` int", MYSQL, M118, "`a` int"),
    ("`a` int /*!80023 INVISIBLE */", MYSQL, M118, "`a` int  INVISIBLE"),
    ("`a` int, KEY `k` (`a`) /*!80000 INVISIBLE */", MYSQL, M118, "`a` int, KEY `k` (`a`)  IGNORED"),
    ("`a` int, KEY `k` (`a`) /*!80000 INVISIBLE */", MYSQL, M105, "`a` int, KEY `k` (`a`)"),
    ("`a` int, KEY `k` ((`a` + 1)), KEY `l` (`a`)", MYSQL, M118, "`a` int, KEY `l` (`a`)"),
    ("`v` vector(3)", MYSQL, M118, "`v` VECTOR(3)"),
    ("`v` vector(3)", MYSQL, M1011, "`v` VARBINARY(12)"),
    ("`b` int GENERATED ALWAYS AS (`a`) STORED NOT NULL", MYSQL, M118, "`b` int GENERATED ALWAYS AS (`a`) STORED"),
    ("`a` int, CONSTRAINT `c` CHECK ((`a` > 1)) /*!80016 NOT ENFORCED */", MYSQL, M118, "`a` int"),
    ("`g` point NOT NULL /*!80003 SRID 4326 */", MYSQL, M118, "`g` point NOT NULL"),
    (
        "`a` varchar(9) CHARACTER SET utf8mb4",
        MYSQL,
        M118,
        "`a` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
    ),
    (
        "`a` varchar(9) CHARACTER SET utf8mb4",
        OLD_MYSQL,
        M118,
        "`a` varchar(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci",
    ),
    (
        "`a` int COMMENT 'no /*!80023 INVISIBLE */ here, SRID 4'",
        MYSQL,
        M118,
        "`a` int COMMENT 'no /*!80023 INVISIBLE */ here, SRID 4'",
    ),
    ("`a` int, FULLTEXT KEY `f` (`b`) /*!50100 WITH PARSER `ngram` */ ", MYSQL, M118, "`a` int"),
    ("`u` uuid NOT NULL DEFAULT uuid()", M118, MYSQL, "`u` BINARY(16) NOT NULL DEFAULT (uuid_to_bin(uuid()))"),
    (
        "`i` inet4 DEFAULT '1.2.3.4', `j` inet6 DEFAULT '::1'",
        M118,
        MYSQL,
        "`i` BINARY(4) DEFAULT x'01020304', `j` BINARY(16) DEFAULT x'00000000000000000000000000000001'",
    ),
    ("`a` varchar(9) DEFAULT _utf16 x'00FC'", M118, MYSQL, "`a` varchar(9) DEFAULT _utf16 x'00FC'"),
    ("`a` int, CONSTRAINT `CONSTRAINT_1` CHECK (`a` > 1)", M118, MYSQL, "`a` int, CHECK (`a` > 1)"),
    ("`a` int, CONSTRAINT `mine` CHECK (`a` > 1)", M118, MYSQL, "`a` int, CONSTRAINT `mine` CHECK (`a` > 1)"),
    ("`g` geomcollection", MYSQL, M118, "`g` GEOMETRYCOLLECTION"),
    (
        r"`g` text GENERATED ALWAYS AS (concat(`a`,_utf8mb4'é',_utf8mb4'\'\\',_utf8mb3'x',_binary'\\',_latin1'\n')) STORED",
        MYSQL,
        M118,
        r"`g` text GENERATED ALWAYS AS (concat(`a`,'é','\'\\',_utf8mb3'x',x'5c','\n')) STORED",
    ),
    ("`a` int, CHECK ((`a` <> _utf8mb4'中'))", MYSQL, M105, "`a` int, CHECK ((`a` <> '中'))"),
    ("`a` varchar(9) DEFAULT _utf8mb4'é'", MYSQL, M118, "`a` varchar(9) DEFAULT _utf8mb4'é'"),
    ("`_utf8mb4` enum('é')", MYSQL, M118, "`_utf8mb4` enum('é')"),
    ("`u` uuid DEFAULT uuid_v7()", M118, MYSQL, "`u` BINARY(16)"),
    ("`u` uuid NOT NULL DEFAULT uuid()", M118, M105, "`u` BINARY(16) NOT NULL"),
    ("`i` inet6 DEFAULT NULL, `j` inet4", M118, MYSQL, "`i` BINARY(16) DEFAULT NULL, `j` BINARY(4)"),
    ("`v` vector(3) NOT NULL, VECTOR KEY `v` (`v`) `m`='8'", M118, MYSQL, "`v` VARBINARY(12) NOT NULL"),
    ("`b` text DEFAULT 'x'", M118, MYSQL, "`b` text DEFAULT ('x')"),
    ("`b` varchar(3) DEFAULT 'x'", M118, MYSQL, "`b` varchar(3) DEFAULT 'x'"),
    ("`d` datetime DEFAULT current_timestamp()", M118, MYSQL, "`d` datetime DEFAULT current_timestamp()"),
    ("`d` date DEFAULT curdate()", M118, MYSQL, "`d` date DEFAULT (curdate())"),
    (
        "`a` double DEFAULT -1.5, `b` int DEFAULT (1 + 2)",
        M118,
        MYSQL,
        "`a` double DEFAULT -1.5, `b` int DEFAULT (1 + 2)",
    ),
    ("`a` int DEFAULT nextval(`s`.`q`) COMMENT 'x'", M118, MYSQL, "`a` int  COMMENT 'x'"),
    ("`c` longtext CHECK (json_valid(`c`))", M118, MYSQL, "`c` longtext"),
    ("`b` int GENERATED ALWAYS AS (`a`) PERSISTENT", M118, MYSQL, "`b` int GENERATED ALWAYS AS (`a`) STORED"),
    ("`a` int, KEY `k` (`a`) IGNORED", M118, MYSQL, "`a` int, KEY `k` (`a`) INVISIBLE"),
    ("`a` text, UNIQUE KEY `u` (`a`) USING HASH", M118, MYSQL, "`a` text"),
    ("`a` date, `b` date, PERIOD FOR `p` (`a`, `b`)", M118, MYSQL, "`a` date, `b` date"),
    ("`PERIOD` int, `SYSTEM` int", M118, MYSQL, "`PERIOD` int, `SYSTEM` int"),
]


@pytest.mark.parametrize(("items", "source", "target", "wanted"), ITEMS, ids=[each[0] for each in ITEMS])
def test_an_item_of_a_table(items: str, source: Server, target: Server, wanted: str) -> None:
    fitted = fit_table("s", "t", f"CREATE TABLE `t` ({items}) ENGINE=InnoDB", source, target)
    assert not fitted.refusals
    assert _words(fitted.sql) == _words(f"CREATE TABLE `t` ({wanted}) ENGINE=InnoDB")


def _words(sql: str) -> str:
    """Return a statement with single blanks, and none before a parenthesis that closes."""
    return " ".join(sql.split()).replace(" )", ")")


#: Options behind the items.
OPTIONS = [
    ("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci", MYSQL, M1011, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_nopad_ai_ci"),
    ("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci", MYSQL, M105, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_unicode_520_nopad_ci"),
    ("ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8mb3_bin", MYSQL, M105, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb3 COLLATE=utf8_bin"),
    ("ENGINE=InnoDB ENCRYPTION='N' /*!80023 AUTOEXTEND_SIZE=4194304 */ COMMENT='ENCRYPTION'", MYSQL, M118, "ENGINE=InnoDB COMMENT='ENCRYPTION'"),
    ("ENGINE=InnoDB /*!50100 PARTITION BY HASH (`a`) PARTITIONS 3 */", MYSQL, M118, "ENGINE=InnoDB PARTITION BY HASH (`a`) PARTITIONS 3"),
    ("ENGINE=Aria DEFAULT CHARSET=latin1 PAGE_CHECKSUM=1 TRANSACTIONAL=1", M118, MYSQL, "ENGINE=InnoDB DEFAULT CHARSET=latin1"),
    ("ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_uca1400_nopad_as_cs", M118, MYSQL, "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_as_cs"),
    ("ENGINE=InnoDB WITH SYSTEM VERSIONING", M118, MYSQL, "ENGINE=InnoDB"),
    ("ENGINE=InnoDB WITH SYSTEM VERSIONING PARTITION BY SYSTEM_TIME LIMIT 2 PARTITIONS 3", M118, MYSQL, "ENGINE=InnoDB"),
    ("ENGINE=InnoDB `PAGE_COMPRESSED`=1 `ENCRYPTED`='NO'", M118, MYSQL, "ENGINE=InnoDB"),
]  # fmt: skip


@pytest.mark.parametrize(("options", "source", "target", "wanted"), OPTIONS, ids=[each[0] for each in OPTIONS])
def test_options_of_a_table(options: str, source: Server, target: Server, wanted: str) -> None:
    fitted = fit_table("s", "t", f"CREATE TABLE `t` (`a` int) {options}", source, target)
    assert not fitted.refusals
    assert " ".join(fitted.sql.split()) == f"CREATE TABLE `t` (`a` int) {wanted}"


def test_utf8mb4_by_itself_is_what_the_session_took_it_for() -> None:
    sql = "CREATE TABLE t (a VARCHAR(9) CHARACTER SET utf8mb4, b VARCHAR(9) CHARACTER SET latin1)"
    of_session = fit_statement(sql, 0, "s", MYSQL, M118, of_utf8mb4="utf8mb4_general_ci").sql
    assert of_session == sql.replace("SET utf8mb4", "SET utf8mb4 COLLATE utf8mb4_general_ci")


def test_a_string_that_the_sessions_literals_cannot_hold_is_refused() -> None:
    sql = "CREATE TABLE t (a INT, g VARCHAR(9) AS (CONCAT(a, _utf8mb4'中')))"
    assert fit_statement(sql, 0, "s", MYSQL, M118, literals="utf8mb3").sql == sql.replace("_utf8mb4'", "'")
    assert "utf8mb4" in str(fit_statement(sql, 0, "s", MYSQL, M118, literals="latin1").refusals[0])


#: What the target cannot have, with the column.
REFUSED = [
    ("`a` varchar(3) CHARACTER SET gb18030", "", MYSQL, M118, "s.t, column a: the target has no character set gb18030"),
    ("`a` int, `k` int AS (`a` + 1) STORED, PRIMARY KEY (`a`,`k`)", "", MYSQL, M118, "s.t, column k: it is generated"),
    ("`a` int, `k` int AS (`a` + 1) STORED PRIMARY KEY", "", MYSQL, M118, "s.t, column k: it is generated"),
    ("`a` text AS (_latin1'é')", "", MYSQL, M118, "s.t, column a: a string of the character set latin1"),
    ("`a` int, CHECK (`a` <> _utf16 x'005C')", "", MYSQL, M118, "s.t: a string of the character set utf16"),
    ("`a` int, `row_end` timestamp(6) NOT NULL", "", M118, MYSQL, "s.t, column row_end: rows of a table with such"),
    ("`s` timestamp(6) GENERATED ALWAYS AS ROW START", "", M118, MYSQL, "s.t, column s: a column of SYSTEM VERSIONING"),
    ("`a` int, UNIQUE KEY `u` (`a`,`p` WITHOUT OVERLAPS)", "", M118, MYSQL, "s.t: a key WITHOUT OVERLAPS"),
    ("`a` int", "SEQUENCE=1", M118, MYSQL, "s.t: a SEQUENCE"),
]


@pytest.mark.parametrize(("items", "options", "source", "target", "wanted"), REFUSED, ids=[each[4] for each in REFUSED])
def test_what_the_target_cannot_have_is_refused_by_name(
    items: str, options: str, source: Server, target: Server, wanted: str
) -> None:
    fitted = fit_table("s", "t", f"CREATE TABLE `t` ({items}) ENGINE=InnoDB {options}", source, target)
    assert str(fitted.refusals[0]).startswith(wanted)


#: Statements of the log; "" where nothing is left to be run.
STATEMENTS = [
    ("ALTER TABLE t ADD COLUMN b INT, ALGORITHM=INSTANT, LOCK=NONE", MYSQL, M118, "ALTER TABLE t ADD COLUMN b INT"),
    ("ALTER TABLE t ADD COLUMN b VECTOR(2) AFTER a", MYSQL, M105, "ALTER TABLE t ADD COLUMN b VARBINARY(8) AFTER a"),
    ("ALTER TABLE t DROP INDEX k, ADD KEY ((a+1))", MYSQL, M118, "ALTER TABLE t DROP INDEX IF EXISTS k"),
    ("ALTER TABLE t ADD KEY k ((a+1))", MYSQL, M118, ""),
    ("ALTER TABLE t ALTER INDEX k INVISIBLE", MYSQL, M118, "ALTER TABLE t ALTER INDEX k IGNORED"),
    ("ALTER TABLE t DROP CHECK c", MYSQL, M118, "ALTER TABLE t DROP CONSTRAINT IF EXISTS c"),
    ("ALTER TABLE t ADD (a INT, b VARCHAR(3) CHARSET utf8mb4)", MYSQL, M118, "ALTER TABLE t ADD (a INT, b VARCHAR(3) CHARSET utf8mb4 COLLATE utf8mb4_0900_ai_ci)"),
    ("ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4", MYSQL, M1011, "ALTER TABLE t CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_ai_ci"),
    ("ALTER TABLE t ENCRYPTION='Y'", MYSQL, M118, ""),
    ("CREATE INDEX k ON t ((a+1))", MYSQL, M118, ""),
    ("CREATE INDEX k ON t (a)", MYSQL, M118, "CREATE INDEX k ON t (a)"),
    ("CREATE INDEX k ON t (a) ALGORITHM=INPLACE LOCK=NONE", MYSQL, M118, "CREATE INDEX k ON t (a)"),
    ("DROP INDEX k ON t ALGORITHM=INPLACE LOCK=NONE", MYSQL, M118, "DROP INDEX IF EXISTS k ON t"),
    ("DROP INDEX k ON t", MYSQL, M118, "DROP INDEX IF EXISTS k ON t"),
    ("CREATE DATABASE d /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci */ /*!80016 DEFAULT ENCRYPTION='N' */", MYSQL, M1011, "CREATE DATABASE d DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_uca1400_nopad_ai_ci"),
    ("CREATE DATABASE d CHARACTER SET utf8mb4", M118, MYSQL, "CREATE DATABASE d CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci"),
    ("CREATE VIEW v AS SELECT a COLLATE utf8mb4_0900_as_cs FROM t", MYSQL, M105, "CREATE VIEW v AS SELECT a COLLATE utf8mb4_nopad_bin FROM t"),
    ("ALTER TABLE t ADD COLUMN u UUID, LOCK=NONE", M118, MYSQL, "ALTER TABLE t ADD COLUMN u BINARY(16)"),
    ("ALTER TABLE t ADD COLUMN j JSON", M118, MYSQL, "ALTER TABLE t ADD COLUMN j LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"),
    ("ALTER TABLE t CHANGE a b TEXT DEFAULT 'x'", M118, MYSQL, "ALTER TABLE t CHANGE a b TEXT DEFAULT ('x')"),
    ("TRUNCATE TABLE t", MYSQL, M118, "TRUNCATE TABLE t"),
    ("DROP TABLE `t` /* generated by server */", M118, MYSQL, "DROP TABLE `t` /* generated by server */"),
    ("RENAME TABLE a TO b", MYSQL, M118, "RENAME TABLE a TO b"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "source", "target", "wanted"), STATEMENTS, ids=[each[0] for each in STATEMENTS])
def test_a_statement_of_the_log(sql: str, source: Server, target: Server, wanted: str) -> None:
    fitted = fit_statement(sql, 0, "s", source, target)
    assert not fitted.refusals
    assert " ".join(fitted.sql.split()) == wanted


@pytest.mark.parametrize(
    "sql",
    [
        "CREATE OR REPLACE TABLE t (a INT)",
        "ALTER TABLE t ADD COLUMN IF NOT EXISTS a INT",
        "ALTER TABLE t DROP COLUMN IF EXISTS a",
        "ALTER TABLE t DROP INDEX IF EXISTS a",
    ],
)
def test_a_statement_that_mysql_has_not_is_refused(sql: str) -> None:
    assert fit_statement(sql, 0, "s", M118, MYSQL).refusals
    assert not fit_statement(sql, 0, "s", M118, M105).refusals


def test_what_is_a_comment_to_mysql_is_none_of_the_definition() -> None:
    found = fit_statement("ALTER TABLE t ADD a INT /*M! , ADD b INT *//*!80000 , ADD c INT */", 0, "s", MYSQL, M118)
    assert " ".join(found.sql.split()) == "ALTER TABLE t ADD a INT , ADD c INT"


def test_nothing_is_touched_between_servers_of_one_family() -> None:
    sql = "CREATE TABLE `t` (`a` int /*!80023 INVISIBLE */) ENCRYPTION='Y'"
    assert fit_statement(sql, 0, "s", MYSQL, OLD_MYSQL).sql == sql
    assert fit_statement(sql, 0, "s", M105, M118).sql == sql


def test_what_is_left_out_is_told_with_table_and_column() -> None:
    fitted = fit_table("s", "t", "CREATE TABLE `t` (`u` uuid, KEY `k` (`u`)) ENGINE=Aria", M118, MYSQL)
    assert fitted.notices == (
        "s.t, column u: UUID is BINARY(16) on the target, which has no such type",
        "s.t: the table is InnoDB on the target, which has no Aria",
    )


COLLATIONS = [
    ("utf8mb4_0900_ai_ci", MYSQL, M118, "utf8mb4_0900_ai_ci", True),
    ("utf8mb4_de_pb_0900_as_cs", MYSQL, M1011, "utf8mb4_uca1400_german2_nopad_as_cs", True),
    ("utf8mb4_nb_0900_ai_ci", MYSQL, M118, "utf8mb4_da_0900_ai_ci", False),
    ("utf8mb4_da_0900_ai_ci", MYSQL, M105, "utf8mb4_danish_ci", False),
    ("utf8mb4_0900_bin", MYSQL, M105, "utf8mb4_nopad_bin", True),
    ("utf8mb4_croatian_ci", MYSQL, M118, "utf8mb4_croatian_mysql561_ci", True),
    ("latin2_croatian_ci", MYSQL, M118, "latin2_croatian_ci", True),
    ("utf8mb4_uca1400_nopad_ai_ci", M118, MYSQL, "utf8mb4_0900_ai_ci", True),
    ("utf8mb4_uca1400_ai_ci", M118, MYSQL, "utf8mb4_0900_ai_ci", False),
    ("utf8mb4_uca1400_swedish_nopad_as_cs", M118, MYSQL, "utf8mb4_sv_0900_as_cs", True),
    ("latin1_swedish_nopad_ci", M118, MYSQL, "latin1_swedish_ci", False),
    ("utf8mb3_uca1400_ai_cs", M118, MYSQL, "utf8mb3_bin", False),
    ("utf8mb4_croatian_mysql561_ci", M118, MYSQL, "utf8mb4_croatian_ci", True),
    ("utf8_general_ci", M105, MYSQL, "utf8mb3_general_ci", True),
]


@pytest.mark.parametrize(("name", "source", "target", "wanted", "exact"), COLLATIONS)
def test_a_collation(name: str, source: Server, target: Server, wanted: str, exact: bool) -> None:
    fit = fit_collation(name, source, target)
    assert fit is not None
    assert (fit.name, fit.exact) == (wanted, exact)


def test_a_character_set_that_mariadb_lacks_has_no_collation_there() -> None:
    assert fit_collation("gb18030_bin", MYSQL, M118) is None


def test_an_older_mysql_gets_utf8mb3_under_its_older_names() -> None:
    """And nothing else of a statement of MySQL's changes: a character set alone gets no collation."""
    older = Server.of("8.0.22")
    create = (
        "CREATE TABLE `t` (`a` varchar(9) CHARACTER SET utf8mb3 COLLATE utf8mb3_bin DEFAULT 'COLLATE utf8mb3_bin',"
        " `b` int /*!80023 INVISIBLE */, `c` varchar(9) CHARACTER SET utf8mb4) DEFAULT CHARSET=utf8mb3"
        " COLLATE=utf8mb3_general_ci"
    )
    wanted = create.replace("COLLATE utf8mb3_bin DEFAULT", "COLLATE utf8_bin DEFAULT").replace("=utf8mb3_g", "=utf8_g")
    assert fit_table("s", "t", create, MYSQL, older).sql == wanted
    schema = "CREATE DATABASE `s` /*!40100 DEFAULT CHARACTER SET utf8mb3 COLLATE utf8mb3_bin */ /*!80016 DEFAULT ENCRYPTION='N' */"
    assert fit_statement(schema, 0, "s", MYSQL, older).sql == schema.replace("utf8mb3_bin", "utf8_bin")
    view = (
        "CREATE VIEW `v` AS SELECT _utf8mb3'a' COLLATE utf8mb3_unicode_ci AS `x`, a COLLATE utf8mb4_0900_bin FROM `t`"
    )
    assert fit_statement(view, 0, "s", MYSQL, older).sql == view.replace("utf8mb3_unicode", "utf8_unicode")
    assert fit_table("s", "t", create, MYSQL, Server.of("8.0.30")).sql == create
    assert fit_table("s", "t", create, Server.of("8.0.29"), older).sql == create
    assert fit_collation("utf8mb3_general_ci", M118, older) == fit_collation("utf8mb3_general_ci", MYSQL, older)


#: Of tables with what a server without it does without, and what is told.
WITHOUT = [
    ("CREATE TABLE `t` (`a` text /*M!100301 COMPRESSED*/ DEFAULT NULL)", "CREATE TABLE `t` (`a` text DEFAULT NULL)", "COMPRESSED"),
    ("CREATE TABLE t (a TEXT COMPRESSED=zlib, b INT WITHOUT SYSTEM VERSIONING)", "CREATE TABLE t (a TEXT , b INT )", "COMPRESSED"),
    ("ALTER TABLE t ADD SYSTEM VERSIONING, ADD b INT", "ALTER TABLE t ADD b INT", "SYSTEM VERSIONING"),
    ("ALTER TABLE t DROP SYSTEM VERSIONING", "", "SYSTEM VERSIONING"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "wanted", "told"), WITHOUT, ids=[each[0] for each in WITHOUT])
def test_what_a_mysql_does_without_is_left_out_and_told(sql: str, wanted: str, told: str) -> None:
    fitted = fit_statement(sql, 0, "s", M118, MYSQL)
    assert " ".join(fitted.sql.split()) == " ".join(wanted.split()) and not fitted.refusals
    assert told in " ".join(fitted.notices)
