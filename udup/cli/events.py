"""`udup events`: the stream of what changes, as lines of JSON."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator

import click
import httpx

from udup.cli.client import Answered, Unreachable
from udup.cli.commands import Command
from udup.cli.options import Session, asks_server
from udup.cli.watch import ABSENCE_SECONDS

#: Seconds between two tries of a server that is away, or has as many streams as it may have.
_PAUSE_SECONDS = 1.0


@click.command(cls=Command)
@click.option("--topics", metavar="LIST", default="jobs", help="jobs, nodes, job:ID, tail:ID, by comma; default: jobs.")
@click.option("--table", metavar="SCHEMA.TABLE", help="Of a tail: messages of this table alone.")
@click.option("--rate", type=click.IntRange(1, 100), metavar="N", help="Of a tail: messages a second; default: 20.")
@asks_server
def events(session: Session, topics: str, table: str | None, rate: int | None) -> None:
    """Print what changes, an event a line, until Ctrl-C: {"event": ..., "id": ..., "data": {...}}.

    A connection that breaks is made again, and goes on with what has changed since; where that cannot be, an event
    `reset` says so, and all is told once more.

    \b
    Examples:
      udup events
      udup events --topics job:shop
      udup events | jq -c '.data.Jobs[]? | select(.NeedsYou) | [.ID, .Reason]'
    """
    asked = {"topics": topics} | ({"table": table} if table else {}) | ({"rate": str(rate)} if rate else {})
    last, heard_at, told = "", time.monotonic(), ""
    while True:
        try:
            for name, event_id, data in parsed(session.api.stream("/v1/events", asked, last)):
                last, heard_at, told = event_id or last, time.monotonic(), ""
                session.out.json_line({"event": name, "id": event_id, "data": json.loads(data)})
            text = "the stream has ended; trying again"
        except (Unreachable, Answered) as error:
            refused = isinstance(error, Answered) and error.status != httpx.codes.SERVICE_UNAVAILABLE
            if refused or time.monotonic() - heard_at > ABSENCE_SECONDS:
                raise
            text = str(error)
        if text != told:
            told = text
            click.echo(text, err=True)
        time.sleep(_PAUSE_SECONDS)


def parsed(lines: Iterable[str]) -> Iterator[tuple[str, str, str]]:
    """Yield the name, the id ("" for none) and the data of each event of a stream's lines."""
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
            continue
        if "data" in fields:
            yield fields.get("event", "message"), fields.get("id", ""), fields["data"]
        fields = {}
