"""`udup cluster drain`, `udup cluster rebalance` and `udup job move`: jobs that go from one node to another."""

from __future__ import annotations

import time
from typing import Any

import click

from udup.cli.client import Api
from udup.cli.commands import Command, CommandError
from udup.cli.completing import JOB_ID
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server

#: Seconds between two looks at a node that drains.
LOOK_SECONDS = 1.0


@click.command(cls=Command)
@click.argument("node")
@click.option("--off", is_flag=True, help="Have jobs given to it again; those that went do not come back.")
@click.option("--wait", is_flag=True, help="Wait until no job goes any more. Exit code 1: some stay.")
@click.option("--deadline", metavar="SECONDS", help="Then jobs in a full copy go too, and begin it again; 0: now.")
@asks_server
def drain(session: Session, node: str, off: bool, wait: bool, deadline: str | None) -> None:
    """Have a node give its jobs to others, eight at a time, and be given none: NODE is its ID, the beginning, or name.

    It stays so over restarts, until --off. Jobs stay that name this node without Failover, or that no other can take.
    A job in a full copy goes when that is done.

    \b
    Examples:
      udup cluster drain n2 --wait
      udup cluster drain 5482868b --deadline 600
      udup cluster drain n2 --off
    """
    if off and (wait or deadline is not None):
        raise click.UsageError("--off has nothing to wait for; leave --wait and --deadline out")
    path = f"/v1/node/{_find(session.api, node)}/drain"
    more = {} if deadline is None else {"deadline": deadline}
    answer = session.api.send("PUT", path, enable="false" if off else "true", **more)
    while wait and answer["Goes"]:
        time.sleep(LOOK_SECONDS)
        answer = session.api.get(path)
    if session.out.as_json:
        session.out.json(answer)
    elif off:
        session.out.say(f"{node} does not drain")
    else:
        session.out.say(f"{node} drains, until udup cluster drain {node} --off")
        _show(session, answer)
    if wait and answer["Stays"]:
        raise CommandError(f"{len(answer['Stays'])} of its jobs stay on {node}")


@click.command(cls=Command)
@click.option("--dry-run", is_flag=True, help="Say which jobs would move, and move none.")
@asks_server
def rebalance(session: Session, dry_run: bool) -> None:
    """Move the least number of jobs after which all nodes are equally full, two at a time.

    Jobs that name a node and jobs in a full copy stay. Whoever coordinates goes on with it.

    \b
    Example: udup cluster rebalance --dry-run
    """
    answer = session.api.send("PUT", "/v1/cluster/rebalance", dry_run="true" if dry_run else "false")
    if session.out.as_json:
        session.out.json(answer)
    elif not answer["Goes"]:
        session.out.say("nothing is to be moved")
    else:
        _show(session, answer)


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.argument("node")
@asks_server
def move(session: Session, job_id: str, node: str) -> None:
    """Move one job to NODE at a transaction boundary: a node's ID, the beginning of it, or its name.

    A job whose document names a node moves with its document alone: post it again.

    \b
    Example: udup job move shop n2
    """
    found = find_job(session.api, job_id)["ID"]
    answer = session.api.send("PUT", "/v1/cluster/move", job=found, node=_find(session.api, node))
    if session.out.as_json:
        session.out.json(answer)
    else:
        _show(session, answer)


def _show(session: Session, answer: dict[str, Any]) -> None:
    names = {each["ID"]: each["Name"] or each["ID"] for each in session.api.get("/v1/nodes")} if answer["Goes"] else {}
    if answer["Goes"]:
        rows = [(each["JobID"], names.get(each["NodeID"], each["NodeID"])) for each in answer["Goes"]]
        session.out.table(("Job", "Goes to"), rows)
    if answer["Stays"]:
        session.out.table(("Job", "Stays, since"), [(each["JobID"], each["Reason"]) for each in answer["Stays"]])
    if not (answer["Goes"] or answer["Stays"]):
        session.out.say("it has no jobs")


def _find(api: Api, given: str) -> str:
    """Return the ID of the only node of this ID or name, or whose ID begins so."""
    nodes = api.get("/v1/nodes")
    whole = [each["ID"] for each in nodes if given.lower() == each["ID"] or given == each["Name"]]
    found = whole or [each["ID"] for each in nodes if len(given) > 1 and each["ID"].startswith(given.lower())]
    if len(found) == 1:
        return str(found[0])
    if found:
        raise CommandError("\n".join([f"{given!r} names several nodes, write more of the ID:", *map(str, found)]))
    raise CommandError(f"no node has the ID or the name {given!r}; see udup node list")
