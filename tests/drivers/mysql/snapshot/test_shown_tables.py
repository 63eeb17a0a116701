"""Defaults of bytes that a server's definitions do not tell; no server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.dictionary import shown_tables

_PRINTED = (
    rb"""CREATE TABLE `t` (
  `d` varbinary(5) DEFAULT '\0?',
  `q` varbinary(5) NOT NULL DEFAULT 'a?',
  `r` binary(2) DEFAULT '"""
    + b"\xc3''"
    + rb"""' COMMENT 'x',
  `x` binary(3) DEFAULT 0xFF00,
  `p` varbinary(3) DEFAULT 'plain',
  `s` varchar(5) DEFAULT '?'
) ENGINE=InnoDB COMMENT='"""
    + "é".encode()
    + b"'"
)

_TOLD = r"""CREATE TABLE `t` (
  `d` varbinary(5) DEFAULT 0x00FF,
  `q` varbinary(5) NOT NULL DEFAULT 'a?',
  `r` binary(2) DEFAULT 0xC327 COMMENT 'x',
  `x` binary(3) DEFAULT 0xFF00,
  `p` varbinary(3) DEFAULT 'plain',
  `s` varchar(5) DEFAULT '?'
) ENGINE=InnoDB COMMENT='é'"""


def test_bytes_that_are_no_text_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    connection = SimpleNamespace(use_unicode=True)
    asked: list[str] = []

    def answer(_: object, sql: str) -> list[tuple[Any, ...]]:
        asked.append(sql)
        if sql.startswith("SHOW"):
            return [(b"t", _PRINTED)] if not connection.use_unicode else []
        return [("00FF", "613F", "C327")]

    monkeypatch.setattr(shown_tables, "query", answer)
    assert shown_tables.shown_table(cast("Connection", connection), "s", "t") == _TOLD
    assert asked[1].startswith("SELECT HEX(DEFAULT(`d`)), HEX(DEFAULT(`q`)), HEX(DEFAULT(`r`)) FROM")
    assert connection.use_unicode
