"""`udup validate`: whether a job would start, with everything that speaks against it."""

from __future__ import annotations

import sys
from typing import Any

import click

from udup.cli import exits
from udup.cli.commands import Command
from udup.cli.jobfile import Document, read_job
from udup.cli.options import Session, asks_server

_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red"}


@click.command(cls=Command)
@click.argument("file")
@click.option("--offline", is_flag=True, help="Look at the file alone and ask no server.")
@asks_server
def validate(session: Session, file: str, offline: bool) -> None:
    """Check a job without starting it: the document, then both MySQL servers as a start would look at them.

    FILE is a job file as for `udup job run`; - reads standard input. Exit code 0: it would start, 1: it would not.

    \b
    Examples:
      udup validate job.json
      udup validate --offline job.json
    """
    document = read_job(file)
    if offline:
        _check_document(document)
        if session.out.as_json:
            session.out.json({"DriverConfigValidated": True, "Error": ""})
        else:
            session.out.say(f"{file}: the job's document is right")
        return
    answer = session.api.send("PUT", "/v1/validate/job", document)
    if session.out.as_json:
        session.out.json(answer)
    else:
        _show(session, answer)
    sys.exit(exits.FAILED if answer["Error"] else exits.OK)


def _check_document(document: Document) -> None:
    """Raises `Refused` with every fault."""
    from udup.jobs import parse_job  # a validation library that nothing else here needs

    parse_job(document)


def _show(session: Session, answer: dict[str, Any]) -> None:
    checks = answer["Checks"]
    rows = ((check["Result"], check["Task"] or "both", check["Check"], check["Found"]) for check in checks)
    session.out.table(("Result", "Task", "Check", "Found"), rows, styles=_STYLES)
    remedies = [check for check in checks if check["Result"] != "pass" and check["Remedy"]]
    if remedies:
        session.out.title("What to do")
    for check in remedies:
        session.out.say(f"  {check['Task'] or 'both'}, {check['Check']}: {check['Remedy']}")
    failed = sum(check["Result"] == "fail" for check in checks)
    session.out.say("")
    session.out.say(
        f"The job would not start: {failed} fault{'' if failed == 1 else 's'}"
        if answer["Error"]
        else "The job can start"
    )
