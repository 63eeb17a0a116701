"""What is told of a row that is not found since a SPATIAL index is in the way; no server."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from udup.drivers.mysql.apply import lookup
from udup.drivers.mysql.client.connection import Connection


@pytest.mark.parametrize(
    ("is_mariadb", "remedy"), [(False, "ALTER INDEX `p` INVISIBLE"), (True, "ALTER TABLE `s`.`t` DROP INDEX `p`")]
)
def test_each_family_is_told_what_helps_there(monkeypatch: pytest.MonkeyPatch, is_mariadb: bool, remedy: str) -> None:
    def answer(_: object, sql: str, *names: str) -> list[tuple[Any, ...]]:
        assert ("IS_VISIBLE" in sql) <= (not is_mariadb)  # a column that MariaDB has not
        return [("p",)] if "SPATIAL" in sql else []

    monkeypatch.setattr(lookup, "query", answer)
    told = lookup.spatial_remedy(cast("Connection", SimpleNamespace(is_mariadb=is_mariadb)), "s", "t")
    assert told.endswith(remedy)
