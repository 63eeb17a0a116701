"""What speaks against a job with an Oracle source, and what its owner should know before it starts."""

from __future__ import annotations

from collections.abc import Iterator

from udup.base.errors import Fault, Refused, UdupError
from udup.base.tls import SslMode
from udup.drivers.oracle.dictionary import OracleFacts
from udup.drivers.oracle.statements import ALL_COLUMNS_LOGGED, ROOT
from udup.pipeline.checks import SRC, Check, Finding, Outcome, Rule, apply, failed, faults, warned
from udup.pipeline.ownership import Known
from udup.pipeline.ports import ApplyMode, JobPlan, ServerInfo, Source, SourceLook

#: Said wherever a job with such a source is looked at.
NEVER_RUN = (
    "Oracle as a source is experimental: it was built after documents and recorded output, and never run against an"
    " Oracle server"
)
_PROVE = "try it on data that you can lose, compare both sides, and report what you find"

_REACH = "look at Host, Port, User, Password, ServiceName and Pdb, and at the account's grants (docs/oracle.md)"

#: Tables that a check names at most.
_NAMED = 10


class _Subject:
    """A database and the job that is to follow it."""

    def __init__(self, facts: OracleFacts, plan: JobPlan) -> None:
        self.facts, self.plan = facts, plan

    @property
    def follows(self) -> bool:
        return not self.plan.copy_alone


def _experimental(_: _Subject) -> Iterator[Finding]:
    yield warned(NEVER_RUN, _PROVE)


def _role(subject: _Subject) -> Iterator[Finding]:
    facts = subject.facts
    if not facts.is_open_primary:
        yield failed(
            f"the database is a {facts.role} that is open {facts.open_mode}: Udup commits there, so that its log is"
            " written",
            "name the primary, by a service that follows its role",
        )


def _containers(subject: _Subject) -> Iterator[Finding]:
    facts = subject.facts
    if not facts.has_containers:
        return
    if not facts.container:
        yield failed(
            f"the database has containers, and Pdb names none (the service leads into {facts.service_container})",
            "write into OracleConfig.Pdb the container whose tables are to be carried",
        )
    elif subject.follows and facts.service_container != ROOT:
        yield failed(
            f"the service leads into container {facts.service_container or 'unknown'}, and LogMiner works in {ROOT}",
            "write the root's service into OracleConfig.ServiceName, and give its user the grants with CONTAINER=ALL",
        )


def _archiving(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and not subject.facts.is_archiving:
        yield failed(
            f"the database is in {subject.facts.log_mode or 'an unknown'} mode: its redo is overwritten",
            "SHUTDOWN IMMEDIATE; STARTUP MOUNT; ALTER DATABASE ARCHIVELOG; ALTER DATABASE OPEN",
        )


def _minimal_logging(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and not subject.facts.logs_enough:
        yield failed(
            f"SUPPLEMENTAL_LOG_DATA_MIN is {subject.facts.minimal_logging or 'unknown'}: LogMiner cannot tell rows",
            "ALTER DATABASE ADD SUPPLEMENTAL LOG DATA",
        )


def _force_logging(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and not subject.facts.forces_logging:
        yield warned(
            "FORCE_LOGGING is not YES: what is loaded with NOLOGGING (INSERT with APPEND, SQL*Loader) is in no redo,"
            " and would be missing on the target without a word",
            "ALTER DATABASE FORCE LOGGING",
        )


def _columns_logged(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and (lacking := subject.facts.unlogged):
        yield failed(
            f"of these tables not all columns are in the redo ({ALL_COLUMNS_LOGGED}): {_some(lacking)}",
            f"ALTER TABLE {lacking[0]} ADD SUPPLEMENTAL LOG DATA (ALL) COLUMNS, and so for each; or for all of the"
            " database: ALTER DATABASE ADD SUPPLEMENTAL LOG DATA (ALL) COLUMNS",
        )


def _lobs(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and (having := subject.facts.lobs):
        yield failed(
            f"these tables have LOBs, whose changes are not carried: {_some(having)}",
            "leave them out (ReplicateIgnoreDb), or copy them alone (SkipIncrementalCopy)",
        )


def _threads(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and subject.facts.threads > 1:
        yield failed(
            f"the database has {subject.facts.threads} redo threads (RAC), which are not read together",
            "name a database with one instance",
        )


def _strings(subject: _Subject) -> Iterator[Finding]:
    if subject.follows and subject.facts.string_size.upper() == "EXTENDED":
        yield failed(
            "MAX_STRING_SIZE is EXTENDED: LogMiner leaves apostrophes in its statements unescaped, so that what a value"
            " is cannot be told for certain",
            "copy the tables alone (SkipIncrementalCopy), or use a database with MAX_STRING_SIZE = STANDARD",
        )


def _document(subject: _Subject) -> Iterator[Finding]:
    """What a job's document may ask for, and is not carried out for this source."""
    plan = subject.plan
    options = plan.target.delivery.options if plan.target.delivery is not None else {}
    asked = {
        "Where": plan.scope.selection.filters_rows,
        "ColumnMapFrom": plan.scope.selection.maps_columns,
        "ExpandSyntaxSupport": plan.scope.kept_users is not None,
        "SkipCreateDbTable": plan.fill_existing,
        "ApproveHeterogeneous": plan.target.apply_mode is ApplyMode.CONVERTED,
        "Options.include.query": options.get("include.query", "").strip().lower() == "true",
        "SslMode, SslCa, SslCert": plan.source.endpoint.tls.mode not in (SslMode.PREFERRED, SslMode.DISABLED),
    }
    for key, is_asked in asked.items():
        if is_asked:
            yield failed(f"{key} is not carried out with an Oracle source", "remove it")


_RULES = (
    Rule[_Subject]("experimental", lambda subject: "", _experimental),
    Rule[_Subject]("document", lambda subject: "nothing that is not carried out", _document),
    Rule[_Subject]("database_role", lambda subject: f"{subject.facts.role}, {subject.facts.open_mode}", _role),
    Rule[_Subject]("container", lambda subject: subject.facts.container or "there are none", _containers),
    Rule[_Subject]("archivelog", lambda subject: subject.facts.log_mode, _archiving),
    Rule[_Subject]("supplemental_logging", lambda subject: subject.facts.minimal_logging, _minimal_logging),
    Rule[_Subject]("force_logging", lambda subject: "YES", _force_logging),
    Rule[_Subject]("columns_logged", lambda subject: "all columns of all tables", _columns_logged),
    Rule[_Subject]("lobs", lambda subject: "none", _lobs),
    Rule[_Subject]("redo_threads", lambda subject: str(subject.facts.threads), _threads),
    Rule[_Subject]("max_string_size", lambda subject: subject.facts.string_size, _strings),
)


def _some(names: tuple[str, ...]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def source_checks(facts: OracleFacts, plan: JobPlan) -> list[Check]:
    """Return every check of the database for this job."""
    return list(apply(_RULES, SRC, _Subject(facts, plan)))


def start_faults(
    plan: JobPlan, source: SourceLook | None, target: ServerInfo | None, start_after: str | None, known: Known
) -> list[Fault]:
    """Return what speaks against starting, as far as the source was seen; the target refuses for itself."""
    if source is None:
        return []
    facts = _facts(source.info)
    return [*source.faults, *faults(f"Src {facts.address}", source_checks(facts, plan))]


def warnings(plan: JobPlan, source: ServerInfo, target: ServerInfo) -> list[str]:
    """Return what does not keep the job from running."""
    facts = _facts(source)
    found = source_checks(facts, plan)
    return [f"Src {facts.address}: {each.found} -- {each.remedy}" for each in found if each.outcome == Outcome.WARN]


def validate_source(source: Source, plan: JobPlan) -> list[Check]:
    """Return every check of the source, asked now."""
    try:
        look = source.look(plan.scope)
    except Refused as refused:
        return [_never_run(), *(Check(SRC, "connection", Outcome.FAIL, *_told(fault)) for fault in refused.faults)]
    except UdupError as error:
        return [_never_run(), Check(SRC, "connection", Outcome.FAIL, str(error), _REACH)]
    facts = _facts(look.info)
    reached = Check(SRC, "connection", Outcome.PASS, f"{facts.account} on {facts.address}: {facts.version}")
    tables = [Check(SRC, "tables", Outcome.FAIL, fault.problem, fault.remedy) for fault in look.faults]
    tables = tables or [Check(SRC, "tables", Outcome.PASS, f"{facts.tables} tables, whose types all have their like")]
    return [reached, *source_checks(facts, plan), *tables]


def _never_run() -> Check:
    return Check(SRC, "experimental", Outcome.WARN, NEVER_RUN, _PROVE)


def _told(fault: Fault) -> tuple[str, str]:
    return f"{fault.where}: {fault.problem}", fault.remedy


def _facts(info: ServerInfo) -> OracleFacts:
    assert isinstance(info, OracleFacts), f"{info!r} comes from another driver"
    return info
