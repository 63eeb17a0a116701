"""`udup job status`: one job, everything that is known of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click

from udup.cli import outage
from udup.cli.client import job_path
from udup.cli.commands import Command
from udup.cli.completing import JOB_ID
from udup.cli.event_lines import WORDS
from udup.cli.jobs import Json, endpoint, find_job, progress, sink
from udup.cli.options import Session, asks_server
from udup.cli.output import duration, number, show_allocations, shown, size
from udup.cli.reasons import reasons, title
from udup.cli.waits import waiting_line
from udup.cli.watch import watch as watch_job
from udup.jobs.growing_shown import told

#: Characters of a GTID set that fit a line; the whole is in --json.
_GTID_WIDTH = 100

#: Tables whose events are told.
_TABLES = 5


@click.command(cls=Command)
@click.argument("job_id", type=JOB_ID, metavar="ID")
@click.option("--watch", is_flag=True, help="Keep showing it until it ends, or Ctrl-C.")
@click.option("--timeout", type=click.FloatRange(min=0), metavar="SECONDS", help="Watch no longer than this.")
@click.option("--verbose", is_flag=True, help="Whole IDs and GTID sets.")
@asks_server
def status(session: Session, job_id: str, watch: bool, timeout: float | None, verbose: bool) -> None:
    """Show a job: its stage, lag and rates, the copy by table, its tasks, and what is wrong.

    \b
    Examples:
      udup job status shop
      udup job status shop --watch
      udup job status shop --json | jq .Progress.lag_ms
    """
    job = find_job(session.api, job_id)
    if watch:
        sys.exit(watch_job(session, job["ID"], ("completed",), timeout))
    if session.out.as_json:
        session.out.json(job)
        return
    session.out.pairs(_facts(job, verbose))
    if lines := reasons(job):
        session.out.title(title(job))
        session.out.say("\n".join(lines))
    _show_remedies(session, job)
    if warnings := progress(job).get("warnings"):
        session.out.title("Warnings")
        session.out.say("\n".join(f"  {shown(warning)}" for warning in warnings))
    _show_skipped(session, job.get("Skipped") or [])
    _show_tables(session, progress(job), "Snapshot" if sink(job) else "Full copy")
    allocations = session.api.get(job_path(job["ID"], "allocations"))
    session.out.title("Allocations")
    show_allocations(session.out, allocations, verbose)


def _facts(job: Json, verbose: bool) -> Iterator[tuple[str, object]]:
    now = progress(job)
    yield "ID", job["ID"]
    yield "Name", job["Name"]
    yield "Type", job["Type"]
    yield "Ends when", job.get("EndWhen")
    yield "Datacenters", ",".join(job.get("Datacenters") or [])
    yield "Status", job["Status"]
    yield "Stage", job.get("Stage")
    if (word := outage.stage(job)) != job.get("Stage"):
        yield "Is", word
    if since := job.get("ShownSince"):
        yield "Since", since
    if cutover := outage.cutover(job):
        yield "Cut-over", cutover
    for waits in outage.outages(job):
        yield "Waiting", waits
    if growing := job.get("Growing"):
        yield "Tables", told(growing)
    yield "Source", endpoint(job, "Src")
    yield "Sink" if sink(job) else "Target", endpoint(job, "Dest")
    if job.get("Stage") == "copying":
        yield "Copied", number(now.get("copied_rows"), " rows")
        yield "Copy rate", number(now.get("copy_rows_per_s"), " rows/s")
        yield "Time to go", duration(now.get("eta_s"))
    if job.get("Stage") in ("catching_up", "running"):
        yield "Lag", number(now.get("lag_ms"), " ms")
        yield "Transactions", number(now.get("tx_per_s"), "/s")
        yield "Rows", number(now.get("rows_per_s"), "/s")
    if sink(job) and job.get("Stage") != "copying":
        yield "Reading", _reading(now)
    if sink(job):
        yield from _delivered(job, now)
    elif changed := [f"{number(now.get(key))} {key}" for key in ("inserts", "updates", "deletes") if now.get(key)]:
        yield "Changed", ", ".join(changed)
    if now.get("binlog_file"):
        yield "Binlog", f"{now['binlog_file']}:{now.get('binlog_position', '')}"
    yield "Applied", _gtids(now.get("applied_gtid"), verbose)
    yield "Source has", _gtids(now.get("source_gtid"), verbose)
    if line := waiting_line(now):
        yield "Waits", line
    yield "Restarts", number(now.get("restarts"))


def _reading(now: Json) -> str:
    """The tables whose rows come while the log goes on: those that join, and those of `udup job snapshot`."""
    tables = (now.get("tables") or {}).items() if now.get("copy_phase") == "rows" else ()
    left = [(name, each) for name, each in sorted(tables) if isinstance(each, dict) and not each.get("complete")]
    told = [f"{name} ({number(each.get('rows'))} of about {number(each.get('total'), ' rows')})" for name, each in left]
    more = f", and {len(told) - _TABLES} more" if len(told) > _TABLES else ""
    return ", ".join(told[:_TABLES]) + more


def _delivered(job: Json, now: Json) -> Iterator[tuple[str, object]]:
    """Yield what a subscription has put into its sink in this run."""
    if job.get("Stage") in ("copying", "catching_up", "running"):
        yield "Events", number(now.get("events_per_s"), "/s")
    events = now.get("events") or {}
    kinds = [*WORDS, *(kind for kind in sorted(events, reverse=True) if kind not in WORDS)]
    yield (
        "Delivered",
        ", ".join(f"{number(events[kind])} {WORDS.get(kind, kind)}" for kind in kinds if events.get(kind)),
    )
    yield "Size", size(now.get("delivered_bytes"))
    most = sorted((now.get("events_by_table") or {}).items(), key=lambda each: -each[1])[:_TABLES]
    yield "Most of", ", ".join(f"{table} ({number(count)})" for table, count in most)
    if now.get("decoder") == "python":
        yield "Reader", "python, which is slow: install a C++ compiler on the node, and Udup again"


def _gtids(text: object, verbose: bool) -> str:
    gtids = shown(text)
    return gtids if verbose or len(gtids) <= _GTID_WIDTH else gtids[:_GTID_WIDTH] + "…"


def _show_remedies(session: Session, job: Json) -> None:
    """Say what can be done about a job that has stopped, the best first, and how long there is time for it."""
    failure = job.get("Failure")
    if not failure:
        return
    session.out.title("What can be done")
    for place, each in enumerate(failure["Remedies"], 1):
        recommended = " (recommended)" if each["Recommended"] and len(failure["Remedies"]) > 1 else ""
        session.out.say(f"  {place}. {shown(each['Command'])}{recommended}")
        session.out.say(f"     {shown(each['Text'])}")
    if until := failure.get("SourceKeepsUntil"):
        session.out.say(f"  The source has the log that it needs until {until} at least.")


def _show_skipped(session: Session, skipped: list[Json]) -> None:
    if not skipped:
        return
    session.out.title("Transactions passed over: the target lacks them")
    for each in skipped:
        doubt = "" if each.get("Confirmed") else " (asked for; it is not known whether the target has taken it)"
        session.out.say(shown(f"  {each.get('Time')}  {each.get('Gtid')}{doubt}"))
        session.out.say(shown(f"    {each.get('Error')}"))


def _show_tables(session: Session, now: Json, title: str) -> None:
    tables = now.get("tables")
    if not tables:
        return
    session.out.title(title)
    rows = (
        (name, number(counts.get("rows")), number(counts.get("total")))
        for name, counts in sorted(tables.items())
        if isinstance(counts, dict)
    )
    session.out.table(("Table", "Rows", "Of about"), rows, ("Rows", "Of about"))
