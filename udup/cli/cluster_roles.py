"""`udup cluster promote` and `demote`: whether nodes may change what they are, and the exact steps."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from udup.base.errors import ConfigError
from udup.cli.cluster import _of_node, _settings
from udup.cli.commands import Command, CommandError
from udup.cli.output import Output

if TYPE_CHECKING:
    from udup.base.settings import Settings
    from udup.cli.cluster_nodes import Known
    from udup.cluster.role_steps import Cluster, Step
    from udup.node.cluster_admin import Status

_Function = Callable[..., Any]


def _changes(function: _Function) -> _Function:
    """Add what both commands have."""
    at = click.option("--at", "at", multiple=True, metavar="ID=HOST", help="How other nodes call one.")
    drain = click.option("--drain", is_flag=True, help="Give the order to drain, the first step, too.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print the steps as a list.")
    return at(drain(as_json(_of_node(function))))


@click.command(cls=Command)
@click.argument("node")
@click.option("--with", "second", metavar="NODE2", help="Another agent that becomes a manager: 3 of 1, 5 of 3.")
@click.option("--for", "old", metavar="MANAGER", help="Whose place it takes, there or gone for good.")
@_changes
def promote(
    node: str,
    second: str | None,
    old: str | None,
    at: tuple[str, ...],
    drain: bool,
    as_json: bool,
    config: Path,
    data_dir: str | None,
) -> None:
    """Say how the agent NODE becomes a manager, step by step, or why it must not. Nothing is changed.

    Run it on any manager. NODE is an ID, the beginning of it, or a name.

    \b
    Examples:
      udup cluster promote n2 --with n3
      udup cluster promote n4 --for 5482868b --drain
    """
    from udup.cluster import roles

    if second and old:
        raise click.UsageError("--with adds managers, --for replaces one; leave one out")
    cluster = _look(config, data_dir, at)
    new = roles.find(cluster, node)
    if old:
        steps = roles.replace(cluster, roles.find(cluster, old), new)
    else:
        steps = roles.grow(cluster, [new, *([roles.find(cluster, second)] if second else [])])
    _carry_on(steps, config, drain=drain, as_json=as_json)


@click.command(cls=Command)
@click.argument("node")
@click.option("--for", "successor", metavar="AGENT", help="The agent that takes its place.")
@click.option("--with", "second", metavar="NODE2", help="Another manager that becomes an agent: 1 of 3.")
@_changes
def demote(
    node: str,
    successor: str | None,
    second: str | None,
    at: tuple[str, ...],
    drain: bool,
    as_json: bool,
    config: Path,
    data_dir: str | None,
) -> None:
    """Say how the manager NODE becomes an agent, and another node a manager in its place. Nothing is changed.

    Run it on any manager. NODE is an ID, the beginning of it, or a name.

    \b
    Examples:
      udup cluster demote n1 --for n4
      udup cluster demote n2 --with n3
    """
    from udup.cluster import roles
    from udup.cluster.role_steps import OFFLINE

    if second and successor:
        raise click.UsageError("--for replaces a manager, --with makes one of three; leave one out")
    cluster = _look(config, data_dir, at)
    old = roles.find(cluster, node)
    if second:
        steps = roles.alone(cluster, [old, roles.find(cluster, second)])
        _carry_on(steps, config, drain=drain, as_json=as_json)
        return
    if not successor:
        left = len(cluster.managers) - 1
        raise CommandError(
            f"{left} managers would be left; there are 1, 3 or 5, since more than half of them must be there: name the"
            " agent that takes its place (--for AGENT), or the other that goes (--with NODE2)"
        )
    if old.is_manager and old.state == OFFLINE:
        raise CommandError(
            f"the manager {old.called} is not there; start it first, or if it is gone for good: udup cluster promote"
            f" {successor} --for {old.called}"
        )
    steps = roles.replace(cluster, old, roles.find(cluster, successor))
    _carry_on(steps, config, drain=drain, as_json=as_json)


def _carry_on(steps: list[Step], config: Path, *, drain: bool, as_json: bool) -> None:
    from udup.cluster.roles import drains

    _tell(steps, as_json=as_json)
    if drain:
        _drain(drains(steps), config, as_json=as_json)


def _look(config: Path, data_dir: str | None, at: tuple[str, ...]) -> Cluster:
    """Return the cluster as this manager's nats-server, its settings and, where it answers, its API tell it."""
    from udup.base.cluster_settings import count_of_managers, is_manager
    from udup.cli.cluster_nodes import known_nodes
    from udup.node.cluster_admin import read_status

    settings = _settings(config, data_dir)
    if not is_manager(settings):
        raise CommandError(f"{config} does not make this node a manager; run this on a manager of the cluster")
    known = known_nodes(config)
    status = read_status(settings.data_path, count_of_managers(settings), tuple(known))
    return _seen(settings, status, known, config, at)


def _seen(settings: Settings, status: Status, known: Mapping[str, Known], config: Path, at: tuple[str, ...]) -> Cluster:
    from udup.base.cluster_files import CA_KEY, FOLDER
    from udup.base.cluster_settings import AGENT, Address, joined, own_host
    from udup.cli.cluster_nodes import hosts_of
    from udup.cluster import roles
    from udup.cluster.role_steps import OFFLINE, Cluster, Member

    ports = settings.ports.cluster, settings.ports.leaf
    own, others = Address(own_host(settings), ports[0]), joined(settings)
    names = {node: each.name for node, each in known.items()}
    members = []
    for node, state in status.managers.items():
        role = settings.cluster.role if node == status.own else "manager"
        whole = all(node in each.current for each in status.buckets)
        members.append(Member(node, names.get(node, ""), role, state, whole=whole))
    for node in sorted({*status.agents, *known} - set(status.managers)):
        linked = status.agents.get(node, "")
        place = Address(linked.split()[0], ports[0]) if linked else None
        members.append(Member(node, names.get(node, ""), AGENT, "linked" if linked else OFFLINE, place))
    ids = [each.id for each in members]
    said = _said(at, ids, ports[0])
    hosts = hosts_of(config, [node for node in status.managers if node != status.own]) if known else {}
    named = {each.host for each in others}
    told = {
        node: ip if (ip := status.routes.get(node, "")) in named else hosts.get(node, "") for node in status.managers
    }
    places = {**roles.places_of(status.own, own, others, told), **said}
    return Cluster(
        status.own,
        tuple(_placed(each, places) for each in members),
        (own, *others),
        len(status.buckets),
        str(config.absolute()),
        str(settings.data_path.absolute()),
        ports,
        (settings.data_path / FOLDER / CA_KEY).exists(),
    )


def _placed(member: Any, places: dict[str, Any]) -> Any:
    from dataclasses import replace

    return replace(member, place=places.get(member.id, member.place))


def _said(at: tuple[str, ...], ids: list[str], port: int) -> dict[str, Any]:
    """Return the addresses that the command line names, by whole ID."""
    from udup.base.cluster_settings import parse_address

    found = {}
    for each in at:
        begin, _, host = each.partition("=")
        named, place = [node for node in ids if begin and node.startswith(begin.lower())], parse_address(host, port)
        if len(named) != 1 or place is None:
            raise ConfigError(f"--at must be the beginning of one node's ID, =, and a host or IP address; got {each!r}")
        found[named[0]] = place
    return found


def _tell(steps: list[Step], *, as_json: bool) -> None:
    from udup.cluster.roles import lines

    if as_json:
        Output(as_json=True).json([asdict(each) for each in steps])
        return
    click.echo("Nothing was changed. Do this, in this order; paths are as on this machine, elsewhere take those there:")
    for line in lines(steps):
        click.echo(line)


def _drain(nodes: list[str], config: Path, *, as_json: bool) -> None:
    """Give the order of the first step, which may be given again."""
    import os

    from udup.cli.client import Api
    from udup.cli.where import Flags, find

    api = Api(find(Flags(config=config if config.exists() else None), os.environ, Path.home()))
    try:
        for node in nodes:
            api.send("PUT", f"/v1/node/{node}/drain", enable="true")
            click.echo(f"{node} drains; the commands of step 1 wait for it", err=as_json)
    finally:
        api.close()
