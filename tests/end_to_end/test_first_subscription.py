"""docs/subscriptions.md, "The first one, in five minutes": its document and its commands, as they stand there."""

from __future__ import annotations

import json
import re

import httpx

from tests.end_to_end.conftest import value
from tests.end_to_end.test_recipes_are_run import DOCS, Operator, operator
from tests.recipes import sections, steps

__all__ = ["operator"]

_METADATA = "SELECT @@global.binlog_row_metadata"


def test_the_first_subscription_runs_as_the_page_says(operator: Operator) -> None:
    world = operator.world
    page = sections(DOCS / "subscriptions.md")["The first one, in five minutes"]
    found = re.search(r"^```json\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    assert found is not None
    document = json.loads(found[1])
    endpoint = world.source.endpoint
    connection = document["Tasks"][0]["Config"]["ConnectionConfig"]
    connection |= {"Host": endpoint.host, "Port": endpoint.port, "User": endpoint.user, "Password": endpoint.password}
    operator.write("orders.json", document)
    before = value(endpoint, _METADATA)
    world.on_source("SET GLOBAL binlog_row_metadata = 'FULL'")
    try:
        for step in steps(page):
            operator.take(step)
        assert "shop.item" in operator.said[2] and 'name: "three"' in operator.said[2], operator.said[2]
        assert f"{world.node.nats_port}" in operator.said[3], "where the consumer connects"
    finally:
        world.on_source(f"SET GLOBAL binlog_row_metadata = '{before}'")
        httpx.delete(f"{world.node.url}/v1/nats/users/reports", timeout=30)
