"""Where a job's tables stand, as clients ask it; and what becomes of those that a new document leaves out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from shlex import quote

from udup.base.errors import Refused, UdupError
from udup.jobs import DesiredState, JobRecord, JobSpec
from udup.jobs.growth import told
from udup.jobs.table_pages import TableSort, TablesWanted, compared_of, groups_of, page_of
from udup.jobs.table_states import TableShown, copies, shown_of, with_changes
from udup.node.ends import Ends
from udup.node.servers import Asked
from udup.pipeline.ports.inspect import TableSize
from udup.pipeline.ports.tables import TablesOnTarget
from udup.pipeline.selection.selection import Selection
from udup.web.ports import NotReady, TablesFound

#: Tables of which the target is asked at once: the answer fits into a message between nodes.
_ASKED_AT_ONCE = 5000


@dataclass(frozen=True)
class Listing:
    """All tables of a job at one moment, in the order of their names; what the target knows is in `shown`.

    `problem` says why the target could not be asked.
    """

    names: list[tuple[str, str]]
    shown: list[TableShown]
    sizes: Mapping[str, TableSize]
    since_us: int = 0
    problem: str = ""


def tables_found(record: JobRecord, side: JobRecord | None, ends: Ends, wanted: TablesWanted) -> TablesFound:
    """Return a page of a job's tables, which its source is asked for, and the target what it knows of them.

    A target that cannot be asked keeps nothing else from being told.
    """
    asked = Asked(record.spec(), record.document, record.start)
    names = _names(ends, asked)
    first = sum(".".join(each) <= wanted.after for each in names)
    some = names[first : first + wanted.limit]
    known, problem = on_target(record, side, ends, asked, some)
    shown = shown_of(record, side, names, None if known is None else known.differing)
    page = shown[first : first + len(some)]
    if known is not None:
        page = with_changes(page, known)
    more = bool(page) and page[-1].name < shown[-1].name
    return TablesFound(
        tables=page,
        next=page[-1].name if more else "",
        total=len(shown),
        states=copies(record, shown),
        since_us=0 if known is None else known.since_us,
        problem=problem,
        matching=len(shown),
        offset=first,
        groups=groups_of(shown),
        compared=compared_of(record, page),
    )


def list_tables(record: JobRecord, side: JobRecord | None, ends: Ends) -> Listing:
    """Ask both servers for all of a job's tables, with their sizes."""
    asked = Asked(record.spec(), record.document, record.start)
    names = _names(ends, asked)
    try:
        sizes = {f"{each.schema}.{each.table}": each for each in ends.sizes(asked)}
    except UdupError:  # of a source that tells no sizes, as Oracle; that it is away was told with its names
        sizes = {}
    known, problem = on_target(record, side, ends, asked, names)
    shown = shown_of(record, side, names, None if known is None else known.differing)
    if known is not None:
        shown = with_changes(shown, known)
    return Listing(names, shown, sizes, 0 if known is None else known.since_us, problem)


def page_found(record: JobRecord, listing: Listing, wanted: TablesWanted) -> TablesFound:
    """Return a page of a listing."""
    page = page_of(listing.shown, listing.sizes, wanted)
    goes_on = page.more and wanted.offset is None and wanted.sort is TableSort.NAME and not wanted.backwards
    return TablesFound(
        tables=page.tables,
        next=page.tables[-1].name if goes_on and page.tables else "",
        total=len(listing.shown),
        states=copies(record, listing.shown),
        since_us=listing.since_us,
        problem=listing.problem,
        matching=page.matching,
        offset=page.offset,
        groups=groups_of(listing.shown),
        sizes={each.name: size for each in page.tables if (size := listing.sizes.get(each.name)) is not None},
        compared=compared_of(record, page.tables),
    )


def _names(ends: Ends, asked: Asked) -> list[tuple[str, str]]:
    try:
        return sorted(ends.tables(asked), key=".".join)
    except (Refused, NotReady):
        raise
    except UdupError as error:
        raise NotReady(f"the source cannot be asked which tables it has: {error}") from error


def on_target(
    record: JobRecord, side: JobRecord | None, ends: Ends, asked: Asked, names: Sequence[tuple[str, str]]
) -> tuple[TablesOnTarget | None, str]:
    """Return what the target knows of tables, None and why where it cannot be asked. A sink knows nothing."""
    if record.spec().delivers:
        return None, ""
    whole = TablesOnTarget()
    try:
        for start in range(0, max(len(names), 1), _ASKED_AT_ONCE):
            some = ends.on_target(asked, "" if side is None else side.id, names[start : start + _ASKED_AT_ONCE])
            whole = whole.plus(some, start)
    except UdupError as error:
        return None, str(error)
    return whole, ""


def what_stays(spec: JobSpec, stored: JobRecord | None, before: JobSpec | None) -> str:
    """Return what is to be known of tables that a document takes out of a job that has begun, "" for none."""
    if stored is None or before is None or spec.delivers or before.delivers:
        return ""
    if not (stored.has_begun or stored.progress.applied_gtid):
        return ""
    gone = sorted(dict.fromkeys(_gone(before.selection(), spec.selection(), stored)))
    if not gone:
        return ""
    return (
        f"{told(gone)}: on the target as now, and not kept current any more. What the job leaves stays there and is"
        " free for other jobs: drop it on the target if nobody needs it"
    )


def begins_later(record: JobRecord | None) -> str:
    """Return that tables are not loaded again yet, of a job that is paused; "" of any other."""
    if record is None or record.desired != DesiredState.PAUSE:
        return ""
    return f"job {record.id} is paused: they are loaded again once it is resumed (udup job resume {quote(record.id)})"


def what_is_given_up(record: JobRecord, side: JobRecord | None) -> str:
    """Return what is left of tables that are under way when they are given up, "" if there are none."""
    growth = record.growth
    if growth is None:
        return ""
    names = list(growth.reloads) or list((side.progress.tables if side is not None else None) or {})
    them = told(names) or "the tables that were to come"
    ignored = ", by its ReplicateIgnoreDb" if growth.reloads else ""
    again = (
        "to have it again, drop it there and post the document of before"
        if growth.reloads
        else "drop what nobody needs, and before they are added again"
    )
    return (
        f"{them}: not in job {record.id} any more{ignored}. What was copied stays on the target, as far as it came,"
        f" and is not kept current; {again} (udup job revert {quote(record.id)})"
    )


def _gone(before: Selection, after: Selection, stored: JobRecord) -> Iterator[str]:
    """Yield what a job has not any more: tables that are known by name, and schemas that it had whole."""
    for rule in before.rules:
        tables = [each.name for each in rule.tables if each.name]
        if rule.name and not rule.tables and not after.wants_schema(rule.name):
            yield f"{rule.name}.*"
        yield from (
            f"{rule.name}.{table}"
            for table in tables
            if rule.name and before.wants(rule.name, table) and not after.wants(rule.name, table)
        )
    for rule in after.ignored:
        for each in rule.tables:
            if rule.name and each.name and before.wants(rule.name, each.name):
                yield f"{rule.name}.{each.name}"
    for name in stored.progress.tables or {}:
        schema, _, table = name.partition(".")
        if before.wants(schema, table) and not after.wants(schema, table) and after.wants_schema(schema):
            yield name
