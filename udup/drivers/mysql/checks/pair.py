"""Whether source and target fit together: every fault at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from udup.base.errors import Fault
from udup.base.long_text import some_of
from udup.drivers.mysql.checks.binlog_access import goes_by_statements
from udup.drivers.mysql.checks.source import is_read
from udup.drivers.mysql.checks.target import is_written
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.client.flavour import Version
from udup.drivers.mysql.dictionary.catalog import SHOWS_ACCOUNTS
from udup.drivers.mysql.dictionary.claims import by_job, remedy, rings
from udup.drivers.mysql.dictionary.used import COLLATION, INVISIBLE, PLUGIN, TYPE
from udup.drivers.mysql.mariadb.collations import Server, fit_collation
from udup.pipeline.checks import BOTH, SRC, Check, Finding, Outcome, Rule, apply, failed, faults, warned
from udup.pipeline.ownership import Feed, Known
from udup.pipeline.ports import ApplyMode


@dataclass(frozen=True)
class Pair:
    source: ServerFacts
    target: ServerFacts
    innodb: bool = False  # the job makes InnoDB tables of all that could be of another engine
    mode: ApplyMode = ApplyMode.EVENTS  # how rows get to the target

    @property
    def where(self) -> str:
        return f"Src {self.source.address}, Dest {self.target.address}"


def pair_checks(
    source: ServerFacts, target: ServerFacts, *, innodb: bool = False, mode: ApplyMode = ApplyMode.EVENTS
) -> list[Check]:
    """Return the checks of everything in which the two servers may differ to a job's harm.

    None where one of them is turned away for what it is: what it differs in would only mislead.
    """
    if not are_taken(source, target):
        return []
    return list(apply((*_RULES, *_ADVICE), BOTH, Pair(source, target, innodb, mode)))


def check_pair(
    source: ServerFacts, target: ServerFacts, *, innodb: bool = False, mode: ApplyMode = ApplyMode.EVENTS
) -> list[Fault]:
    """Return everything in which the two servers do not fit together. Clients see it as faults of the source's task."""
    pair = Pair(source, target, innodb, mode)
    return faults(pair.where, apply(_RULES, SRC, pair)) if are_taken(source, target) else []


def are_taken(source: ServerFacts, target: ServerFacts) -> bool:
    """Return whether both are servers of a kind and age that is replicated from, and to."""
    return is_read(source) and is_written(target)


def ring_faults(
    feeds: Collection[Feed], job: str, source: ServerFacts, target: ServerFacts, known: Known
) -> list[Fault]:
    """Return a fault for each job that brings this job's changes back to its source: a row would go round for ever."""
    where = f"Src {source.address}, Dest {target.address}"
    return [
        Fault(
            where,
            f"{claim.holder} keeps {tables} of the source current, from this job's target: {_RING}",
            remedy(claim.job, "the source"),
            SRC,
        )
        for claim, tables in by_job(rings(feeds, job, target.uuid, known))
    ]


def ring_checks(
    feeds: Collection[Feed], job: str, source: ServerFacts, target: ServerFacts, known: Known
) -> list[Check]:
    """Return the same for a validation."""
    found = ring_faults(feeds, job, source, target, known)
    if not found:
        return [Check(BOTH, "rings", Outcome.PASS, "none")]
    return [Check(BOTH, "rings", Outcome.FAIL, fault.problem, fault.remedy) for fault in found]


def _plugins(pair: Pair) -> Iterator[Finding]:
    """The accounts that ExpandSyntaxSupport carries: CREATE USER would fail in the middle of the copy."""
    source, target = pair.source, pair.target
    carried = [each for each in source.used or () if each.kind == PLUGIN]
    if carried and not source.is_mariadb and source.version < SHOWS_ACCOUNTS:
        yield failed(
            f"the source ({source.version_text}) does not show its accounts as statements (SHOW CREATE USER), by which"
            " ExpandSyntaxSupport carries them",
            "leave ExpandSyntaxSupport out, and make the accounts on the target by hand",
        )
        return
    unknown = [f"{each.name} ({each.place})" for each in carried if target.plugins and each.name not in target.plugins]
    if unknown:
        yield failed(
            f"accounts of the source prove who they are by what the target ({target.version_text}) does not have:"
            f" {some_of(unknown, _SHOWN)}",
            "ALTER USER … IDENTIFIED WITH caching_sha2_password BY … on the source; or start a target of 8.4 with"
            " --mysql-native-password=ON; or leave ExpandSyntaxSupport out",
        )


def _signs(pair: Pair) -> Iterator[Finding]:
    """A log without signs is completed by the source's dictionary where the job says that values are needed."""
    unsaid = pair.mode is ApplyMode.BY_PRIVILEGE and goes_by_statements(pair.mode, pair.target)
    if unsaid and not pair.source.logs_signs:
        yield failed(
            f"{pair.target.account} may not apply rows by BINLOG on the target, so they would go by statements, and the"
            f" source ({pair.source.version_text}) does not log which numbers have a sign",
            'write "ApplyMode": "statements" into the Dest\'s Config: then the source\'s dictionary is asked',
        )


#: The version of MySQL from which on a server has it.
_SINCE: Mapping[tuple[str, str], Version] = {
    (INVISIBLE, ""): (8, 0, 23),  # what is printed of one is a comment to older servers
    (TYPE, "VECTOR"): (9, 0, 0),
}

#: Places shown of a list.
_SHOWN = 10

_RING = "each change would come back and be applied again, without end; two-way jobs are not supported"


def warn_pair(source: ServerFacts, target: ServerFacts) -> list[Fault]:
    """Return differences that matter for some statements or rows only."""
    pair = Pair(source, target)
    return faults(pair.where, apply(_ADVICE, BOTH, pair), Outcome.WARN) if are_taken(source, target) else []


def _uuid(pair: Pair) -> Iterator[Finding]:
    if pair.source.uuid and pair.source.uuid == pair.target.uuid:
        yield failed("source and target are the same server (same server_uuid)", "name two servers")


def _release(pair: Pair) -> Iterator[Finding]:
    source, target = pair.source, pair.target
    if target.version[:2] < source.version[:2] and source.is_mariadb == target.is_mariadb:
        yield warned(
            f"the target ({target.version_text}) is of an older release than the source ({source.version_text}): what"
            " the job's tables use now was compared, and a statement or an event of the log that it does not know"
            " would stop the job",
            "use nothing on the source that is newer than the target, until it is upgraded",
        )


def _same(name: str, consequence: str, remedy: str) -> Rule[Pair]:
    """A variable that must have one value on both sides."""

    def look(pair: Pair) -> Iterator[Finding]:
        ours, theirs = pair.source.value(name), pair.target.value(name)
        if ours != theirs and ours and theirs:
            yield failed(
                f"{name} is {ours} on the source and {theirs} on the target: {consequence}",
                remedy.format(ours=ours),
            )

    return Rule(name, lambda pair: pair.source.value(name), look)


def _engine(pair: Pair) -> Iterator[Finding]:
    """Where the job says an engine, it is written into each statement."""
    consequence = "a table made without ENGINE would get another one; the log does not say which"
    remedy = "SET PERSIST default_storage_engine = {ours} on the target"
    if not pair.innodb:
        yield from _same("default_storage_engine", consequence, remedy).look(pair)


def _collations(pair: Pair) -> Iterator[Finding]:
    """Those that the job's schemas and tables have; between families they are mapped, and judged by that."""
    source, target = pair.source, pair.target
    used = [each for each in source.used or () if each.kind == COLLATION]
    if source.is_mariadb or target.is_mariadb:
        ours, theirs = Server.of(source.version_text), Server.of(target.version_text)
        unknown = [each for each in used if fit_collation(each.name, ours, theirs) is None]
    else:
        known = frozenset(target.collations.values())
        unknown = [each for each in used if not _knows(known, each.name)]
    if unknown:
        listed = some_of([f"{each.name} ({each.place})" for each in unknown], _SHOWN)
        yield failed(
            f"the target ({target.version_text}) does not know collations that the job's tables have: {listed}",
            "upgrade the target, or ALTER TABLE … CONVERT TO CHARACTER SET … COLLATE … on the source, or leave the"
            " tables out",
        )


def _knows(known: frozenset[str], name: str) -> bool:
    """Return whether a name is one of these, where utf8mb3's have the older or the newer name (MySQL 8.0.30).

    Newer servers know both; for older ones the names in definitions are put back (`mariadb/collations.py`).
    """
    language = name.removeprefix("utf8mb3_") if name.startswith("utf8mb3_") else name.removeprefix("utf8_")
    return name in known or (language != name and not known.isdisjoint({f"utf8_{language}", f"utf8mb3_{language}"}))


def _newer_columns(pair: Pair) -> Iterator[Finding]:
    """What an older server would refuse when the table is made, or take in silence as something else."""
    source, target = pair.source, pair.target
    if source.is_mariadb or target.is_mariadb:
        return
    found = [each for each in source.used or () if target.version < _SINCE.get((each.kind, each.name), (0, 0, 0))]
    if found:
        listed = some_of([f"{each.kind} {each.name}".strip() + f" ({each.place})" for each in found], _SHOWN)
        yield failed(
            f"the target ({target.version_text}) does not have what the job's tables use: {listed}",
            "upgrade the target, or alter or leave out these tables",
        )


def _partial_json(pair: Pair) -> Iterator[Finding]:
    """MariaDB keeps documents as texts, which a part of a document cannot change without what stood there."""
    source = pair.source
    if not pair.target.is_mariadb or "PARTIAL_JSON" not in source.value("binlog_row_value_options").upper():
        return
    if source.value("binlog_row_image", "FULL").upper() != "FULL":
        yield failed(
            "the source logs parts of JSON documents (binlog_row_value_options = PARTIAL_JSON) without what stood there"
            f" (binlog_row_image = {source.value('binlog_row_image')}), and the target keeps whole ones",
            "SET PERSIST binlog_row_value_options = '' on the source, and have its clients connect again",
        )


def _server_id(pair: Pair) -> Iterator[Finding]:
    server_id = pair.source.value("server_id")
    if server_id == pair.target.value("server_id"):
        yield warned(
            f"server_id is {server_id} on both servers: of no account here, but MySQL's own replication between them, "
            "or of both to a third server, would leave out transactions",
            "SET PERSIST server_id = … on one of them, to a number of its own",
        )


def _packets(pair: Pair) -> Iterator[Finding]:
    ours, theirs = pair.source.number("max_allowed_packet"), pair.target.number("max_allowed_packet")
    if theirs < ours:
        yield warned(
            f"max_allowed_packet is {ours} on the source and {theirs} on the target: the largest rows may not fit",
            f"SET PERSIST max_allowed_packet = {ours} on the target",
        )
    redo_log = pair.target.number("innodb_log_file_size")
    if pair.target.is_mariadb and 0 < redo_log < ours:
        yield warned(
            f"max_allowed_packet is {ours} on the source, and innodb_log_file_size {redo_log} on the target: a MariaDB"
            " waits for ever where one BLOB is larger than what is free of its redo log (seen on 11.8 with 48 MB and"
            " 32 MB)",
            f"innodb_log_file_size = {ours} or more in the target's option file (from 10.9 on SET GLOBAL does it), if"
            " rows may be so large",
        )


def _zones(pair: Pair) -> Iterator[Finding]:
    zones = [(facts.value("time_zone"), facts.value("system_time_zone")) for facts in (pair.source, pair.target)]
    if zones[0] != zones[1] and "SYSTEM" in (zones[0][0], zones[1][0]):
        yield warned(
            f"the source's time zone is {'/'.join(zones[0])}, the target's {'/'.join(zones[1])}: a TIMESTAMP "
            "default that is written as a time means another moment there",
            "run both servers in UTC",
        )


def _row_format(pair: Pair) -> Iterator[Finding]:
    ours, theirs = (facts.value("innodb_default_row_format") for facts in (pair.source, pair.target))
    if ours != theirs and ours and theirs:  # before 5.7.9 it is not said, and COMPACT
        yield warned(
            f"innodb_default_row_format is {ours} on the source and {theirs} on the target: tables made without "
            "ROW_FORMAT take the target's, in which long keys may not fit",
            f"SET PERSIST innodb_default_row_format = {ours} on the target",
        )


def _encryption(pair: Pair) -> Iterator[Finding]:
    """A definition of the log says what its session had; a session may be set to another value by few accounts."""
    ours, theirs = (facts.value("default_table_encryption", "OFF") for facts in (pair.source, pair.target))
    target = pair.target
    both = ("SYSTEM_VARIABLES_ADMIN", "TABLE_ENCRYPTION_ADMIN")
    if ours != theirs and not (target.privileges.has("SUPER") or not target.privileges.missing(both)):
        yield warned(
            f"default_table_encryption is {ours} on the source and {theirs} on the target, and {target.account} may not"
            " set it for the definitions that say so",
            f"SET PERSIST default_table_encryption = {ours} on the target, or {target.grant(', '.join(both))}",
        )


def _told(pair: Pair, kind: str) -> str:
    if pair.source.used is None:
        return "not looked at"
    return f"{sum(each.kind == kind for each in pair.source.used)} collations that the job's tables have, all known"


_RULES = (
    Rule[Pair]("server_uuid", lambda pair: f"{pair.source.uuid}, {pair.target.uuid}", _uuid),
    _same(
        "lower_case_table_names",
        "names that are two on one server are one on the other",
        "no server can change it once it is made: make an empty target with it (mysqld --initialize"
        " --lower-case-table-names={ours}) and name that one in the job",
    ),
    Rule[Pair]("default_storage_engine", lambda pair: pair.source.value("default_storage_engine"), _engine),
    Rule[Pair]("character_sets", lambda pair: _told(pair, COLLATION), _collations),
    Rule[Pair]("account_plugins", lambda pair: "every one that accounts of the job need", _plugins),
    Rule[Pair]("signs", lambda pair: "known where they are needed", _signs),
    Rule[Pair]("partial_json", lambda pair: "documents come whole, or with what stood there", _partial_json),
    Rule[Pair]("newer_columns", lambda pair: "none that the target does not have", _newer_columns),
)

_ADVICE = (
    Rule[Pair]("release", lambda pair: f"{pair.source.version_text} to {pair.target.version_text}", _release),
    Rule[Pair](
        "server_id", lambda pair: f"{pair.source.value('server_id')}, {pair.target.value('server_id')}", _server_id
    ),
    Rule[Pair]("max_allowed_packet", lambda pair: pair.source.value("max_allowed_packet"), _packets),
    Rule[Pair](
        "default_table_encryption", lambda pair: pair.source.value("default_table_encryption", "unknown"), _encryption
    ),
    Rule[Pair]("innodb_default_row_format", lambda pair: pair.source.value("innodb_default_row_format"), _row_format),
    Rule[Pair]("time_zone", lambda pair: pair.source.value("time_zone"), _zones),
)
