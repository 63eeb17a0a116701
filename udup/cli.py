"""The `udup` command."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from udup import __version__
from udup.config import load_settings
from udup.errors import UdupError

#: Exit codes: the command's own failure, and wrong usage (click's).
FAILED = 1


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", "-v", message="Udup v%(version)s")
def cli() -> None:
    """Udup replicates MySQL: a consistent copy of a server in use, kept current from its binary log."""


@cli.command()
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Settings file (TOML); see config/udup.toml.")
@click.option("--data-dir", help="Folder for the node's data.")
@click.option("--http-port", type=int, help="Port of the REST API.")
@click.option("--nats-port", type=int, help="Port of the embedded NATS server.")
@click.option("--nats-url", help="Use this NATS server instead of the embedded one.")
@click.option("--log-level", help="debug, info, warning or error.")
def server(
    config: Path | None,
    data_dir: str | None,
    http_port: int | None,
    nats_port: int | None,
    nats_url: str | None,
    log_level: str | None,
) -> None:
    """Run a node: REST API on 127.0.0.1:8190, NATS on 8193, and the jobs.

    \b
    Example: udup server --config config/udup.toml
    """
    flags = {
        "data_dir": data_dir,
        "ports.http": http_port,
        "ports.nats": nats_port,
        "nats.url": nats_url,
        "log.level": log_level,
    }
    settings = load_settings(config, os.environ, flags)
    from udup.node import run_node  # it patches Thespian, which only a server needs

    run_node(settings)


@cli.command()
@click.option("--keep", is_flag=True, help="Leave everything running and print how to reach and stop it.")
@click.option("--rows", default=300_000, show_default=True, help="Rows of the shop that is replicated.")
@click.option("--seconds", default=30.0, show_default=True, help="Seconds of replication under write load.")
@click.option("--rate", default=300.0, show_default=True, help="Transactions a second that are written meanwhile.")
def demo(keep: bool, rows: int, seconds: float, rate: float) -> None:
    """Replicate a shop between two throw-away MySQL servers, and prove it.

    \b
    Example: udup demo --seconds 10
    """
    from udup.demo import run_demo  # only the demo needs the sandbox

    sys.exit(run_demo(keep=keep, rows=rows, seconds=seconds, rate=rate))


@cli.command()
def version() -> None:
    """Show the version."""
    click.echo(f"Udup v{__version__}")


def main() -> None:
    """Errors of ours are told in a line; a traceback is for those that nobody foresaw."""
    try:
        cli()
    except UdupError as error:
        click.echo(f"udup: {error}", err=True)
        sys.exit(FAILED)
