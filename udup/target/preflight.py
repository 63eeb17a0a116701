"""Whether a target can take a job, and whether it fits the source: every fault at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Iterator

from udup.errors import Fault
from udup.mysql.facts import ServerFacts
from udup.mysql.names import UDUP_SCHEMA, quote
from udup.mysql.selection import Selection

OLDEST_VERSION = (8, 0, 0)

#: From here on SET_USER_ID is two privileges: SET_ANY_DEFINER and ALLOW_NONEXISTENT_DEFINER.
_SPLIT_SET_USER_ID = (8, 2, 0)

#: Bytes; a BINLOG statement of eight megabytes of events takes 11 in base64, and needs room beside.
MIN_PACKET = 16 << 20

_TABLE_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX", "REFERENCES")
_OBJECT_PRIVILEGES = ("CREATE VIEW", "SHOW VIEW", "CREATE ROUTINE", "ALTER ROUTINE", "TRIGGER", "EVENT")
_UDUP_PRIVILEGES = ("SELECT", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "INDEX")


def check_target(facts: ServerFacts, selection: Selection) -> list[Fault]:
    """Everything that forbids to replicate to this server."""
    where = f"Dest {facts.address}"
    if facts.is_mariadb or facts.version < OLDEST_VERSION:
        return [Fault(where, f"the server is {facts.version_text}, and only MySQL 8.0 and newer is replicated to")]
    problems = [*_settings(facts), *_global_privileges(facts), *_schema_privileges(facts, selection)]
    return [Fault(where, problem, remedy) for problem, remedy in problems]


def warn_target(facts: ServerFacts) -> list[Fault]:
    """What only some jobs need, or what may cost time."""
    where = f"Dest {facts.address}"
    warnings = []
    if facts.is_on("log_bin") and not (facts.is_on("log_bin_trust_function_creators") or facts.privileges.has("SUPER")):
        warnings.append(
            Fault(
                where,
                "functions and triggers need SUPER here while log_bin_trust_function_creators is OFF",
                "SET PERSIST log_bin_trust_function_creators = ON",
            )
        )
    for privilege, use in (
        ("ALLOW_NONEXISTENT_DEFINER", "objects whose definer has no account here, since accounts are not carried"),
        ("SYSTEM_USER", "objects whose definer has SYSTEM_USER"),
    ):
        old = privilege == "ALLOW_NONEXISTENT_DEFINER" and facts.version < _SPLIT_SET_USER_ID
        if not old and not facts.privileges.has(privilege) and not facts.privileges.has("SUPER"):
            warnings.append(
                Fault(
                    where,
                    f"{facts.account} has not {privilege}, which it needs for {use}",
                    f"GRANT {privilege} ON *.* TO {facts.account}",
                )
            )
    return warnings


def check_pair(source: ServerFacts, target: ServerFacts) -> list[Fault]:
    """Everything in which the two servers do not fit together."""
    where = f"Src {source.address}, Dest {target.address}"
    return [Fault(where, problem, remedy) for problem, remedy in _pair(source, target)]


def warn_pair(source: ServerFacts, target: ServerFacts) -> list[Fault]:
    """Differences that matter for some statements or rows only."""
    where = f"Src {source.address}, Dest {target.address}"
    warnings = []
    ours, theirs = source.number("max_allowed_packet"), target.number("max_allowed_packet")
    if theirs < ours:
        warnings.append(
            Fault(
                where,
                f"max_allowed_packet is {ours} on the source and {theirs} on the target: the largest rows may not fit",
                f"SET PERSIST max_allowed_packet = {ours} on the target",
            )
        )
    zones = [(facts.value("time_zone"), facts.value("system_time_zone")) for facts in (source, target)]
    if zones[0] != zones[1] and "SYSTEM" in (zones[0][0], zones[1][0]):
        warnings.append(
            Fault(
                where,
                f"the source's time zone is {'/'.join(zones[0])}, the target's {'/'.join(zones[1])}: a TIMESTAMP "
                "default that is written as a time means another moment there",
                "run both servers in UTC",
            )
        )
    return warnings


def _settings(facts: ServerFacts) -> Iterator[tuple[str, str]]:
    if facts.value("gtid_mode").upper() != "ON":
        yield (
            f"gtid_mode is {facts.value('gtid_mode')}: with it ON the server itself runs each definition once only",
            "SET PERSIST enforce_gtid_consistency = ON; then SET PERSIST gtid_mode = 'OFF_PERMISSIVE', "
            "'ON_PERMISSIVE' and 'ON', one after the other",
        )
    if facts.is_on("super_read_only"):
        yield "super_read_only is ON", "SET PERSIST super_read_only = OFF"
    elif facts.is_on("read_only") and not _any(facts, "CONNECTION_ADMIN", "SUPER"):
        yield (
            f"read_only is ON, and {facts.account} has not CONNECTION_ADMIN",
            f"GRANT CONNECTION_ADMIN ON *.* TO {facts.account}, or SET PERSIST read_only = OFF",
        )
    if facts.is_on("log_bin") and facts.value("binlog_format", "ROW").upper() == "STATEMENT":
        yield "binlog_format is STATEMENT, with which no row events can be applied", "SET PERSIST binlog_format = 'ROW'"
    if facts.number("max_allowed_packet") < MIN_PACKET:
        yield (
            f"max_allowed_packet is {facts.value('max_allowed_packet')}, less than the {MIN_PACKET} of a batch of rows",
            f"SET PERSIST max_allowed_packet = {4 * MIN_PACKET}",
        )


def _global_privileges(facts: ServerFacts) -> Iterator[tuple[str, str]]:
    definer = "SET_ANY_DEFINER" if facts.version >= _SPLIT_SET_USER_ID else "SET_USER_ID"
    missing = [
        wanted
        for wanted, instead in (
            ("REPLICATION_APPLIER", ()),
            ("SESSION_VARIABLES_ADMIN", ("SYSTEM_VARIABLES_ADMIN", "SUPER")),
            (definer, ("SUPER",)),
        )
        if not _any(facts, wanted, *instead)
    ]
    if missing:
        listed = ", ".join(missing)
        yield f"{facts.account} has not {listed}", f"GRANT {listed} ON *.* TO {facts.account}"


def _schema_privileges(facts: ServerFacts, selection: Selection) -> Iterator[tuple[str, str]]:
    whole = (*_TABLE_PRIVILEGES, *_OBJECT_PRIVILEGES)
    if not selection.rules:
        places: list[tuple[str, str, tuple[str, ...]]] = [("*", "*", whole)]
    else:  # what a regular expression makes of a schema's name is not known here; its first statement tells
        named = sorted(selection.places(renamed=True), key=lambda each: (each.schema, each.table))
        places = [(each.schema, each.table, whole if each.whole else _TABLE_PRIVILEGES) for each in named]
    for schema, table, wanted in [*places, (UDUP_SCHEMA, "*", _UDUP_PRIVILEGES)]:
        missing = facts.privileges.missing(wanted, schema, table)
        if missing:
            listed = ", ".join(missing)
            place = ".".join(name if name == "*" else quote(name) for name in (schema, table))
            yield f"{facts.account} has not {listed} on {place}", f"GRANT {listed} ON {place} TO {facts.account}"


def _pair(source: ServerFacts, target: ServerFacts) -> Iterator[tuple[str, str]]:
    if source.uuid and source.uuid == target.uuid:
        yield "source and target are the same server (same server_uuid)", "name two servers"
    if target.version[:2] < source.version[:2]:
        yield (
            f"the target ({target.version_text}) is of an older release than the source ({source.version_text}): it "
            "may not know what newer statements and events say",
            "upgrade the target",
        )
    for name, consequence in (
        ("lower_case_table_names", "names that are two on one server are one on the other"),
        ("default_storage_engine", "a table made without ENGINE would get another one; the log does not say which"),
    ):
        ours, theirs = source.value(name), target.value(name)
        if ours != theirs:
            yield (
                f"{name} is {ours} on the source and {theirs} on the target: {consequence}",
                f"give both servers the same {name}",
            )
    unknown = [name for number, name in sorted(source.collations.items()) if target.collations.get(number) != name]
    charsets = source.charsets - target.charsets
    if charsets or unknown:
        listed = ", ".join([*sorted(charsets), *unknown])
        yield f"the target does not know the source's {listed}", "upgrade the target or install them there"


def _any(facts: ServerFacts, *privileges: str) -> bool:
    return any(facts.privileges.has(each) for each in privileges)
