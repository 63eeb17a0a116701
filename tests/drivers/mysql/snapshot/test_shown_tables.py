"""Defaults of bytes that a server's definitions do not tell; no server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, cast

import pytest

from udup.drivers.mysql.client.connection import Connection
from udup.drivers.mysql.dictionary import shown_tables

#: As MariaDB 10.11 prints it; MySQL 5.6 and MariaDB 10.5 make question marks of what is no character.
_BYTES = b"""CREATE TABLE `t` (
  `d` varbinary(5) NOT NULL DEFAULT '\\0\xff''\\n\\\\',
  `q` varbinary(5) NOT NULL DEFAULT 'a?''',
  `r` binary(2) DEFAULT '\xc3''' COMMENT 'x',
  `x` binary(3) DEFAULT 0xFF00,
  `p` varbinary(3) DEFAULT 'plain',
  `s` varchar(5) DEFAULT '?'
) ENGINE=InnoDB COMMENT='\xc3\xa9'"""
_PRINTED = _BYTES.replace(b"\xff", b"?").replace(b"\xc3'", b"?'")

_TOLD = """CREATE TABLE `t` (
  `d` varbinary(5) NOT NULL DEFAULT 0x00FF270A5C,
  `q` varbinary(5) NOT NULL DEFAULT 'a?''',
  `r` binary(2) DEFAULT 0xC327 COMMENT 'x',
  `x` binary(3) DEFAULT 0xFF00,
  `p` varbinary(3) DEFAULT 'plain',
  `s` varchar(5) DEFAULT '?'
) ENGINE=InnoDB COMMENT='é'"""


@pytest.mark.parametrize("printed", [_PRINTED, _BYTES], ids=["question marks", "bytes"])
def test_bytes_that_are_no_text_are_told_in_digits(monkeypatch: pytest.MonkeyPatch, printed: bytes) -> None:
    connection = SimpleNamespace(use_unicode=True, is_converted=True)

    @contextmanager
    def unconverted(_: object) -> Iterator[None]:
        connection.is_converted = False
        yield
        connection.is_converted = True

    def answer(_: object, sql: str) -> list[tuple[Any, ...]]:
        assert sql == "SHOW CREATE TABLE `s`.`t`"
        return [(b"t", printed if connection.is_converted else _BYTES)]

    monkeypatch.setattr(shown_tables, "query", answer)
    monkeypatch.setattr(shown_tables, "unconverted", unconverted)
    assert shown_tables.shown_table(cast("Connection", connection), "s", "t") == _TOLD
    assert connection.use_unicode
