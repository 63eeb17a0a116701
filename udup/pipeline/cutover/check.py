"""The first step: everything that a later step could stumble over is looked at while nothing has been changed.

All faults are told at once. What is found is kept, and a dry run ends here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from udup.base.errors import Fault, Refused, UdupError
from udup.base.long_text import some_of
from udup.pipeline.checks import DEST, SRC, Check, Outcome
from udup.pipeline.cutover.host import CutoverSettings
from udup.pipeline.cutover.objects import kept_events, kept_triggers, lacking_triggers
from udup.pipeline.cutover.state import Options, shortened
from udup.pipeline.ownership import Known
from udup.pipeline.ports import CutoverNeeds, Drivers, GateLook, ScheduledEvent, Trigger

#: Names and transactions that are listed in a message.
_LISTED = 10

#: What helps against accounts that write to a read-only server.
_VOUCH = (
    "take that from them and have them connect again, or lock them; or say --writes-stopped as well, your word that"
    " none of them writes there: what they write before the switch fails the cut-over, what they write later is lost"
)

#: Bytes of each thing that is kept with the job, which has room for its own document beside them.
KEPT_MAX = 1 << 19


@dataclass(frozen=True)
class Found:
    """What both servers were found to be. `lacking` are triggers that the target does not have yet; `warnings` do not
    keep the cut-over from anything.
    """

    closed: bool
    counters: int
    events: tuple[ScheduledEvent, ...]
    lacking: tuple[Trigger, ...]
    warnings: tuple[str, ...]

    @property
    def kept(self) -> dict[str, Any]:
        """Return what the record keeps of it."""
        return {"events": kept_events(self.events), "triggers": kept_triggers(self.lacking)}

    @property
    def text(self) -> str:
        parts = [
            "the source is read-only already" if self.closed else "",
            f"tables with counters: {self.counters}",
            f"events enabled on the source: {listed(self.events) if self.events else 'none'}",
            f"triggers that the target gets: {listed(self.lacking)}" if self.lacking else "",
            *self.warnings,
        ]
        return "; ".join(part for part in parts if part)


def needs_of(options: Options) -> CutoverNeeds:
    return CutoverNeeds(options.source_read_only, options.enable_events, options.reverse)


def listed(things: Iterable[object]) -> str:
    """Return some of them as people read them."""
    return some_of([str(each) for each in things], _LISTED)


def passed_over(skipped: Sequence[str]) -> str:
    """Return what is to be known of transactions that were passed over on purpose."""
    one = len(skipped) == 1
    many = "a transaction was" if one else f"{len(skipped)} transactions were"
    return f"{many} passed over on purpose, so the target lacks {'it' if one else 'them'}: {listed(skipped)}"


def frozen_text(options: Options, source: str, look: GateLook) -> str:
    """Return how the source is that nobody may write to any more; raise if it is not."""
    if look.closed and (why := lets_write(options, source, look)):
        raise UdupError(why)
    if look.closed:
        by = "by Udup" if options.source_read_only else "as it was found"
        if not look.besides:
            return f"nobody can write to {source}: it is read-only {by}"
        names = listed(look.besides)
        return f"{source} is read-only {by}, but for these, of whom you say that they do not write: {names}"
    if options.source_read_only:
        raise UdupError(f"{source} is not read-only although that was set: somebody sets it otherwise")
    if not options.writes_stopped:
        raise UdupError(f"{source} can be written to")
    return f"{source} can be written to; you say that nothing does"


def still_written(options: Options, source: str, look: GateLook, written: str) -> str:
    """Return what is wrong with a source to which nobody may write any more, "" if nothing is.

    `written` is what it has executed beyond what is known.
    """
    if look.closed and not look.besides:
        return ""  # what it still executes nobody has written: FLUSH, the end of a XA transaction
    if look.closed and (why := lets_write(options, source, look)):
        return why
    if look.closed:
        return f"{_still(source, written)}, although it is read-only" if written else ""
    if options.source_read_only or not options.writes_stopped:
        return f"{source} is not read-only any more: it was started again, or somebody opened it"
    return _still(source, written) if written else ""


def _still(source: str, written: str) -> str:
    return f"somebody still writes to {source}: {shortened(written, 200)} came after the rest"


def lets_write(options: Options, source: str, look: GateLook) -> str:
    """Return who can write to a closed source all the same, "" where the operator vouches for them, or it is nobody."""
    if not look.besides or options.writes_stopped:
        return ""
    return f"{source} lets these accounts write although it is read-only: {listed(look.besides)}"


class Checking:
    """Asks both servers, from a thread. `taken` is the way back's name, chosen by the engine."""

    def __init__(self, settings: CutoverSettings, drivers: Drivers) -> None:
        self._settings = settings
        self._drivers = drivers
        self._plan = settings.plan
        self._options = settings.cutover.options
        self._source = drivers.source_gate(self._plan.source)
        self._target = drivers.target_gate(self._plan.target)

    def look(self, way_back: str) -> Found:
        """Return what was found; `Refused` with everything that speaks against it."""
        needs, scope = needs_of(self._options), self._plan.scope
        checks = self._source.checks(needs, scope)
        blind = any(check.outcome is Outcome.FAIL for check in checks)
        look = self._source.look()
        events = tuple(self._source.events(scope))
        lacking = () if blind else tuple(lacking_triggers(self._source, self._target, scope))
        checks += self._target.checks(needs, events, lacking)
        faults = list(self._faults_of_jobs(look, blind=blind))
        faults += self._faults_of_sizes(events, lacking)
        faults += self._faults_of_events(look, events)
        counters = self._source.counters(scope)
        if self._options.reverse:
            faults += self._settings.back_faults
            checks += self._checks_of_way_back(way_back)
        failed = [check for check in checks if check.outcome is Outcome.FAIL]
        faults += [Fault(_where(check), check.found, check.remedy, check.task) for check in failed]
        if faults:
            raise Refused(faults)
        warnings = [check.found for check in checks if check.outcome is Outcome.WARN and check.name == "cutover"]
        if look.besides and (look.closed or self._options.source_read_only):
            names = listed(look.besides)
            warnings.append(f"a read-only source lets these write, and you say that they do not: {names}")
        if self._settings.skipped:
            warnings.append(f"{passed_over(self._settings.skipped)}; compare the tables before: udup job status")
        return Found(look.closed, len(counters), events, lacking, tuple(warnings))

    def _faults_of_jobs(self, look: GateLook, *, blind: bool) -> Iterator[Fault]:
        """`blind`: the account may not ask the source for everything, as is told already."""
        job, source, closed = self._plan.job, self._drivers.source(self._plan.source), look.closed
        where = f"Src {source.where}"
        if (closed or self._options.source_read_only) and (why := lets_write(self._options, "it", look)):
            yield Fault(where, why, _VOUCH, SRC)
        if not (closed or self._options.source_read_only or self._options.writes_stopped):
            yield Fault(
                where,
                "can still be written to",
                "add --source-read-only, or make it read-only, or say --writes-stopped if nothing writes there",
                SRC,
            )
        if self._drivers.target(self._plan.target).executed(job) is None:
            remedy = f"wait until the copy ends, or the job has begun: udup job status {job}"
            yield Fault(f"Dest {self._plan.target}", f"has no checkpoint of job {job}", remedy, DEST)
        if unfinished := [] if blind else self._source.unfinished():
            problem = (
                f"has XA transactions that are not ended: {listed(unfinished)}; nobody could end them on the target"
            )
            yield Fault(where, problem, "commit or roll them back, and stop what makes them", SRC)
        elif kept := self._target.kept(job):
            problem = f"keeps prepared transactions that have not ended: {listed(kept)}"
            yield Fault(f"Dest {self._plan.target}", problem, "try again when the job has applied their end", DEST)

    def _faults_of_sizes(self, events: Sequence[ScheduledEvent], lacking: Sequence[Trigger]) -> Iterator[Fault]:
        """What a cut-over keeps must find room: behind the switch it would be too late to notice."""
        source, target = self._drivers.source(self._plan.source), self._drivers.source(self._plan.target)
        by_hand = "cut over by hand: stop writing to the source, udup job wait, udup job delete"
        for task, server in ((SRC, source), (DEST, target)):
            if (size := len(str(server.executed()))) > KEPT_MAX:
                problem = f"the transactions that it has executed take {size:,} bytes to name, {KEPT_MAX:,} are kept"
                yield Fault(f"{task} {server.where}", problem, by_hand, task)
        size = sum(len(event.model_dump_json()) for event in kept_events(events))
        if size > KEPT_MAX:
            problem = f"the names of its {len(events):,} enabled events take {size:,} bytes, {KEPT_MAX:,} are kept"
            yield Fault(f"Src {source.where}", problem, by_hand, SRC)
        size = sum(len(trigger.model_dump_json()) for trigger in kept_triggers(lacking))
        if size > KEPT_MAX:
            problem = (
                f"the {len(lacking):,} triggers that the target lacks take {size:,} bytes, {KEPT_MAX:,} are kept:"
                f" {listed(lacking)}"
            )
            yield Fault(f"Src {source.where}", problem, f"{by_hand}, and make the triggers on the target", SRC)

    def _faults_of_events(self, look: GateLook, events: tuple[ScheduledEvent, ...]) -> Iterator[Fault]:
        """Of a source that stays open: what its events write there after the switch, nobody brings over."""
        stays_open = not (look.closed or self._options.source_read_only)  # a closed one runs none that write
        if self._options.enable_events and stays_open and look.runs_events and events:
            yield Fault(
                f"Src {self._drivers.source(self._plan.source).where}",
                f"stays open and runs events that would run on both servers: {listed(events)}",
                "turn its event scheduler off, or add --source-read-only, or leave --enable-events out",
                SRC,
            )

    def _checks_of_way_back(self, name: str) -> list[Check]:
        """Return what a start of the way back would check now, as if this job had ended."""
        back = self._settings.back
        if back is None:
            return []
        position = str(self._drivers.source(self._plan.target).executed())
        known = Known(self._settings.known.node, self._settings.known.jobs - {self._plan.job})
        checks = self._drivers.validate(replace(back, job=name, start_after=position), known)
        arranged = self._source.arranges
        asked = [each for each in checks if not (each.task == DEST and each.name in arranged)]
        there = {
            SRC: self._drivers.source(self._plan.target).where,
            DEST: self._drivers.source(self._plan.source).where,
        }
        return [replace(each, name=_name_of_way_back(each, there)) for each in asked]


def _name_of_way_back(check: Check, there: Mapping[str, str]) -> str:
    """Return a check's name with the server that it is of: the way back's source is the target of this job."""
    at = there.get(check.task, "")
    return f"way back, {check.name}" + (f" at {at}" if at else "")


def _where(check: Check) -> str:
    return f"{check.task or 'the two servers'}: {check.name}" if check.name != "cutover" else check.task
