"""What MySQL and MariaDB say differently and mean alike is told alike, and what differs is not."""

from __future__ import annotations

from typing import cast

import pytest

from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.compare import portable, told_alike
from udup.drivers.mysql.compare import portable_words as words
from udup.drivers.mysql.mariadb.collations import Server

MYSQL, MARIADB, OLD = Server.of("9.7.4"), Server.of("11.8.9-MariaDB"), Server.of("10.5.23-MariaDB")


def default(value: str | None, extra: str = "", *, mariadb: bool) -> str:
    return words._default(value, extra, mariadb=mariadb)


@pytest.mark.parametrize(
    ("mysql", "extra", "mariadb"),
    [
        (None, "", None),
        (None, "", "NULL"),
        ("abc", "", "'abc'"),
        ("NULL", "", "'NULL'"),
        ("it's", "", "'it''s'"),
        ("a\nb\\c", "", "'a\\nb\\\\c'"),
        ("0", "", "0"),
        ("-1.50", "", "-1.50"),
        ("b'101'", "", "b'101'"),
        ("0xFF", "", "x'FF'"),
        ("CURRENT_TIMESTAMP", "DEFAULT_GENERATED", "current_timestamp()"),
        ("CURRENT_TIMESTAMP(3)", "DEFAULT_GENERATED on update CURRENT_TIMESTAMP(3)", "current_timestamp(3)"),
        ("uuid()", "DEFAULT_GENERATED", "uuid()"),
    ],
)
def test_a_default_is_told_alike(mysql: str | None, extra: str, mariadb: str | None) -> None:
    told = default(mysql, extra, mariadb=False)
    if mysql == "0" or mysql == "-1.50":  # MySQL prints a number of any kind as it prints a text
        assert told == default(f"'{mariadb}'", mariadb=True)
    assert told == default(mariadb, mariadb=True)


def test_defaults_that_differ_are_told_apart() -> None:
    assert default("abc", mariadb=False) != default("'abd'", mariadb=True)
    assert default(None, mariadb=False) != default("''", mariadb=True)
    assert default("CURRENT_TIMESTAMP", mariadb=False) != default("current_timestamp(6)", mariadb=True)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int", "int(11)"),
        ("bigint unsigned", "bigint(20) unsigned"),
        ("tinyint(1)", "tinyint(4)"),
        ("year", "year(4)"),
        ("json", "longtext"),
        ("uuid", "binary(16)"),
        ("text", "text /*M!100301 COMPRESSED*/"),
    ],
)
def test_types_that_hold_the_same_are_told_alike(one: str, other: str) -> None:
    assert words.type_said(one) == words.type_said(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("int", "bigint"),
        ("int", "int unsigned"),
        ("int(5) unsigned zerofill", "int(6) unsigned zerofill"),
        ("char(3)", "char(4)"),
        ("enum('a','b')", "enum('a','B')"),
        ("decimal(10,2)", "decimal(10,3)"),
    ],
)
def test_other_types_are_told_apart(one: str, other: str) -> None:
    assert words.type_said(one) != words.type_said(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("utf8mb4_0900_ai_ci", "utf8mb4_uca1400_ai_ci"),
        ("utf8_general_ci", "utf8mb3_general_ci"),
        ("utf8mb4_de_pb_0900_ai_ci", "utf8mb4_uca1400_german2_nopad_ai_ci"),
    ],
)
def test_collations_that_stand_for_each_other_are_told_alike(one: str, other: str) -> None:
    assert told(one) == told(other) != told(one.replace("_ci", "_cs"))


def told(collation: str, server: Server = MARIADB, other: Server | None = None) -> str:
    return told_alike.told_alike(f"a: {told_alike.collation(collation)}, b", server, other)


def test_a_collation_that_stands_for_another_on_a_server_is_told_alike() -> None:
    """MariaDB 10.5 has none of MySQL's newest; a fit that is not the target's own is a difference."""
    assert told("utf8mb4_0900_ai_ci", MYSQL, OLD) == told("utf8mb4_unicode_520_nopad_ci", OLD)
    assert told("utf8mb4_0900_ai_ci", MYSQL, OLD) != told("utf8mb4_general_ci", OLD)
    assert told("utf8mb4_0900_ai_ci", MYSQL, MARIADB) == told("utf8mb4_uca1400_ai_ci") == "a: utf8mb4_uca_ai_ci, b"
    assert told("", MYSQL, OLD) == "a: , b"


def test_modes_are_compared_by_what_both_families_know() -> None:
    ours, theirs = "STRICT_TRANS_TABLES,NO_AUTO_CREATE_USER", "STRICT_TRANS_TABLES"
    assert words.mode_said(ours) == words.mode_said(theirs) != words.mode_said("")
    assert words.mode_said("ANSI,PIPES_AS_CONCAT,ANSI_QUOTES") == words.mode_said("PIPES_AS_CONCAT,ANSI_QUOTES")
    assert words.mode_said("ANSI,PIPES_AS_CONCAT") != words.mode_said("PIPES_AS_CONCAT,ONLY_FULL_GROUP_BY")


def test_bytes_are_told_without_the_zeros_that_fill_a_column_up() -> None:
    assert words._bytes("'0x6100'") == words._bytes("'a'") != words._bytes("'b'")
    assert words._bytes("'\\x00\\x00'") == words._bytes("'0x'")


def test_an_address_is_told_as_the_bytes_that_it_is() -> None:
    address = ("inet6", "YES", "'::1'", "", None, None, "")
    octets = ("binary(16)", "YES", "0x00000000000000000000000000000001", "", None, None, "")
    assert words.column_said(address, mariadb=True) == words.column_said(octets, mariadb=False)
    assert words.column_said(("inet6", "YES", "'::2'", "", None, None, ""), mariadb=True) != words.column_said(
        octets, mariadb=False
    )


def test_an_index_is_told_by_what_the_engine_makes_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def told(*row: object) -> str:
        monkeypatch.setattr(portable, "query", lambda *_: [("s", "t", *row)])
        return "".join(
            map(portable._index_text, portable._indexes(portable._Asked(cast("Connection", None), ["s"])).values())
        )

    assert told("n", 1, "HASH", "a", 1, 7, "") == told("n", 1, "BTREE", "a", 1, 7, "") != ""
    assert told("u", 1, "HASH", "a", 0, None, "") == ""  # perhaps a UNIQUE over whole texts
