"""The group `udup nats user`: who may read from the node's own JetStream, where subscriptions deliver to."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import click

from udup.cli.commands import Command, Group, confirmed
from udup.cli.options import Session, asks_server
from udup.cli.output import shown

_USERS = "/v1/nats/users"

_COMMANDS = {"user": "udup.cli.nats:user"}

_USER_COMMANDS = {
    "add": "udup.cli.nats:add",
    "list": "udup.cli.nats:list_users",
    "remove": "udup.cli.nats:remove",
}


@click.group(cls=Group, sections={"Commands": _COMMANDS})
def nats() -> None:
    """Let consumers into the node's own JetStream."""


@click.group(cls=Group, sections={"Commands": _USER_COMMANDS})
def user() -> None:
    """Add, list and remove who may read the streams of subscriptions."""


@click.command(cls=Command)
@click.argument("name")
@click.option(
    "--stream", "streams", multiple=True, required=True, metavar="STREAM", help="What it may read; repeatable."
)
@asks_server
def add(session: Session, name: str, streams: tuple[str, ...]) -> None:
    """Let a consumer in, who may read and acknowledge what is in these streams and nothing else.

    The password is shown now and never again. NAME is letters, digits and any of -_.

    \b
    Examples:
      udup nats user add reports --stream SHOP1
      udup nats user add search --stream SHOP1 --stream OBJ_UDUP_shop1_LARGE
    """
    made = session.api.send("PUT", _USERS, {"Name": name, "Streams": list(streams)})
    if session.out.as_json:
        session.out.json(made)
        return
    session.out.pairs(
        [
            ("User", made["Name"]),
            ("Password", made["Password"]),
            ("Streams", ", ".join(made["Streams"])),
            ("Address", made["Address"]),
            ("From other machines", made["RemoteAddress"]),
        ]
    )
    for stream in made["Missing"]:
        click.echo(f"stream {shown(stream)} is not there yet; the user may read it as soon as it is", err=True)
    click.echo("The password is kept nowhere: note it now.", err=True)


@click.command("list", cls=Command)
@asks_server
def list_users(session: Session) -> None:
    """Show who may read what, and since when.

    \b
    Example: udup nats user list
    """
    found = session.api.get(_USERS)
    if session.out.as_json:
        session.out.json(found)
        return
    session.out.table(("Name", "Streams", "Since"), ((each["Name"], _streams(each), each["Since"]) for each in found))


@click.command(cls=Command)
@click.argument("name")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asks_server
def remove(session: Session, name: str, yes: bool) -> None:
    """Let a consumer in no more, asking first, and end its connections.

    What it has acknowledged stays noted in the streams: a user that is added later under the same name goes on there.

    \b
    Examples:
      udup nats user remove reports
      udup nats user remove --yes reports
    """
    if not (yes or confirmed(f"Remove the user {name!r}, and end its connections?", "nats user remove")):
        return
    session.api.send("DELETE", f"{_USERS}/{quote(name, safe='')}")
    if session.out.as_json:
        session.out.json({"Name": name})
    else:
        session.out.say(f"user {name} is removed")


def _streams(found: dict[str, Any]) -> str:
    """Return the streams, those marked that are not there yet."""
    return ", ".join(f"{each} (not there yet)" if each in found["Missing"] else each for each in found["Streams"])
