"""Whether a source can be replicated from, told before the job starts: every fault at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from udup.binlog.gtid import GtidSet
from udup.errors import Fault
from udup.mysql.connection import Connection, query
from udup.mysql.facts import ServerFacts
from udup.mysql.names import quote
from udup.mysql.selection import Selection

OLDEST_VERSION = (8, 0, 0)

#: From here on deletes and updates that a foreign key cascades are in the binary log; before, engines did them alone.
LOGS_CASCADES = (9, 6, 0)

_GLOBAL_PRIVILEGES = ("REPLICATION SLAVE", "REPLICATION CLIENT")
_SCHEMA_PRIVILEGES = ("SELECT", "SHOW VIEW", "TRIGGER", "EVENT")

#: (variable, value that it must have, statement that sets it).
_SETTINGS = (
    ("log_bin", "ON", "start the server with --log-bin"),
    ("binlog_format", "ROW", "SET PERSIST binlog_format = 'ROW', then reconnect every client"),
    (
        "enforce_gtid_consistency",
        "ON",
        "SET PERSIST enforce_gtid_consistency = 'WARN', and when the error log stays clean = 'ON'",
    ),
    (
        "gtid_mode",
        "ON",
        "SET PERSIST gtid_mode = 'OFF_PERMISSIVE', then 'ON_PERMISSIVE', and when the status variable "
        "Ongoing_anonymous_transaction_count is 0, 'ON'",
    ),
)


def check_source(facts: ServerFacts, selection: Selection, start_after: str | None) -> list[Fault]:
    """Everything that forbids to replicate from this server. `start_after` is the GTID set that the job goes on
    from, None for a full copy.
    """
    where = f"Src {facts.address}"
    selection = selection.folding(facts.lower_case_table_names != 0)
    if facts.is_mariadb or facts.version < OLDEST_VERSION:
        return [Fault(where, f"the server is {facts.version_text}, and only MySQL 8.0 and newer is replicated from")]
    problems = [
        *_settings(facts),
        *_privileges(facts, selection),
        *_filters(facts, selection),
        *_positions(facts, start_after),
    ]
    return [Fault(where, problem, remedy) for problem, remedy in problems]


def warn_source(facts: ServerFacts) -> list[Fault]:
    """What a job can do without, and why it had better not."""
    where = f"Src {facts.address}"
    warnings = []
    if facts.value("binlog_row_metadata", "FULL").upper() != "FULL":
        warnings.append(
            Fault(
                where,
                "binlog_row_metadata is MINIMAL, so columns in another order and members of ENUM and SET that "
                "differ on the target cannot be told from the log",
                "SET PERSIST binlog_row_metadata = 'FULL'",
            )
        )
    if not (facts.privileges.has("RELOAD") or facts.privileges.has("FLUSH_TABLES")):
        warnings.append(
            Fault(
                where,
                f"{facts.account} has not RELOAD: on a busy source a snapshot may find no quiet moment, and could "
                "not make one",
                f"GRANT RELOAD ON *.* TO {facts.account}",
            )
        )
    return warnings


def check_parents(connection: Connection, facts: ServerFacts, selection: Selection) -> list[Fault]:
    """Foreign keys of chosen tables to parents outside of the job, whose cascades this source does not log."""
    if facts.is_mariadb or facts.version >= LOGS_CASCADES:
        return []
    selection = selection.folding(facts.lower_case_table_names != 0)
    rows = query(
        connection,
        "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME, UNIQUE_CONSTRAINT_SCHEMA, REFERENCED_TABLE_NAME"
        " FROM information_schema.REFERENTIAL_CONSTRAINTS"
        " WHERE UPDATE_RULE IN ('CASCADE', 'SET NULL') OR DELETE_RULE IN ('CASCADE', 'SET NULL')",
    )
    return [
        Fault(
            f"Src {facts.address}",
            f"rows of {schema}.{table} change with {parent_schema}.{parent} through the foreign key {name}, which the "
            f"source does not log before MySQL {'.'.join(map(str, LOGS_CASCADES[:2]))}",
            f"add {parent_schema}.{parent} to ReplicateDoDb",
        )
        for schema, table, name, parent_schema, parent in rows
        if selection.wants(schema, table) and not selection.wants(parent_schema, parent)
    ]


def _settings(facts: ServerFacts) -> Iterator[tuple[str, str]]:
    for name, wanted, remedy in _SETTINGS:
        value = facts.value(name, wanted)
        if value.upper() != wanted:
            yield f"{name} is {value}, not {wanted}", remedy
    if facts.number("server_id") == 0:
        yield "server_id is 0, with which a server serves no replicas", "SET PERSIST server_id = 1 (any number but 0)"
    if not facts.logs_replicated:
        yield (
            "log_replica_updates is OFF: what this server replicates from another would be missing in its log",
            "start the server with --log-replica-updates",
        )


def _privileges(facts: ServerFacts, selection: Selection) -> Iterator[tuple[str, str]]:
    missing = facts.privileges.missing(_GLOBAL_PRIVILEGES)
    if missing:
        listed = ", ".join(missing)
        yield f"{facts.account} has not {listed}", f"GRANT {listed} ON *.* TO {facts.account}"
    if selection.is_open:
        missing = facts.privileges.missing(_SCHEMA_PRIVILEGES)
        if missing:
            listed = ", ".join(missing)
            yield f"{facts.account} has not {listed} on every schema", f"GRANT {listed} ON *.* TO {facts.account}"
        return
    for place in sorted(selection.places(), key=lambda each: (each.schema, each.table)):
        wanted = _SCHEMA_PRIVILEGES if place.whole else ("SELECT",)
        missing = facts.privileges.missing(wanted, place.schema, place.table)
        if missing:
            listed = ", ".join(missing)
            on = f"{quote(place.schema)}.{'*' if place.table == '*' else quote(place.table)}"
            yield f"{facts.account} has not {listed} on {on}", f"GRANT {listed} ON {on} TO {facts.account}"


def _filters(facts: ServerFacts, selection: Selection) -> Iterator[tuple[str, str]]:
    """Schemas that the source leaves out of its log on purpose."""
    named = {place.schema for place in selection.places()}
    if facts.logged_schemas:
        unlogged = {"every other schema"} if selection.is_open else named - facts.logged_schemas
    elif selection.is_open:
        unlogged = {schema for schema in facts.unlogged_schemas if selection.wants_schema(schema)}
    else:
        unlogged = named & facts.unlogged_schemas
    if unlogged:
        yield (
            f"binlog_do_db or binlog_ignore_db keeps {', '.join(sorted(unlogged))} out of the binary log",
            "start the server without these options",
        )


def _positions(facts: ServerFacts, start_after: str | None) -> Iterator[tuple[str, str]]:
    if start_after is None:
        return
    start, executed = GtidSet.parse(start_after), GtidSet.parse(facts.gtid_executed)
    purged = GtidSet.parse(facts.gtid_purged) - start
    if purged:
        yield (
            f"the job goes on after {start_after or 'nothing'}, and the source has purged {purged} from its log since",
            "make the job anew, with a full copy, and keep the log longer (binlog_expire_logs_seconds)",
        )
    unknown = GtidSet.parse(",".join(part for part in str(start - executed).split(",") if _is_of(part, facts.uuid)))
    if unknown:
        yield (
            f"the job goes on after {unknown}, which bears this server's uuid and which it never executed: it was "
            "restored from a backup, or has lost its last transactions",
            "make the job anew, with a full copy",
        )


def _is_of(part: str, uuid: str) -> bool:
    return part.startswith(f"{uuid.lower()}:")
