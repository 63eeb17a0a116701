"""Whether source and target fit together: every fault at once, each with its remedy."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass

from udup.base.errors import Fault
from udup.drivers.mysql.client.facts import ServerFacts
from udup.drivers.mysql.dictionary.claims import by_job, remedy, rings
from udup.pipeline.checks import BOTH, SRC, Check, Finding, Outcome, Rule, apply, failed, faults, warned
from udup.pipeline.ownership import Feed, Known


@dataclass(frozen=True)
class Pair:
    source: ServerFacts
    target: ServerFacts
    innodb: bool = False  # the job makes InnoDB tables of all that could be of another engine

    @property
    def where(self) -> str:
        return f"Src {self.source.address}, Dest {self.target.address}"


def pair_checks(source: ServerFacts, target: ServerFacts, *, innodb: bool = False) -> list[Check]:
    """Return the checks of everything in which the two servers may differ to a job's harm."""
    return list(apply((*_RULES, *_ADVICE), BOTH, Pair(source, target, innodb)))


def check_pair(source: ServerFacts, target: ServerFacts, *, innodb: bool = False) -> list[Fault]:
    """Return everything in which the two servers do not fit together. Clients see it as faults of the source's task."""
    pair = Pair(source, target, innodb)
    return faults(pair.where, apply(_RULES, SRC, pair))


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


_RING = "each change would come back and be applied again, without end; two-way jobs are not supported"


def warn_pair(source: ServerFacts, target: ServerFacts) -> list[Fault]:
    """Return differences that matter for some statements or rows only."""
    pair = Pair(source, target)
    return faults(pair.where, apply(_ADVICE, BOTH, pair), Outcome.WARN)


def _uuid(pair: Pair) -> Iterator[Finding]:
    if pair.source.uuid and pair.source.uuid == pair.target.uuid:
        yield failed("source and target are the same server (same server_uuid)", "name two servers")


def _release(pair: Pair) -> Iterator[Finding]:
    source, target = pair.source, pair.target
    if target.version[:2] < source.version[:2]:
        yield failed(
            f"the target ({target.version_text}) is of an older release than the source ({source.version_text}): it "
            "may not know what newer statements and events say",
            "upgrade the target",
        )


def _same(name: str, consequence: str, remedy: str) -> Rule[Pair]:
    """A variable that must have one value on both sides."""

    def look(pair: Pair) -> Iterator[Finding]:
        ours, theirs = pair.source.value(name), pair.target.value(name)
        if ours != theirs:
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
    source, target = pair.source, pair.target
    unknown = [name for number, name in sorted(source.collations.items()) if target.collations.get(number) != name]
    charsets = source.charsets - target.charsets
    if charsets or unknown:
        listed = ", ".join([*sorted(charsets), *unknown])
        yield failed(f"the target does not know the source's {listed}", "upgrade the target or install them there")


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
    if ours != theirs:
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


_RULES = (
    Rule[Pair]("server_uuid", lambda pair: f"{pair.source.uuid}, {pair.target.uuid}", _uuid),
    Rule[Pair]("release", lambda pair: f"{pair.source.version_text} to {pair.target.version_text}", _release),
    _same(
        "lower_case_table_names",
        "names that are two on one server are one on the other",
        "no server can change it once it is made: make an empty target with it (mysqld --initialize"
        " --lower-case-table-names={ours}) and name that one in the job",
    ),
    Rule[Pair]("default_storage_engine", lambda pair: pair.source.value("default_storage_engine"), _engine),
    Rule[Pair]("character_sets", lambda pair: f"{len(pair.source.collations)} collations, all known", _collations),
)

_ADVICE = (
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
