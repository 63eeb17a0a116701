"""`udup job tail`: what a subscription delivers, as it passes."""

from __future__ import annotations

import time
from typing import Any

import click
import httpx

from udup.cli.client import Answered, Unreachable, job_path
from udup.cli.commands import Command, CommandError, ExitCode
from udup.cli.completing import JOB_ID
from udup.cli.event_lines import lines, raw_line
from udup.cli.jobs import find_job
from udup.cli.options import Session, asks_server
from udup.cli.watch import ABSENCE_SECONDS

#: Seconds that one request waits for a message, and those between two tries of a server or a sink that is away.
_REQUEST_SECONDS, _PAUSE_SECONDS = "20", 1.0


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--table", metavar="SCHEMA.TABLE", help="Messages of this table alone.")
@click.option("--from", "since", metavar="GTID|start|now", help="Where to begin; default: now, start with --no-follow.")
@click.option("--no-follow", is_flag=True, help="End with what is there now.")
@asks_server
def tail(session: Session, job_id: str, table: str | None, since: str | None, no_follow: bool) -> None:
    """Show what a subscription puts into its sink, as it passes: a line for each change, and one for its values.

    Of an update the columns that have changed are shown. --json prints a line for each message,
    {"subject": ..., "key": ..., "value": ..., "id": ...}, as they are in the sink. It goes on until Ctrl-C.

    \b
    Examples:
      udup job tail shop1
      udup job tail shop1 --table shop.orders --from start --no-follow
      udup job tail shop1 --json --from 3e11fa47-71ca-11e1-9e33-c80aa9429562:17 | jq .value.after
    """
    found = find_job(session.api, job_id)["ID"]
    since = since or ("start" if no_follow else "now")  # what is there now is all behind `now`
    asked = {"from": since, "timeout": _REQUEST_SECONDS, "follow": "false" if no_follow else "true"}
    _Tail(session, found, asked | ({"table": table} if table else {})).show()


class _Tail:
    """One reading: as many requests as it takes, each beginning where the one before has ended."""

    def __init__(self, session: Session, job_id: str, asked: dict[str, str]) -> None:
        self._session = session
        self._job_id = job_id
        self._asked = asked
        self._answered_at = time.monotonic()
        self._told = ""

    def show(self) -> None:
        while True:
            answer = self._answer()
            if answer is None:
                time.sleep(_PAUSE_SECONDS)
                continue
            for event in answer["Events"]:
                self._show(event)
            self._asked["cursor"] = answer["Cursor"]
            if answer["End"] and self._asked["follow"] == "false":
                return

    def _answer(self) -> Any:
        """Return the next answer; None while the server or the sink is away, for as long as that may be."""
        try:
            answer = self._session.api.get(job_path(self._job_id, "events"), **self._asked)
        except Unreachable as error:
            self._away(error)
            return None
        except Answered as error:
            if error.status == httpx.codes.NOT_FOUND and "cursor" in self._asked:
                text = f"job {self._job_id} was deleted meanwhile"
                raise CommandError(text, ExitCode.JOB_FAILED) from error
            if error.status != httpx.codes.SERVICE_UNAVAILABLE:
                raise
            self._away(error)
            return None
        self._answered_at, self._told = time.monotonic(), ""
        return answer

    def _away(self, error: Unreachable | Answered) -> None:
        """Say once what is away; give up after a minute."""
        if time.monotonic() - self._answered_at > ABSENCE_SECONDS:
            raise error
        text = str(error)
        if text != self._told:
            self._told = text
            click.echo(text, err=True)

    def _show(self, event: dict[str, Any]) -> None:
        if self._session.out.as_json:
            self._session.out.say(raw_line(event))
            return
        for line in lines(event):
            self._session.out.say(line)
