"""`udup job tail` of a test's job."""

from __future__ import annotations

import json
from typing import Any

from click.testing import CliRunner, Result

from tests.subscriptions.world import Subscribed
from udup.cli import cli


def asked(world: Subscribed, *words: str) -> Result:
    environment = {"UDUP_ADDR": world.node.url, "HOME": str(world.node.data)}
    return CliRunner().invoke(cli, ["job", "tail", world.name, *words], env=environment, prog_name="udup")


def told(world: Subscribed, *words: str) -> list[dict[str, Any]]:
    found = asked(world, "--no-follow", "--json", *words)
    assert found.exit_code == 0, found.output
    return [json.loads(line) for line in found.output.splitlines()]
