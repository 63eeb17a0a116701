"""The group `udup admin`: the actors of a node, for drills and for whoever looks for the reason of a standstill."""

from __future__ import annotations

import time
from collections.abc import Iterator

import click

from udup.cli.actors import Json, find_actor, lines, name
from udup.cli.actors import tree as tree_of
from udup.cli.commands import Command, Group
from udup.cli.confirm import confirmed
from udup.cli.options import Session, asks_server
from udup.cli.output import duration, number, size

_COMMANDS = {
    "tree": "udup.cli.admin:tree",
    "kill": "udup.cli.admin:kill",
    "stacks": "udup.cli.admin:stacks",
}


@click.group(cls=Group, sections={"Commands": _COMMANDS})
def admin() -> None:
    """Look into a node: its actors.

    ACTOR is a process number, or role[:job[:slot]], as `worker:shop:2`.
    """


@click.command(cls=Command)
@asks_server
def tree(session: Session) -> None:
    """Show the actors as a tree: who hired whom, each with its process, state, age, restarts and memory.

    \b
    Example: udup admin tree
    """
    actors = session.api.get("/v1/agent/actors")
    if session.out.as_json:
        session.out.json(actors)
        return
    titles = ("Actor", "Job", "Pid", "State", "Age", "Restarts", "Memory")
    session.out.table(titles, _rows(actors), ("Pid", "Age", "Restarts", "Memory"))


@click.command(cls=Command)
@click.argument("actor")
@click.option("--yes", is_flag=True, help="Do not ask.")
@asks_server
def kill(session: Session, actor: str, yes: bool) -> None:
    """Kill an actor with SIGKILL, as a drill: its place is filled again, and no row is lost.

    \b
    Examples:
      udup admin kill extractor:shop
      udup admin kill --yes 4711
    """
    meant = find_actor(session.api, actor)
    if not yes and not confirmed(f"Kill {name(meant)}?", "admin kill"):
        return
    session.api.send("PUT", f"/v1/agent/actor/{meant['Pid']}/kill")
    if session.out.as_json:
        session.out.json(meant)
    else:
        session.out.say(f"killed {name(meant)}")


@click.command(cls=Command)
@click.argument("actor")
@asks_server
def stacks(session: Session, actor: str) -> None:
    """Show what all threads of an actor are doing now.

    --json prints the actor with the text as {"Stacks": ...} beside its keys.

    \b
    Examples:
      udup admin stacks supervisor
      udup admin stacks worker:shop:2
    """
    meant = find_actor(session.api, actor)
    text = session.api.text(f"/v1/agent/actor/{meant['Pid']}/stacks")
    if session.out.as_json:
        session.out.json({**meant, "Stacks": text})
    else:
        session.out.say(text.rstrip("\n"))


def _rows(actors: list[Json]) -> Iterator[tuple[object, ...]]:
    now = time.time()
    for before, actor in lines(tree_of(actors)):
        role = f"{actor['Role']} {actor['Slot']}" if actor["Role"] == "worker" else actor["Role"]
        age = duration(now - actor["Started"]) if actor["Started"] else ""
        restarts, memory = number(actor["Restarts"]), size(actor["Rss"])
        yield before + role, actor["JobID"], actor["Pid"], actor["State"], age, restarts, memory
