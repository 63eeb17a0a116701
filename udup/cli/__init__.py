"""The `udup` command: a node, its jobs, and what the original's users know by other words."""

from __future__ import annotations

import sys

import click

from udup import __version__
from udup.cli.commands import Group

_COMMANDS = {
    "server": "udup.cli.server:server",
    "init": "udup.cli.init:init",
    "demo": "udup.cli.server:demo",
    "selftest": "udup.cli.selftest:selftest",
    "selftest-oracle": "udup.cli.selftest_oracle:selftest_oracle",
    "version": "udup.cli.server:version",
    "completion": "udup.cli.completing:completion",
    "validate": "udup.cli.validate:validate",
    "grants": "udup.cli.grants:grants",
    "inspect": "udup.cli.inspect:inspect",
    "job": "udup.cli.jobs:job",
    "events": "udup.cli.events:events",
    "node": "udup.cli.nodes:node",
    "members": "udup.cli.nodes:members",
    "cluster": "udup.cli.cluster:cluster",
    "nats": "udup.cli.nats:nats",
    "backup": "udup.cli.backup:backup",
    "restore": "udup.cli.backup:restore",
    "metrics": "udup.cli.metrics:metrics",
    "admin": "udup.cli.admin:admin",
}

_ORIGINAL = {
    "start": "udup.cli.original:start",
    "stop": "udup.cli.original:stop",
    "status": "udup.cli.original:status",
    "job-status": "udup.cli.original:status",
    "node-status": "udup.cli.original:node_status",
    "agent-config": "udup.cli.original:agent_config",
}


@click.group(cls=Group, sections={"Commands": _COMMANDS, "The original's words": _ORIGINAL})
@click.version_option(__version__, "--version", "-v", message="Udup v%(version)s")
def cli() -> None:
    """Udup replicates MySQL: a consistent copy of a server in use, kept current from its binary log.

    Exit codes: 0 done, 1 refused or not found, 2 wrong usage, 3 no server answers, 4 a watched job failed.
    """


def main() -> None:
    # NATS's client loads it where somebody has installed it, for WebSocket, which no address of ours names: 10 MB and
    # a seventh of a server's start.
    sys.modules.setdefault("aiohttp", None)  # type: ignore[arg-type]  # says that there is none
    cli(prog_name="udup")
