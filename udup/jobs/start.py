"""Where a job begins that makes no copy: decided once, when its document comes, and kept in the job's record.

`AutoGtid` means the moment at which the job was posted. Were it decided by a run, a process that dies before the first
checkpoint would have the next one begin later, and what the source has committed between the two would be left out. So
the source is asked before the document is stored, both are stored in one write, and only then is the client answered.
The first run writes the position into the target's checkpoint, by which every later run goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from udup.base.errors import Fault, Refused
from udup.base.kept import Kept
from udup.base.long_text import cut_set
from udup.jobs.document import oracle
from udup.jobs.document.spec import JobSpec
from udup.jobs.progress import JobProgress
from udup.pipeline.checks import SRC
from udup.pipeline.ports import Beginning, ServerInfo, StartPoint

#: The key of a destination of messages that begins without a snapshot, or ends with it.
_SNAPSHOT = "Snapshot"

#: Characters of a GTID set that a remedy shows whole.
_SET_MAX = 600


class DecidedStart(Kept):
    """What a document's start means: `at` as the document says it, `position` what comes before it.

    `server_uuid` is the server that was asked, `time_ns` when, in nanoseconds since the epoch.
    """

    at: str
    position: str
    server_uuid: str
    time_ns: int = 0

    @classmethod
    def of(cls, point: StartPoint, found: Beginning, now: int) -> DecidedStart:
        return cls(at=str(point), position=found.position, server_uuid=found.server_uuid, time_ns=now)

    def faults_of_another(self, job: str, source: ServerInfo) -> list[Fault]:
        """Return the fault of a start that was decided on another server than the job's source is now.

        To decide it there again would leave out what was committed between the two.
        """
        if source.uuid == self.server_uuid:
            return []
        problem = (
            f"where the job begins ({self.at}) was decided on the server {self.server_uuid}, and its source is"
            f" {source.uuid} now: it says nothing of that one's log"
        )
        remedy = (
            "name that server again. If the new one is its replica and has all of its log, delete the job with its"
            f" checkpoint (udup job delete --purge {job}), and post it with"
            f' "Gtid": "{cut_set(self.position, _SET_MAX)}", which is Start.After of the job (GET /v1/job/{job}). A'
            " start that is decided again begins later, and what was committed since the first is left out"
        )
        return [Fault(f"Src {source.address}", problem, remedy, SRC)]


def kept_start(spec: JobSpec, stored: JobSpec | None, decided: DecidedStart | None) -> DecidedStart | StartPoint | None:
    """Return how a job begins by a new document: what is decided already, or what is to be decided; None by a copy.

    `stored` and `decided` are what the job has. The same start is never decided again. A job of an older version, which
    did not look at the key, stays one that copies.
    """
    point = spec.begins_at
    if point is None:
        return None
    return decided if stored is not None and stored.begins_at == point else point


@dataclass(frozen=True)
class OtherStart:
    """What a new document says by `key`, which means nothing to a job that has begun: `said`, and what was `before`.

    `place` is that of its task. `ends`: it is a copy alone of a job that has begun without one.
    """

    key: str
    said: str
    before: str
    place: int
    ends: bool = False

    @property
    def path(self) -> str:
        """Where the document says it."""
        return f"Tasks[{self.place}].Config.{self.key}"


def other_start(spec: JobSpec, stored: JobSpec) -> OtherStart | None:
    """Return in what a document names another start than the one before; None if it names the same, or none."""
    key, said = _said(spec)
    before_key, before = _said(stored)
    if spec.copy_alone and before_key:
        key = _SNAPSHOT if spec.delivers else "SkipIncrementalCopy"
        return OtherStart(key, "", before_key, _place(spec, key), ends=True)
    if not key or (key, said) == (before_key, before):
        return None
    return OtherStart(key, said, before if before_key == key else before_key, _place(spec, key))


def check_unchanged(spec: JobSpec, stored: JobSpec, job: str, progress: JobProgress) -> None:
    """Raise `Refused` if a document names another start than the job has begun with: it would mean nothing.

    One that names none any more is taken: the job goes on by its checkpoint. Whether one `Gtid` is another than the one
    before says the target, which knows whether the job has begun.
    """
    other = other_start(spec, stored)
    if other is not None and has_another_target(spec, stored):
        return  # nothing is known of what that one has, until it is asked
    if other is None or (other.key == "Gtid" and stored.gtid):
        return
    if other.ends:
        if progress.applied_gtid:
            raise Refused([begun_without_copy(job, other)])
        return
    purge = f"udup job delete --purge {job}"
    if applied := progress.applied_gtid:
        problem = f"job {job} has begun already, and goes on after {applied[:100]}: another start would change nothing"
        remedy = f"leave it as it was, or out; to begin elsewhere delete the job with its checkpoint ({purge}) first"
    elif progress.copied_rows:
        problem = f"the copy of job {job} has begun, and its tables are half there"
        remedy = (
            f"leave it out; to begin without a copy delete the job with its checkpoint ({purge}), and load the tables"
        )
    else:
        return
    raise Refused([Fault(other.path, problem, remedy)])


def has_another_target(spec: JobSpec, stored: JobSpec) -> bool:
    """Return whether a document names another server as its target: what one has executed says nothing of the other.

    Of a destination of messages its stream or topics and its prefix count as well: others have nothing of the job.
    Who is asked as, and how, makes no other server. Two names may be one server; it says so itself when it is asked.
    """
    return spec.target_place() != stored.target_place()


def begun_without_copy(job: str, other: OtherStart) -> Fault:
    """Return what is wrong with a copy alone of a job that has begun otherwise."""
    problem = f"job {job} has begun without a copy ({other.before}), and would be complete without one"
    remedy = f"leave it out; to end the job: udup job pause {job}, or udup job delete {job}"
    return Fault(other.path, problem, remedy)


def _said(spec: JobSpec) -> tuple[str, str]:
    """Return the key that says where the job begins, and what; "" for a copy."""
    if spec.gtid:
        return "Gtid", spec.gtid.lower()
    point = spec.begins_at
    if point is None:
        return "", ""
    now = "AutoGtid" if spec.source.config.auto_gtid else _SNAPSHOT
    if point.file == oracle.SCN:
        return f"{oracle.KEY}.Scn", str(point.offset)
    return "GtidStart" if point.gtid else "BinlogFile" if point.file else now, str(point)


def _place(spec: JobSpec, key: str) -> int:
    return spec.tasks.index(spec.target if key == _SNAPSHOT else spec.source)
