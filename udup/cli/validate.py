"""`udup validate`: whether a job would start, with everything that speaks against it; reading a job's file.

A file is JSON: the job itself, or wrapped as `{"Job": {…}}`. What it means is for the server to decide; here it must be
readable, and what is not is shown by line and column. Nothing of the text is shown, since it holds passwords.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from udup.cli.commands import Command, CommandError, ExitCode
from udup.cli.options import Session, asks_server

_STYLES = {"pass": "green", "warn": "yellow", "fail": "bold red"}

#: From what is read least to what is read first.
_ORDER = ("pass", "warn", "fail")

#: The name that means standard input.
STDIN = "-"

Document = dict[str, Any]


@click.command(cls=Command)
@click.argument("file")
@click.option("--offline", is_flag=True, help="Look at the file alone and ask no server.")
@click.option("--verbose", is_flag=True, help="List the checks that passed too.")
@asks_server
def validate(session: Session, file: str, offline: bool, verbose: bool) -> None:
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
        _show(session, answer, verbose)
    sys.exit(ExitCode.FAILED if answer["Error"] else ExitCode.OK)


def _check_document(document: Document) -> None:
    """Raises `Refused` with every fault."""
    from udup.jobs import accept  # a validation library that nothing else here needs

    accept(document, local=False)


def _show(session: Session, answer: dict[str, Any], verbose: bool) -> None:
    """What passed, in a line or first, then what is warned of, then what forbids the start: the end is what is read."""
    checks = sorted(answer["Checks"], key=lambda check: _ORDER.index(check["Result"]))
    passed = [check for check in checks if check["Result"] == "pass"]
    if passed and not verbose:
        session.out.say(f"{len(passed)} checks passed; --verbose lists them")
        checks = checks[len(passed) :]
    _show_checks(session, checks)
    failed = sum(check["Result"] == "fail" for check in checks)
    session.out.say("")
    session.out.say(
        f"The job would not start: {failed} fault{'' if failed == 1 else 's'}"
        if answer["Error"]
        else "The job can start"
    )


def _show_checks(session: Session, checks: list[dict[str, Any]]) -> None:
    if not checks:
        return
    rows = ((check["Result"], check["Task"] or "both", check["Check"], check["Found"]) for check in checks)
    session.out.table(("Result", "Task", "Check", "Found"), rows, styles=_STYLES)
    remedies = [check for check in checks if check["Result"] != "pass" and check["Remedy"]]
    if remedies:
        session.out.title("What to do")
    for check in remedies:
        session.out.say(f"  {check['Task'] or 'both'}, {check['Check']}: {check['Remedy']}")


def read_job(name: str) -> Document:
    """The JSON object in this file; `CommandError` if there is none."""
    shown = "standard input" if name == STDIN else name
    try:
        data = sys.stdin.buffer.read() if name == STDIN else Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read the job file {name}: {error.strerror}") from error
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise CommandError(f"{shown}, line {line}: not UTF-8 (byte 0x{data[error.start]:02x})") from error
    if not text.strip():
        raise CommandError(f"{shown} is empty; a job is a JSON object, `udup init` writes an example")
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise CommandError(f"{shown}, line {error.lineno}, column {error.colno}: {error.msg}") from error
    except RecursionError as error:
        raise CommandError(f"{shown}: nested too deeply for a job") from error
    except ValueError as error:
        raise CommandError(f"{shown}: {error}") from error
    if not isinstance(document, dict):
        raise CommandError(f"{shown}: a job is a JSON object in braces, this is {_kind(document)}")
    return document


def wrapped(document: Document, check_index: int | None) -> Document:
    """The job as the original's client posts it. `check_index`: the JobModifyIndex that must still hold."""
    outer = dict(document) if isinstance(document.get("Job"), dict) else {"Job": document}
    if check_index is not None:
        outer |= {"EnforceIndex": True, "JobModifyIndex": check_index}
    return outer


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _kind(value: object) -> str:
    kinds = {list: "a list", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
