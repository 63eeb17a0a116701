"""The `udup` command: a node, its jobs, and what the original's users know by other words."""

from __future__ import annotations

import click

from udup import __version__
from udup.cli.commands import Group

_JOBS = {
    "server": "udup.cli.server:server",
    "demo": "udup.cli.server:demo",
    "version": "udup.cli.server:version",
}


@click.group(cls=Group, sections={"Commands": _JOBS})
@click.version_option(__version__, "--version", "-v", message="Udup v%(version)s")
def cli() -> None:
    """Udup replicates MySQL: a consistent copy of a server in use, kept current from its binary log."""


def main() -> None:
    cli(prog_name="udup")
