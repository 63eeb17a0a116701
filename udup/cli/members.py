"""`udup members`: the managers that know each other."""

from __future__ import annotations

from typing import Any

import click

from udup.cli.commands import Command
from udup.cli.options import Session, asks_server

_TITLES = ("Name", "Address", "Port", "Status", "Leader", "Protocol", "Build", "Datacenter", "Region")


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
