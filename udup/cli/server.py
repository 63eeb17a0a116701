"""`udup server`, `udup demo` and `udup version`: what needs no server that runs already."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click

from udup import __version__
from udup.base import row_library
from udup.cli.commands import Command, CommandError
from udup.cli.output import Output


@click.command(cls=Command)
@click.option("--config", "-c", type=click.Path(path_type=Path), help="Settings file (TOML); `udup init` writes one.")
@click.option("--data-dir", help="Folder for the node's data.")
@click.option("--bind", help="Address to listen on.")
@click.option("--http-port", type=int, help="Port of the REST API.")
@click.option("--nats-port", type=int, help="Port of the embedded NATS server.")
@click.option("--nats-url", help="Use this NATS server instead of the embedded one.")
@click.option("--node", help="What the node is called.")
@click.option("--region", help="The node's region.")
@click.option("--dc", help="The node's datacenter.")
@click.option(
    "--join", multiple=True, metavar="HOST[:PORT]", help="A manager of the cluster; repeatable (cluster.join)."
)
@click.option("--log-level", type=str.lower, metavar="LEVEL", help="debug, info, warning or error.")
@click.option("--manager", is_flag=True, hidden=True, help="The original's: cluster.role must allow it.")
@click.option("--agent", is_flag=True, hidden=True, help="The original's: cluster.role must allow it.")
def server(
    config: Path | None,
    data_dir: str | None,
    bind: str | None,
    http_port: int | None,
    nats_port: int | None,
    nats_url: str | None,
    node: str | None,
    region: str | None,
    dc: str | None,
    join: tuple[str, ...],
    log_level: str | None,
    manager: bool,
    agent: bool,
) -> None:
    """Run a node: the REST API on 127.0.0.1:8190, NATS on 8193, and the jobs.

    A setting is taken from the flags, else from the environment (UDUP_PORTS_HTTP for ports.http), else from the file.

    \b
    Examples:
      udup server
      udup server --config /etc/udup/udup.toml --log-level debug
    """
    flags = {
        "data_dir": data_dir,
        "bind_addr": bind,
        "ports.http": http_port,
        "ports.nats": nats_port,
        "nats.url": nats_url,
        "node.name": node,
        "region": region,
        "datacenter": dc,
        "cluster.join": list(join) or None,
        "log.level": log_level,
    }
    from udup.base.config import load_settings

    settings = load_settings(config, os.environ, flags)
    _check_role(settings.cluster.role, manager=manager, agent=agent)
    from udup.node.sharing import uncollected

    with uncollected():
        from udup.node.node import run_node  # it patches Thespian, which only a server needs

    run_node(settings)


def _check_role(role: str, *, manager: bool, agent: bool) -> None:
    """Raise `CommandError` if the flags say another role than the settings; a node that is alone is both."""
    if manager == agent:
        return
    if manager and role in ("agent", "witness"):
        raise CommandError(
            f"--manager: this node is {role} of its cluster (cluster.role). A manager has an address of its own among "
            "the managers: see `udup cluster token` and `udup cluster join`; or leave the flag out"
        )
    if agent and role != "agent":
        what = f"{role} of its cluster (cluster.role)" if role else "alone, and so its own manager"
        raise CommandError(
            f"--agent: this node is {what}. An agent joins a cluster by a token, with an empty data_dir: "
            "`udup cluster token` at a manager, then `udup cluster join` here; or leave the flag out"
        )


#: Which servers a demo has.
_FAMILY = click.Choice(("mysql", "mariadb"))


@click.command(cls=Command)
@click.option("--subscribe", is_flag=True, help="Subscribe to the shop's changes, and rebuild its tables from them.")
@click.option("--keep", is_flag=True, help="Leave everything running and print how to reach and stop it.")
@click.option("--rows", type=int, help="Rows of the shop.  [default: 300000; 30000 with --subscribe]")
@click.option("--seconds", type=float, help="Seconds of changes.  [default: 30; 20 with --subscribe]")
@click.option("--rate", type=float, help="Transactions a second meanwhile.  [default: 300; 100 with --subscribe]")
@click.option("--source", type=_FAMILY, default="mysql", show_default=True, help="The server to replicate from.")
@click.option("--target", type=_FAMILY, help="The server to replicate to.  [default: mysql]")
def demo(
    subscribe: bool,
    keep: bool,
    rows: int | None,
    seconds: float | None,
    rate: float | None,
    source: str,
    target: str | None,
) -> None:
    """Replicate a shop between two throw-away servers, or subscribe to its changes, and prove it.

    \b
    Examples:
      udup demo --seconds 10
      udup demo --source mariadb --target mysql
      udup demo --subscribe
      udup demo --keep
    """
    from udup.demo import run_demo, run_subscribe_demo  # only the demo needs the sandbox

    given = {"rows": rows, "seconds": seconds, "rate": rate}
    chosen: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    if subscribe and target:
        raise click.UsageError("--subscribe has no target: leave --target out")
    if subscribe:
        sys.exit(run_subscribe_demo(keep=keep, source=source, **chosen))
    sys.exit(run_demo(keep=keep, families=(source, target or "mysql"), **chosen))


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
def version(as_json: bool) -> None:
    """Show the version, and what reads the rows of subscriptions here: compiled, or python, which is slow.

    \b
    Examples:
      udup version
      udup version --json
    """
    if as_json:
        Output(as_json=True).json({"Version": __version__, "Decoder": row_library.kind()})
        return
    click.echo(f"Udup v{__version__}")
    kind = row_library.kind()
    slow = "" if kind == row_library.COMPILED else f" (slow: {row_library.REMEDY})"
    click.echo(f"Reader of rows for subscriptions: {kind}{slow}")
