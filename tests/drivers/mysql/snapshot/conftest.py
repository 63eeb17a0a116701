"""A server that denies, for the tests of the locks that a snapshot takes then; it starts once for all of them."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.drivers.mysql.snapshot.denying_shop import Shop, make_shop
from tests.full_copy import run
from tests.preflights import bare_account
from tests.quick_servers import QUICK
from udup.drivers.mysql.client.connection import connect
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@pytest.fixture(scope="package")
def denying(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    """A server on which performance_schema can be kept from an account that may read all else."""
    with MysqlServer(programs, server_folder / "denying", options={**QUICK, "partial-revokes": "ON"}) as server:
        yield server


@pytest.fixture
def shop(denying: MysqlServer, name: str) -> Iterator[Shop]:
    with bare_account(denying) as account:
        yield make_shop(denying, name, account)
        with closing(connect(denying.endpoint)) as connection:
            run(connection, f"DROP DATABASE {name}")


@pytest.fixture
def name() -> str:
    return f"j{uuid.uuid4().hex[:10]}"
