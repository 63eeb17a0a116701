"""One attempt to carry out a job, from the first look at both servers until it has ended. No I/O here.

A run is made new for each attempt and thrown away when it ends, so nothing that was learnt in it can be taken for
something of the next one: what the target's checkpoint says, what the source is, what speaks against the job.

    STARTING --both sides are good--> RUNNING --it is to end--> DRAINING --> ENDED
    PURGING  --the checkpoint is gone-----------------------------------> ENDED
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

from udup.actors.messages import Ready, Wake
from udup.base import runtime
from udup.base.errors import Failure, Fault, Side
from udup.jobs import Stage, TaskType
from udup.jobs.growth import Growth
from udup.jobs.progress import TaskReport
from udup.pipeline.ports import JobPlan, SourceLook

APPLIER = "applier"

#: The actor that lives longer than the job's runs.
CUTOVER_ROLE = "cutover"

#: Which task a role works for.
TASK_OF_ROLE = {"extractor": TaskType.SRC, "applier": TaskType.DEST, "worker": TaskType.DEST}
ROLE_OF_TASK = {TaskType.SRC: "extractor", TaskType.DEST: "applier"}

#: Stages in which a run applies the log, so that it can be ended at a transaction boundary.
_FOLLOWING = (Stage.CATCHING_UP, Stage.RUNNING)

#: Seconds for which a run that has applied nothing yet must hear of the source before an outage counts as over.
STANDS_SECONDS = 15.0

#: Looks at the source before a start: a second one where the target has a checkpoint.
_LOOKS = 2


class Phase(Enum):
    STARTING = "starting"  # both sides look at their servers
    RUNNING = "running"  # rows and log flow
    DRAINING = "draining"  # it is coming to an end at a transaction boundary
    PURGING = "purging"  # it removes the checkpoint, and does nothing else
    ENDED = "ended"


class Question(Enum):
    """What a run is asked that looks level, where its job ends then; see `completion.py`."""

    NONE = "none"
    ASKED = "asked"  # the source: what it has executed
    ANSWERED = "answered"  # the target is to have all of that


class Next(Enum):
    """What comes next in a run that is starting."""

    WAIT = "wait"
    LOOK_AGAIN = "look again"  # at the source
    CHECK = "check"  # both sides have said what they can: does anything speak against it?
    GIVE_UP = "give up"  # both have said what they can, and one cannot use its server now


@dataclass
class Run:
    """`number` tells it from every other run of the job. `began`: on the clock of `runtime.now`."""

    number: int
    phase: Phase = Phase.STARTING
    began: float = field(default_factory=lambda: runtime.now())
    source_node: str = ""  # where its Src task is; "": here
    is_guest: bool = False  # its Src task alone is here, and another node's job
    packs: bool = True  # and that node's version reads what is compressed, and sends marks back
    #: What the source and the target have answered in this run, None until they have.
    source: SourceLook | None = None
    target: Ready | None = None
    #: What the two sides have refused it for, and which sides those are.
    refusals: list[Fault] = field(default_factory=list)
    refused_by: set[TaskType] = field(default_factory=set)
    #: What keeps a side from using its server or NATS now, by its task: time heals it.
    lost: dict[TaskType, Failure] = field(default_factory=dict)
    heard: set[TaskType] = field(default_factory=set)  # tasks that have reported anything
    looks: int = 0
    #: What the servers' settings warn of; None until the run has started.
    server_warnings: tuple[str, ...] | None = None
    stage: Stage = Stage.PENDING  # how far it has come
    follows_since: float | None = None  # since when the source is heard by the target's side
    proven: bool = False  # it has applied something: failures in a row are counted from here
    growth: Growth | None = None  # how the job's tables were changing when it began
    plan: JobPlan | None = None  # as it began: all tasks have its tables, whatever is stored meanwhile
    apart: bool = False  # the target has not taken the side job in that it was to
    held: str = ""  # the statement before which its log is not read on
    outdated: bool = False  # it goes by settings that were replaced
    question: Question = Question.NONE
    source_executed: str | None = None  # what the answer was
    completing: bool = False  # a migration that is level: with this run it is done

    # ---- What is learnt ----

    def source_seen(self, look: SourceLook) -> None:
        """Take what the source says now in place of what it said before."""
        faults = tuple(fault if fault.task else replace(fault, task=TaskType.SRC.value) for fault in look.faults)
        self.source = replace(look, faults=faults)
        self.looks += 1

    def target_ready(self, ready: Ready) -> None:
        self.target = ready

    def refused(self, role: str, faults: Sequence[Fault]) -> None:
        """Note that one side has refused the job, and attribute its faults to that side's task."""
        task = TASK_OF_ROLE[role]
        self.refusals += [fault if fault.task else replace(fault, task=task.value) for fault in faults]
        self.refused_by.add(task)

    def lose(self, role: str, failure: Failure) -> None:
        """Note that a side cannot use what it needs now. The other one is still heard: it may be away as well."""
        self.lost[TASK_OF_ROLE[role]] = failure

    def outdate(self) -> None:
        """Note that the job has another document now: the run is to be ended, whatever it was about to do."""
        self.outdated, self.completing = True, False

    def end(self) -> None:
        self.phase = Phase.ENDED

    # ---- What follows from it ----

    @property
    def may_refuse(self) -> bool:
        """Whether a refusal now means that the job cannot start; later it is a failure like any other."""
        return self.phase is Phase.STARTING

    def next_step(self) -> Next:
        """Return what comes next while the run is starting."""
        source_answered = self.source is not None or TaskType.SRC in self.refused_by
        target_answered = self.target is not None or TaskType.DEST in self.refused_by
        if self.phase is Phase.STARTING and self.lost:
            return Next.WAIT if self.unheard else Next.GIVE_UP
        if self.phase is not Phase.STARTING or self.apart or not (source_answered and target_answered):
            return Next.WAIT
        return Next.LOOK_AGAIN if self._must_look_again else Next.CHECK

    @property
    def _must_look_again(self) -> bool:
        """Whether what is known of the source may be older than the checkpoint that the target has answered with.

        Another owner, or a run before, may have applied since what the source executed after it was looked at.
        """
        if self.refusals or self.source is None or self.source.faults or self.target is None:
            return False
        return self.target.start_after is not None and self.looks < _LOOKS

    def look_again(self) -> None:
        """Forget what the source has said: it is asked again."""
        self.source = None

    @property
    def start_after(self) -> str | None:
        """The checkpoint's position; None for a full copy, or where the target has not said."""
        return None if self.target is None else self.target.start_after

    @property
    def folds_names(self) -> bool:
        """Whether the source keeps names in lower case."""
        return self.source is not None and self.source.info.folds_names

    @property
    def drainable(self) -> bool:
        """Whether it applies the log, so that it can be ended at a transaction boundary."""
        return self.phase is Phase.RUNNING and self.stage in _FOLLOWING

    def is_back(self, report: TaskReport) -> bool:
        """Return whether the job follows or copies again: rows come to the target, or all of them are there.

        A run that has long to read before its first commit counts when it has stood for a while; one that fails at its
        first rows (a full disk) does not.
        """
        if self.phase is not Phase.RUNNING:
            return False
        if report.proves_the_run or report.progress.copied_rows:
            return True
        if report.progress.lag_ms is None:
            return False
        if self.follows_since is None:
            self.follows_since = runtime.now()
        return runtime.now() - self.follows_since >= STANDS_SECONDS

    @property
    def silent_sides(self) -> tuple[Side, ...]:
        """Return which servers have not answered in this run."""
        answers = ((Side.SOURCE, self.source, TaskType.SRC), (Side.TARGET, self.target, TaskType.DEST))
        return tuple(side for side, answer, task in answers if answer is None and task not in self.refused_by)

    @property
    def answered(self) -> frozenset[Side]:
        """Return which sides have been reached in this run; the target is heard over NATS."""
        source = {Side.SOURCE} if self.looks else set()
        target = {Side.TARGET, Side.NATS, Side.NODE} if self.target is not None else set()
        return frozenset(source | target)

    @property
    def unheard(self) -> tuple[TaskType, ...]:
        """Return the tasks that have said nothing of their servers in this run, neither good nor bad."""
        known = {*self.lost, *self.refused_by}
        known |= {TaskType.SRC} if self.looks else set()
        known |= {TaskType.DEST} if self.target is not None else set()
        return tuple(task for task in TaskType if task not in known)

    @property
    def is_starting(self) -> bool:
        """Whether it is making processes and connections now."""
        return self.phase in (Phase.STARTING, Phase.PURGING)

    def is_late(self, wake: Wake) -> bool:
        """Whether a wake-up finds the run where it should not be any more. No other wake-up acts on a run."""
        match wake:
            case Wake.START_OVERDUE:
                return self.phase is Phase.STARTING
            case Wake.OTHER_SIDE_SILENT:
                return self.phase is Phase.STARTING and bool(self.refusals or self.lost)
            case Wake.DRAIN_OVERDUE:
                return self.phase is Phase.DRAINING
            case Wake.ANSWER_OVERDUE:
                return self.phase is Phase.RUNNING and self.question is Question.ASKED
            case Wake.PURGE_OVERDUE:
                return self.phase is Phase.PURGING
            case Wake.RETRY:
                return False


class RunNumbers:
    """Numbers of runs, of all jobs of one supervisor. They are times, so they are new even to the next supervisor."""

    def __init__(self) -> None:
        self._last = 0

    def next(self) -> int:
        self._last = max(self._last + 1, runtime.wall_ns() // 1_000_000)
        return self._last


def tasks_at_fault(faults: Sequence[Fault], role: str = "") -> tuple[TaskType, ...]:
    """Return whose fault it is: the tasks that the faults name, else the one that the role works for, else both."""
    named = tuple(task for task in TaskType if any(fault.task == task.value for fault in faults))
    if named:
        return named
    return (TASK_OF_ROLE[role],) if role in TASK_OF_ROLE else tuple(TaskType)
