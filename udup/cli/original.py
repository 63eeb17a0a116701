"""The words of the original command, for scripts that were written for it: start, stop, status, node-status, ….

Their output is the original's, line by line, so that what looks for `Evaluation ID: ` still finds it; so are the
errors, which begin without our name. Exit codes are ours where the original has no own.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from udup.cli.client import Answered, Unreachable, job_path
from udup.cli.commands import Command, CommandError, ExitCode, confirmed
from udup.cli.completing import JOB_ID
from udup.cli.jobs import Json, find_job
from udup.cli.nodes import show_node, show_nodes
from udup.cli.options import Session, asks_server
from udup.cli.output import short, show_allocations, show_evaluations
from udup.cli.validate import read_job, wrapped

#: Seconds between two looks.
_EVALUATION_SECONDS = 1.0

#: The exit code for tasks that found no place.
_NOT_PLACED = 2

_EVALUATION_OVER = ("complete", "failed", "canceled")


class OriginalCommand(Command):
    """Tells errors as the original does."""

    prefix = ""


@contextmanager
def doing(what: str) -> Iterator[None]:
    """`Error submitting job: Unexpected response code: 400 (…)`"""
    try:
        yield
    except Answered as error:
        raise CommandError(f"Error {what}: Unexpected response code: {error.status} ({error.text})") from error
    except Unreachable as error:
        raise CommandError(f"Error {what}: {error}", ExitCode.UNREACHABLE) from error


@click.command(cls=OriginalCommand)
@click.argument("file")
@click.option("--check-index", type=int, metavar="N", help="Only if the job's JobModifyIndex is N; 0: if it is new.")
@click.option("--detach", is_flag=True, help="Do not wait for the evaluation.")
@click.option("--verbose", is_flag=True, help="Whole IDs.")
@click.option("--output", is_flag=True, help="Print what would be sent, passwords masked, and send nothing.")
@asks_server
def start(session: Session, file: str, check_index: int | None, detach: bool, verbose: bool, output: bool) -> None:
    """The original's word for `job run`: registers the job in FILE (JSON; - is standard input).

    \b
    Exit codes: 0 placed, 2 its tasks could not be placed, 1 refused.

    \b
    Example: udup start -detach job.json
    """
    body = wrapped(read_job(file), check_index)
    if output:
        from udup.jobs.document.passwords import masked  # a validation library comes with it

        session.out.json(masked(body))
        return
    with doing("submitting job"):
        _, answer = session.api.register(body)
    if session.out.as_json:
        session.out.json(answer)
        return
    eval_id = str(answer.get("EvalID") or "")
    if detach or not eval_id:
        session.out.say("Job registration successful")
        if eval_id:
            session.out.say(f"Evaluation ID: {eval_id}")
        return
    with doing("reading evaluation"):
        sys.exit(_monitor(session, eval_id, verbose))


@click.command(cls=OriginalCommand)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--detach", is_flag=True, help="Accepted; there is nothing to wait for.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--verbose", is_flag=True, help="Accepted.")
@asks_server
def stop(session: Session, job_id: str, detach: bool, yes: bool, verbose: bool) -> None:
    """The original's word for `job stop`; asks if ID is only the beginning of a job's ID.

    \b
    Example: udup stop -yes shop
    """
    with doing("deregistering job"):
        found = find_job(session.api, job_id)["ID"]
        if found != job_id and not yes and not confirmed(f'Are you sure you want to stop job "{found}"?', "job stop"):
            return
        answer = session.api.send("DELETE", job_path(found))
    if session.out.as_json:
        session.out.json(answer)


@click.command(cls=OriginalCommand)
@click.argument("job_id", type=JOB_ID, metavar="[ID]", default="")
@click.option("--short", is_flag=True, help="Without evaluations and allocations.")
@click.option("--evals", is_flag=True, help="With the evaluations.")
@click.option("--all-allocs", is_flag=True, help="With the allocations of earlier jobs of the same ID.")
@click.option("--verbose", is_flag=True, help="Whole IDs.")
@asks_server
def status(session: Session, job_id: str, short: bool, evals: bool, all_allocs: bool, verbose: bool) -> None:
    """The original's word for `job list`, and with an ID for `job status`.

    \b
    Examples:
      udup status
      udup status -short shop
    """
    with doing("querying jobs"):
        if job_id:
            _show_matching(session, job_id, short, evals, all_allocs, verbose)
        else:
            _show_stubs(session, session.api.get("/v1/jobs"))


@click.command("node-status", cls=OriginalCommand)
@click.argument("node_id", metavar="[ID]", default="")
@click.option("--self", "own", is_flag=True, help="The node that is asked.")
@click.option("--allocs", is_flag=True, help="Count the running allocations too.")
@click.option("--verbose", is_flag=True, help="Whole IDs.")
@asks_server
def node_status(session: Session, node_id: str, own: bool, allocs: bool, verbose: bool) -> None:
    """The original's word for `node list`, and with an ID or -self for `node status`.

    \b
    Example: udup node-status -self
    """
    with doing("querying node status"):
        if own or node_id:
            show_node(session, node_id, own, verbose)
        else:
            show_nodes(session, allocs, verbose)


@click.command("agent-config", cls=OriginalCommand)
@click.argument("addresses", metavar="[ADDRESS]...", nargs=-1)
@click.option("--servers", is_flag=True, help="Show the managers that the node talks to.")
@click.option("--update-servers", is_flag=True, help="Replace them by the ADDRESSes.")
@asks_server
def agent_config(session: Session, addresses: tuple[str, ...], servers: bool, update_servers: bool) -> None:
    """Show or replace the managers that a node talks to. Nodes are joined by their settings alone.

    \b
    Examples:
      udup agent-config -servers
      udup agent-config -update-servers 127.0.0.1:8191
    """
    if servers == update_servers or update_servers != bool(addresses):
        raise click.UsageError("give -servers, or -update-servers and addresses")
    if update_servers:
        with doing("updating server list"):
            session.api.send("PUT", "/v1/servers", address=list(addresses))
        session.out.say("Updated server list")
        return
    with doing("querying server list"):
        known = session.api.get("/v1/servers")
    if session.out.as_json:
        session.out.json(known)
    else:
        session.out.say("\n".join(known))


def _show_stubs(session: Session, stubs: list[Json]) -> None:
    if session.out.as_json:
        session.out.json(stubs)
    elif not stubs:
        session.out.say("No running jobs")
    else:
        session.out.table(("ID", "Type", "Status"), ((stub["ID"], stub["Type"], stub["Status"]) for stub in stubs))


def _show_matching(session: Session, given: str, short: bool, evals: bool, all_allocs: bool, verbose: bool) -> None:
    """The job that is meant; a list, and no error, if there are several."""
    stubs = session.api.get("/v1/jobs", prefix=given)
    exact = [stub for stub in stubs if stub["ID"] == given]
    if len(stubs) > 1 and not exact:
        if not session.out.as_json:
            session.out.say("Prefix matched multiple jobs\n")
        _show_stubs(session, stubs)
        return
    job = find_job(session.api, given)
    if session.out.as_json:
        session.out.json(job)
        return
    session.out.pairs(_facts(job))
    if short:
        return
    if evals:
        session.out.title("Evaluations")
        show_evaluations(session.out, session.api.get(job_path(job["ID"], "evaluations")), verbose)
    session.out.title("Allocations")
    every = "true" if all_allocs else "false"
    show_allocations(session.out, session.api.get(job_path(job["ID"], "allocations"), all=every), verbose)


def _facts(job: Json) -> list[tuple[str, Any]]:
    return [
        ("ID", job["ID"]),
        ("Name", job["Name"]),
        ("Type", job["Type"]),
        ("Datacenters", ",".join(job.get("Datacenters") or [])),
        ("Status", job["Status"]),
        ("Description", job["StatusDescription"]),
    ]


def _monitor(session: Session, eval_id: str, verbose: bool) -> int:
    """Tell what becomes of an evaluation until it is over; the exit code."""
    name, told = short(eval_id, verbose), ""
    say = session.out.say
    say(f'==> Monitoring evaluation "{name}"')
    while True:
        found = session.api.get(f"/v1/evaluation/{eval_id}")
        if not told:
            say(f'    Evaluation triggered by job "{found["JobID"]}"')
        if found["Status"] != told:
            say(f'    Evaluation status changed: "{told or "pending"}" -> "{found["Status"]}"')
            told = found["Status"]
        if told in _EVALUATION_OVER:
            break
        time.sleep(_EVALUATION_SECONDS)
    for allocation in session.api.get(f"/v1/evaluation/{eval_id}/allocations"):
        _tell_placed(session, allocation, verbose)
    say(f'==> Evaluation "{name}" finished with status "{told}"')
    if found["FailedTGAllocs"]:
        say(f"    No place was found for: {', '.join(found['FailedTGAllocs'])}")
        return _NOT_PLACED
    return ExitCode.OK if told == "complete" else ExitCode.FAILED


def _tell_placed(session: Session, allocation: dict[str, Any], verbose: bool) -> None:
    identity, node = short(allocation["ID"], verbose), short(allocation["NodeID"], verbose)
    session.out.say(f'    Allocation "{identity}" created: node "{node}", task "{allocation["Task"]}"')
