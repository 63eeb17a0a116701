"""What the tests of the checks before a job have in common, on either side."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace

from udup.base.endpoint import Endpoint
from udup.base.errors import Fault
from udup.drivers.mysql.client.connection import connect, query
from udup.drivers.mysql.client.facts import ServerFacts
from udup.sandbox.server import MysqlServer


@contextmanager
def bare_account(server: MysqlServer) -> Iterator[Endpoint]:
    """An account of the test's own, without privileges."""
    name = f"u{uuid.uuid4().hex[:10]}"
    with closing(connect(server.endpoint)) as connection:
        query(connection, f"CREATE USER {name} IDENTIFIED BY 'secret'")
        yield Endpoint(server.endpoint.host, server.endpoint.port, name, "secret")
        query(connection, f"DROP USER {name}")


def changed(facts: ServerFacts, **variables: str) -> ServerFacts:
    return replace(facts, variables={**facts.variables, **variables})


def problems(faults: Iterable[Fault]) -> str:
    return "\n".join(map(str, faults))
