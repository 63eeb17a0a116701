"""A job looked at before it is started: both servers are asked, as a start would ask them, and nothing is written.

The checks are those of the job's start (`checks/source.py`, `checks/target.py`, `checks/pair.py`) and some that a start
makes later or not at all: tables in the way on the target, tables without a key, prepared XA transactions. A server
that cannot be reached is a failed check like any other, so that what is known of the other one is told as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from udup.base import runtime
from udup.base.endpoint import Endpoint
from udup.base.errors import Fault, Refused, UdupError, Unsupported
from udup.drivers.mysql.apply.claims import conflicts
from udup.drivers.mysql.binlog.gtid import brief
from udup.drivers.mysql.checks.binlog_access import goes_by_statements
from udup.drivers.mysql.checks.definers import StoredSide, stored_checks
from udup.drivers.mysql.checks.definitions import Definitions, definition_checks, unreadable_definitions
from udup.drivers.mysql.checks.looking import ASK, connected, looked
from udup.drivers.mysql.checks.pair import are_taken, pair_checks, ring_checks
from udup.drivers.mysql.checks.parts import part_checks, tied_checks
from udup.drivers.mysql.checks.source import is_read, source_checks
from udup.drivers.mysql.checks.source_tables import SourceTables, knows_zones, read_tables, table_checks
from udup.drivers.mysql.checks.start import column_setting_checks
from udup.drivers.mysql.checks.target import target_checks
from udup.drivers.mysql.checks.target_tables import (
    StoredCheckpoint,
    TargetTables,
    foreign_objects,
    read_checkpoint,
    read_present,
    read_unfinished,
    target_table_checks,
)
from udup.drivers.mysql.client.connection import Connection, MySQLError, describe
from udup.drivers.mysql.client.facts import ServerFacts, read_facts
from udup.drivers.mysql.client.transport import transport_check
from udup.drivers.mysql.dictionary.claims import read_claims, read_feeds
from udup.drivers.mysql.dictionary.definers import Defined, KnownAccounts, read_accounts, read_defined
from udup.drivers.mysql.dictionary.details import CopyDetails
from udup.drivers.mysql.dictionary.present import Present
from udup.drivers.mysql.dictionary.used import Used, read_plugins_used, read_used
from udup.drivers.mysql.load.copied import CopyNotes
from udup.drivers.mysql.load.filling import FilledTables, Filling
from udup.drivers.mysql.load.fitted import read_engines
from udup.drivers.mysql.mariadb.collations import Server
from udup.drivers.mysql.mariadb.definitions import needs_fitting
from udup.drivers.mysql.snapshot.copy import catalog_there, log_of
from udup.drivers.mysql.snapshot.names import read_objects_named
from udup.drivers.mysql.snapshot.schema import read_catalog
from udup.drivers.mysql.stream.start_point import find_start
from udup.pipeline.checks import DEST, SRC, Check, Outcome
from udup.pipeline.ownership import Feed, Known
from udup.pipeline.ports import ApplyMode, Beginning, JobPlan, StartPoint
from udup.pipeline.selection.selection import Selection

#: The check of how a job begins that makes no copy.
_START = "start_position"

#: Of no node: every claim on the servers counts.
_NOTHING_KNOWN = Known()


@dataclass(frozen=True)
class _Source:
    """`objects` are the job's views, routines, triggers and events under the target's names.

    `filled` is what a copy would bring into tables that are there; None if there is none, or it says why it cannot.
    """

    tables: SourceTables
    objects: list[Present]
    used: tuple[Used, ...]
    defined: list[Defined]
    feeds: list[Feed]
    filled: CopyDetails | None = None
    parts: tuple[Check, ...] = ()


@dataclass(frozen=True)
class _Target:
    facts: ServerFacts
    checkpoint: StoredCheckpoint | None
    accounts: KnownAccounts | None


def validate(plan: JobPlan, known: Known = _NOTHING_KNOWN) -> list[Check]:
    """Return every check of both sides, in an order to be read: the source, the target, the two together.

    `known` is the node and the jobs that it has: what others have left on the servers is nobody's any more.
    """
    with runtime.Pool(2, "validate") as pool:
        source = pool.submit(_facts, SRC, plan.source.endpoint)
        target = pool.submit(looked, lambda: _look_at_target(plan))
        ours, theirs = source.result(), target.result()
    start_after = plan.start_after
    begins: Beginning | Check | None = None
    if isinstance(theirs, _Target) and theirs.checkpoint is not None:
        start_after = theirs.checkpoint.executed
        if not isinstance(ours, Check):  # a job that runs may have applied what the source executed since it was seen
            ours = _facts(SRC, plan.source.endpoint)
    elif plan.start_at is not None and not isinstance(ours, Check):
        begins = _begins(plan.source.endpoint, plan.start_at)
        start_after = ours.gtid_executed if isinstance(begins, Check) else begins.position
    checks: list[Check] = []
    look: _Source | None = None
    if isinstance(ours, Check):
        checks.append(ours)
    else:
        checks += [_reached(SRC, ours), transport_check(SRC, plan.source.endpoint, ours)]
        checks += [*source_checks(ours, plan.scope.selection, None if plan.copy_alone else start_after)]
        checks += column_setting_checks(plan, ours)
        checks += [] if begins is None else [begins if isinstance(begins, Check) else _found(plan.start_at, begins)]
        if _is_ours(checks, SRC):
            seen = looked(lambda: _look_at_tables(plan, ours, full_copy=start_after is None))
            checks += [seen] if isinstance(seen, Check) else [*table_checks(seen.tables), *seen.parts]
            look = None if isinstance(seen, Check) else seen
    if isinstance(theirs, Check):
        return [*checks, theirs]
    folds = not isinstance(ours, Check) and ours.folds_names
    checks += [_reached(DEST, theirs.facts), transport_check(DEST, plan.target.endpoint, theirs.facts)]
    by_statements = goes_by_statements(plan.target.apply_mode, theirs.facts)
    checks += [*target_checks(theirs.facts, plan.scope.selection.folding(folds), by_statements=by_statements)]
    if look is not None and _is_ours(checks, DEST):
        copies = start_after is None
        side = StoredSide(theirs.facts, look.defined, theirs.accounts, copies, by_statements)
        checks += stored_checks(side)
        checks += _in_the_way(plan, look, theirs, start_after, known)
        if copies and not plan.fill_existing and not isinstance(ours, Check):
            checks += _definitions(plan, look, ours, theirs.facts)
    if not isinstance(ours, Check) and are_taken(ours, theirs.facts):
        seen_whole = replace(ours, used=look.used if look else None)
        checks += pair_checks(seen_whole, theirs.facts, innodb=plan.scope.innodb, mode=plan.target.apply_mode)
        checks += ring_checks(look.feeds if look else [], plan.job, ours, theirs.facts, known)
    return checks


def validate_target(plan: JobPlan) -> list[Check]:
    """Return every check of the target by itself, for a job whose source is another kind of database."""
    theirs = looked(lambda: _look_at_target(plan))
    if isinstance(theirs, Check):
        return [theirs]
    by_statements = goes_by_statements(plan.target.apply_mode, theirs.facts)
    checks = [_reached(DEST, theirs.facts), transport_check(DEST, plan.target.endpoint, theirs.facts)]
    return [*checks, *target_checks(theirs.facts, plan.scope.selection, by_statements=by_statements)]


@dataclass(frozen=True)
class SourceFound:
    """A source by itself, for a job whose target is no database. `facts` is None for one that was not seen.

    `checks` are of the connection, `begins` of a start that makes no copy; `tables` None for another kind of server.
    """

    checks: list[Check]
    facts: ServerFacts | None = None
    start_after: str | None = None
    begins: tuple[Check, ...] = ()
    tables: SourceTables | Check | None = None


def look_at_source(plan: JobPlan) -> SourceFound:
    """Ask the source alone what a start asks it."""
    endpoint, start_after = plan.source.endpoint, plan.start_after
    facts = _facts(SRC, endpoint)
    if isinstance(facts, Check):
        return SourceFound([facts])
    begins: tuple[Check, ...] = ()
    if plan.start_at is not None:
        found = _begins(endpoint, plan.start_at)
        start_after = facts.gtid_executed if isinstance(found, Check) else found.position
        begins = (found if isinstance(found, Check) else _found(plan.start_at, found),)
    checks = [_reached(SRC, facts), transport_check(SRC, endpoint, facts)]
    if not is_read(facts):
        return SourceFound(checks, facts, start_after, begins)
    tables = looked(lambda: _look_at_tables(plan, facts, full_copy=start_after is None))
    return SourceFound(checks, facts, start_after, begins, tables.tables if isinstance(tables, _Source) else tables)


# ---- Looking ----


def _facts(task: str, endpoint: Endpoint) -> ServerFacts | Check:
    def look() -> ServerFacts:
        with connected(task, endpoint) as connection:
            return read_facts(connection)

    return looked(look)


def _begins(endpoint: Endpoint, point: StartPoint) -> Beginning | Check:
    """Return where a job begins whose position is not decided yet, or why that is nowhere."""
    try:
        return find_start(endpoint, point)
    except Refused as refused:
        fault = refused.faults[0]
        return Check(SRC, _START, Outcome.FAIL, fault.problem, fault.remedy)
    except (UdupError, MySQLError, OSError) as error:
        return Check(SRC, _START, Outcome.FAIL, f"{endpoint} does not say: {describe(error)}", ASK)


def _found(point: StartPoint | None, begins: Beginning) -> Check:
    return Check(SRC, _START, Outcome.PASS, f"{point}: after {brief(begins.position)}")


def _look_at_target(plan: JobPlan) -> _Target:
    with connected(DEST, plan.target.endpoint) as connection:
        return _Target(read_facts(connection), read_checkpoint(connection, plan.job), read_accounts(connection))


def _look_at_tables(plan: JobPlan, facts: ServerFacts, *, full_copy: bool) -> _Source:
    with connected(SRC, plan.source.endpoint) as connection:
        tables = read_tables(connection, facts, plan.scope.selection, full_copy=full_copy)
        objects = read_objects_named(connection, tables.selection)
        defined = read_defined(connection, tables.selection)
        feeds = read_feeds(connection, tables.selection)
        filled = _filled(connection, plan, facts, tables.selection) if full_copy and plan.fill_existing else None
        used, kept = read_used(connection, tables.selection), plan.scope.kept_users
        used += read_plugins_used(connection, kept) if kept is not None else ()
        parts = tuple(part_checks(connection, facts, plan.scope))
        return _Source(tables, objects, used, defined, feeds, filled, parts)


def _filled(connection: Connection, plan: JobPlan, facts: ServerFacts, selection: Selection) -> CopyDetails | None:
    """Return what is to be brought into tables that are there; what cannot be copied at all is told by the copy."""
    try:
        catalog = read_catalog(connection, selection)
        return CopyDetails(catalog_there(catalog, replace(plan.scope, selection=selection)), {}, log_of(facts))
    except Unsupported:
        return None


def _definitions(plan: JobPlan, look: _Source, source: ServerFacts, target: ServerFacts) -> list[Check]:
    """Return what becomes of the definitions; nothing between servers that take each other's as they are printed."""
    ours, theirs = Server.of(source.version_text), Server.of(target.version_text)
    if not (theirs.is_mariadb or needs_fitting(ours, theirs)):
        return []

    def read() -> Definitions | Check:
        with connected(SRC, plan.source.endpoint) as connection:
            try:
                there = catalog_there(
                    read_catalog(connection, look.tables.selection),
                    replace(plan.scope, selection=look.tables.selection),
                )
            except Unsupported as error:
                return unreadable_definitions(str(error))
        with connected(DEST, plan.target.endpoint) as connection:
            engines = read_engines(connection)
        return Definitions(there, ours, theirs, engines, plan.scope.kept_users is not None)

    seen = looked(read)
    return [seen] if isinstance(seen, Check) else list(definition_checks(seen))


def _unfit(connection: Connection, plan: JobPlan, brought: CopyDetails | None) -> tuple[Fault, ...]:
    """Return why tables of the target cannot be filled, besides what they hold."""
    if brought is None:
        return ()
    filling = Filling(plan.target.apply_mode is ApplyMode.CONVERTED)
    tables = FilledTables("", CopyNotes(plan.job), filling, brought.log)
    return tuple(tables.faults(connection, brought.catalog))


def _in_the_way(plan: JobPlan, source: _Source, target: _Target, start_after: str | None, known: Known) -> list[Check]:
    """What the target holds under the names of the job's tables, views, routines, triggers and events."""
    tables = source.tables

    def look() -> TargetTables:
        names = [tables.selection.renamed_table(each.schema, each.name) for each in tables.tables]
        with connected(DEST, plan.target.endpoint) as connection:
            unfinished = read_unfinished(connection, plan.job, filled=plan.fill_existing)
            present = read_present(connection, names)
            others = {name: full for name, full in present.items() if name not in unfinished}
            wanted = set(names)
            claims = [
                each for each in read_claims(connection, {schema for schema, _ in wanted}) if each.table in wanted
            ]
            return TargetTables(
                foreign=tuple(foreign_objects(connection, plan.job, names, source.objects)),
                claimed=tuple(conflicts([each for each in claims if each.table in wanted], plan.job, known, "")),
                job=plan.job,
                checkpoint=target.checkpoint,
                selection=plan.scope.selection.digest,
                accepted=_accepted(plan),
                start_after=start_after,
                drop_existing=plan.drop_existing,
                fill_existing=plan.fill_existing,
                unfit=_unfit(connection, plan, source.filled),
                full=_named(name for name, full in others.items() if full),
                empty=_named(name for name, full in others.items() if not full),
                missing=_named(name for name in names if name not in present),
                unfinished=_named(name for name in present if name in unfinished),
                named_zones=knows_zones(connection),
                source_names_zones=tables.named_zones,
            )

    def tied() -> list[Check]:
        names = [tables.selection.renamed_table(each.schema, each.name) for each in tables.tables]
        with connected(DEST, plan.target.endpoint) as connection:
            return tied_checks(connection, plan, names)

    seen = looked(look)
    if isinstance(seen, Check):
        return [seen]
    keys = looked(tied)
    return [*target_table_checks(seen), *([keys] if isinstance(keys, Check) else keys)]


def _accepted(plan: JobPlan) -> tuple[str, ...]:
    """Return by which other selections the target may have the checkpoint of a job whose tables change."""
    left = () if plan.leaves is None else (plan.leaves.before,)
    return left if plan.join is None else (*left, plan.join.kept.digest)


def _reached(task: str, facts: ServerFacts) -> Check:
    return Check(task, "connection", Outcome.PASS, f"{facts.account} on {facts.address}")


def _is_ours(checks: list[Check], task: str) -> bool:
    """Whether a task's server is of a kind that can be asked further."""
    return all(check.outcome != Outcome.FAIL for check in checks if (check.task, check.name) == (task, "version"))


def _named(names: Iterator[tuple[str, str]]) -> tuple[str, ...]:
    return tuple(sorted(f"{schema}.{name}" for schema, name in names))
