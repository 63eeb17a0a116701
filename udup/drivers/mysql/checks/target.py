"""Whether a target can take a job: every fault at once, each with its remedy.

Here is what the server's settings and the account's privileges show, as far as every job needs them; `target_tables`
looks at what is there already, `definers` at what the source's stored objects ask for, `pair` at how the two servers
fit together.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from udup.base.errors import Fault
from udup.drivers.mysql.checks.binlog_access import binlog_access, setting_needs
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.names import quote
from udup.drivers.mysql.mariadb.row_settings import row_settings
from udup.drivers.mysql.mariadb.writers import READ_ONLY_ADMIN, admin_privileges
from udup.pipeline.checks import DEST, Check, Finding, Outcome, Rule, apply, failed, faults, warned
from udup.pipeline.selection.schemas import UDUP_SCHEMA
from udup.pipeline.selection.selection import Selection

#: The first with REPLICATION_APPLIER, and with definitions that a crash leaves whole.
OLDEST_VERSION = (8, 0, 18)

#: The first of MariaDB with BINLOG REPLAY, by which a job's account may do what it has to and no more.
OLDEST_MARIADB = (10, 5, 2)

#: The same where rows go by statements: its literals of TIMESTAMP have a time zone.
OLDEST_FOR_STATEMENTS = (8, 0, 19)

#: Bytes; a BINLOG statement of eight megabytes of events takes 11 in base64, and needs room beside.
MIN_PACKET = 16 << 20

TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES")
OBJECT_PRIVILEGES = ("CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "TRIGGER", "EVENT")
UDUP_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX")


@dataclass(frozen=True)
class TargetSide:
    """What is judged. `by_statements`: the job's rows get there by statements."""

    facts: ServerFacts
    selection: Selection
    by_statements: bool = False


def target_checks(facts: ServerFacts, selection: Selection, *, by_statements: bool = False) -> list[Check]:
    """Everything that the server's settings tell; of another kind of server, only that it is one."""
    side = TargetSide(facts, selection, by_statements)
    found = list(apply((_VERSION,), DEST, side))
    found += [] if found[0].outcome == Outcome.FAIL else apply(_RULES, DEST, side)
    return [replace(each, remedy=facts.in_its_words(each.remedy)) for each in found]


def check_target(facts: ServerFacts, selection: Selection, *, by_statements: bool = False) -> list[Fault]:
    """Everything that forbids to replicate to this server."""
    return faults(f"Dest {facts.address}", target_checks(facts, selection, by_statements=by_statements))


def check_writable(facts: ServerFacts) -> list[Fault]:
    """What of these is healed by time: a server that is read-only, as in a failover."""
    return faults(f"Dest {facts.address}", apply((_READ_ONLY,), DEST, TargetSide(facts, Selection())))


def warn_target(facts: ServerFacts, *, by_statements: bool = False) -> list[Fault]:
    """What only some jobs need, or what may cost time."""
    side = TargetSide(facts, Selection(), by_statements)
    return faults(f"Dest {facts.address}", apply(_ADVICE, DEST, side), Outcome.WARN)


# ---- The server ----


def is_written(facts: ServerFacts) -> bool:
    """Return whether this is a server of the kind and age that is replicated to."""
    oldest = OLDEST_MARIADB if facts.is_mariadb else OLDEST_VERSION
    return not facts.kin.no_target and facts.version >= oldest


def _version(side: TargetSide) -> Iterator[Finding]:
    facts = side.facts
    if facts.kin.no_target:
        yield failed(
            f"the server is {facts.named}, which is not replicated to: {facts.kin.no_target}",
            "replicate to MySQL 8.0.18 or newer (docs/servers.md)",
        )
    elif not is_written(facts) and facts.is_mariadb:
        yield failed(
            f"the server is {facts.named}, and only MariaDB 10.5.2 and newer is replicated to: older ones have no"
            " privilege to apply row events (BINLOG REPLAY)",
            "replicate to MariaDB 10.5.2 or newer (docs/servers.md)",
        )
    elif not is_written(facts):
        yield failed(
            f"the server is {facts.named}, and only MySQL 8.0.18 and newer is replicated to: older ones have no"
            " privilege to apply row events (REPLICATION_APPLIER), and before 8.0 no definitions that a crash leaves"
            " whole",
            "replicate to a server of MySQL 8.0.18 or newer (docs/servers.md)",
        )


def _told(facts: ServerFacts) -> str:
    return f"{facts.named}: {facts.kin.note}" if facts.kin.note else facts.named


def _version_for_statements(side: TargetSide) -> Iterator[Finding]:
    facts = side.facts
    if side.by_statements and facts.is_mariadb:
        yield failed(
            f"the server is {facts.named}, to which rows go as events alone (BINLOG), not by statements (ApplyMode,"
            " or tables of its own with other columns)",
            "leave ApplyMode out of the job, and have the copy make the tables",
        )
    elif side.by_statements and facts.version < OLDEST_FOR_STATEMENTS:
        yield failed(
            f"the server is {facts.version_text}, and rows go by statements (INSERT, UPDATE, DELETE) to 8.0.19 and"
            " newer alone, which take a time with its zone",
            f"upgrade it, or {binlog_access(facts).remedy or 'leave ApplyMode out of the job'}",
        )


def _gtid_mode(side: TargetSide) -> Iterator[Finding]:
    if side.facts.is_mariadb:
        yield from _definitions_once(side.facts)
    elif side.facts.value("gtid_mode").upper() != "ON" and not side.by_statements:
        yield failed(
            f"gtid_mode is {side.facts.value('gtid_mode')}: with it ON the server itself runs each definition once "
            "only",
            "SET PERSIST enforce_gtid_consistency = ON; then SET PERSIST gtid_mode = 'OFF_PERMISSIVE', "
            "'ON_PERMISSIVE' and 'ON', one after the other",
        )


def _definitions_once(facts: ServerFacts) -> Iterator[Finding]:
    """On MariaDB the server's log tells whether a definition has run."""
    if not facts.is_on("log_bin"):
        yield warned(
            "log_bin is OFF: whether a definition had run when the job was interrupted is told by what its objects are"
            " then, and you are asked where that does not tell it; with a binary log the server tells it",
            "start that server with log_bin",
        )
    elif not facts.privileges.has("BINLOG MONITOR"):
        yield warned(
            f"{facts.account} has not BINLOG MONITOR: of a definition in which the server itself dies its log tells"
            " whether it has run, which the account may not see; you are asked where its objects do not tell it",
            facts.grant("BINLOG MONITOR"),
        )


def _read_only(side: TargetSide) -> Iterator[Finding]:
    facts = side.facts
    if facts.is_on("super_read_only"):
        yield failed("super_read_only is ON", "SET PERSIST super_read_only = OFF")
    elif facts.is_on("read_only") and not is_admin(facts):
        privilege = READ_ONLY_ADMIN if facts.is_mariadb else "CONNECTION_ADMIN"
        yield failed(
            f"read_only is ON, and {facts.account} has not {privilege}",
            f"GRANT {privilege} ON *.* TO {facts.account}, or {facts.setting('read_only = OFF')}",
        )


def is_admin(facts: ServerFacts) -> bool:
    """Whether the account may write to a server that is read-only, unless it is so for everybody."""
    return _any(facts, *(admin_privileges(facts.version) if facts.is_mariadb else ("CONNECTION_ADMIN", "SUPER")))


def _binlog_format(side: TargetSide) -> Iterator[Finding]:
    if side.facts.is_on("log_bin") and side.facts.value("binlog_format", "ROW").upper() == "STATEMENT":
        yield failed(
            "binlog_format is STATEMENT, with which no row events can be applied",
            side.facts.setting("binlog_format = 'ROW'"),
        )


def _packet(side: TargetSide) -> Iterator[Finding]:
    if side.facts.number("max_allowed_packet") < MIN_PACKET:
        yield failed(
            f"max_allowed_packet is {side.facts.value('max_allowed_packet')}, less than the {MIN_PACKET} of a batch of "
            "rows",
            side.facts.setting(f"max_allowed_packet = {4 * MIN_PACKET}"),
        )


def _named_locks(side: TargetSide) -> Iterator[Finding]:
    mode = side.facts.value("pxc_strict_mode", "DISABLED").upper()
    if mode in ("ENFORCING", "MASTER"):
        yield failed(
            f"pxc_strict_mode is {mode}, with which Percona XtraDB Cluster denies named locks (GET_LOCK): by them a run"
            " finds what one before it has left on the target, and keeps it from writing there",
            "SET GLOBAL pxc_strict_mode = 'PERMISSIVE' on the member that the job writes to, and in its option file",
        )


def _row_settings(side: TargetSide) -> Iterator[Finding]:
    if side.facts.is_mariadb:
        yield from row_settings(side.facts.variables)


def _local_infile(side: TargetSide) -> Iterator[Finding]:
    if not side.facts.is_on("local_infile"):
        yield warned(
            "local_infile is OFF: a full copy brings its rows by INSERT, which takes longer than LOAD DATA",
            side.facts.setting("local_infile = ON"),
        )


# ---- The account ----


def _global_privileges(side: TargetSide) -> Iterator[Finding]:
    """What the job cannot do without; what only its views, routines, triggers or events need: `definers.py`."""
    facts = side.facts
    access = binlog_access(facts)
    if not access.is_allowed and not side.by_statements:
        uses = "; ".join(dict.fromkeys(f"{need.privilege} for {need.use}" for need in access.missing))
        yield failed(f"{facts.account} has not {uses}", access.remedy)


def _session_variables(side: TargetSide) -> Iterator[Finding]:
    """Only what a session begins with otherwise than the job needs it has to be set, which takes a privilege."""
    facts = side.facts
    for need in setting_needs(facts, by_statements=side.by_statements):
        yield failed(
            f"{facts.account} has not {need.privilege} for {need.use}",
            f"GRANT {need.privilege} ON *.* TO {facts.account}, or {facts.setting(need.setting)}",
        )


def _apply_mode(side: TargetSide) -> Iterator[Finding]:
    """How rows get there is told where it is not the usual way."""
    if side.by_statements and (note := binlog_access(side.facts).note):
        yield warned(note, "nothing has to be done")


def _schema_privileges(side: TargetSide) -> Iterator[Finding]:
    facts, selection = side.facts, side.selection
    whole = (*TABLE_PRIVILEGES, *OBJECT_PRIVILEGES)
    of_tables = (*TABLE_PRIVILEGES, "TRIGGER") if side.by_statements else TABLE_PRIVILEGES  # to see what would run
    if not selection.rules:
        places: list[tuple[str, str, tuple[str, ...]]] = [("*", "*", whole)]
    else:  # what a regular expression makes of a schema's name is not known here; its first statement tells
        named = sorted(selection.places(renamed=True), key=lambda each: (each.schema, each.table))
        places = [(each.schema, each.table, whole if each.whole else of_tables) for each in named]
    for schema, table, wanted in [*places, (UDUP_SCHEMA, "*", UDUP_PRIVILEGES)]:
        missing = facts.privileges.missing(wanted, schema, table)
        if missing:
            listed = ", ".join(missing)
            place = ".".join(name if name == "*" else quote(name) for name in (schema, table))
            yield failed(f"{facts.account} has not {listed} on {place}", facts.grant(listed, place))


def _any(facts: ServerFacts, *privileges: str) -> bool:
    return any(facts.privileges.has(each) for each in privileges)


_VERSION = Rule("version", lambda side: _told(side.facts), _version)

_READ_ONLY = Rule[TargetSide]("read_only", lambda side: side.facts.value("read_only", "OFF"), _read_only)

#: What only some jobs need.
_ADVICE: tuple[Rule[TargetSide], ...] = (
    Rule("apply_mode", lambda side: "by statements" if side.by_statements else "by events", _apply_mode),
    Rule("local_infile", lambda side: side.facts.value("local_infile"), _local_infile),
)

_RULES: tuple[Rule[TargetSide], ...] = (
    Rule("apply_mode_version", lambda side: side.facts.version_text, _version_for_statements),
    Rule("gtid_mode", lambda side: side.facts.value("gtid_mode"), _gtid_mode),
    _READ_ONLY,
    Rule("binlog_format", lambda side: side.facts.value("binlog_format", "ROW"), _binlog_format),
    Rule("max_allowed_packet", lambda side: side.facts.value("max_allowed_packet"), _packet),
    Rule("named_locks", lambda side: side.facts.value("pxc_strict_mode", "allowed"), _named_locks),
    Rule("row_settings", lambda side: "rows are applied as they came", _row_settings),
    Rule("server_id", lambda side: side.facts.value("server_id"), lambda _side: ()),
    Rule("privileges", lambda side: "rows may be applied by BINLOG, definitions under a GTID", _global_privileges),
    Rule("session_variables", lambda side: "nothing that takes a privilege", _session_variables),
    Rule("schema_privileges", lambda side: ", ".join(TABLE_PRIVILEGES), _schema_privileges),
    *_ADVICE,
)
