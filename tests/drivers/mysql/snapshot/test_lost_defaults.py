"""Defaults that an old server's definitions do not tell."""

from __future__ import annotations

from udup.drivers.mysql.dictionary.catalog import Column
from udup.drivers.mysql.dictionary.defaults import lost_defaults

_PRINTED = r"""CREATE TABLE `t` (
  `d` varbinary(5) DEFAULT '?\0',
  `q` varbinary(5) NOT NULL DEFAULT 'a?',
  `x` binary(3) DEFAULT 0xFF00,
  `s` varchar(5) DEFAULT '?'
) ENGINE=InnoDB"""


def _column(name: str, kind: str, default: str) -> Column:
    return Column(name, kind, f"{kind}(5)", None, None, True, False, default=default)


def test_bytes_that_are_printed_as_question_marks_are_told() -> None:
    columns = [
        _column("d", "varbinary", "''"),
        _column("q", "varbinary", "'a?'"),
        _column("x", "binary", "'0xFF'"),
        _column("s", "varchar", "''"),
    ]
    (problem,) = lost_defaults(_PRINTED, "s", "t", columns)
    assert "`d` of table `s`.`t`" in problem
