"""`udup node list`, `udup node status`, and `udup members`: the managers that know each other."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from udup.cli.client import Api
from udup.cli.commands import Command, CommandError, Group
from udup.cli.jobs import Json
from udup.cli.options import Session, asks_server
from udup.cli.output import local_time, short, show_allocations

#: An attribute of a node that tells a driver whose tasks run there: `driver.MySQL` = "1".
_DRIVER = "driver."

_HEX = frozenset("0123456789abcdef")

_TITLES = ("Name", "Address", "Port", "Status", "Leader", "Protocol", "Build", "Datacenter", "Region")


@click.group(cls=Group, sections={"Commands": {"list": "udup.cli.nodes:list_nodes", "status": "udup.cli.nodes:status"}})
def node() -> None:
    """Look at the node."""


@click.command("list", cls=Command)
@click.option("--allocs", is_flag=True, help="Count the running allocations too.")
@click.option("--verbose", is_flag=True, help="Whole IDs.")
@asks_server
def list_nodes(session: Session, allocs: bool, verbose: bool) -> None:
    """Show all nodes.

    \b
    Examples:
      udup node list
      udup node list --allocs
    """
    show_nodes(session, allocs, verbose)


@click.command(cls=Command)
@click.argument("node_id", metavar="[ID]", default="")
@click.option("--self", "own", is_flag=True, help="The node that is asked.")
@click.option("--verbose", is_flag=True, help="Whole IDs.")
@asks_server
def status(session: Session, node_id: str, own: bool, verbose: bool) -> None:
    """Show a node by its ID, or the beginning of it, with its allocations.

    \b
    Examples:
      udup node status --self
      udup node status 1eda45f8
    """
    if bool(node_id) == own:
        raise click.UsageError("name a node's ID, or --self for the node that is asked")
    show_node(session, node_id, own, verbose)


def show_nodes(session: Session, allocs: bool, verbose: bool) -> None:
    nodes = session.api.get("/v1/nodes")
    if session.out.as_json:
        session.out.json(nodes)
        return
    drains = any(each["Drain"] for each in nodes)  # a node that is alone never does
    titles = ("ID", "DC", "Name", "Status", *(["Drain"] if drains else []), *(["Running Allocs"] if allocs else []))
    rows = (
        (
            short(each["ID"], verbose),
            each["Datacenter"],
            each["Name"],
            each["Status"],
            *([each["StatusDescription"] if each["Drain"] else "no"] if drains else []),
            *([_running(session.api, each["ID"])] if allocs else []),
        )
        for each in nodes
    )
    session.out.table(titles, rows)


def show_node(session: Session, given: str, own: bool, verbose: bool) -> None:
    node_id = session.api.get("/v1/self")["stats"]["client"]["node_id"] if own else _find(session.api, given)
    found = session.api.get(f"/v1/node/{node_id}")
    if session.out.as_json:
        session.out.json(found)
        return
    session.out.pairs(_facts(found, verbose))
    session.out.title("Allocations")
    show_allocations(session.out, session.api.get(f"/v1/node/{node_id}/allocations"), verbose)


def _find(api: Api, given: str) -> str:
    """The ID of the only node whose ID begins so."""
    if len(given) < 2:
        raise CommandError("Identifier must contain at least two characters.")
    digits = given.lower().replace("-", "")
    digits = digits[: len(digits) // 2 * 2]  # the server compares whole bytes
    nodes = api.get("/v1/nodes", prefix=digits) if _HEX.issuperset(digits) else []
    found = [each["ID"] for each in nodes if each["ID"].startswith(given.lower())]
    match found:
        case [only]:
            return str(only)
        case []:
            raise CommandError(f'No node(s) with prefix "{given}" found')
        case several:
            raise CommandError(
                "\n".join([f'Prefix "{given}" matches several nodes:', *(f"  {id_}" for id_ in several)])
            )


def _facts(found: Json, verbose: bool) -> Iterator[tuple[str, object]]:
    yield "ID", short(found["ID"], verbose)
    yield "Name", found["Name"]
    yield "DC", found["Datacenter"]
    yield "Status", found["Status"]
    yield "Description", found["StatusDescription"]
    attributes = found.get("Attributes") or {}
    yield (
        "Drivers",
        ",".join(sorted(k.removeprefix(_DRIVER) for k, v in attributes.items() if v == "1" and _DRIVER in k)),
    )
    yield "HTTP", found["HTTPAddr"]
    yield "NATS", found["NatsAddr"]
    yield "Updated", local_time(found["StatusUpdatedAt"] * 1_000_000_000)


def _running(api: Api, node_id: str) -> int:
    allocations = api.get(f"/v1/node/{node_id}/allocations")
    return sum(each["ClientStatus"] == "running" for each in allocations)


@click.command(cls=Command)
@click.option("--detailed", is_flag=True, help="All tags of each.")
@asks_server
def members(session: Session, detailed: bool) -> None:
    """Show the managers that are known, and which of them leads.

    \b
    Example: udup members
    """
    answer = session.api.get("/v1/members")
    if session.out.as_json:
        session.out.json(answer)
        return
    found = answer["Members"] or []
    if detailed:
        rows = ((each["Name"], each["Addr"], each["Port"], _tags(each)) for each in found)
        session.out.table(("Name", "Address", "Port", "Tags"), rows)
        return
    leader = session.api.get("/v1/leader")
    session.out.table(_TITLES, (_row(each, leader) for each in found))


def _row(member: dict[str, Any], leader: str) -> tuple[object, ...]:
    tags = member["Tags"]
    return (
        member["Name"],
        member["Addr"],
        member["Port"],
        member["Status"],
        "true" if leader == f"{member['Addr']}:{tags.get('port')}" else "false",
        member["ProtocolCur"],
        tags.get("build", ""),
        tags.get("dc", ""),
        tags.get("region", ""),
    )


def _tags(member: dict[str, Any]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(member["Tags"].items()))
