"""MySQL keeps to what the machine relies on, as every driver does."""

from __future__ import annotations

import pytest

from tests.drivers.contract.copy import CopyContract
from tests.drivers.contract.skip import SkipContract
from tests.drivers.contract.source import SourceContract
from tests.drivers.contract.target import TargetContract
from tests.drivers.mysql.pair import MySQLPair
from udup.sandbox.server import MysqlServer


@pytest.fixture
def pair(source: MysqlServer, target: MysqlServer, schema: str) -> MySQLPair:
    return MySQLPair(source.endpoint, target.endpoint, schema)


class TestMySQLSource(SourceContract): ...


class TestMySQLTarget(TargetContract): ...


class TestMySQLCopy(CopyContract): ...


class TestMySQLSkip(SkipContract): ...
