"""`udup job wait` and `udup job finish`: until the target has everything that the source has executed."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import click
import httpx

from udup.cli.client import Answered, Unreachable, job_path
from udup.cli.commands import Command, ExitCode
from udup.cli.completing import JOB_ID
from udup.cli.job_acts import Asked, carry_out, found
from udup.cli.jobs import Json, find_job
from udup.cli.options import Session, asks_server
from udup.cli.watch import ABSENCE_SECONDS, patiently

#: Seconds that one request waits; longer waits are several requests.
_REQUEST_SECONDS = 30.0

#: Seconds between two requests.
_PAUSE_SECONDS = 0.5

#: Characters of a GTID set that a request's path holds safely. A longer one is not named again: the source is asked.
_GTID_MAX = 8000

#: Stages that a job does not leave by itself.
_ENDED = ("failed", "paused", "completed")


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--gtid", metavar="SET", help="Wait for these transactions instead of asking the source.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="No longer than this; 0: look once.")
@asks_server
def wait(session: Session, job_id: str, gtid: str | None, timeout: float | None) -> None:
    """Wait until the target has everything that the source had executed when this command asked.

    The source is asked after the command began, and the target's checkpoint is read until it has all of that. Stop
    writing first where the answer is to hold: SET GLOBAL super_read_only = ON on the source. Prints both sets and what
    is missing.

    \b
    Exit codes: 0 level, 4 the job has failed, is paused or was deleted,
    5 not level when --timeout was over; the job goes on.

    \b
    Examples:
      udup job wait shop
      udup job wait shop --timeout 60 --json
      udup job wait shop --gtid 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-500
    """
    began = time.monotonic()
    end = None if timeout is None else began + timeout
    found = patiently(lambda: find_job(session.api, job_id), ABSENCE_SECONDS if timeout is None else timeout)["ID"]
    sys.exit(_Wait(session, found, gtid, end).until_level())


class _Wait:
    """One wait: as many requests as it takes. `end` is on the clock of `time.monotonic`, None for no end."""

    def __init__(self, session: Session, job_id: str, gtid: str | None, end: float | None) -> None:
        self._session = session
        self._job_id = job_id
        self._gtid = gtid
        self._end = end
        self._answered_at = time.monotonic()
        self._told = ""

    def until_level(self) -> int:
        """Return the exit code."""
        while True:
            try:
                answer = self._ask()
            except Unreachable:
                if self._is_over or (self._end is None and time.monotonic() - self._answered_at > ABSENCE_SECONDS):
                    raise
            except Answered as error:
                if error.status == httpx.codes.NOT_FOUND:
                    return self._ends(f"job {self._job_id} was deleted meanwhile", ExitCode.JOB_FAILED)
                if error.status != httpx.codes.SERVICE_UNAVAILABLE:
                    raise
                if self._is_over:
                    return self._ends(error.text, ExitCode.TIMED_OUT)
                self._tell(error.text)
            else:
                if answer["Level"] or answer["Stage"] in _ENDED or self._is_over:
                    return self._show(answer)
            time.sleep(_PAUSE_SECONDS)

    def _ask(self) -> Json:
        left = _REQUEST_SECONDS if self._end is None else self._end - time.monotonic()
        seconds = max(0.0, min(left, _REQUEST_SECONDS))
        named = {"gtid": self._gtid} if self._gtid is not None else {}
        answer: Json = self._session.api.get(job_path(self._job_id, "level"), timeout=f"{seconds:.3f}", **named)
        self._answered_at, self._told = time.monotonic(), ""
        if self._gtid is None and 0 < len(answer["Wanted"]) <= _GTID_MAX:
            self._gtid = answer["Wanted"]  # the same question again: a busy source would always be ahead of a new one
        return answer

    @property
    def _is_over(self) -> bool:
        return self._end is not None and time.monotonic() >= self._end

    def _show(self, answer: Json) -> int:
        if self._session.out.as_json:
            self._session.out.json(answer)
        else:
            self._session.out.pairs(_facts(self._job_id, answer))
        if answer["Level"]:
            return ExitCode.OK
        ended = answer["Stage"] in _ENDED
        text = f"job {self._job_id} is not level: {answer['Why']}"
        return self._ends(text, ExitCode.JOB_FAILED if ended else ExitCode.TIMED_OUT)

    def _tell(self, text: str) -> None:
        """Say once why nothing can be said yet."""
        if text != self._told:
            self._told = text
            click.echo(f"udup: {text}; still waiting", err=True)

    @staticmethod
    def _ends(text: str, code: int) -> int:
        click.echo(f"udup: {text}", err=True)
        return code


def _facts(job_id: str, answer: Json) -> Iterator[tuple[str, object]]:
    yield "Job", job_id
    yield "Stage", answer["Stage"]
    yield "Level", "yes" if answer["Level"] else "no"
    yield "Wanted", answer["Wanted"]
    yield "Applied", answer["Applied"]
    yield "Missing", answer["Missing"]


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@asks_server
def finish(session: Session, job_id: str) -> None:
    """End a migration that was made with "EndWhen": "finished", as soon as it is level.

    Stop writing to the source first: what is written after that is not in the target.

    \b
    Example: udup job finish shop
    """
    done = "ends as soon as the target has all that the source has executed; follow it with: udup job status --watch"

    def ask(found_id: str) -> Asked:
        answer = session.api.send("PUT", job_path(found_id, "finish"))
        return answer, f"job {found_id} {done if answer['Success'] else 'is being finished already, or is complete'}"

    carry_out(session, found(session, (job_id,)), ask)
