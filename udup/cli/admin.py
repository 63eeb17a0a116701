"""The group `udup admin`: a node's actors as a tree, to kill for a drill, and their stack traces, to debug a hang."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import click

from udup.cli.client import Api
from udup.cli.commands import Command, CommandError, Group, confirmed
from udup.cli.options import Session, asks_server
from udup.cli.output import duration, number, size

_COMMANDS = {
    "tree": "udup.cli.admin:tree",
    "kill": "udup.cli.admin:kill",
    "stacks": "udup.cli.admin:stacks",
}


SUPERVISOR, APPLIER, WORKER = "supervisor", "applier", "worker"

#: Roles in the order in which they are shown; others come last.
_ORDER = (SUPERVISOR, "store", "extractor", APPLIER, WORKER)

Json = dict[str, Any]


@click.group(cls=Group, sections={"Commands": _COMMANDS})
def admin() -> None:
    """Look into a node: its actors.

    ACTOR is a process number, or role[:job[:slot]], as `worker:shop:2`.
    """


@click.command(cls=Command)
@click.option("--node", default="", help="Another node of the cluster: its ID, its beginning, or its name.")
@asks_server
def tree(session: Session, node: str) -> None:
    """Show the actors as a tree: who hired whom, each with its process, state, age, restarts and memory.

    \b
    Example: udup admin tree
    """
    actors = session.api.get("/v1/agent/actors", **({"node": node} if node else {}))
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
    if not yes and not confirmed(f"Kill {actor_name(meant)}?", "admin kill"):
        return
    session.api.send("PUT", f"/v1/agent/actor/{meant['Pid']}/kill")
    if session.out.as_json:
        session.out.json(meant)
    else:
        session.out.say(f"killed {actor_name(meant)}")


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
    for before, actor in _drawn(_tree(actors)):
        role = f"{actor['Role']} {actor['Slot']}" if actor["Role"] == "worker" else actor["Role"]
        age = duration(now - actor["Started"]) if actor["Started"] else ""
        restarts, memory = number(actor["Restarts"]), size(actor["Rss"])
        yield before + role, actor["JobID"], actor["Pid"], actor["State"], age, restarts, memory


@dataclass(frozen=True)
class Branch:
    """An actor and those that it hired."""

    actor: Json
    children: tuple[Branch, ...] = ()


def find_actor(api: Api, given: str) -> Json:
    """The actor that is meant; `CommandError` for none or several."""
    actors: list[Json] = api.get("/v1/agent/actors")
    found = [actor for actor in actors if _is_meant(actor, given)]
    match found:
        case [actor]:
            return actor
        case []:
            known = sorted({actor_name(actor) for actor in actors})
            raise CommandError("\n  ".join([f"no actor {given!r} lives; there are:", *known]))
        case several:
            raise CommandError("\n  ".join([f"{given!r} is several actors:", *sorted(map(actor_name, several))]))


def actor_name(actor: Json) -> str:
    """`worker:shop:2`, and its process: what `find_actor` understands."""
    slot = f":{actor['Slot']}" if actor["Role"] == WORKER else ""
    job = f":{actor['JobID']}" if actor["JobID"] else ""
    return f"{actor['Role']}{job}{slot}  (pid {actor['Pid']})"


def _tree(actors: list[Json]) -> tuple[Branch, ...]:
    """Supervisor → the store keeper, extractors and appliers → an applier's workers."""
    ordered = sorted(actors, key=_place)
    supervisors = [actor for actor in ordered if actor["Role"] == SUPERVISOR]
    hired = tuple(_with_workers(actor, ordered) for actor in ordered if actor["Role"] not in (SUPERVISOR, WORKER))
    lost = tuple(Branch(actor) for actor in ordered if actor["Role"] == WORKER and not _has_applier(actor, ordered))
    if not supervisors:
        return hired + lost
    return Branch(supervisors[0], hired + lost), *(Branch(other) for other in supervisors[1:])


def _drawn(branches: tuple[Branch, ...], indent: str = "", depth: int = 0) -> Iterator[tuple[str, Json]]:
    """Every actor with what stands before it in a drawing of the tree."""
    for place, branch in enumerate(branches):
        last = place == len(branches) - 1
        before = "" if depth == 0 else indent + ("└─ " if last else "├─ ")
        yield before, branch.actor
        below = "" if depth == 0 else indent + ("   " if last else "│  ")
        yield from _drawn(branch.children, below, depth + 1)


def _is_meant(actor: Json, given: str) -> bool:
    """`given` is a process, or a role, a role and a job, or all three; a job's ID may hold colons itself."""
    if given.isdecimal():
        return bool(actor["Pid"] == int(given))
    names = [actor["Role"], f"{actor['Role']}:{actor['JobID']}", f"{actor['Role']}:{actor['JobID']}:{actor['Slot']}"]
    return given in names


def _with_workers(actor: Json, actors: list[Json]) -> Branch:
    if actor["Role"] != APPLIER:
        return Branch(actor)
    workers = (other for other in actors if other["Role"] == WORKER and other["JobID"] == actor["JobID"])
    return Branch(actor, tuple(Branch(worker) for worker in workers))


def _has_applier(worker: Json, actors: list[Json]) -> bool:
    return any(other["Role"] == APPLIER and other["JobID"] == worker["JobID"] for other in actors)


def _place(actor: Json) -> tuple[str, int, int, int]:
    role = actor["Role"]
    return actor["JobID"], _ORDER.index(role) if role in _ORDER else len(_ORDER), actor["Slot"], actor["Pid"]
