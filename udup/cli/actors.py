"""Finding an actor by what the user wrote: its process, or `role[:job[:slot]]`; and putting actors into a tree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from udup.cli.client import Api
from udup.cli.commands import CommandError

SUPERVISOR, APPLIER, WORKER = "supervisor", "applier", "worker"

#: Roles in the order in which they are shown; others come last.
_ORDER = (SUPERVISOR, "store", "extractor", APPLIER, WORKER)

Json = dict[str, Any]


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
            known = sorted({name(actor) for actor in actors})
            raise CommandError("\n  ".join([f"no actor {given!r} lives; there are:", *known]))
        case several:
            raise CommandError("\n  ".join([f"{given!r} is several actors:", *sorted(map(name, several))]))


def name(actor: Json) -> str:
    """`worker:shop:2`, and its process: what `find_actor` understands."""
    slot = f":{actor['Slot']}" if actor["Role"] == WORKER else ""
    job = f":{actor['JobID']}" if actor["JobID"] else ""
    return f"{actor['Role']}{job}{slot}  (pid {actor['Pid']})"


def tree(actors: list[Json]) -> tuple[Branch, ...]:
    """Supervisor → the store keeper, extractors and appliers → an applier's workers."""
    ordered = sorted(actors, key=_place)
    supervisors = [actor for actor in ordered if actor["Role"] == SUPERVISOR]
    hired = tuple(_with_workers(actor, ordered) for actor in ordered if actor["Role"] not in (SUPERVISOR, WORKER))
    lost = tuple(Branch(actor) for actor in ordered if actor["Role"] == WORKER and not _has_applier(actor, ordered))
    if not supervisors:
        return hired + lost
    return Branch(supervisors[0], hired + lost), *(Branch(other) for other in supervisors[1:])


def lines(branches: tuple[Branch, ...], indent: str = "", depth: int = 0) -> Iterator[tuple[str, Json]]:
    """Every actor with what stands before it in a drawing of the tree."""
    for place, branch in enumerate(branches):
        last = place == len(branches) - 1
        before = "" if depth == 0 else indent + ("└─ " if last else "├─ ")
        yield before, branch.actor
        below = "" if depth == 0 else indent + ("   " if last else "│  ")
        yield from lines(branch.children, below, depth + 1)


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
