"""Whether a source can be replicated from, told before the job starts: every fault at once, each with its remedy.

Here is what the server's settings and the account's privileges show; `preflight_tables` looks at the tables.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from udup.base.causes import Cause
from udup.base.errors import Fault
from udup.base.remedies import COPY_AGAIN, NEW_COPY
from udup.drivers.mysql.binlog.gtid import GtidSet, brief
from udup.drivers.mysql.checks.retention import expires_after, keep_longer
from udup.drivers.mysql.checks.source_mariadb import (
    GLOBAL_PRIVILEGES,
    OLDEST_MARIADB,
    row_metadata,
    strict_mode,
)
from udup.drivers.mysql.client import routines
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.stream.position import never_executed, own_part
from udup.pipeline.checks import SRC, Check, Finding, Outcome, Rule, apply, failed, faults, warned
from udup.pipeline.selection.selection import Selection

#: The first release of 5.6 for use: GTIDs, row events of version 2.
OLDEST_VERSION = (5, 6, 10)

#: Seconds for which a log should be kept at least: a job that has stood for longer cannot go on.
SHORT_RETENTION_S = 24 * 3600

MYSQL_GLOBAL_PRIVILEGES = ("REPLICATION SLAVE", "REPLICATION CLIENT")

#: Of tables that are named. An account without TRIGGER is shown none, as if there were none; a job that has begun needs
#: it for its cut-over alone.
TABLE_PRIVILEGES = ("SELECT", "TRIGGER")

SCHEMA_PRIVILEGES = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")

#: Of a job that carries rows alone.
ROW_PRIVILEGES = ("SELECT",)


#: From here on gtid_mode can be set while the server runs.
_SETS_GTID_MODE = (5, 7, 6)
_START_WITH_GTIDS = "start it with --gtid-mode=ON --enforce-gtid-consistency --log-bin --log-slave-updates"

#: The steps of gtid_mode, each of which a server takes only from the one beside it.
_GTID_MODES = ("OFF", "OFF_PERMISSIVE", "ON_PERMISSIVE", "ON")


@dataclass(frozen=True)
class SourceSide:
    """What is judged. `start_after` is the GTID set that the job goes on from, None for a full copy.

    `starting`: the job starts, and its log's reader looks itself, and for longer, whether the set was executed.
    `rows_only`: the job carries the rows of tables and nothing else of a schema.
    """

    facts: ServerFacts
    selection: Selection
    start_after: str | None
    starting: bool = False
    rows_only: bool = False


def source_checks(
    facts: ServerFacts,
    selection: Selection,
    start_after: str | None,
    *,
    starting: bool = False,
    rows_only: bool = False,
) -> list[Check]:
    """Everything that the server's settings tell; of another kind of server, only that it is one."""
    folded = selection.folding(facts.lower_case_table_names != 0)
    side = SourceSide(facts, folded, start_after, starting, rows_only)
    found = list(apply((_VERSION,), SRC, side))
    if found[0].outcome != Outcome.FAIL:
        found += apply(_MARIADB_RULES if facts.is_mariadb else _RULES, SRC, side)
    return [replace(each, remedy=facts.in_its_words(each.remedy)) for each in found]


def check_source(
    facts: ServerFacts, selection: Selection, start_after: str | None, *, starting: bool = False
) -> list[Fault]:
    """Everything that forbids to replicate from this server."""
    return faults(f"Src {facts.address}", source_checks(facts, selection, start_after, starting=starting))


def warn_source(facts: ServerFacts) -> list[Fault]:
    """Return what is recommended and not required."""
    advice = apply(_MARIADB_ADVICE if facts.is_mariadb else _ADVICE, SRC, SourceSide(facts, Selection(), None))
    found = [replace(each, remedy=facts.in_its_words(each.remedy)) for each in advice]
    return faults(f"Src {facts.address}", found, Outcome.WARN)


def is_read(facts: ServerFacts) -> bool:
    """Return whether this is a server of the kind and age that is replicated from."""
    oldest = OLDEST_MARIADB if facts.is_mariadb else OLDEST_VERSION
    return not facts.kin.no_source and facts.version >= oldest


# ---- The server ----


def _version(side: SourceSide) -> Iterator[Finding]:
    facts = side.facts
    if facts.kin.no_source:
        yield failed(
            f"the server is {facts.named}, which is not replicated from: {facts.kin.no_source}",
            "replicate from MySQL 5.6 or newer (docs/servers.md)",
        )
    elif not is_read(facts):
        yield failed(
            f"the server is {facts.named}, and only MySQL 5.6.10 and MariaDB 10.5, and what is newer, is replicated"
            " from",
            "replicate from a server of MySQL 5.6.10 or newer, with GTIDs, or of MariaDB 10.5 or newer"
            " (docs/servers.md)",
        )


def _told(facts: ServerFacts) -> str:
    return f"{facts.named}: {facts.kin.note}" if facts.kin.note else facts.named


def _setting(name: str, wanted: str, remedy: str) -> Rule[SourceSide]:
    """A variable that must have one value."""

    def look(side: SourceSide) -> Iterator[Finding]:
        value = side.facts.value(name, wanted)
        if value.upper() != wanted:
            yield failed(f"{name} is {value}, not {wanted}", remedy)

    return Rule(name, lambda side: side.facts.value(name, wanted), look)


def _gtid_mode(side: SourceSide) -> Iterator[Finding]:
    value = side.facts.value("gtid_mode", "ON").upper()
    if value == "ON":
        return
    if side.facts.version < _SETS_GTID_MODE:
        yield failed(f"gtid_mode is {value}, not ON", _START_WITH_GTIDS)
        return
    steps = _GTID_MODES[_GTID_MODES.index(value) + 1 :] if value in _GTID_MODES else _GTID_MODES[1:]
    *first, last = (f"SET PERSIST gtid_mode = '{step}'" for step in steps)
    waiting = "when the status variable Ongoing_anonymous_transaction_count is 0"
    remedy = "; ".join([*first, f"{waiting}, {last}"])
    if side.start_after is not None:
        remedy += f". If anything is changed before that, {NEW_COPY}"
    yield failed(f"gtid_mode is {value}, not ON", remedy)


def _server_id(side: SourceSide) -> Iterator[Finding]:
    if side.facts.number("server_id") == 0:
        yield failed(
            "server_id is 0, with which a server serves no replicas", "SET PERSIST server_id = 1 (any number but 0)"
        )


def _log_replica_updates(side: SourceSide) -> Iterator[Finding]:
    if not side.facts.logs_replicated:
        yield failed(
            "log_replica_updates is OFF: what this server replicates from another would be missing in its log",
            "start the server with --log-replica-updates (--log-slave-updates before 8.0.26)",
        )


def _row_metadata(side: SourceSide) -> Iterator[Finding]:
    value = side.facts.value("binlog_row_metadata", "NO_LOG").upper()
    if not side.facts.logs_signs and "binlog_row_metadata" not in side.facts.variables:
        yield warned(
            f"the log of {side.facts.version_text} says of columns their types alone: whether the target's are of the"
            " same character set, sign and members cannot be told from it while rows are applied as events",
            "alter tables of the job on the source alone, as long as the job runs",
        )
    elif value != "FULL":
        yield warned(
            f"binlog_row_metadata is {value}, so columns in another order and members of ENUM and SET that "
            "differ on the target cannot be told from the log",
            "SET PERSIST binlog_row_metadata = 'FULL'",
        )


def _retention(side: SourceSide) -> Iterator[Finding]:
    seconds = expires_after(side.facts)
    if 0 < seconds < SHORT_RETENTION_S:
        yield warned(
            f"binlog_expire_logs_seconds is {seconds}: a job that stands still for longer than that cannot go on and "
            "has to copy everything again",
            keep_longer(side.facts),
        )


def _dependencies(side: SourceSide) -> Iterator[Finding]:
    """Servers from 8.4 on have always write sets; before 5.7.22 there are none."""
    if side.facts.value("binlog_transaction_dependency_tracking", "WRITESET").upper() == "COMMIT_ORDER":
        yield warned(
            "binlog_transaction_dependency_tracking is COMMIT_ORDER: only what was committed together on the source is"
            " applied at once, which is less than could be",
            "SET PERSIST transaction_write_set_extraction = 'XXHASH64'; SET PERSIST"
            " binlog_transaction_dependency_tracking = 'WRITESET'",
        )


# ---- The account ----


def _privileges(side: SourceSide) -> Iterator[Finding]:
    facts = side.facts
    missing = facts.privileges.missing(GLOBAL_PRIVILEGES if facts.is_mariadb else MYSQL_GLOBAL_PRIVILEGES)
    right = _lacks_for_routines(side)
    if right is not None and right.on == routines.EVERYWHERE:
        missing.append(right.privilege)
    if missing:
        listed = ", ".join(missing)
        instead = (
            " (where that cannot be granted, SELECT ON *.* shows routines too)" if "SHOW_ROUTINE" in missing else ""
        )
        yield failed(f"{facts.account} has not {listed}{instead}", facts.grant(listed))
    if right is not None and right.on not in (routines.EVERYWHERE, None):
        problem = f"{facts.account} has not {right.privilege} on {right.on}, and so does not see routines of others"
        yield failed(problem, facts.grant(right.privilege, str(right.on)))


def _global_privileges(side: SourceSide) -> str:
    if side.facts.is_mariadb:
        return ", ".join(GLOBAL_PRIVILEGES)
    return ", ".join((*MYSQL_GLOBAL_PRIVILEGES, *(("SHOW_ROUTINE",) if _copies_routines(side) else ())))


def _copies_routines(side: SourceSide) -> bool:
    """Whether the job copies whole schemas, and with them their procedures and functions."""
    whole = side.selection.is_open or any(place.whole for place in side.selection.places())
    return whole and side.start_after is None and not side.rows_only


def _lacks_for_routines(side: SourceSide) -> routines.Right | None:
    """Return the right that shows the routines of others, if the job needs it and may lack it."""
    if not _copies_routines(side) or routines.sees_all(side.facts):
        return None
    return routines.right(side.facts.version, mariadb=side.facts.is_mariadb)


def _schema_privileges(side: SourceSide) -> Iterator[Finding]:
    facts, selection = side.facts, side.selection
    of_schema, of_table = (ROW_PRIVILEGES,) * 2 if side.rows_only else (SCHEMA_PRIVILEGES, TABLE_PRIVILEGES)
    right = _lacks_for_routines(side)
    if right is not None and right.on is None:
        of_schema = (*of_schema, right.privilege)
    if selection.is_open:
        missing = facts.privileges.missing(of_schema)
        if missing:
            listed = ", ".join(missing)
            yield failed(f"{facts.account} has not {listed} on every schema", facts.grant(listed))
        return
    for place in sorted(selection.places(), key=lambda each: (each.schema, each.table)):
        wanted = of_schema if place.whole else of_table
        missing = facts.privileges.missing(wanted, place.schema, place.table)
        if missing:
            judged = warned if missing == ["TRIGGER"] and not place.whole and side.start_after is not None else failed
            listed = ", ".join(missing)
            on = f"{quote(place.schema)}.{'*' if place.table == '*' else quote(place.table)}"
            unseen = ", and so does not see triggers, of which the target would have none" * ("TRIGGER" in missing)
            yield judged(f"{facts.account} has not {listed} on {on}{unseen}", facts.grant(listed, on))


# ---- The log ----


def _filters(side: SourceSide) -> Iterator[Finding]:
    """Schemas that the source leaves out of its log on purpose."""
    facts, selection = side.facts, side.selection
    named = {place.schema for place in selection.places()}
    if facts.logged_schemas:
        unlogged = {"every other schema"} if selection.is_open else named - facts.logged_schemas
    elif selection.is_open:
        unlogged = {schema for schema in facts.unlogged_schemas if selection.wants_schema(schema)}
    else:
        unlogged = named & facts.unlogged_schemas
    if unlogged:
        yield failed(
            f"binlog_do_db or binlog_ignore_db keeps {', '.join(sorted(unlogged))} out of the binary log",
            "start the server without these options",
        )


def _position(side: SourceSide) -> Iterator[Finding]:
    """Whether the log still holds everything after the set that the job goes on from."""
    facts, start_after = side.facts, side.start_after
    if start_after is None:
        return
    start, executed = GtidSet.parse(start_after), GtidSet.parse(facts.gtid_executed)
    purged = GtidSet.parse(facts.gtid_purged) - start
    if purged:
        yield failed(
            f"the job goes on after {brief(start)}, and the source has purged {brief(purged)} from its log since",
            f"{keep_longer(facts)} on the source, and {COPY_AGAIN}",
            Cause.SOURCE_PURGED,
        )
    unknown = own_part(start - executed, facts.uuid, executed, facts.number("server_id"))
    if unknown and not side.starting:
        yield failed(never_executed(unknown), COPY_AGAIN, Cause.SOURCE_RESET)


def _filtered(facts: ServerFacts) -> str:
    if facts.logged_schemas:
        return f"binlog_do_db {', '.join(sorted(facts.logged_schemas))}"
    if facts.unlogged_schemas:
        return f"binlog_ignore_db {', '.join(sorted(facts.unlogged_schemas))}"
    return "every schema is logged"


def _start(side: SourceSide) -> str:
    if side.start_after is None:
        return "a full copy first"
    return f"goes on after {brief(side.start_after)}"


_VERSION = Rule("version", lambda side: _told(side.facts), _version)

#: What had better be otherwise.
_ADVICE: tuple[Rule[SourceSide], ...] = (
    Rule("binlog_row_metadata", lambda side: side.facts.value("binlog_row_metadata", "unknown"), _row_metadata),
    Rule(
        "dependency_tracking",
        lambda side: side.facts.value("binlog_transaction_dependency_tracking", "the server's own"),
        _dependencies,
    ),
    Rule("binlog_retention", lambda side: f"{expires_after(side.facts) or 'unlimited'} seconds", _retention),
)

_LOG_AND_ACCOUNT: tuple[Rule[SourceSide], ...] = (
    Rule("server_id", lambda side: side.facts.value("server_id"), _server_id),
    Rule("log_replica_updates", lambda side: "ON", _log_replica_updates),
    Rule("privileges", _global_privileges, _privileges),
    Rule(
        "schema_privileges",
        lambda side: ", ".join(ROW_PRIVILEGES if side.rows_only else SCHEMA_PRIVILEGES),
        _schema_privileges,
    ),
    Rule("binlog_filters", lambda side: _filtered(side.facts), _filters),
    Rule("gtid_position", _start, _position),
)

_RULES: tuple[Rule[SourceSide], ...] = (
    _setting("log_bin", "ON", "start the server with --log-bin"),
    _setting("binlog_format", "ROW", "SET PERSIST binlog_format = 'ROW', then reconnect every client"),
    Rule("binlog_row_image", lambda side: side.facts.value("binlog_row_image", "FULL"), lambda _side: ()),
    _setting(
        "enforce_gtid_consistency",
        "ON",
        "SET PERSIST enforce_gtid_consistency = 'WARN', and when the error log stays clean = 'ON'",
    ),
    Rule("gtid_mode", lambda side: side.facts.value("gtid_mode", "ON"), _gtid_mode),
    *_LOG_AND_ACCOUNT,
    *_ADVICE,
)

_MARIADB_ADVICE: tuple[Rule[SourceSide], ...] = (
    Rule("gtid_strict_mode", lambda side: side.facts.value("gtid_strict_mode", "unknown"), strict_mode),
    Rule("binlog_retention", lambda side: f"{expires_after(side.facts) or 'unlimited'} seconds", _retention),
)

_MARIADB_RULES: tuple[Rule[SourceSide], ...] = (
    _setting("log_bin", "ON", "start the server with --log-bin, and with a --server-id of its own"),
    _setting("binlog_format", "ROW", "SET GLOBAL binlog_format = 'ROW', and write it into the server's file"),
    Rule("binlog_row_image", lambda side: side.facts.value("binlog_row_image", "FULL"), lambda _side: ()),
    Rule("binlog_row_metadata", lambda side: side.facts.value("binlog_row_metadata", "FULL"), row_metadata),
    *_LOG_AND_ACCOUNT,
    *_MARIADB_ADVICE,
)
