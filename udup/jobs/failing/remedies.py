"""Which acts help against which failure, best first, and which of them is recommended."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from udup.base import remedies as texts
from udup.base.causes import Cause
from udup.base.errors import Contradicted, Refused
from udup.jobs.curing import Cure, cure_of
from udup.jobs.document.keys import Level, canonical
from udup.jobs.failing import acts
from udup.jobs.failing.acts import Remedy
from udup.jobs.growth import give_up_instead
from udup.jobs.skipped import SKIPPABLE
from udup.jobs.words import JobType
from udup.pipeline.verify.state import CompareState

if TYPE_CHECKING:
    from udup.jobs.record import JobRecord
    from udup.jobs.stopped import Stopped


_TYPE = Level({"Type"})

#: Of what loading the tables again helps that a failure names.
_LOADED = frozenset({Cause.TABLE_MISSING, Cause.MEMORY_LOST, Cause.DEFINITION, Cause.DIVERGENCE})


@dataclass(frozen=True)
class Case:
    """A job that has stopped. `cure` is what puts the tables right that stand against it, None where nothing does."""

    record: JobRecord
    stopped: Stopped
    cure: Cure | None
    delivers: bool

    @property
    def job(self) -> str:
        return self.record.id

    @property
    def skips(self) -> bool:
        """Return whether the transaction at which it stands may be passed over."""
        return bool(self.stopped.gtid) and self.stopped.kind in SKIPPABLE and not self.delivers

    @property
    def needs_copy(self) -> bool:
        """Return whether its text says that only a new copy helps: what older versions kept tells it nowhere else."""
        return any(each in self.stopped.text for each in texts.ALL)


def remedies_of(record: JobRecord, stopped: Stopped) -> tuple[Remedy, ...]:
    """Return what can be done; never nothing, and one of it is recommended."""
    delivers = canonical(record.document, _TYPE, "", []).get("Type") == JobType.SUBSCRIBE.value
    case = Case(record, stopped, _cure(record, stopped), delivers)
    found = _BY_CAUSE.get(stopped.what, _failed)(case)
    return (replace(found[0], recommended=True), *found[1:])


def _cure(record: JobRecord, stopped: Stopped) -> Cure | None:
    """Return what puts the tables right; the document is read for that alone, since it takes long."""
    contradicted = stopped.contradicted or _named(stopped)
    if contradicted is None:
        return None
    try:
        return cure_of(record, record.spec(), contradicted)
    except Refused:
        return None


def _named(stopped: Stopped) -> Contradicted | None:
    """Return the tables that a failure names, where loading them again would do."""
    names = [each.strip() for each in stopped.table.split(",") if "." in each]
    if not names or stopped.what not in _LOADED:
        return None
    return Contradicted(tuple((schema, table) for schema, _, table in (each.partition(".") for each in names)))


def _with_skip(case: Case, *found: Remedy) -> list[Remedy]:
    return [*found, *([acts.skip(case.job, case.stopped.gtid)] if case.skips else [])]


def _row(case: Case) -> list[Remedy]:
    """Help where rows or definitions of the target stand against a transaction."""
    resume = acts.resume(case.job, "Carry the job on at this transaction, when the target is as the source was.")
    cure = case.cure
    if cure is None or not cure.tables:
        return _with_skip(case, resume)
    if cure.by_rows:
        repair = acts.repair(case.job, cure.tables)
        return _with_skip(case, *((resume, repair) if _is_repaired(case, cure) else (repair, resume)))
    if not case.record.has_begun:
        return _with_skip(case, resume)  # it has not copied its tables yet
    return _with_skip(case, acts.reload(case.job, cure.tables), resume)


def _is_repaired(case: Case, cure: Cure) -> bool:
    """Return whether somebody has had these tables put right since the job stopped, so that it only has to go on."""
    last = case.record.comparison
    if last is None or not last.options.repair or last.state is not CompareState.DONE or last.unlike:
        return False
    return last.ended_ns > case.stopped.time_ns and set(cure.tables) <= set(last.options.tables)


def _unsettled(case: Case) -> list[Remedy]:
    gtid = case.stopped.gtid
    applied, not_applied = (acts.settle(case.job, gtid, applied=each) for each in (True, False))
    return _with_skip(case, _look(case, gtid), not_applied, applied)


def _look(case: Case, gtid: str) -> Remedy:
    """Return what shows on the target which answer is right."""
    if case.stopped.statement:
        text = f"Look on the target whether this has run: {case.stopped.statement}. Then say which."
        job = case.job.replace("\\", "\\\\").replace("'", "''")
        return acts.statement(text, f"SELECT * FROM udup.intent WHERE job = '{job}'")
    tables = case.stopped.table or "the table"
    text = f"Look whether the rows of {gtid} are in {tables}: take a part of them out, or put the rest in. Then say"
    return acts.statement(f"{text} which.", "; ".join(f"SELECT * FROM {each.strip()}" for each in tables.split(",")))


def _stale(case: Case) -> list[Remedy]:
    growth = case.record.growth
    if growth is not None:  # one change of its tables at a time
        return [*([acts.give_up(case.job)] if give_up_instead(case.job, growth) else []), *_resumed(case)]
    if not case.stopped.reloads:
        return _copy_again(case)
    return [acts.reload(case.job, case.stopped.reloads), *_copy_again(case)]


def _resumed(case: Case) -> list[Remedy]:
    return _with_skip(case, acts.resume(case.job, "Carry the job on, when what it says is done."))


def _unsupported(case: Case) -> list[Remedy]:
    if case.stopped.reloads:
        return _stale(case)
    if case.needs_copy:
        return _copy_again(case)
    text = "Post the job's document without the table, or otherwise so that the job need not carry this."
    return [*_resumed(case), acts.update(case.job, text)]


def _purged(case: Case) -> list[Remedy]:
    """Help where the log is not whole any more: behind the job's position, or while its copy goes on."""
    if not case.stopped.params.get("copying"):
        return _copy_again(case)
    keep = acts.statement(
        "Have the source keep its log for longer than the copy takes, and purge nothing of it meanwhile.",
        case.stopped.params.get("look", ""),
    )
    return [keep, acts.resume(case.job, "Carry the job on: its copy begins again.")]


def _copy_again(case: Case) -> list[Remedy]:
    """Help a job from whose position the source's log does not lead on."""
    then = (
        "then post its document again without a start: all rows come as reads."
        if case.delivers
        else "then post its document again with DropTableIfExists, for a new copy."
    )
    other = "Name another server of the same replication, whose log still reaches back to the job's position."
    return [
        acts.purge(case.job, f"Forget the job and its checkpoint; {then}"),
        acts.update(case.job, other),
        acts.resume(case.job, "Carry the job on, if the source has its log again."),
        *([acts.skip(case.job, case.stopped.gtid)] if case.skips else []),
    ]


def _copied_again(case: Case) -> list[Remedy]:
    text = "Carry the job on, when nobody else writes to the table on the target: it is copied again."
    return [acts.resume(case.job, text), acts.update(case.job, "Post the job's document without the table.")]


def _refused(case: Case) -> list[Remedy]:
    found = [
        acts.resume(case.job, "Carry the job on, when every fault is removed."),
        acts.update(case.job, "Post the job's document otherwise, so that the faults do not apply."),
    ]
    return [*found, *([acts.revert(case.job)] if case.record.documents else [])]


def _restarts(case: Case) -> list[Remedy]:
    return [acts.resume(case.job, "Carry the job on: it gets all its attempts again.")]


def _not_understood(case: Case) -> list[Remedy]:
    text = "Post a document that this version understands; or start the version that wrote it, or a newer one."
    return [acts.update(case.job, text), acts.delete(case.job)]


def _tables_failed(case: Case) -> list[Remedy]:
    return [acts.resume(case.job, "Have the tables copied again, when the cause is removed."), acts.give_up(case.job)]


def _failed(case: Case) -> list[Remedy]:
    return _copy_again(case) if case.needs_copy else _resumed(case)


_BY_CAUSE: dict[str, Callable[[Case], list[Remedy]]] = {
    Cause.ROW_MISSING: _row,
    Cause.ROW_EXISTS: _row,
    Cause.ROW_DIFFERS: _row,
    Cause.DIVERGENCE: _row,
    Cause.COPY_DIFFERS: _copied_again,
    Cause.TABLE_MISSING: _row,
    Cause.MEMORY_LOST: _row,
    Cause.DEFINITION: _row,
    Cause.STATEMENT_REFUSED: _row,
    Cause.UNSETTLED: _unsettled,
    Cause.STALE_TABLE: _stale,
    Cause.UNSUPPORTED: _unsupported,
    Cause.LOG_DAMAGED: _unsupported,
    Cause.LIMIT: _resumed,
    Cause.START_REFUSED: _refused,
    Cause.SOURCE_PURGED: _purged,
    Cause.SOURCE_RESET: _copy_again,
    Cause.SINK: _resumed,
    Cause.TOO_MANY_RESTARTS: _restarts,
    Cause.SUPERSEDED: _restarts,
    Cause.NOT_UNDERSTOOD: _not_understood,
    Cause.TABLES_FAILED: _tables_failed,
    Cause.INTERNAL: _failed,
    Cause.FAILED: _failed,
}
