"""What is asked of jobs by a word and their IDs: pause, resume, settle, stop, delete. One job after another, each told.

All IDs are looked up before anything is done, so that a mistyped one changes no job. What fails for one job is told,
the others are done all the same, and the exit code says that something failed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import click

from udup.cli.client import Answered, job_path
from udup.cli.commands import Command, ExitCode, confirmed
from udup.cli.completing import JOB_ID
from udup.cli.jobs import Json, find_job
from udup.cli.options import Session, asks_server

#: What one job is asked: the server's answer, and what is said of it.
Asked = tuple[Json, str]


@dataclass(frozen=True)
class Act:
    """`left` says of which jobs `--all` leaves alone, by their stage, and why; `states` is what it is about."""

    verb: str
    help: str
    every: str
    done: str
    nothing: str
    left: tuple[tuple[str, str], ...]

    def ask(self, session: Session, job_id: str) -> Asked:
        answer = session.api.send("PUT", job_path(job_id, self.verb))
        return answer, f"job {job_id} {self.done if answer['Success'] else self.nothing}"


_ENDED = (("completed", "is completed, and left as it is"),)

PAUSE = Act(
    "pause",
    """Stop jobs at a transaction boundary, to be resumed where they were.

    \b
    Examples:
      udup job pause shop
      udup job pause shop crm
      udup job pause --all
    """,
    "All jobs that are carried out.",
    "is being paused",
    "is paused already",
    (("failed", "has failed, and is left as it is"), *_ENDED),
)

RESUME = Act(
    "resume",
    """Carry on jobs that were paused, or that have failed.

    \b
    Examples:
      udup job resume shop
      udup job resume shop crm
      udup job resume --all
    """,
    "All jobs that are paused or have failed.",
    "is being resumed",
    "is running already",
    _ENDED,
)


def _command(act: Act) -> click.Command:
    @click.command(act.verb, cls=Command, help=act.help)
    @click.argument("job_ids", type=JOB_ID, metavar="ID...", nargs=-1)
    @click.option("--all", "every", is_flag=True, help=act.every)
    @asks_server
    def command(session: Session, job_ids: tuple[str, ...], every: bool) -> None:
        if every == bool(job_ids):
            raise click.UsageError("give the jobs' IDs, or --all")
        if every:
            _carry_out_all(session, act)
        else:
            carry_out(session, found(session, job_ids), lambda job_id: act.ask(session, job_id))

    return command


pause, resume = _command(PAUSE), _command(RESUME)


def _carry_out_all(session: Session, act: Act) -> None:
    left = dict(act.left)
    stubs: list[Json] = session.api.get("/v1/jobs")
    stages = {stub["ID"]: str((stub.get("JobSummary") or {}).get("Stage", "")) for stub in stubs}

    def ask(job_id: str) -> Asked:
        if (why := left.get(stages[job_id])) is not None:
            return {"Success": False, "Index": 0}, f"job {job_id} {why}"
        return act.ask(session, job_id)

    if not stages and not session.out.as_json:
        session.out.say("No running jobs")
        return
    carry_out(session, list(stages), ask, always_listed=True)


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--gtid", required=True, metavar="GTID", help="The transaction that the job's failure names.")
@click.option(
    "--applied/--not-applied",
    required=True,
    default=None,
    help="All its rows are on the target, or none is.",
)
@asks_server
def settle(session: Session, job_id: str, gtid: str, applied: bool) -> None:
    """Say whether a transaction's rows are on the target, where the job cannot know, and carry the job on.

    A job stops at it when the target's server ended while it took rows for a table without transactions. Look at the
    table; what of its rows is there in part, take out or complete.

    \b
    Examples:
      udup job settle shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:23 --applied
      udup job settle shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:23 --not-applied
    """
    said = "is there" if applied else "is to be applied"

    def ask(found_id: str) -> Asked:
        query = {"gtid": gtid, "applied": "true" if applied else "false"}
        answer = session.api.send("PUT", job_path(found_id, "settle"), **query)
        return answer, f"job {found_id}: {gtid} {said}; the job goes on"

    carry_out(session, found(session, (job_id,)), ask)


# ---- Removing ----

_PURGE = "Remove the checkpoint from the target too: no way to go on from there."


def _removal(verb: str) -> click.Command:
    @click.command(
        verb,
        cls=Command,
        help=f"""Stop jobs and forget them, asking first.

        What is on the target stays, the checkpoint too: a job that is run with the same ID goes on from there.

        \b
        Examples:
          udup job {verb} shop
          udup job {verb} --yes shop crm
          udup job {verb} --yes --purge shop
        """,
    )
    @click.argument("job_ids", type=JOB_ID, metavar="ID...", nargs=-1, required=True)
    @click.option("--purge", is_flag=True, help=_PURGE)
    @click.option("--yes", is_flag=True, help="Do not ask.")
    @asks_server
    def command(session: Session, job_ids: tuple[str, ...], purge: bool, yes: bool) -> None:
        jobs = found(session, job_ids)
        if not yes and not confirmed(_question(verb, jobs, purge), f"job {verb}"):
            return
        query = {"purge": "true"} if purge else {}

        def ask(job_id: str) -> Asked:
            answer = session.api.send("DELETE", job_path(job_id), **query)
            return answer, f"job {job_id} deleted" + (", with its checkpoint" if purge else "")

        carry_out(session, jobs, ask)

    return command


stop, delete = _removal("stop"), _removal("delete")


def _question(verb: str, jobs: Sequence[str], purge: bool) -> str:
    listed = ", ".join(f'"{job_id}"' for job_id in jobs)
    one = len(jobs) == 1
    named = f"job {listed}" if one else f"{len(jobs)} jobs, {listed}"
    if not purge:
        return f"Are you sure you want to {verb} {named} (what is on the target stays)?"
    checkpoints = "its checkpoint" if one else "their checkpoints"
    return f"Are you sure you want to {verb} {named} and {checkpoints} on the target?"


# ---- One after another ----


def found(session: Session, given: Iterable[str]) -> list[str]:
    """The IDs of the jobs that are meant, each once; `CommandError` if one of them is none, or several."""
    return list(dict.fromkeys(str(find_job(session.api, each)["ID"]) for each in given))


def carry_out(
    session: Session, jobs: Sequence[str], ask: Callable[[str], Asked], *, always_listed: bool = False
) -> None:
    """Ask it of each job and tell what came of it; exit with 1 if any of them was refused.

    One job is answered and refused as it always was; of several, --json prints a list.
    """
    if len(jobs) == 1 and not always_listed:
        answer, said = ask(jobs[0])
        if session.out.as_json:
            session.out.json(answer)
        else:
            session.out.say(said)
        return
    outcomes: list[Json] = []
    for job_id in jobs:
        try:
            answer, said = ask(job_id)
        except Answered as error:
            outcomes.append({"ID": job_id, "Success": False, "Index": 0, "Error": error.text})
            click.echo(f"job {job_id}: {error}", err=True)
        else:
            outcomes.append({"ID": job_id, "Success": answer["Success"], "Index": answer["Index"], "Error": ""})
            if not session.out.as_json:
                session.out.say(said)
    if session.out.as_json:
        session.out.json(outcomes)
    if any(outcome["Error"] for outcome in outcomes):
        sys.exit(ExitCode.FAILED)
