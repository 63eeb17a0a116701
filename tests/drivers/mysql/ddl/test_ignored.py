"""What a source has read in a definition and passed over is not made on a target that would carry it out."""

from __future__ import annotations

from contextlib import nullcontext
from typing import cast

import pytest

from udup.base.errors import Unsupported
from udup.drivers.mysql.apply import fitted_ddl
from udup.drivers.mysql.binlog.query import parse_query
from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.ddl.classify import classify_query
from udup.drivers.mysql.ddl.ignored import ignores, says_no_end, without_ignored
from udup.drivers.mysql.mariadb.collations import Server

_OLD, _NEW = Server.of("5.6.24-log"), Server.of("9.7.4")

_CASES = [
    ("CREATE TABLE t (id INT, p INT REFERENCES s.q (id) MATCH FULL ON DELETE CASCADE ON UPDATE SET NULL, a INT)",
     "CREATE TABLE t (id INT, p INT , a INT)"),
    ("CREATE TABLE t (p INT NOT NULL REFERENCES q(id) ON DELETE NO ACTION COMMENT 'REFERENCES x (y)', KEY (p))",
     "CREATE TABLE t (p INT NOT NULL  COMMENT 'REFERENCES x (y)', KEY (p))"),
    ("CREATE TABLE t (a INT CHECK (a > 0) DEFAULT 1, CONSTRAINT c CHECK (a < 9), CHECK (a <> 5), `check` INT)",
     "CREATE TABLE t (a INT  DEFAULT 1, `check` INT)"),
    ("CREATE TABLE t (a INT CONSTRAINT c CHECK (a IN (1, 2)), b INT CONSTRAINT CHECK (b))",
     "CREATE TABLE t (a INT , b INT )"),
    ("CREATE TABLE t (p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES q (id) ON DELETE CASCADE)",
     "CREATE TABLE t (p INT, CONSTRAINT f FOREIGN KEY (p) REFERENCES q (id) ON DELETE CASCADE)"),
    ("ALTER TABLE t ADD p INT REFERENCES q (id), ADD CONSTRAINT c CHECK (p > 1), ADD KEY (p)",
     "ALTER TABLE t ADD p INT , ADD KEY (p)"),
    ("ALTER TABLE t ADD COLUMN (a INT REFERENCES q (id), b INT CHECK (b > 0))",
     "ALTER TABLE t ADD COLUMN (a INT , b INT )"),
    ("ALTER TABLE t ADD CHECK (a > 1)", ""),
    ("ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES q (id)", "ALTER TABLE t ADD FOREIGN KEY (p) REFERENCES q (id)"),
    ("CREATE TABLE t LIKE `REFERENCES`", "CREATE TABLE t LIKE `REFERENCES`"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "expected"), _CASES, ids=[str(number) for number in range(len(_CASES))])
def test_clauses_that_an_old_server_passes_over_are_left_out(sql: str, expected: str) -> None:
    assert without_ignored(sql, 0, _OLD, _NEW) == expected


def test_only_what_the_source_passed_over_and_the_target_would_not() -> None:
    sql = "CREATE TABLE t (p INT REFERENCES q (id), CHECK (p > 0))"
    assert without_ignored(sql, 0, Server.of("8.4.6"), _NEW) == "CREATE TABLE t (p INT , CHECK (p > 0))"
    assert without_ignored(sql, 0, _NEW, _NEW) == sql and not ignores(_NEW, _NEW)
    assert without_ignored(sql, 0, Server.of("8.0.30"), Server.of("8.4.6")) == sql
    assert without_ignored(sql, 0, _OLD, Server.of("8.4.6")) == "CREATE TABLE t (p INT REFERENCES q (id))"
    assert without_ignored(sql, 0, Server.of("8.4.6"), Server.of("11.8.9-MariaDB")) == (
        "CREATE TABLE t (p INT , CHECK (p > 0))"
    )
    assert without_ignored(sql, 0, Server.of("11.8.9-MariaDB"), _NEW) == sql


def test_a_schedule_without_an_end_is_told_from_others() -> None:
    assert says_no_end("ALTER EVENT e ON SCHEDULE EVERY 3 HOUR STARTS '2030-01-01' DO SELECT ENDS FROM t", 0)
    assert not says_no_end("ALTER EVENT e ON SCHEDULE EVERY 3 HOUR ENDS '2031-01-01'", 0)
    assert not says_no_end("ALTER EVENT e ON SCHEDULE AT '2031-01-01'", 0)
    assert not says_no_end("ALTER EVENT e RENAME TO f", 0)


_MARIADB = Server.of("11.8.9-MariaDB")


@pytest.mark.parametrize(
    ("source", "target", "has_end", "told"),
    [
        (_OLD, _NEW, True, "the source keeps the end"),
        (_MARIADB, _NEW, True, "the source keeps the end"),
        (_NEW, _MARIADB, True, "the target keeps the end"),
        (_NEW, _MARIADB, False, ""),
        (_NEW, _NEW, True, ""),
        (_OLD, _MARIADB, True, ""),
    ],
)
def test_an_end_that_one_server_alone_keeps_stops_the_job(
    monkeypatch: pytest.MonkeyPatch, source: Server, target: Server, has_end: bool, told: str
) -> None:
    monkeypatch.setattr(fitted_ddl, "server_of", lambda _: target)
    monkeypatch.setattr(fitted_ddl, "query", lambda _, sql, *names: [(1,)] * (has_end and names == ("s", "e")))
    front = bytes(19 + 4 + 4) + b"\x01" + bytes(2) + bytes(2) + b"s\0"
    event = parse_query(front + b"ALTER EVENT e ON SCHEDULE EVERY 3 HOUR", has_crc=False)
    with pytest.raises(Unsupported, match=told) if told else nullcontext():
        fitted_ddl.check_end(cast("Connection", None), event, classify_query(event), source)
