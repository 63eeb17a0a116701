"""The group `udup cluster`: making a cluster of nodes, and looking after its managers.

Those here work on the files of the machine that they run on, and ask its own nats-server; none needs the API. Those
that move jobs ask the API (`cluster_moves.py`).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from udup.cli.commands import Command, CommandError, Group, confirmed
from udup.cli.output import Output

if TYPE_CHECKING:
    from udup.base.settings import Settings
    from udup.cli.cluster_nodes import Known
    from udup.node.cluster_admin import Status

_COMMANDS = {
    "init": "udup.cli.cluster:init_cluster",
    "token": "udup.cli.cluster:token",
    "join": "udup.cli.cluster:join",
    "status": "udup.cli.cluster:status",
    "drain": "udup.cli.cluster_moves:drain",
    "rebalance": "udup.cli.cluster_moves:rebalance",
    "promote": "udup.cli.cluster_roles:promote",
    "demote": "udup.cli.cluster_roles:demote",
    "remove": "udup.cli.cluster:remove",
    "recover": "udup.cli.cluster:recover",
}

_Function = Callable[..., Any]


@click.group(cls=Group, sections={"Commands": _COMMANDS})
def cluster() -> None:
    """Make a cluster of nodes, and look after its managers."""


def _of_node(function: _Function) -> _Function:
    """Add the options by which a node's settings are found."""
    found = click.option("--data-dir", help="Folder for the node's data.")(function)
    return click.option(
        "--config",
        "-c",
        type=click.Path(path_type=Path),
        default=Path("udup.toml"),
        show_default=True,
        help="Settings file of the node.",
    )(found)


def _settings(config: Path, data_dir: str | None) -> Settings:
    from udup.base.config import load_settings

    return load_settings(config if config.exists() else None, os.environ, {"data_dir": data_dir})


def _bind_of(host: str) -> str:
    """Return on which address a node listens that others call so."""
    import ipaddress

    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return "0.0.0.0"


@click.command("init", cls=Command)
@click.option("--host", required=True, help="Host name or IP address by which other nodes call this one.")
@click.option("--manager", "managers", multiple=True, metavar="HOST", help="Another manager to be; twice, or 4 times.")
@click.option("--bind", help="IP address to listen on for other nodes.  [default: --host, or all if that is a name]")
@click.option("--name", default="udup", show_default=True, help="What the cluster is called.")
@_of_node
def init_cluster(
    host: str, managers: tuple[str, ...], bind: str | None, name: str, config: Path, data_dir: str | None
) -> None:
    """Make this node the first manager of a cluster: its authority, its secret, and its settings.

    The section [cluster] of the settings file is written, the rest of it stays. Jobs that this node has are kept.

    \b
    Examples:
      udup cluster init --host 10.0.0.1
      udup cluster init --host 10.0.0.1 --manager 10.0.0.2 --manager 10.0.0.3
    """
    from udup.base.cluster_files import begin_cluster, put_section, section_of
    from udup.base.cluster_settings import COUNTS
    from udup.store.sealing import load_keyring

    if 1 + len(set(managers) - {host}) not in COUNTS:
        raise CommandError("there are 1, 3 or 5 managers, this one among them; beside one, others join as agents")
    settings = _settings(config, data_dir)
    if settings.cluster.role:
        raise CommandError(f"{config} says already that this node is of a cluster (cluster.role); nothing was written")
    begin_cluster(settings.data_path, name, host)
    load_keyring(settings.data_path, settings.secrets.key.get_secret_value())
    values = {"role": "manager", "name": name, "join": sorted(set(managers) - {host})}
    values |= {"bind_addr": bind or _bind_of(host), "advertise": host}
    put_section(config, section_of(settings.data_path, values))
    click.echo(f"This node is a manager of the cluster {name} from its next start on; its settings are in {config}.")
    click.echo("Each other node needs a token: udup cluster token HOST FILE")


@click.command(cls=Command)
@click.argument("host")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--witness", is_flag=True, help="A manager that carries no jobs.")
@_of_node
def token(host: str, file: Path, witness: bool, config: Path, data_dir: str | None) -> None:
    """Write FILE, by which the node that others call HOST joins: a manager if the settings here name it, or an agent.

    The file holds the cluster's secret and the key of stored passwords. Hand it over safely, and remove it then.

    \b
    Examples:
      udup cluster token 10.0.0.2 m2.token
      udup cluster token branch-office agent.token
    """
    from udup.base.cluster_files import make_token
    from udup.base.cluster_settings import Address, is_manager, joined, own_host, parse_address

    settings = _settings(config, data_dir)
    if not is_manager(settings):
        raise CommandError(f"{config} does not make this node a manager; run this where udup cluster init was run")
    own, others = Address(own_host(settings), settings.ports.cluster), joined(settings)
    place = parse_address(host, settings.ports.cluster)
    if place is None:
        raise CommandError(f"{host!r} is no host name or IP address")
    if place == own:
        raise CommandError(f"{host} is this node itself")
    if place in others:
        role = "witness" if witness else "manager"
        known = [str(each) for each in sorted({own, *others} - {place})]
    elif witness:
        raise CommandError(f"{host} is not in cluster.join of {config}, and a witness is a manager; put it there first")
    else:
        role, known = "agent", [str(Address(each.host, settings.ports.leaf)) for each in sorted({own, *others})]
    made = make_token(
        settings.data_path,
        cluster=settings.cluster.name,
        role=role,
        host=place.host,
        join=known,
        secret=settings.cluster.secret.get_secret_value(),
        keys=_key_lines(settings),
    )
    made.write(file)
    click.echo(f"Written to {file}: the node {place.host} joins as {role}. Copy it there, then there:")
    click.echo(f"  udup cluster join {file.name}")


def _key_lines(settings: Settings) -> str:
    """Return the keys of stored passwords, one a line."""
    import base64

    from udup.store.sealing import load_keyring

    keys = load_keyring(settings.data_path, settings.secrets.key.get_secret_value()).keys
    return "\n".join(base64.b64encode(key).decode() for key in keys.values())


@click.command(cls=Command)
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--bind", help="IP address to listen on for other nodes, if it is a manager.")
@_of_node
def join(file: Path, bind: str | None, config: Path, data_dir: str | None) -> None:
    """Make this node the one that the token FILE is for: its certificates, its secret and its settings.

    \b
    Example: udup cluster join m2.token --config /etc/udup/udup.toml
    """
    from udup.base.cluster_files import Token, put_section, section_of, unpack
    from udup.store.sealing import FILE_NAME

    handed, settings = Token.read(file), _settings(config, data_dir)
    if settings.cluster.role:
        raise CommandError(f"{config} says already that this node is of a cluster (cluster.role); nothing was written")
    unpack(handed, settings.data_path, settings.data_path / FILE_NAME)
    values: dict[str, object] = {"role": handed.role, "name": handed.cluster, "join": list(handed.join)}
    if handed.role != "agent":
        values |= {"bind_addr": bind or _bind_of(handed.host), "advertise": handed.host}
    put_section(config, section_of(settings.data_path, values))
    click.echo(f"This node is {handed.role} of the cluster {handed.cluster}: udup server --config {config}")
    click.echo(f"Remove {file}: it opens the cluster to whoever has it.")


@click.command(cls=Command)
@click.option("--json", "as_json", is_flag=True, help="Print an object.")
@_of_node
def status(as_json: bool, config: Path, data_dir: str | None) -> None:
    """Show who is there: managers, what each has of the job store, and agents. Exit code 1: there is no leader.

    Where this node's API answers, names, jobs and who drains are shown too.

    \b
    Example: udup cluster status
    """
    from udup.base.cluster_settings import count_of_managers
    from udup.cli.cluster_nodes import known_nodes
    from udup.node.cluster_admin import read_status

    settings, out = _settings(config, data_dir), Output(as_json=as_json)
    known = known_nodes(config)
    found = read_status(settings.data_path, count_of_managers(settings), tuple(known))
    if as_json:
        out.json(asdict(found) | ({"nodes": {node: asdict(each) for node, each in known.items()}} if known else {}))
    else:
        _show_status(out, found, known)
    if not (found.leader or found.links):
        what = "the managers have no leader: more than half of them must be there" if found.managers else "no manager"
        raise CommandError(f"{what}; see the log of each, and nats/nats.log in its data_dir")


def _show_status(out: Output, found: Status, known: dict[str, Known]) -> None:
    titles = ("Name", "Jobs", "Drains") if known else ()

    def told(node: str) -> tuple[object, ...]:
        each = known.get(node)
        return () if not known else (each.name, each.jobs, "yes" if each.drains else "no") if each else ("", "", "")

    if not found.managers:
        rows = ((node, trip, *told(node)) for node, trip in found.links.items())
        out.table(("Linked to manager", "Round trip", *titles), rows)
        return
    parts = len(found.buckets)
    has = {node: sum(node in each.current for each in found.buckets) for node in found.managers}
    rows = (
        (node, state, f"{has[node]} of {parts} parts" if parts else "all", *told(node))
        for node, state in sorted(found.managers.items())
    )
    out.table(("Manager", "State", "Has of the store", *titles), rows)
    away = {node: "no" for node in known if node not in found.managers}
    agents = sorted({**away, **found.agents}.items())
    out.table(("Agent", "Linked", *titles), ((node, where, *told(node)) for node, where in agents))


@click.command(cls=Command)
@click.argument("node")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_of_node
def remove(node: str, yes: bool, config: Path, data_dir: str | None) -> None:
    """Take a node out that is gone for good: it is shown no more. NODE is its ID or the beginning of that.

    A manager is counted no more. Start the one that takes its place first: what the dead one had is copied there.
    Started again it ends.

    \b
    Example: udup cluster remove 5482868b
    """
    from udup.base.cluster_settings import count_of_managers
    from udup.node.cluster_admin import remove_manager

    if not (yes or confirmed(f"Remove the node {node!r} from the cluster for good?", "cluster remove")):
        return
    settings = _settings(config, data_dir)
    removed = remove_manager(settings.data_path, count_of_managers(settings), node)
    click.echo(f"the node {removed} is removed; a manager's address is to be taken out of cluster.join on every node")


@click.command(cls=Command)
@click.option("--empty", is_flag=True, help="Bring nothing: another manager brings what it has.")
@click.option("--alone", is_flag=True, help="Go on without other managers.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_of_node
def recover(empty: bool, alone: bool, yes: bool, config: Path, data_dir: str | None) -> None:
    """Begin the job store again when more than half of the managers are lost for good. The server is stopped.

    One manager brings what it has in its file jobs.snapshot; on all others this is run with --empty. The old stores are
    moved aside.

    \b
    Examples:
      udup cluster recover
      udup cluster recover --empty
      udup cluster recover --alone
    """
    from udup.node.recovery import look
    from udup.node.recovery import recover as begin_again

    if empty and alone:
        raise CommandError("--empty is for a manager among others; leave out one of the two")
    folder = _settings_without_place(config, data_dir).data_path
    if not empty:
        snapshot, at = look(folder)
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
        click.echo(f"{folder} has {len(snapshot.values)} records as of {when}, position {snapshot.position}.")
        click.echo("Take the manager with the highest position: what was stored after that is lost.")
    if not (yes or confirmed("Begin the job store again, and move the old one aside?", "cluster recover")):
        return
    for each in begin_again(folder, bring=not empty, alone=alone):
        click.echo(f"moved aside: {each}")
    click.echo("Start the server." if alone else "Start all managers: the store begins when all are there.")


def _settings_without_place(config: Path, data_dir: str | None) -> Settings:
    """Return the settings, whatever is wrong with those of the cluster: its other nodes may be gone."""
    from udup.base.config import load_settings

    lone = {name: value for name, value in os.environ.items() if not name.startswith("UDUP_CLUSTER_")}
    return load_settings(config if config.exists() else None, lone, {"data_dir": data_dir})
