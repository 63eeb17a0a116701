"""`udup metrics`: the numbers that a Prometheus server would collect."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import click

from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.options import Session, asks_server

#: A line of the text format: name, labels in braces, value, and a time that is of no account here.
_SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})?\s+(\S+)(?:\s+-?\d+)?")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_ESCAPED = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Sample:
    name: str
    labels: dict[str, str]
    value: str


@click.command(cls=Command)
@click.argument("prefix", type=JOB_ID, default="")
@click.option("--table", is_flag=True, help="As a table, without the explanations.")
@asks_server
def metrics(session: Session, prefix: str, table: bool) -> None:
    """Print /metrics as it is, or those whose name begins with PREFIX.

    --json prints a list of {"name": ..., "labels": {...}, "value": ...}.

    \b
    Examples:
      udup metrics
      udup metrics --table udup_job
    """
    text = session.api.text("/metrics")
    if not (table or prefix or session.out.as_json):
        session.out.say(text.rstrip("\n"))
        return
    found = [sample for sample in samples(text) if sample.name.startswith(prefix)]
    if session.out.as_json:
        session.out.json([{"name": each.name, "labels": each.labels, "value": each.value} for each in found])
        return
    rows = ((each.name, " ".join(f"{k}={v}" for k, v in each.labels.items()), each.value) for each in found)
    session.out.table(("Metric", "Labels", "Value"), rows, ("Value",))


def samples(text: str) -> Iterator[Sample]:
    """What the text format holds besides comments."""
    for line in text.splitlines():
        match = None if line.startswith("#") else _SAMPLE.fullmatch(line.strip())
        if match:
            labels = {name: _unescaped(value) for name, value in _LABEL.findall(match[2] or "")}
            yield Sample(match[1], labels, match[3])


def _unescaped(value: str) -> str:
    return _ESCAPED.sub(lambda match: "\n" if match[1] == "n" else match[1], value)
