"""What the tests of a telling source share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.applied import run
from udup.sandbox.server import MysqlServer


@pytest.fixture
def naming(source: MysqlServer) -> Iterator[None]:
    """Have the source name the columns in its log."""
    run(source.endpoint, "SET GLOBAL binlog_row_metadata = 'FULL'")
    yield
    run(source.endpoint, "SET GLOBAL binlog_row_metadata = 'MINIMAL'")
