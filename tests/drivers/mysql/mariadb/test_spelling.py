"""The sql_mode of a MariaDB's session, as its log travels, said to a target."""

from __future__ import annotations

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.modes import for_mariadb, for_mysql, to_mysql
from udup.drivers.mysql.mariadb.spelling import Spelling

MARIADB, MYSQL = Server.of("11.8.9-MariaDB-log"), Server.of("9.7.4")
ROUNDS, STRICT = 1 << 34, 1 << 22

OWN = {1 << 4: "IGNORE_BAD_TABLE_OPTIONS", 1 << 9: "ORACLE", 1 << 32: "EMPTY_STRING_IS_NULL"}


@pytest.mark.parametrize("bit", OWN)
def test_a_mariadb_gets_back_what_mysql_lacks(bit: int) -> None:
    said = Spelling(MARIADB, MARIADB).sql_mode(to_mysql(bit | STRICT))
    assert said == f"'STRICT_ALL_TABLES,{OWN[bit]}'"


def test_mysql_is_told_of_what_changes_no_meaning() -> None:
    to = Spelling(MARIADB, MYSQL)
    assert to.sql_mode(to_mysql(STRICT | 1 << 4)) == "'STRICT_ALL_TABLES,TIME_TRUNCATE_FRACTIONAL'"
    with pytest.raises(Unsupported, match="EMPTY_STRING_IS_NULL"):
        to.sql_mode(to_mysql(1 << 32))


def test_words_that_stand_for_others_are_said_within_a_family_alone() -> None:
    """MySQL's ANSI has ONLY_FULL_GROUP_BY, MariaDB's has not."""
    ansi = 1 << 18 | 1 << 1 | 1 << 27 | 1 << 34
    assert (
        Spelling(MARIADB, MARIADB).sql_mode(to_mysql(ansi))
        == "'PIPES_AS_CONCAT,ANSI,TRADITIONAL,TIME_ROUND_FRACTIONAL'"
    )
    assert Spelling(MARIADB, MYSQL).sql_mode(to_mysql(ansi)) == "'PIPES_AS_CONCAT'"
    assert Spelling(MYSQL, MARIADB).sql_mode(1 << 18 | 1 << 5) == "'ONLY_FULL_GROUP_BY,TIME_ROUND_FRACTIONAL'"
    assert for_mysql(["ANSI", "PIPES_AS_CONCAT", "TIME_ROUND_FRACTIONAL"]) == "PIPES_AS_CONCAT"
    assert for_mariadb(["ANSI", "ANSI_QUOTES"]) == "ANSI_QUOTES,TIME_ROUND_FRACTIONAL"


def test_bits_of_a_later_server_are_refused() -> None:
    with pytest.raises(Unsupported, match="not every bit"):
        Spelling(MYSQL, MARIADB).sql_mode(1 << 40)
