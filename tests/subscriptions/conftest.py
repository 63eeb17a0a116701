"""A source whose log names its columns, and a Udup server, for the tests of subscriptions alone."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.end_to_end.conftest import run
from tests.quick_servers import QUICK
from tests.subscriptions.world import Subscribed
from udup.sandbox.node import UdupNode
from udup.sandbox.programs import MysqlPrograms
from udup.sandbox.server import MysqlServer


@pytest.fixture(scope="package")
def named_source(programs: MysqlPrograms, server_folder: Path) -> Iterator[MysqlServer]:
    options = (*QUICK, "--binlog-row-metadata=FULL")
    with MysqlServer(programs, server_folder / "subscribed-source", options=options) as source:
        yield source


@pytest.fixture(scope="package")
def subscribing_node(server_folder: Path) -> Iterator[UdupNode]:
    with UdupNode(server_folder / "subscribing-node") as node:
        yield node


@pytest.fixture
def world(named_source: MysqlServer, subscribing_node: UdupNode) -> Iterator[Subscribed]:
    """A job, a schema and a stream of one name, all of which are gone afterwards."""
    name = f"s_{uuid.uuid4().hex[:10]}"
    run(named_source.endpoint, f"CREATE DATABASE {name}")
    made = Subscribed(named_source, subscribing_node, name)
    yield made
    made.forget_all()
    run(named_source.endpoint, f"DROP DATABASE IF EXISTS {name}")
