"""`udup grants`: the statements that make the accounts of a job on its two servers."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import click

from udup.cli.commands import Command
from udup.cli.options import Session, asks_server
from udup.cli.validate import read_job


@click.command(cls=Command)
@click.argument("file")
@click.option("--source-version", default="", help="Its version, as 8.4.6 or 11.8.2-MariaDB; else it is asked.")
@click.option("--target-version", default="", help="The target's version; else it is asked.")
@asks_server
def grants(session: Session, file: str, source_version: str, target_version: str) -> None:
    """Print the CREATE USER and GRANT statements that a job needs, for each of its servers.

    FILE is a job file as for `udup job run`, which need not have passwords yet; - reads standard input.
    What only some jobs need comes behind, as comments.

    \b
    Examples:
      udup grants job.json
      udup grants job.json --target-version 11.8.2-MariaDB
    """
    versions = {"source_version": source_version, "target_version": target_version}
    query = urlencode({name: value for name, value in versions.items() if value})
    answer = session.api.send("PUT", f"/v1/grants{'?' if query else ''}{query}", read_job(file))
    if session.out.as_json:
        session.out.json(answer)
        return
    for end, name in (("Src", "source"), ("Dest", "target")):
        _say(session, answer[end], name)


def _say(session: Session, end: dict[str, Any], name: str) -> None:
    session.out.say(f"-- on the {name}{', ' if end['Version'] else ''}{end['Version']}")
    if end["Note"]:
        session.out.say(f"-- {end['Note']}")
    for statement in end["Statements"]:
        session.out.say(f"{statement};")
    for each in end["Optional"]:
        session.out.say(f"-- {each['Use']}:")
        session.out.say(f"-- {each['Statement']};")
    session.out.say("")
